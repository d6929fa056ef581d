"""Files of Berkeley DB 1.85, built page by page: what its library writes only after a long history."""

import struct
from collections.abc import Sequence

PAGE = 512
"""Bytes of a page."""
_CHAR_KEY = b"%$sniglet^&\0"


def hash4(key: bytes) -> int:
    """Return the hash of a key as its C source says it."""
    value = 0
    for byte in key:
        value = (value << 5) + value + byte & 0xFFFFFFFF
    return value


def hash_image(pages: Sequence[bytes], *, entries: int, order: str = "<", char_key: bytes = _CHAR_KEY) -> bytes:
    """Return a hash file of one bucket, that begins with the first page; the others have the addresses from 1 on."""
    lorder = 1234 if order == "<" else 4321
    fields = (0x061561, 2, lorder, PAGE, 9, 1, 0, 0, 0, 0, 0, 1, 0, 8, entries, 1, hash4(char_key))
    return struct.pack(">17I32I", *fields, *[4] * 32).ljust(PAGE, b"\0") + b"".join(pages)


def hash_page(words: Sequence[int], content: bytes = b"", *, free: int = 4, order: str = "<") -> bytes:
    """Return a page of offsets and marks, with its content at its end."""
    head = struct.pack(f"{order}{len(words) + 3}H", len(words), *words, free, PAGE - len(content))
    return head.ljust(PAGE - len(content), b"\0") + content


def record(value: bytes, order: str = "<") -> bytes:
    """Return an item of a recno leaf."""
    return _padded(struct.pack(f"{order}IB", len(value), 0) + value)


def big_record(page: int, size: int, order: str = "<") -> bytes:
    """Return an item of a recno leaf that stands on overflow pages."""
    return _padded(struct.pack(f"{order}IBII", 8, 1, page, size))


def pair(key: bytes, value: bytes, order: str = "<", *, flags: int = 0) -> bytes:
    """Return an item of a btree leaf."""
    return _padded(struct.pack(f"{order}IIB", len(key), len(value), flags) + key + value)


def _padded(item: bytes) -> bytes:
    return item + bytes(-len(item) % 4)


def tree_page(
    number: int, kind: int, items: Sequence[bytes], *, previous: int = 0, following: int = 0, order: str = "<"
) -> bytes:
    """Return a page of a btree; ``kind`` is 1 or 8 inside a tree, 2 or 16 for leaves."""
    end, offsets, content = PAGE, list[int](), b""
    for item in items:
        end -= len(item)
        offsets.append(end)
        content = item + content
    lower = 20 + 2 * len(items)
    head = struct.pack(f"{order}IIIIHH{len(items)}H", number, previous, following, kind, lower, end, *offsets)
    return head.ljust(end, b"\0") + content


def overflow_page(number: int, content: bytes, *, following: int = 0, order: str = "<") -> bytes:
    return (struct.pack(f"{order}IIIIHH", number, 0, following, 4, 0, 0) + content).ljust(PAGE, b"\0")


def tree_image(pages: Sequence[bytes], *, first_free: int = 0, flags: int = 0, order: str = "<") -> bytes:
    """Return a btree file (recno: ``flags`` 0x80), whose root is the first of ``pages``."""
    meta = struct.pack(f"{order}6I", 0x053162, 3, PAGE, first_free, 0, flags)
    return meta.ljust(PAGE, b"\0") + b"".join(pages)
