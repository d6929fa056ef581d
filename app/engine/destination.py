"""Where a new database goes and what writes it: names, options, and what must not be written over."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.backends.base import Backend
from app.backends.create import create_database, name_taken
from app.backends.families import SQLITE_SUFFIXES, base_of, existing, owners_of
from app.backends.files import saving
from app.backends.fingerprint import occurrences_in
from app.backends.formats import FORMATS
from app.backends.records import Records
from app.backends.registry import new_writer
from app.backends.spool import SpooledRecords
from app.backends.writer import CreateOptions, Writer
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.engine.advice import repeating
from app.engine.base import MadeDatabase, NewDatabase, Refusals
from app.errors import KeyRejected, OptionRejected, ReadOnlyDatabase, SaveFailed

_KINDS: dict[str, type] = {
    "page_size": int,
    "byte_order": str,
    "numsync": bool,
    "layout": str,
    "duplicates": str,
    "mode": int,
}


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a new database goes, and what writes it."""

    writer: Writer
    base: Path
    options: CreateOptions
    replaces: bool
    lets_repeat: bool = False
    """Whether keys may come again where nothing was said of that, though they do not unless it is told."""

    @classmethod
    def of(cls, target: NewDatabase, source: Backend | None = None) -> "Destination":
        """Return what makes that database; the name of a member of several files stands for their base name.

        ``source`` is what it is a copy of, whose layout can be kept.

        Raises:
            OptionRejected: no such database can be made.
            SaveFailed: the name is that of a folder.
        """
        options = _options(target)
        kept = _same_layout(target, source) if target.keeps_layout and source else None
        writer = kept or new_writer(target.format, options, codecs.VALUE_ENDS)
        path = Path(target.path)
        if path.name in {"", ".."}:
            raise SaveFailed(f"{path} is a folder; name a new file in it.", path=path)
        suffixes = tuple(filter(None, writer.suffixes))
        lets_repeat = kept is None and target.options.get("duplicates") is None and repeating(target.format) is not None
        return cls(writer, base_of(path, suffixes) or path, options, target.replaces, lets_repeat)

    def holding(self, records: Records, token: CancelToken) -> "Destination":
        """Return this, or where keys come again and nothing was said of that, one that holds them all."""
        if not self.lets_repeat or not records.may_repeat or not _has_repeats(records, token):
            return self
        options = replace(self.options, duplicates="unsorted")
        writer = new_writer(self.writer.format_id, options, codecs.VALUE_ENDS)
        return replace(self, writer=writer, options=options)

    def keep_apart(self, source: Iterable[Path]) -> None:
        """Refuse to write over a file of the source.

        Raises:
            SaveFailed: one of the new files would have its name.
        """
        self.refuse_taken()
        kept = {os.path.realpath(path) for path in source}
        with saving(self.base, is_new=True):
            for path in (*self.writer.paths(self.base), *self.writer.in_the_way(self.base)):
                if os.path.realpath(path) in kept or _is_one_of(path, kept):
                    message = f"{path.name} belongs to the database that is read; choose another name for the new one."
                    raise SaveFailed(message, path=path)
            self._refuse_parts()

    def refuse_taken(self) -> None:
        """Make sure that the names are free or to be replaced, before long work is done; it is tried again at the end.

        Raises:
            SaveFailed: they are not.
        """
        with saving(self.base, is_new=True):
            self._refuse_taken()

    def _refuse_taken(self) -> None:
        paths = self.writer.paths(self.base)
        in_the_way = self.writer.in_the_way(self.base)
        for taken in filter(os.path.lexists, (*paths, *in_the_way)):
            if taken.is_dir() or not self.replaces:
                raise name_taken(taken)
        for part in (part for path in paths for part in existing(path, SQLITE_SUFFIXES) if part not in in_the_way):
            message = f"{part.name} belongs to an SQLite database that was not closed; choose another name."
            raise SaveFailed(message, path=part)

    def _refuse_parts(self) -> None:
        """Refuse a name under which the programs of a database beside it would write over the new one."""
        paths = self.writer.paths(self.base)
        ours = {*paths, *self.writer.in_the_way(self.base)}
        for path in paths:
            if owner := next((one for one in owners_of(path) if one not in ours), None):
                message = f"{path.name} would be taken for a part of {owner.name} beside it; choose another name."
                raise SaveFailed(message, path=path)

    def make(self, records: Records, left_out: Refusals, token: CancelToken) -> MadeDatabase:
        """Write the database; ``records`` hold nothing that its writer refuses."""
        self.refuse_taken()
        with saving(self.base, is_new=True):
            self._refuse_parts()
        if not len(records) and not FORMATS[self.writer.format_id].can_be_empty:
            raise self._nothing_to_write(left_out)
        mode = self.options.mode
        report = create_database(self.writer, self.base, records, token, mode=mode, replaces=self.replaces)
        told = self._told(report.warnings)
        return MadeDatabase(_texts(report.files), len(records), left_out, _texts(report.backups), told)

    def _told(self, warnings: tuple[str, ...]) -> tuple[str, ...]:
        if not self.lets_repeat or not self.writer.holds_duplicates:
            return warnings
        return (*warnings, "Keys come again, so that it was made to hold duplicates, in the order they came in.")

    def _nothing_to_write(self, left_out: Refusals) -> KeyRejected:
        label, name = FORMATS[self.writer.format_id].label.lower(), self.base.name
        why = "there is no entry to put into it"
        if left_out.count:
            entries = "the only entry cannot" if left_out.count == 1 else f"none of the {left_out.count:,} entries can"
            why = f"{entries} be stored ({left_out.first[0].reason})"
        message = f"{name} was not made: a {label} cannot be empty, and {why}; choose another format."
        return KeyRejected(message, path=self.base)


def _has_repeats(records: Records, token: CancelToken) -> bool:
    """Tell whether a key comes more than once."""
    occurrences = occurrences_in(records, token)
    return any(occurrences.next(chunk.key(row)) for chunk in records.chunks() for row in range(len(chunk)))


def _is_one_of(path: Path, others: Iterable[str]) -> bool:
    """Tell whether a path is another name (a link, another case) of a file that is there."""
    return path.exists() and any(os.path.exists(other) and path.samefile(other) for other in others)  # noqa: PTH110 - `Path.exists` raises for names that are too long


def _same_layout(target: NewDatabase, source: Backend) -> Writer | None:
    """Return what writes databases laid out as the source, where its format is wanted and it can be written."""
    try:
        return source.writer() if source.format_id == target.format else None
    except ReadOnlyDatabase:
        return None


def _texts(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(map(str, paths))


def _options(target: NewDatabase) -> CreateOptions:
    """Return the options for a writer, which refuses what its format cannot have."""
    given: dict[str, Any] = {name: value for name, value in target.options.items() if value is not None}
    for name, value in given.items():
        if name not in _KINDS:
            raise OptionRejected(f"New databases have no option named {name!r:.40}; leave it out.")
        if type(value) is not _KINDS[name]:
            raise OptionRejected(f"{value!r:.40} is no {name.replace('_', ' ')}; choose another.")
    return CreateOptions(**given)


def create(target: NewDatabase, token: CancelToken) -> MadeDatabase:
    """Make an empty database; see `Engine.create`."""
    with SpooledRecords() as nothing:
        return Destination.of(target).make(nothing, Refusals(), token)
