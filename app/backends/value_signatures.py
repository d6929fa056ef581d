"""Files that hold bare values, not a container: pickles one after another, marshal files, compressed pickles."""

import re
from typing import Final

from app.backends.base import Buffer, ValueEnd
from app.backends.binary import MappedFile, read_head
from app.backends.signatures import Finding, Head
from app.cancel import CancelToken
from app.compression.base import Compression
from app.compression.registry import begun
from app.compression.unpacking import first_bytes
from app.errors import CannotOpen

_PICKLE_SUFFIXES: Final = frozenset({".pkl", ".pickle", ".pck", ".pcl", ".p"})
_MARSHAL_SUFFIXES: Final = frozenset({".marshal", ".mar"})
_PROTO: Final = 0x80
_HIGHEST_PROTOCOL: Final = 5
_STOP: Final = b"."
_OLD_START: Final = re.compile(
    rb"\(*+(?:[ld]p\d++\n|[SV][^\n]*+\np\d++\n|[ic][\w.]++\n\w++\n[pq(])|\(++[IL]-?+\d++L?+\n|\(*+[\]}]q\0"
)
"""How pickles of protocol 0 and 1 begin that are longer than `_WINDOW`."""
_OLD_LINE: Final = re.compile(rb"\(*+(?:[^FILPSVcgip]|[FILPSVcgip][^\n\0]*+\n)")
"""How all of protocol 0 and 1 begin: opcodes that take a line have one, and text in no container has no zeros."""
_COUNTED: Final = re.compile(rb"[TX](.{4})", re.DOTALL)
"""A long string of protocol 1, and its length."""
_SHORT: Final = 1 << 14
"""Bytes of a pickle of protocol 0 or 1 of which nothing tells that it is longer."""
_WINDOW: Final = 1 << 18
"""Bytes of a file of values that are taken for a pickle: more of a hostile one would take minutes to refuse."""
_INFLATED_BYTES: Final = 65536
"""How much of a compressed file is looked into."""


PACKED_BYTES: Final = 1 << 20
"""How much of a compressed file is unpacked to see what is in it: the largest block of bzip2 and more."""


def pickle_file(head: Head, value_end: ValueEnd | None) -> Finding | None:
    """A file of pickles: the first one ends where the file does or where the next one starts.

    Where the first is longer than what is looked at, its first bytes and the file's last one must do.
    """
    if value_end is None or not head.data:
        return None
    try:
        file = MappedFile(head.path)
    except CannotOpen:
        return None
    try:
        return _pickles(head, file.buffer, value_end)
    finally:
        file.close()


def _pickles(head: Head, buffer: Buffer, value_end: ValueEnd) -> Finding | None:
    window, size = bytes(buffer[:_WINDOW]), len(buffer)
    end = value_end(window, 0)
    protocol = f"protocol {head.data[1]}" if _has_proto(head.data) else "protocol 0 or 1"
    if end == size:
        return _finding(f"one pickle, {protocol}", f"the pickle's STOP is the file's last byte, {protocol}")
    stops = buffer[size - 1 :] == _STOP
    is_named_so = head.path.suffix.lower() in _PICKLE_SUFFIXES
    if end is None and stops and _may_be_long_pickle(window, is_named_so=is_named_so):
        return _finding(f"large, {protocol}", f"the file begins as a pickle of {protocol}, and its last byte is a STOP")
    if end is not None and 0 < end < size:
        following = bytes(buffer[end : end + _WINDOW])
        if value_end(following, 0) is not None or (stops and _may_be_long_pickle(following, is_named_so=is_named_so)):
            return _finding(f"pickles, {protocol}", f"a pickle ends at byte {end:,}, where the next one starts")
    if _has_proto(head.data) and is_named_so:
        what = "has no end" if end is None else f"ends at byte {end:,}, before bytes that are none"
        return _finding(f"damaged, {protocol}", f"the file begins as a pickle of {protocol}, but it {what}")
    if is_named_so and window.strip(b"\0"):
        return _finding("damaged, by its name", f"the name ends in {head.path.suffix}, but no whole pickle begins here")
    return None


def _finding(variant: str, reason: str) -> Finding:
    return Finding("pickle-file", variant, reason)


def _may_be_long_pickle(window: bytes, *, is_named_so: bool) -> bool:
    """Tell whether a pickle can begin here that is longer than what was looked at."""
    return len(window) == _WINDOW and (is_named_so or _has_proto(window) or _OLD_START.match(window) is not None)


def furthest_end(buffer: Buffer, start: int, end: int) -> int:
    """Return where a pickle that begins at ``start`` ends at the latest; ``start`` itself where none can begin.

    Whoever tries many places needs a bound: text can look like the beginning of a pickle that never ends.
    """
    window = min(start + _WINDOW, end)
    if _has_proto(bytes(buffer[start : start + 2])) or _OLD_START.match(buffer, start, window):
        return end
    if counted := _COUNTED.match(buffer, start, window):
        behind = start + int.from_bytes(counted[1], "little")
        return min(end, behind + _SHORT) if behind < end else start
    return min(end, start + _SHORT) if _OLD_LINE.match(buffer, start, window) else start


def _has_proto(data: bytes) -> bool:
    return len(data) >= 2 and data[0] == _PROTO and data[1] <= _HIGHEST_PROTOCOL


def compressed_pickle(head: Head, value_end: ValueEnd | None) -> Finding | None:
    """A pickle in gzip, bzip2, xz, zlib…, judged from its first inflated bytes."""
    if begun(head.data) is None:
        return None
    compression = wrapped_in(read_head(head.path, PACKED_BYTES)[0], value_end)
    if compression is None:
        return None
    return Finding("pickle-file", compression.title, f"a pickle begins inside: {head.hexadecimal(0, 2)}")


def wrapped_in(data: bytes, value_end: ValueEnd | None) -> Compression | None:
    """Return what a file that begins with ``data`` is compressed by, when a pickle begins inside."""
    compression = begun(data)
    if compression is None or compression.missing:
        return None
    inside, _, _ = first_bytes(compression, data, _INFLATED_BYTES, CancelToken())
    end = value_end(inside, 0) if value_end and inside else None
    return compression if _has_proto(inside) or _OLD_START.match(inside) or end == len(inside) > 0 else None


def compiled_python(head: Head) -> Finding | None:
    """A ``.pyc`` file: a number of the Python release, then CR LF, then dates and one marshal value."""
    number = int.from_bytes(head.data[:2], "little")
    if head.data[2:4] != b"\r\n" or not (3000 <= number < 4000 or 20000 <= number < 63000):
        return None
    return Finding("marshal-file", f"pyc, magic {number}", f"compiled Python: {head.hexadecimal(0, 4)}")


def marshal_file(head: Head, value_end: ValueEnd | None) -> Finding | None:
    """A file named as one of marshalled values; their bytes have nothing that tells them surely."""
    suffix = head.path.suffix.lower()
    if suffix not in _MARSHAL_SUFFIXES or not head.data:
        return None
    end = value_end(head.data, 0) if value_end is not None else None
    if end is None:
        return Finding("marshal-file", "by its name", f"the name ends in {suffix}")
    where = "the file's last byte" if end == head.size else f"byte {end:,}"
    return Finding("marshal-file", "marshal values", f"the name ends in {suffix}, and a marshal value ends at {where}")
