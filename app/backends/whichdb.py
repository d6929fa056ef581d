"""What a path names: ranked matches with the reason for each, from the heads of files only.

Any member of a family of companion files opens the database, and so does the bare base name.
"""

from pathlib import Path
from typing import Final

from app.backends import families, value_signatures
from app.backends.base import Match, Values, end_of
from app.backends.binary import cannot_open
from app.backends.families import DUMB_SUFFIXES, NDBM_SUFFIXES, SQLITE_SUFFIXES, FamilyFinding
from app.backends.files import companion
from app.backends.signatures import DETECTORS, Finding, Head
from app.errors import CannotOpen, UnknownFormat

_BASE_SUFFIXES: Final = (
    *(".db", ".gdbm", ".dbm", ".sqlite3", ".sqlite", ".cdb", ".tdb", ".mdb"),
    *(".pkl", ".pickle", ".marshal"),
)
"""What programs append to the name that they are given."""
_LMDB_DATA: Final = "data.mdb"


def whichdb(path: Path, values: Values = None) -> list[Match]:
    """Return what ``path`` can be opened as, the likeliest first; never empty.

    ``values`` tells files of bare values, pickles and marshal; without it they are not recognised.

    Raises:
        UnknownFormat: no format that we know claims the file.
        CannotOpen: it is missing, forbidden, empty or a folder, or the main one of its companion files is missing.
    """
    try:
        if path.is_file() or (path.exists() and not path.is_dir()):
            return _of_file(path, values)
        return _of_base(path, values)
    except (OSError, ValueError) as error:
        raise cannot_open(path, error) from error


def _of_file(path: Path, values: Values) -> list[Match]:
    main = families.base_of(path, SQLITE_SUFFIXES)
    if main is not None and main.is_file():
        return _of_file(main, values)
    head = families.read(path)
    findings = [finding for detector in DETECTORS if (finding := detector(head))]
    kin = _families_of(path) if not findings or families.base_of(path, DUMB_SUFFIXES + NDBM_SUFFIXES) else []
    sure = [_family_match(member) for member in kin if member.is_sure]
    # GDBM's imitation of ndbm has the magic of GDBM and is known by its name alone.
    if not any(match.format_id == "gdbm-ndbm" for match in sure):
        sure = sorted([_own_match(path, finding) for finding in findings] + sure, key=_is_not_dumb)
    if sure:
        return sure
    # Where the last entry of dbm.dumb was deleted, the values in .dat are left: the first is no file of values.
    matches = [_family_match(member) for member in kin]
    matches += [_own_match(path, finding) for finding in _value_findings(head, values)]
    if not matches:
        raise _unknown(head)
    return matches


def _is_not_dumb(match: Match) -> bool:
    """Rank what a file holds itself above its neighbours, but an index of dbm.dumb above the first value beside it."""
    return match.format_id != "dumb"


def _of_base(path: Path, values: Values) -> list[Match]:
    """Return matches for a name that is no file itself: a base name, or a folder that is a database."""
    if path.name in {"", ".."}:
        raise cannot_open(path, IsADirectoryError())
    matches = [_family_match(member) for member in (families.dumb(path), families.ndbm(path)) if member]
    candidates = [companion(path, suffix) for suffix in _BASE_SUFFIXES]
    failures: list[CannotOpen] = []
    for candidate in (*candidates, path / _LMDB_DATA):
        if candidate.is_file():
            try:
                matches += _of_file(candidate, values)
            except CannotOpen as error:
                failures.append(error)
    if matches:
        return matches
    if failures:
        raise failures[0]
    raise cannot_open(path, IsADirectoryError() if path.is_dir() else FileNotFoundError())


def _families_of(path: Path) -> list[FamilyFinding]:
    """Return the families that ``path`` is named as a member of, or whose base name it is."""
    bases = ((families.dumb, DUMB_SUFFIXES), (families.ndbm, NDBM_SUFFIXES))
    found = (detector(families.base_of(path, suffixes) or path) for detector, suffixes in bases)
    return [member for member in found if member is not None]


def _value_findings(head: Head, values: Values) -> list[Finding]:
    pickle_end = end_of(values, "pickle")
    candidates = (
        value_signatures.compressed_pickle(head, pickle_end),
        value_signatures.compiled_python(head),
        value_signatures.pickle_file(head, pickle_end),
        value_signatures.marshal_file(head, end_of(values, "marshal")),
    )
    return [finding for finding in candidates if finding is not None]


def _own_match(path: Path, finding: Finding) -> Match:
    companions = families.existing(path, SQLITE_SUFFIXES) if finding.format_id == "sqlite3" else ()
    return _match(finding, path, path, (path, *companions))


def _family_match(member: FamilyFinding) -> Match:
    return _match(member.finding, member.path, member.base, families.existing(member.base, member.suffixes))


def _match(finding: Finding, path: Path, base: Path, files: tuple[Path, ...]) -> Match:
    return Match(
        finding.format_id, finding.variant, finding.reason, path, base, files, finding.byte_order, finding.unsupported
    )


def _unknown(head: Head) -> CannotOpen:
    """Return the error for a file that nothing claims, with what can be said about it."""
    name = head.path.name
    for suffixes, what, wanted in _ORPHANS:
        base = families.base_of(head.path, suffixes)
        if base is not None and not any(companion(base, suffix).is_file() for suffix in wanted):
            missing = " or ".join(f"{base.name}{suffix}" for suffix in wanted)
            message = f"{name} alone cannot be opened: as {what} it needs {missing} beside it, which is missing."
            return CannotOpen(message, path=head.path)
    if not head.size:
        return CannotOpen(f"{name} is empty (0 bytes): there is nothing to open.", path=head.path)
    if not head.data.strip(b"\0"):
        what = f"{name} holds nothing but zero bytes as far as was looked; restore it from a backup."
        return UnknownFormat(what, path=head.path)
    start = head.data[:8].hex(" ")
    what = f"{name} is not a database that Shelfscope knows (it begins with {start}); check that it is the right file."
    return UnknownFormat(what, path=head.path)


_ORPHANS: Final = (
    (SQLITE_SUFFIXES, "a part of an SQLite database", ("",)),
    ((".bak", ".dir"), "an index", (".dat", ".pag")),
    ((".dat",), "the values of dbm.dumb", (".dir", ".bak")),
)
