"""Every container format by name: what Shelfscope can do with it, and what can be chosen for a new database."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Option:
    """A field of `writer.CreateOptions` that a format knows; the first choice is what it takes unless told."""

    name: str
    label: str
    choices: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Format:
    """One container format; ``label`` is what a person calls it.

    ``options`` are what can be chosen for a new database, ``suffix`` is what its main file's name usually ends with.
    ``endings`` are what the format itself adds to the base name, one for each file of a new database; ``leftovers``
    those of files that an older database of that name may have besides, and that go when it is replaced.
    ``can_be_empty``: whether there are databases of no entries.
    """

    format_id: str
    label: str
    readable: bool = False
    writable: bool = False
    options: tuple[Option, ...] = ()
    suffix: str = ""
    endings: tuple[str, ...] = ("",)
    leftovers: tuple[str, ...] = ()
    can_be_empty: bool = True

    @property
    def use(self) -> str:
        """In one line, which programs read it; empty where it cannot be written."""
        return _USES.get(self.format_id, "")


_BYTE_ORDER = Option("byte_order", "Byte order", ("little", "big"))
_PAGE_SIZE = Option("page_size", "Page size", (4096, 512, 1024, 2048, 8192, 16384, 32768, 65536))
_DUPLICATES = Option("duplicates", "Duplicate keys", ("", "unsorted", "sorted"))
_BDB = (_PAGE_SIZE, _BYTE_ORDER, _DUPLICATES)
_GDBM = (
    Option("layout", "Layout", ("64-bit", "32-bit", "64-bit offsets of a 32-bit machine")),
    _BYTE_ORDER,
    Option("page_size", "Block size", (4096, 512, 1024, 2048, 8192, 16384, 32768, 65536)),
    Option("numsync", "Extended header (numsync)", (False, True)),
)
_NDBM_FILES = (".pag", ".dir")
_SQLITE_LEFTOVERS = ("-journal", "-wal", "-shm")
_SDBM = (Option("page_size", "Page size", (1024, 512, 2048, 4096, 8192, 16384, 32768)), _BYTE_ORDER)

_USES: Mapping[str, str] = MappingProxyType(
    {
        "sqlite3": "Python 3.13 and later, and everything that reads SQLite",
        "dumb": "Every Python, without any library; slow when it is large",
        "gdbm": "Python's dbm.gnu on Linux, and many other languages",
        "gdbm-ndbm": "NDBM_File and ODBM_File of Perl on Debian and its relatives",
        "sdbm": "Perl, Ruby, Apache; only small entries",
        "bdb-hash": "Python 2's dbhash and bsddb, dbm.ndbm on Debian, mail and DNS servers",
        "bdb-btree": "The programs of Berkeley DB hash, where they want keys in order",
        "cdb": "Mail and DNS servers; made to be read, fast at any size",
        "lmdb": "Programs with the lmdb library",
        "pickle-file": "Values without keys, one pickle after the other",
        "marshal-file": "Values without keys as Python's marshal writes them, and compiled modules",
    }
)
"""Which programs read what can be written. The order is that of lists."""

FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        form.format_id: form
        for form in (
            Format("dumb", "dbm.dumb", readable=True, writable=True, endings=(".dat", ".dir"), leftovers=(".bak",)),
            Format("sqlite3", "dbm.sqlite3", readable=True, writable=True, suffix=".db", leftovers=_SQLITE_LEFTOVERS),
            Format("gdbm", "GDBM (dbm.gnu)", readable=True, writable=True, options=_GDBM, suffix=".gdbm"),
            Format("bdb-hash", "Berkeley DB hash", readable=True, writable=True, options=_BDB, suffix=".db"),
            Format("bdb-btree", "Berkeley DB B-tree", readable=True, writable=True, options=_BDB, suffix=".db"),
            Format("pickle-file", "Pickle file", readable=True, writable=True, suffix=".pkl", can_be_empty=False),
            Format("marshal-file", "Marshal file", readable=True, writable=True, suffix=".marshal", can_be_empty=False),
            Format("gdbm-ndbm", "GDBM as ndbm", readable=True, writable=True, options=_GDBM, endings=_NDBM_FILES),
            Format("sdbm", "SDBM or classic ndbm", readable=True, writable=True, options=_SDBM, endings=_NDBM_FILES),
            Format("bdb-recno", "Berkeley DB record numbers", readable=True),
            Format("bdb-queue", "Berkeley DB queue", readable=True),
            Format("bdb-heap", "Berkeley DB heap"),
            Format("bdb-log", "Berkeley DB log"),
            Format("bdb185-hash", "Berkeley DB 1.85 hash", readable=True),
            Format("bdb185-btree", "Berkeley DB 1.85 B-tree", readable=True),
            Format("cdb", "CDB", readable=True, writable=True, suffix=".cdb"),
            Format("tdb", "TDB", readable=True),
            Format("lmdb", "LMDB", readable=True, writable=True, suffix=".mdb"),
            Format("tokyo", "Tokyo Cabinet"),
            Format("kyoto", "Kyoto Cabinet"),
            Format("qdbm", "QDBM Depot"),
        )
    }
)
"""What Shelfscope knows by name, by format id; what it can do with it today."""


def writable_in_order() -> Iterator[Format]:
    """Yield the formats that can be written, those first that most people want."""
    return (FORMATS[format_id] for format_id in _USES if FORMATS[format_id].writable)
