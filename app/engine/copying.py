"""Copies of what is open in any format: all that the format can hold, and by name what it cannot."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from app import limits
from app.backends.base import Backend, Change, Expected, Match
from app.backends.changes import NAMED_KEYS, key_text
from app.backends.files import Signature, signature
from app.backends.key_index import KeyIndex
from app.backends.records import Records, SelectedRecords, StoredRecords
from app.backends.writer import Refusal
from app.cancel import CancelToken, Pass
from app.engine.advice import advice_on_size, choosing, repeating
from app.engine.base import MadeDatabase, Refusals, RefusedEntry
from app.engine.destination import Destination
from app.engine.laid_over import changed_records
from app.errors import CorruptDatabase, KeyRejected

WAY_OUT = "leave them out"
"""What the sentence on entries that cannot be stored offers."""


class Copy:
    """The entries of a database on their way into another one; see `Engine.convert`."""

    def __init__(
        self,
        destination: Destination,
        backend: Backend,
        index: KeyIndex,
        changes: Sequence[Change],
        expected: Mapping[int, Expected] | None,
    ) -> None:
        self._destination = destination
        self._source = backend.match
        self._before = _signatures(backend.match)
        self._is_damaged = bool(backend.problems)
        self._records = changed_records(StoredRecords(backend, index), index, changes, expected)
        if self._is_damaged:
            self._records.may_repeat = True  # what is damaged need not keep the rules of its format

    def refusals(self, token: CancelToken) -> Refusals:
        """Return what the destination cannot hold."""
        self._destination = self._destination.holding(self._records, token)
        return self._storable(token, reads_values=self._is_damaged)[1]

    def write(self, token: CancelToken, *, leaves_out: bool) -> MadeDatabase:
        """Write what the destination can hold.

        Raises:
            KeyRejected: that is not all, and ``leaves_out`` is false.
        """
        self._destination.keep_apart(self._source.files)
        self._destination = self._destination.holding(self._records, token)
        try:
            made = self._write(token, leaves_out=leaves_out, reads_values=self._is_damaged)
        except CorruptDatabase:
            if self._is_damaged:
                raise
            # A value in the midst of it could not be read: find all of those first.
            made = self._write(token, leaves_out=leaves_out, reads_values=True)
        if _signatures(self._source) == self._before:
            return made
        warning = f"{self._source.base.name} was written meanwhile: what is new there may be missing in the copy."
        return replace(made, warnings=(*made.warnings, warning))

    def _write(self, token: CancelToken, *, leaves_out: bool, reads_values: bool) -> MadeDatabase:
        count = len(self._records)
        looking = Pass(token, before=0, counted=count, after=2 * count)
        records, left_out = self._storable(looking, reads_values=reads_values)
        if left_out.count and not leaves_out:
            raise cannot_store(left_out, self._destination.base)
        records = self._destination.writer.under_new_keys(records)
        return self._destination.make(records, left_out, Pass(token, before=count, counted=2 * len(records)))

    def _storable(self, token: CancelToken, *, reads_values: bool) -> tuple[Records, Refusals]:
        """Return the entries that can be stored, and the others."""
        refused = _Refused()
        records = self._records
        if reads_values:
            records = refused.without(records, _unreadable(records, token))
        return _storable(self._destination, records, refused, token)


def _signatures(source: Match) -> tuple[Signature | None, ...]:
    return tuple(map(signature, source.files))


class _Refused:
    """Counts refusals and keeps the first of them."""

    def __init__(self) -> None:
        self._count = 0
        self._first: list[RefusedEntry] = []
        self.rows: list[int] = []
        """Those that were refused last."""

    def without(self, records: Records, refusals: Iterable[Refusal]) -> Records:
        """Return the records without those that are refused, and note these."""
        rows = []
        for refusal in refusals:
            rows.append(refusal.row)
            if len(self._first) < limits.PROBLEMS:
                self._first.append(RefusedEntry(refusal.key, refusal.reason))
        self._count += len(rows)
        self.rows = rows
        return SelectedRecords(records, rows) if rows else records

    def summary(self, advice: str) -> Refusals:
        return Refusals(self._count, tuple(self._first), advice)


def storable(destination: Destination, records: Records, token: CancelToken) -> tuple[Records, Refusals]:
    """Return the entries that a new database can hold, and the others."""
    return _storable(destination, records, _Refused(), token)


def _storable(
    destination: Destination, records: Records, refused: _Refused, token: CancelToken
) -> tuple[Records, Refusals]:
    kept = refused.without(records, destination.writer.refusals(records, token))
    return kept, refused.summary(_advice(destination, records, refused.rows))


def _advice(destination: Destination, records: Records, rows: Sequence[int]) -> str:
    """Return what else could be chosen to hold what is refused, the rows of it, or an empty string."""
    writer = destination.writer
    if advice := advice_on_size(writer, destination.options, records, rows):
        return advice
    option = repeating(writer.format_id)
    comes_again = (row for row in rows if not writer.why_refused(records.key(row), records.size(row)))
    holds_all = writer.holds_duplicates and not writer.sorts_duplicates
    if option is None or holds_all or next(comes_again, None) is None:
        return ""
    return choosing(option, "unsorted")


def _unreadable(records: Records, token: CancelToken) -> Iterator[Refusal]:
    for row in range(len(records)):
        token.advance(row, len(records))
        try:
            for _piece in records.pieces(row):
                token.check()
        except CorruptDatabase as error:
            reason = error.detail or error.message.rstrip(".")
            yield Refusal(row, records.key(row), f"its value cannot be read ({reason})")


def cannot_store(left_out: Refusals, target: Path) -> KeyRejected:
    """Return the error that names the first of the entries that a new database cannot hold."""
    named = [f"{key_text(entry.key)} ({entry.reason})" for entry in left_out.first[:NAMED_KEYS]]
    more = f" and {left_out.count - len(named):,} more" if left_out.count > len(named) else ""
    what = "One entry" if left_out.count == 1 else f"{left_out.count:,} entries"
    shown = f"{', '.join(named)}{more}"
    advice = f"{left_out.advice}, " if left_out.advice else ""
    message = f"{what} cannot be stored in {target.name}: {shown}; {advice}{WAY_OUT}, or choose another format."
    return KeyRejected(message, path=target)
