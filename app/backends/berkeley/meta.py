"""The first page of a Berkeley DB file: which access method, version and options it has.

References: dbinc/db_page.h (DBMETA, HMETA33, BTMETA33, QMETA33) of Berkeley DB 4.1 to 5.3, include/db_page.h and
db_upgrade (hash_upgrade.c, bt_upgrade.c) of Berkeley DB 2.7 to 4.0.
"""

import struct
from dataclasses import dataclass, replace
from typing import Final, Literal

from app.backends.base import ByteOrder
from app.backends.writer import Duplicates

Method = Literal["hash", "btree", "queue", "heap", "log"]
MAGICS: Final[dict[int, Method]] = {
    0x061561: "hash",
    0x053162: "btree",
    0x042253: "queue",
    0x074582: "heap",
    0x040988: "log",
}
META_BYTES: Final = 512
"""The smallest page: all fields of the first page lie in it."""

RELEASES: Final = {
    ("hash", 5): "2", ("hash", 6): "3.0", ("hash", 7): "3.1 to 4.0", ("hash", 8): "4.1 to 4.5",
    ("hash", 9): "4.6 to 5.3", ("hash", 10): "6 to 18", ("btree", 6): "2", ("btree", 7): "3.0",
    ("btree", 8): "3.1 to 4.0", ("btree", 9): "4.1 to 5.3", ("btree", 10): "6 to 18",
    ("queue", 1): "3.0", ("queue", 2): "3.1", ("queue", 3): "3.2 to 4.0", ("queue", 4): "4.1 to 18",
}  # fmt: skip
READABLE: Final = {"hash": (5, 6, 7, 8, 9, 10), "btree": (6, 7, 8, 9, 10), "queue": (3, 4)}
_FIRST_WITH_LAST_PAGE: Final = {"hash": 8, "btree": 9, "queue": 4}
"""Version since which the first page tells the number of the last one, encryption and checksums."""

_CHECKSUMS, _PARTITIONED = 1, 2 | 4
_DUPLICATES, _HASH_SORTED, _BTREE_SORTED = 1, 4, 0x40
_BTREE_RECORD_NUMBERS: Final = 4
_BTREE_RECNO, _BTREE_RENUMBER, _BTREE_SUBDATABASES, _BTREE_COMPRESSED = 2, 0x10, 0x20, 0x80
HASH_OF_DB_2: Final = 5
_BTREE_OF_DB_2, _BTREE_OF_DB_3_0 = 6, 7
CHAR_KEY_HASH: Final = 0x5E688DD1
"""The hash of ``%$sniglet^&`` and a NUL, by which writers tell which hash function they were given."""


@dataclass(frozen=True, slots=True)
class Meta:
    """Fields of the first page; those of the other access method are 0.

    ``log_file`` is the log that has the last change of the page, 0 when none has. ``free_page`` is the first page
    of the free list. ``elements`` are the keys that a hash file counts. ``min_keys``: how many keys at least a leaf
    of a btree has room for.
    """

    method: Method
    version: int
    byte_order: ByteOrder
    page_size: int
    is_encrypted: bool = False
    has_checksums: bool = False
    is_partitioned: bool = False
    last_page: int = 0
    free_page: int = 0
    log_file: int = 0
    flags: int = 0
    max_bucket: int = 0
    high_mask: int = 0
    low_mask: int = 0
    fill_factor: int = 0
    elements: int = 0
    char_key: int = 0
    spares: tuple[int, ...] = ()
    min_keys: int = 0
    root: int = 0
    extent_pages: int = 0

    @property
    def format_id(self) -> str:
        return f"bdb-{'recno' if self.is_recno else self.method}"

    @property
    def is_recno(self) -> bool:
        return self.method == "btree" and bool(self.flags & _BTREE_RECNO)

    @property
    def renumbers(self) -> bool:
        """Whether taking out a record gives those behind it other numbers."""
        return self.is_recno and bool(self.flags & _BTREE_RENUMBER)

    @property
    def has_subdatabases(self) -> bool:
        """Whether the entries are names and places of databases; each of those has the flag, too."""
        return self.method == "btree" and bool(self.flags & _BTREE_SUBDATABASES)

    @property
    def duplicates(self) -> Duplicates:
        """Whether, and in which order, a key can come more than once."""
        sorted_flag = _HASH_SORTED if self.method == "hash" else _BTREE_SORTED
        if self.flags & sorted_flag:
            return "sorted"
        return "unsorted" if self.flags & _DUPLICATES and self.method != "queue" else ""

    @property
    def counts_records(self) -> bool:
        """Whether the pages above the leaves of a btree tell how many entries are below (DB_RECNUM)."""
        return self.method == "btree" and bool(self.flags & _BTREE_RECORD_NUMBERS)

    @property
    def tells_last_page(self) -> bool:
        """Whether the first page has the numbers of the last page and of the first free one."""
        return self.version >= _FIRST_WITH_LAST_PAGE[self.method]

    @property
    def release(self) -> str:
        """The releases of Berkeley DB that write this version."""
        return RELEASES.get((self.method, self.version), "of an unknown release")

    @property
    def has_own_hash(self) -> bool:
        """Whether the program that wrote the file brought its own hash function."""
        return self.char_key != CHAR_KEY_HASH

    def bucket_of(self, key: bytes) -> int:
        """Return the bucket of a hash file that a key belongs into."""
        hash_ = key_hash(key)
        bucket = hash_ & self.high_mask
        return bucket if bucket <= self.max_bucket else hash_ & self.low_mask

    @property
    def unsupported(self) -> str:
        """Return why we cannot read it, as the end of a sentence on the file; empty when we can."""
        if self.is_encrypted:
            return "is encrypted; dump it with its password by db_dump -P and load the dump into a new database"
        if self.method not in READABLE:
            return f"is a Berkeley DB {self.method} file; reading those is not there yet, db_dump shows its content"
        if self.version not in READABLE[self.method]:
            return (
                f"is a {self.method} file, version {self.version}, of Berkeley DB {self.release}; reading those "
                "is not there yet, db_upgrade turns a copy into a newer one"
            )
        return self._unsupported_option

    @property
    def _unsupported_option(self) -> str:
        if self.is_partitioned:
            return "is split into partition files; reading those is not there yet, db_dump shows the content"
        if self.method == "btree" and self.flags & _BTREE_COMPRESSED:
            return "is compressed by the program that wrote it; only that program can read it"
        return ""


def key_hash(key: bytes) -> int:
    """Return the 32-bit hash of a key in hash databases of version 5 and later (``__ham_func5``)."""
    value = 0
    for byte in key:
        value = value * 16777619 & 0xFFFFFFFF ^ byte
    return value


def find_magic(head: bytes) -> tuple[Method, ByteOrder] | None:
    """Return access method and byte order when bytes 12 to 15 are a magic of Berkeley DB 2 and later."""
    orders: tuple[ByteOrder, ...] = ("little", "big")
    for order in orders:
        method = MAGICS.get(int.from_bytes(head[12:16], order)) if len(head) >= 16 else None
        if method is not None:
            return method, order
    return None


def parse_meta(head: bytes) -> Meta | None:
    """Return the fields of the first page, or None when there is no magic or the page is cut or impossible.

    Of versions that we cannot read only magic, version and page size mean anything.
    """
    found = find_magic(head)
    if found is None:
        return None
    method, order = found
    if len(head) < (META_BYTES if method in READABLE else 24):
        return None
    words = _Words("<" if order == "little" else ">", head)
    version, page_size = words.at(16, 2)
    if method not in READABLE:
        return Meta(method, version, order, page_size)
    if not (512 <= page_size <= 65536 and page_size.bit_count() == 1):
        return None
    meta = Meta(method, version, order, page_size, log_file=words.at(0)[0])
    return _with_fields(meta, words) if version in READABLE[method] else meta


@dataclass(frozen=True, slots=True)
class _Words:
    """Numbers of 32 bits on the first page."""

    mark: str
    head: bytes

    def at(self, offset: int, count: int = 1) -> tuple[int, ...]:
        return struct.unpack_from(f"{self.mark}{count}I", self.head, offset)


def _with_fields(meta: Meta, words: _Words) -> Meta:
    if meta.tells_last_page:
        options = words.head[26]
        meta = replace(
            meta,
            is_encrypted=words.head[24] != 0,
            has_checksums=bool(options & _CHECKSUMS),
            is_partitioned=bool(options & _PARTITIONED),
            free_page=words.at(28)[0],
            last_page=words.at(32)[0],
        )
    match meta.method:
        case "hash":
            return _with_hash_fields(meta, words)
        case "btree":
            return _with_btree_fields(meta, words)
        case _:
            return replace(meta, extent_pages=words.at(92)[0])


def _with_hash_fields(meta: Meta, words: _Words) -> Meta:
    flags_at, fields_at, spares_at = {5: (56, 32, 60), 6: (32, 56, 80)}.get(meta.version, (48, 72, 96))
    max_bucket, high_mask, low_mask, fill_factor, elements, char_key = words.at(fields_at, 6)
    spares = words.at(spares_at, 32)
    if meta.version == HASH_OF_DB_2:  # these do not count the first page, and begin with the second doubling
        spares = (1, *(1 + spare for spare in spares[:-1]))
    return replace(
        meta,
        flags=words.at(flags_at)[0],
        max_bucket=max_bucket,
        high_mask=high_mask,
        low_mask=low_mask,
        fill_factor=fill_factor,
        elements=elements,
        char_key=char_key,
        spares=spares,
    )


def _with_btree_fields(meta: Meta, words: _Words) -> Meta:
    if meta.version == _BTREE_OF_DB_2:
        return replace(meta, flags=words.at(36)[0], root=1)
    flags_at, root_at = (32, 72) if meta.version == _BTREE_OF_DB_3_0 else (48, 88)
    # The least keys of a page come three words before the root in all versions.
    return replace(meta, flags=words.at(flags_at)[0], min_keys=words.at(root_at - 12)[0], root=words.at(root_at)[0])
