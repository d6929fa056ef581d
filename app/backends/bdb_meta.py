"""The first page of a Berkeley DB file: which access method, version and options it has.

References: dbinc/db_page.h (DBMETA, HMETA33, BTMETA33, QMETA33) of Berkeley DB 4.1 to 5.3.
"""

import struct
from dataclasses import dataclass, replace
from typing import Final, Literal

from app.backends.base import ByteOrder

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
}  # fmt: skip
READABLE: Final = {"hash": (8, 9, 10), "btree": (9, 10)}

_CHECKSUMS, _PARTITIONED = 1, 2 | 4
_BTREE_RECNO, _BTREE_SUBDATABASES, _BTREE_COMPRESSED = 2, 0x20, 0x80
_HASH_SUBDATABASES = 2
_CHARKEY: Final = b"%$sniglet^&\0"
"""What writers hash to tell which hash function they were given."""


@dataclass(frozen=True, slots=True)
class Meta:
    """Fields of the first page; those of the other access method are 0."""

    method: Method
    version: int
    byte_order: ByteOrder
    page_size: int
    is_encrypted: bool = False
    has_checksums: bool = False
    is_partitioned: bool = False
    last_page: int = 0
    flags: int = 0
    max_bucket: int = 0
    high_mask: int = 0
    low_mask: int = 0
    char_key: int = 0
    spares: tuple[int, ...] = ()
    root: int = 0

    @property
    def is_recno(self) -> bool:
        return self.method == "btree" and bool(self.flags & _BTREE_RECNO)

    @property
    def has_subdatabases(self) -> bool:
        return bool(self.flags & {"hash": _HASH_SUBDATABASES, "btree": _BTREE_SUBDATABASES}.get(self.method, 0))

    @property
    def has_own_hash(self) -> bool:
        """Whether the program that wrote the file brought its own hash function."""
        return self.char_key != key_hash(_CHARKEY)

    @property
    def unsupported(self) -> str:
        """Why we cannot read it, as the end of a sentence on the file; empty when we can."""
        if self.is_encrypted:
            return "is encrypted; dump it with its password by db_dump -P and load the dump into a new database"
        if self.method not in READABLE or self.is_recno:
            name = "recno" if self.is_recno else self.method
            return f"is a Berkeley DB {name} file; reading those is not there yet, db_dump shows its content"
        if self.version not in READABLE[self.method]:
            release = RELEASES.get((self.method, self.version), "of an unknown release")
            return (
                f"is a {self.method} file, version {self.version}, of Berkeley DB {release}; reading those "
                "is not there yet, db_upgrade turns a copy into a newer one"
            )
        return self._unsupported_option()

    def _unsupported_option(self) -> str:
        if self.has_subdatabases:
            return "holds sub-databases; reading those is not there yet, db_dump -s NAME shows one"
        if self.is_partitioned:
            return "is split into partition files; reading those is not there yet, db_dump shows the content"
        if self.method == "btree" and self.flags & _BTREE_COMPRESSED:
            return "is compressed by the program that wrote it; only that program can read it"
        return ""


def key_hash(key: bytes) -> int:
    """Return the 32-bit hash of a key in hash databases of version 5 and later (``__ham_func4``)."""
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

    Of files older than Berkeley DB 4.1 only magic, version and page size mean anything here.
    """
    found = find_magic(head)
    if found is None:
        return None
    method, order = found
    if len(head) < 72:
        return None if method in READABLE else Meta(method, 0, order, 0)
    mark = "<" if order == "little" else ">"
    version, page_size, encryption, _, options, _, _, last_page, _, _, _, flags = struct.unpack_from(
        mark + "IIBBBBIIIIII", head, 16
    )
    if method in READABLE and not (512 <= page_size <= 65536 and page_size.bit_count() == 1):
        return None
    meta = Meta(method, version, order, page_size)
    if method not in READABLE or version < min(READABLE[method]):
        return meta
    meta = replace(
        meta,
        is_encrypted=encryption != 0,
        has_checksums=bool(options & _CHECKSUMS),
        is_partitioned=bool(options & _PARTITIONED),
        last_page=last_page,
        flags=flags,
    )
    return _with_hash_fields(meta, head, mark) if method == "hash" else _with_root(meta, head, mark)


def _with_hash_fields(meta: Meta, head: bytes, mark: str) -> Meta | None:
    if len(head) < 224:
        return None
    max_bucket, high_mask, low_mask, _, _, char_key, *spares = struct.unpack_from(f"{mark}38I", head, 72)
    return replace(
        meta, max_bucket=max_bucket, high_mask=high_mask, low_mask=low_mask, char_key=char_key, spares=tuple(spares)
    )


def _with_root(meta: Meta, head: bytes, mark: str) -> Meta | None:
    if len(head) < 92:
        return None
    return replace(meta, root=struct.unpack_from(f"{mark}I", head, 88)[0])
