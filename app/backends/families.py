"""Databases of several files: which family a file or a base name belongs to, and what the family's files say."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.backends.binary import read_head
from app.backends.files import companion, signature
from app.backends.sdbm.layout import find_geometry
from app.backends.signatures import HEAD_BYTES, Finding, Head, gdbm, lmdb

DUMB_SUFFIXES: Final = (".dat", ".dir", ".bak")
NDBM_SUFFIXES: Final = (".pag", ".dir")
SQLITE_SUFFIXES: Final = ("-wal", "-shm", "-journal")

_INDEX_LINE: Final = re.compile(rb"""^(?:'.*'|".*"), \(\d+L?, \d+L?\)\r?$""", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FamilyFinding:
    """``finding`` for the family of ``base``, whose first file to open is ``path``.

    ``is_sure`` is false when nothing but the names of the files speaks for it.
    """

    base: Path
    path: Path
    suffixes: tuple[str, ...]
    finding: Finding
    is_sure: bool = True


def base_of(path: Path, suffixes: tuple[str, ...]) -> Path | None:
    """Return the base name when ``path`` is named as a member of the family."""
    for suffix in suffixes:
        if path.name.endswith(suffix) and len(path.name) > len(suffix):
            return path.with_name(path.name[: -len(suffix)])
    return None


def existing(base: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    members = (companion(base, suffix) for suffix in suffixes)
    # A name that is too long for a file is that of none; `Path.is_file` would raise.
    return tuple(member for member in members if os.path.isfile(member))  # noqa: PTH113 - `Path.is_file` raises for names that are too long


def owners_of(path: Path) -> tuple[Path, ...]:
    """Return files beside ``path`` whose programs would take a file of that name for a part of their database.

    What they do with it is their own: SQLite empties a journal, dbm.dumb writes over its older index.

    Raises:
        CannotOpen: one of them may not be read.
    """
    main = base_of(path, SQLITE_SUFFIXES)
    if main is not None and existing(main, ("",)):
        return (main,)
    data = path.with_name("data.mdb") if path.name == "lock.mdb" else base_of(path, ("-lock",))
    if data is not None and existing(data, ("",)) and lmdb(read(data)):
        return (data,)
    for family, suffixes in ((dumb, DUMB_SUFFIXES), (ndbm, NDBM_SUFFIXES)):
        base = base_of(path, suffixes)
        found = family(base) if base is not None else None
        if found and found.is_sure:
            return tuple(member for member in existing(found.base, suffixes) if member != path)
    return ()


def read(path: Path) -> Head:
    """Return the head of a file.

    Raises:
        CannotOpen: it is missing or may not be read.
    """
    wal = signature(companion(path, "-wal"))
    return Head(path, *read_head(path, HEAD_BYTES), has_wal=wal is not None and wal.size > 0)


def dumb(base: Path) -> FamilyFinding | None:
    """``dbm.dumb``: a text index in .dir, or in .bak after a crash, beside the values in .dat."""
    data, *indexes = (companion(base, suffix) for suffix in DUMB_SUFFIXES)
    if not data.is_file():
        return None
    heads: list[Head] = []
    for head in (read(index) for index in indexes if index.is_file()):
        heads.append(head)
        if head.data[:1] in {b"'", b'"'} or _INDEX_LINE.search(head.data):
            lost = "" if head.path.suffix == ".dir" else f"; {base.name}.dir is missing or empty"
            reason = f"dbm.dumb: {head.path.name} is an index of lines with key, position and size{lost}"
            return FamilyFinding(base, data, DUMB_SUFFIXES, Finding("dumb", "dbm.dumb", reason))
    if not heads or any(head.size for head in heads):
        return None
    size = data.stat().st_size
    if not size:
        finding = Finding("dumb", "dbm.dumb", f"dbm.dumb: {data.name} and its index are both empty")
        return FamilyFinding(base, data, DUMB_SUFFIXES, finding)
    reason = f"by its name only: the index {heads[0].path.name} is empty though {data.name} has {size:,} bytes"
    return FamilyFinding(base, data, DUMB_SUFFIXES, Finding("dumb", "dbm.dumb", reason), is_sure=False)


def values_of_dumb(base: Path) -> tuple[Path, ...]:
    """Return what ``dbm.dumb`` has beside the ``.dir`` that it shares with ndbm, where it is surely its own."""
    found = dumb(base)
    return existing(base, (".dat", ".bak")) if found and found.is_sure else ()


def ndbm(base: Path) -> FamilyFinding | None:
    """GDBM's imitation of ndbm, or SDBM: pages in .pag, and .dir beside them."""
    pages = companion(base, ".pag")
    if not pages.is_file():
        return None
    head = read(pages)
    finding = _gdbm_compat(head) or _sdbm(head, has_dir=companion(base, ".dir").is_file())
    return FamilyFinding(base, pages, NDBM_SUFFIXES, finding) if finding else None


def _gdbm_compat(head: Head) -> Finding | None:
    found = gdbm(head)
    return replace(found, format_id="gdbm-ndbm") if found else None


def _sdbm(head: Head, *, has_dir: bool) -> Finding | None:
    if not head.data.strip(b"\0"):
        reason = f"SDBM: {head.path.name} has no entries as far as was looked, and .dir is beside it"
        return Finding("sdbm", "no entries seen", reason) if has_dir else None
    geometry = find_geometry(head.data)
    if geometry is None:
        return None
    reason = f"SDBM: the pages looked at hold falling offsets ({geometry})"
    return Finding("sdbm", str(geometry), reason, geometry.byte_order)
