"""The two meta pages of an LMDB file, as the programs see them that come after it was replaced.

A program that waits for the lock of an environment while its file is replaced trusts the number of a transaction
that the lock file had before: it reads the meta page of that number's parity, and writes over the other one.
"""

import os
from pathlib import Path

from app.backends.file_operations import FileOperations
from app.backends.files import read_range
from app.backends.lmdb.pages import META_BYTES, PAGE_HEADER_BYTES, TRANSACTION_AT, Meta, parse_meta
from app.backends.replacing import write_all


def meta_pages(path: Path) -> bytes:
    """Return both meta pages, or nothing where there is no LMDB file."""
    first = parse_meta(read_range(path, 0, META_BYTES)) if path.exists() else None
    return read_range(path, 0, 2 * first.page_size) if first else b""


def take_number(operations: FileOperations, new: Path, old: Path) -> None:
    """Let both meta pages of a new file lead to all it has, under the number of the old one's newest transaction.

    Where the new file has seen more transactions, its number is the next one of the same parity.
    """
    theirs, pages = parse_meta(meta_pages(old)), meta_pages(new)
    ours = parse_meta(pages)
    if theirs is None or ours is None:
        return
    number = theirs.transaction
    if number < ours.transaction:
        number = ours.transaction + (ours.transaction - number) % 2
    content = _newest(pages, ours)
    fd = operations.open(new, os.O_RDWR)
    try:
        for slot in (0, 1):
            its_number = number if slot == number % 2 else max(number - 1, 0)
            operations.seek(fd, slot * ours.page_size + PAGE_HEADER_BYTES)
            write_all(operations, fd, content + its_number.to_bytes(8, ours.byte_order))
        operations.fsync(fd)
    finally:
        operations.close(fd)


def _newest(pages: bytes, newest: Meta) -> bytes:
    """Return the content of the newest meta page up to its number."""
    for start in (0, newest.page_size):
        end = start + TRANSACTION_AT
        if int.from_bytes(pages[end : end + 8], newest.byte_order) == newest.transaction:
            break
    return pages[start + PAGE_HEADER_BYTES : end]
