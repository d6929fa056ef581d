"""Entries on their way between databases: copied as bytes and as text, pasted in one edit."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from app.backends.changes import key_text
from app.cancel import CancelToken
from app.codecs.screen import quote_bytes, quote_text
from app.document.copied_entries import CopiedEntries, Pair, Place, batches, sources_of
from app.document.draft import Draft, Edited
from app.document.editing import EditableEntries
from app.document.entry_texts import entries_of, line_of
from app.document.file_values import FileForm, SortedFiles, sorted_files, values_of
from app.document.job import Job
from app.document.nodes import LITERAL_CHARS, text_of
from app.document.snapshot import Snapshot
from app.document.sparing import spared
from app.engine.value_calls import Stored
from app.errors import EncodeError, KeysTaken, LimitExceeded

_TEXT_ENTRIES = 2_000
"""Entries that are copied as a text too: each has to be decoded for that."""
_TEXT_CHARS = LITERAL_CHARS
_NUMBER = re.compile(rb"[0-9]{1,18}")
_ENTRY_BYTES = 50
"""Bytes of copied data that are taken to be an entry until they were looked at."""


class Clash(Enum):
    """What becomes of entries whose keys are there already."""

    REFUSE = auto()
    REPLACE = auto()
    KEEP_BOTH = auto()
    SKIP = auto()


@dataclass(frozen=True, slots=True)
class Incoming:
    """Entries that are to be pasted; ``taken`` are those of their keys that are there, or that come again."""

    entries: tuple[Pair, ...]
    taken: tuple[bytes, ...] = ()


class EntryTransfer(EditableEntries):
    """Copies and pastes."""

    # ---- out

    def copy_entries_job(self, entry_ids: Sequence[int]) -> Job[CopiedEntries]:
        """Return entries to be put elsewhere, as they are now; deleted ones are left out.

        Fails with LimitExceeded where they are too many or too large.
        """
        index, pending, wanted, is_shelf = self.index, self.pending_entries, tuple(entry_ids), self.is_shelf

        def work(token: CancelToken) -> CopiedEntries:
            with spared(len(wanted)):
                entries = self._read_all(sources_of(wanted, index, pending), token)
                return CopiedEntries.of(entries, self._text(entries, token, is_shelf=is_shelf))

        return Job("Copying entries", work)

    def _read_all(self, sources: Sequence[Place], token: CancelToken) -> list[Pair]:
        entries: list[Pair] = []
        for batch in batches(sources):
            token.advance(len(entries), len(sources))
            stored = [source for _key, source in batch if isinstance(source, Stored)]
            values = iter(self._engine.read_all(stored, token))
            entries += [(key, source if isinstance(source, bytes) else next(values)) for key, source in batch]
        return entries

    def _text(self, entries: Sequence[Pair], token: CancelToken, *, is_shelf: bool) -> str:
        if len(entries) > _TEXT_ENTRIES:
            return ""
        lines: list[str] = []
        room = _TEXT_CHARS
        for number, (key, value) in enumerate(entries):
            token.advance(number, len(entries))
            if len(value) > room:
                return ""
            try:
                text = text_of(self._engine, value, "", token) if is_shelf else _raw_text(value)
            except LimitExceeded:
                return ""
            lines.append(line_of(key, text))
            room -= len(lines[-1])
            if room < 0:
                return ""
        return "\n".join(lines)

    # ---- in

    def incoming_job(self, entries: Sequence[Pair]) -> Job[Incoming]:
        """Learn what pasting these entries would meet; fails with KeyRejected where one cannot be held."""
        return Job(
            "Looking at what is pasted", lambda token: self._incoming(entries, token), edits=True, needs_keys=True
        )

    def incoming_copy_job(self, data: bytes) -> Job[Incoming]:
        """Learn the same of entries that were copied, by whatever program; fails with EncodeError where it is none."""

        def work(token: CancelToken) -> Incoming:
            with spared(len(data) // _ENTRY_BYTES):
                return self._incoming(CopiedEntries(data).entries, token)

        return Job("Looking at what is pasted", work, edits=True, needs_keys=True)

    def incoming_text_job(self, text: str) -> Job[Incoming]:
        """Learn the same of what a text stands for: lines of ``key: value`` in Python literals, or a JSON object.

        Fails with EncodeError where it is neither.
        """

        def work(token: CancelToken) -> Incoming:
            return self._incoming(entries_of(text, self._engine, self.name, token), token)

        return Job("Reading what is pasted", work, edits=True, needs_keys=True)

    def sorted_files_job(self, paths: Sequence[Path]) -> Job[SortedFiles]:
        """Tell databases from files that can become values; fails where one is neither."""
        wanted = tuple(paths)
        return Job("Looking at files", lambda token: sorted_files(wanted, self._engine, token))

    def incoming_files_job(self, files: Sequence[tuple[bytes, Path]], form: FileForm) -> Job[Incoming]:
        """Learn what pasting the bytes of files under these keys would meet."""
        wanted = tuple(files)

        def work(token: CancelToken) -> Incoming:
            return self._incoming(values_of(wanted, form, self._engine, self.name, token), token)

        return Job("Reading files", work, needs_keys=True)

    def _incoming(self, entries: Sequence[Pair], token: CancelToken) -> Incoming:
        if self.is_numbered:
            return Incoming(tuple(entries))
        snapshot = self._snapshot()
        snapshot.refuse_unstorable(entries, token)
        return Incoming(tuple(entries), tuple(_clashing(entries, snapshot)))

    def paste_job(self, entries: Sequence[Pair], clash: Clash = Clash.REFUSE) -> Job[Edited]:
        """Add many entries in one edit; ``clash`` says what happens where keys can come but once.

        Where keys are the numbers of values, entries get the next ones.
        """
        pasted = list(entries)
        title = f"Paste of {key_text(pasted[0][0])}" if len(pasted) == 1 else f"Paste of {len(pasted):,} entries"

        def work(draft: Draft) -> Edited:
            with spared(len(pasted)):
                chosen = self._numbered(pasted, draft.snapshot) if self.is_numbered else pasted
                chosen = _decided(chosen, clash, draft.snapshot, draft.token)
                draft.snapshot.refuse_unstorable(chosen, draft.token)
                self._put_all(draft, chosen)
                return draft.edited(title)

        return self._edit_job("Pasting", work, needs_keys=True)

    def free_key_job(self, key: bytes) -> Job[bytes]:
        """Return a key for a copy of the entry of that key: as `Clash.KEEP_BOTH` names it, or the next number."""

        def work(token: CancelToken) -> bytes:
            snapshot = self._snapshot()
            if self.is_numbered:
                return b"%d" % _next_number(snapshot)
            same = [(key, b"")] * (2 if snapshot.may_repeat else 1)  # where keys repeat, its own would do
            return _renamed(same, snapshot, token)[-1][0]

        return Job("Looking for a key", work, needs_keys=True)

    def _put_all(self, draft: Draft, entries: Sequence[Pair]) -> None:
        refs = [self._new_ref(key) for key, _value in entries]
        draft.locate(refs)
        for number, (ref, (_key, value)) in enumerate(zip(refs, entries, strict=True)):
            draft.token.advance(number, len(entries))
            draft.put(ref, draft.value(ref), value)

    def _numbered(self, entries: Sequence[Pair], snapshot: Snapshot) -> list[Pair]:
        """Return entries under the numbers behind those that are there."""
        codec = (self.info.format if self.info else "").partition("-")[0]
        for key, value in entries:
            [summary] = snapshot.engine.summaries([value], CancelToken())
            if summary.codec != codec:
                raise EncodeError(f"{key_text(key)} holds no {codec}, and {self.name} can hold nothing else.")
        return [(b"%d" % number, value) for number, (_key, value) in enumerate(entries, _next_number(snapshot))]


def _next_number(snapshot: Snapshot) -> int:
    """Return the number behind those of all entries, where keys are numbers."""
    added = (ref.key for ref, change in snapshot.pending.items() if change.digest is None)
    return max((len(snapshot.index), *(int(key) + 1 for key in added if _NUMBER.fullmatch(key))))


def _raw_text(value: bytes) -> str:
    """Return the literal of a value that is no pickle: a text, if it is one."""
    try:
        return quote_text(value.decode())
    except UnicodeDecodeError:
        return quote_bytes(value)


def _clashing(entries: Sequence[Pair], snapshot: Snapshot) -> list[bytes]:
    """Return the keys, each once, that are there already or come more than once."""
    if snapshot.may_repeat:
        return []
    counts = Counter(key for key, _value in entries)
    there = set(snapshot.taken(counts))
    return [key for key, count in counts.items() if count > 1 or key in there]


def _decided(entries: Sequence[Pair], clash: Clash, snapshot: Snapshot, token: CancelToken) -> list[Pair]:
    """Return what is pasted of entries, so that no key comes twice where that cannot be."""
    if snapshot.may_repeat:
        return list(entries)
    match clash:
        case Clash.REFUSE:
            keys = [key for key, _value in entries]
            snapshot.refuse_taken(keys)
            _refuse_twice(keys, snapshot.name)
            return list(entries)
        case Clash.REPLACE:
            return list(dict(entries).items())
        case Clash.SKIP:
            there = set(snapshot.taken({key for key, _value in entries}))
            return list({key: value for key, value in reversed(entries) if key not in there}.items())[::-1]
        case Clash.KEEP_BOTH:
            return _renamed(entries, snapshot, token)


def _refuse_twice(keys: Sequence[bytes], name: str) -> None:
    twice = [key for key, count in Counter(keys).items() if count > 1]
    if twice:
        message = f"{key_text(twice[0])} would come twice, and {name} can hold each key only once."
        raise KeysTaken(message, keys=tuple(twice))


def _renamed(entries: Sequence[Pair], snapshot: Snapshot, token: CancelToken) -> list[Pair]:
    """Return entries with other keys where theirs are there or come again: ``key (2)``, ``key (3)`` and so on."""
    names: dict[int, bytes] = {}
    used: set[bytes] = set()
    waiting, number = list(range(len(entries))), 1
    while waiting:
        token.check()
        wanted = {row: entries[row][0] + (b" (%d)" % number if number > 1 else b"") for row in waiting}
        taken = set(snapshot.taken(wanted.values()))
        for row, name in wanted.items():
            if name not in taken and name not in used:
                names[row] = name
                used.add(name)
        waiting = [row for row in waiting if row not in names]
        number += 1
    return [(names[row], value) for row, (_key, value) in enumerate(entries)]
