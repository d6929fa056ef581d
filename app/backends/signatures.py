"""What the first bytes of one file say about its format, without looking at the files beside it.

Each detector is a small function that returns a `Finding` or None; `DETECTORS` is their order of trust.
"""

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.backends.base import ByteOrder
from app.backends.berkeley import meta as bdb_meta
from app.backends.berkeley185 import hash_layout as bdb185_hash_layout
from app.backends.berkeley185 import pages as bdb185_pages
from app.backends.gdbm import layout as gdbm_layout
from app.backends.lmdb import pages as lmdb_pages
from app.backends.tdb import layout as tdb_layout

HEAD_BYTES: Final = 65536
"""The largest page of SQLite and Berkeley DB; all that detectors look at."""
_NOT_YET: Final = "reading it is not there yet"


@dataclass(frozen=True, slots=True)
class Head:
    """The first `HEAD_BYTES` of a file of ``size`` bytes; ``has_wal``: a write-ahead log lies beside it."""

    path: Path
    data: bytes
    size: int
    has_wal: bool = False

    def hexadecimal(self, start: int, stop: int) -> str:
        return f"bytes {start}-{stop - 1} are {self.data[start:stop].hex(' ')}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a detector says; the fields are those of `base.Match`."""

    format_id: str
    variant: str
    reason: str
    byte_order: ByteOrder | None = None
    unsupported: str = ""


Detector = Callable[[Head], Finding | None]


def _named_only(head: Head, what: str, advice: str) -> str:
    return f"{head.path.name} is {what}; {_NOT_YET}: {advice}."


def sqlite(head: Head) -> Finding | None:
    """``dbm.sqlite3``, or another SQLite database where its first page shows that there is no table Dict.

    Whether the table has the right columns is for the backend to check; a schema that does not fit the first page
    or still lies in the -wal file cannot be judged here.
    """
    if not head.data.startswith(b"SQLite format 3\0"):
        return None
    reason = "SQLite: the file begins with 'SQLite format 3'"
    page_size = int.from_bytes(head.data[16:18], "big")
    page = head.data[: HEAD_BYTES if page_size <= 1 else page_size]
    if _DICT_TABLE.search(page):
        return Finding("sqlite3", "dbm.sqlite3", f"{reason}, its schema has a table Dict")
    whole_schema_here = page[100:101] == b"\x0d" and head.data[56:60] == b"\0\0\0\1" and not head.has_wal
    if not whole_schema_here:
        return Finding("sqlite3", "dbm.sqlite3", reason)
    unsupported = (
        f"{head.path.name} is a SQLite database without the table Dict of dbm.sqlite3, so it is no dbm database: "
        "open it with an SQLite browser."
    )
    return Finding("sqlite3", "SQLite without a table Dict", reason, unsupported=unsupported)


_DICT_TABLE: Final = re.compile(
    rb"create\s+table\s+(if\s+not\s+exists\s+)?(main\s*\.\s*)?[\"'`\[]?dict\b", re.IGNORECASE
)


def gdbm(head: Head) -> Finding | None:
    order = gdbm_layout.magic_order(head.data)
    if order is None:
        return None
    header = gdbm_layout.parse_header(head.data)
    numsync = gdbm_layout.MAGICS[int.from_bytes(head.data[:4], order)].numsync
    words = [header.layout.name if header else "damaged header", f"{order}-endian", *(["numsync"] if numsync else [])]
    variant = ", ".join(words)
    return Finding("gdbm", variant, f"GDBM, {variant}: {head.hexadecimal(0, 4)}", order)


_METHODS_185: Final = {bdb185_hash_layout.MAGIC: "hash", bdb185_pages.MAGIC: "btree"}


def bdb185(head: Head) -> Finding | None:
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for order in orders:
        method = {bdb185_hash_layout.MAGIC: "hash", bdb185_pages.MAGIC: "btree"}.get(
            int.from_bytes(head.data[:4], order)
        )
        if method is None or len(head.data) < 12:
            continue
        # The header of a hash file is big-endian on most machines; the order of its pages stands in it.
        pages = order if method == "btree" else _order_of_lorder(int.from_bytes(head.data[8:12], order))
        meta = bdb185_pages.Meta.parse(head.data, order)
        kind = "record numbers" if meta and meta.is_recno else method
        variant = f"Berkeley DB 1.85 {kind}" + (f", {pages}-endian" if pages else "")
        return Finding(f"bdb185-{method}", variant, f"{variant}: {head.hexadecimal(0, 4)}", pages)
    return None


def _order_of_lorder(number: int) -> ByteOrder | None:
    match number:
        case 1234:
            return "little"
        case 4321:
            return "big"
        case _:
            return None


def bdb(head: Head) -> Finding | None:
    """Berkeley DB 2 and later: magic at byte 12, behind the log sequence number and the page number."""
    found = bdb_meta.find_magic(head.data)
    if found is None:
        return None
    method, order = found
    meta = bdb_meta.parse_meta(head.data)
    reason = f"Berkeley DB {method}, {order}-endian: {head.hexadecimal(12, 16)}"
    if meta is None:
        return Finding(f"bdb-{method}", f"damaged first page, {order}-endian", reason, order)
    release = bdb_meta.RELEASES.get((method, meta.version))
    variant = f"version {meta.version}" + (f" (Berkeley DB {release})" if release else "") + f", {order}-endian"
    variant += ", checksums" if meta.has_checksums else ""
    variant += ", renumbering" if meta.renumbers else ""
    variant += ", sub-databases" if meta.has_subdatabases else ""
    name = head.path.name
    unsupported = f"{name} {why}." if (why := meta.unsupported) else ""
    return Finding(meta.format_id, variant, reason, order, unsupported)


_BY_MAGIC: Final = {
    b"ToKyO CaBiNeT\n": ("tokyo", "a Tokyo Cabinet database", "tchmgr or tcbmgr list it"),
    b"KC\n\0": ("kyoto", "a Kyoto Cabinet database", "kchashmgr or kctreemgr list it"),
    b"[depot]\n\f": ("qdbm", "a QDBM depot", "dpmgr lists it"),
    b"[DEPOT]\n\f": ("qdbm", "a QDBM depot", "dpmgr lists it"),
}


def neighbour(head: Head) -> Finding | None:
    """Related formats whose files begin with their name."""
    for magic, (format_id, what, advice) in _BY_MAGIC.items():
        if head.data.startswith(magic):
            variant = what.split(" ", 1)[1]
            reason = f"the file begins with {magic.rstrip(bytes((0, 10, 12))).decode('ascii')!r}"
            return Finding(format_id, variant, reason, unsupported=_named_only(head, what, advice))
    return None


def tdb(head: Head) -> Finding | None:
    if not head.data.startswith(tdb_layout.MAGIC):
        return None
    reason = "the file begins with 'TDB file'"
    header = tdb_layout.parse_header(head.data)
    if header is None:
        return Finding("tdb", "damaged header", reason)
    mutexes = ", mutexes" if header.base else ""
    return Finding("tdb", f"{header.byte_order}-endian{mutexes}", reason, header.byte_order)


def lmdb(head: Head) -> Finding | None:
    meta = lmdb_pages.parse_meta(head.data)
    if meta is None:
        return _foreign_lmdb(head)
    variant = f"{meta.byte_order}-endian, pages of {meta.page_size:,} bytes"
    reason = f"LMDB, {meta.byte_order}-endian: {head.hexadecimal(16, 20)}"
    unsupported = ""
    if meta.version != lmdb_pages.VERSION:
        unsupported = _named_only(
            head, f"an LMDB file of version {meta.version}", "mdb_dump of its own release shows its content"
        )
    return Finding("lmdb", variant, reason, meta.byte_order, unsupported)


def _foreign_lmdb(head: Head) -> Finding | None:
    """Name what has the magic of LMDB where we cannot read it: on 32-bit machines all fields are smaller."""
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for order in orders:
        for offset, what in ((16, "damaged first page"), (12, "32-bit")):
            if len(head.data) >= 24 and int.from_bytes(head.data[offset : offset + 4], order) == lmdb_pages.MAGIC:
                unsupported = _named_only(head, "an LMDB file of a 32-bit machine", "mdb_dump shows its content there")
                reason = f"LMDB, {order}-endian: {head.hexadecimal(offset, offset + 4)}"
                return Finding("lmdb", f"{what}, {order}-endian", reason, order, unsupported if offset == 12 else "")
    return None


def cdb(head: Head) -> Finding | None:
    """CDB has no magic: its 256 hash tables must lie back to back behind the entries."""
    if len(head.data) < 2048:
        return None
    tables = struct.unpack_from("<512I", head.data)
    expected = tables[0]
    for position, slots in zip(tables[::2], tables[1::2], strict=True):
        if position != expected:
            return None
        expected += 8 * slots
    if tables[0] < 2048 or expected < head.size:
        return None
    cut = f"; {expected - head.size:,} bytes are missing at its end" if expected > head.size else ""
    variant = "cdb" + (", cut" if cut else "")
    return Finding("cdb", variant, f"CDB: 256 hash tables lie back to back{cut}", "little")


DETECTORS: Final[tuple[Detector, ...]] = (sqlite, gdbm, bdb185, bdb, tdb, neighbour, lmdb, cdb)
