"""Writing all that can be found in damaged files into a new database."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from app import limits
from app.backends.base import Match
from app.backends.binary import cannot_open, open_regular
from app.backends.families import DUMB_SUFFIXES, NDBM_SUFFIXES, base_of, existing
from app.backends.files import companion
from app.backends.formats import FORMATS
from app.backends.registry import recognise, salvager_for
from app.backends.salvage import Found, Origin, Salvage, Salvager, name_of
from app.backends.spool import SpooledRecords
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.engine.base import MadeDatabase, NewDatabase, ProblemNote, SalvageReport
from app.engine.copying import storable
from app.engine.destination import Destination
from app.engine.listed import listed
from app.errors import BackendMissing, CannotOpen, CorruptDatabase, OptionRejected, UnknownFormat

_FAMILIES = {"dumb": DUMB_SUFFIXES, "sdbm": NDBM_SUFFIXES, "gdbm-ndbm": NDBM_SUFFIXES}


@dataclass(frozen=True, slots=True)
class _Source:
    """Damaged files, and what searches them."""

    path: Path
    base: Path
    files: tuple[Path, ...]
    format_id: str
    search: Salvager


def salvage(source: str, target: NewDatabase, token: CancelToken, *, deleted: bool, format_id: str) -> SalvageReport:
    """Return what was found and written; see `Engine.salvage`.

    Raises:
        UnknownFormat: the files do not tell what they were.
        CorruptDatabase: nothing was found.
        SaveFailed, OptionRejected: the new database cannot be made.
    """
    destination = Destination.of(target)
    searched = _source(Path(source), format_id)
    destination.keep_apart(searched.files)
    with SpooledRecords() as records:
        tally = _Tally(holds_duplicates=destination.writer.holds_duplicates)
        pickle_end, marshal_end = codecs.VALUE_ENDS["pickle"], codecs.VALUE_ENDS["marshal"]
        what = Salvage(searched.path, searched.base, deleted, pickle_end, tally.report, token, marshal_end)
        for found in searched.search(what):
            token.check()
            records.add(tally.name(found), found.value)
        if not len(records):
            raise _nothing_found(searched, tally, deleted=deleted)
        kept, left_out = storable(destination, records, token)
        report = tally.summary(destination.make(kept, left_out, token), searched.format_id)
    return _with_note(report) if deleted and searched.search is listed else report


def _with_note(report: SalvageReport) -> SalvageReport:
    """Return the report with what was not even tried, which is no loss."""
    note = f"Deleted entries of {report.format} databases are not searched for."
    return replace(report, made=replace(report.made, warnings=(*report.made.warnings, note)))


def _source(path: Path, format_id: str) -> _Source:
    """Return what is to be searched: what it is recognised as, or what somebody who knows says."""
    if path.name in {"", ".."}:
        raise cannot_open(path, IsADirectoryError())
    if not format_id:
        try:
            match = _recognised(path)
        except CannotOpen:
            if not _is_dumb_without_index(path):
                raise
            format_id = "dumb"
        else:
            return _Source(match.path, match.base, match.files, match.format_id, _salvager(match.format_id))
    search = _salvager(format_id)
    suffixes = _FAMILIES.get(format_id, ())
    base = base_of(path, suffixes) or path
    files = tuple(dict.fromkeys(file for file in (path, *existing(base, suffixes)) if file.is_file()))
    if not files:
        open_regular(path).close()  # a folder, pipe or device has a sentence of its own
        raise cannot_open(path, FileNotFoundError())
    return _Source(files[0], base, files, format_id, search)


def _is_dumb_without_index(path: Path) -> bool:
    base = base_of(path, DUMB_SUFFIXES) or path
    return not companion(base, ".dir").is_file() and companion(base, ".dat").is_file()


def _salvager(format_id: str) -> Salvager:
    try:
        return salvager_for(format_id)
    except OptionRejected:
        if format_id in FORMATS and FORMATS[format_id].readable:
            return listed
        raise


def _recognised(path: Path) -> Match:
    try:
        match = recognise(path, codecs.VALUE_ENDS)
    except UnknownFormat as error:
        message = f"{error.message.rstrip('.')}; if you know what it was, salvage it as that format."
        raise UnknownFormat(message, path=error.path) from error
    if match.unsupported:
        raise BackendMissing(match.unsupported, path=match.path)
    return match


def _nothing_found(source: _Source, tally: "_Tally", *, deleted: bool) -> CorruptDatabase:
    name = source.base.name
    # The problem ends with a way out of its own, and names the file where it is not told of by place.
    told = tally.problems[0].message.partition("; restore it")[0].rstrip(".") if tally.problems else ""
    why = f": {told.replace(f'{source.path.name} is', 'it is', 1)}" if told else ""
    hint = "restore it from a backup" if deleted else "ask for deleted entries too, or restore it from a backup"
    message = f"No entry was found in {name}, so no database was made{why}; {hint}."
    return CorruptDatabase(message, path=source.path)


class _Tally:
    """Counts what is found, and gives each entry a key of its own."""

    def __init__(self, *, holds_duplicates: bool) -> None:
        self.problems: list[ProblemNote] = []
        self._holds_duplicates = holds_duplicates
        self._names: set[bytes] = set()
        self._found: Counter[Origin] = Counter()
        self._renamed = 0

    def report(self, message: str, offset: int | None) -> None:
        """Note what could not be found."""
        if len(self.problems) < limits.PROBLEMS:
            self.problems.append(ProblemNote(message, offset))

    def name(self, found: Found) -> bytes:
        """Return the key under which an entry is written."""
        is_taken = self._names.__contains__
        if self._holds_duplicates and found.origin is Origin.LIVE and found.key is not None:
            name = found.key
        else:
            name = name_of(found, is_taken)
        self._found[found.origin] += 1
        self._renamed += name != found.key
        self._names.add(name)
        return name

    def summary(self, made: MadeDatabase, format_id: str) -> SalvageReport:
        """Return the report on what was found and made."""
        return SalvageReport(
            made,
            live=self._found[Origin.LIVE],
            lost=self._found[Origin.LOST],
            deleted=self._found[Origin.DELETED],
            renamed=self._renamed,
            problems=tuple(self.problems),
            format=format_id,
        )
