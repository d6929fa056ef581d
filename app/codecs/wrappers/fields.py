"""Numbers in the bytes around a content that depend on it: its length, a checksum, a digest."""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from app.errors import EncodeError

_WIDTHS = (8, 4, 2)
_SHORTEST_FOR_TWO_BYTES = 256
"""A content that is shorter would find its length in too many places of two bytes."""

_CHECKSUMS: tuple[Callable[[bytes], int], ...] = (zlib.crc32, zlib.adler32)
_DIGESTS = ("md5", "sha1", "sha256", "sha512")
_Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Field:
    """Bytes from ``start`` to ``end`` of what stands before or after a content, and what they are for another one."""

    what: str
    start: int
    end: int
    encode: Callable[[bytes], bytes]


def fields_in(around: bytes, content: bytes, others: frozenset[int]) -> list[Field]:
    """Return the fields that hold the length, a checksum or a digest of ``content``.

    ``others`` are the lengths of what a length may count besides. Where several would overlap the longest counts.
    """
    found = sorted(_all(around, content, others), key=lambda field: (field.start - field.end, field.start))
    chosen: list[Field] = []
    for field in found:
        if all(field.end <= other.start or field.start >= other.end for other in chosen):
            chosen.append(field)
    return chosen


def updated(around: bytes, fields: list[Field], content: bytes) -> bytes:
    """Return what stands around a content with its fields made for another one.

    Raises:
        EncodeError: several could be its length, or it does not fit.
    """
    lengths = [field for field in fields if field.what == "length"]
    new = bytearray(around)
    for field in fields:
        encoded = field.encode(content)
        if len(lengths) > 1 and field.what == "length" and encoded != around[field.start : field.end]:
            places = " and ".join(str(field.start) for field in lengths[:3])
            raise EncodeError(
                f"The length would change, and {len(lengths)} numbers around it can be that length (at bytes {places}):"
                " only a value of the same length can stand here."
            )
        new[field.start : field.end] = encoded
    return bytes(new)


def _all(around: bytes, content: bytes, others: frozenset[int]) -> Iterator[Field]:
    yield from _lengths(around, content, others)
    for check in _CHECKSUMS:
        yield from _checksums(around, content, check)
    for name in _DIGESTS:
        yield from _digests(around, content, name)


def _lengths(around: bytes, content: bytes, others: frozenset[int]) -> list[Field]:
    """Return the lengths of the content alone, else those that count something besides."""
    for added in sorted({0, *others}, key=lambda count: (count != 0, count)):
        found = [*_binary_lengths(around, content, added), *_text_lengths(around, content, added)]
        if found:
            return found
    return []


def _binary_lengths(around: bytes, content: bytes, added: int) -> Iterator[Field]:
    size = len(content) + added
    for width in _WIDTHS:
        if size >> (8 * width) or (width == 2 and (added or size < _SHORTEST_FOR_TWO_BYTES)):
            continue
        for order in _orders():
            for start in _places(around, size.to_bytes(width, order)):
                yield Field("length", start, start + width, _number(added, width, order))


def _orders() -> tuple[_Order, _Order]:
    return "little", "big"


def _number(added: int, width: int, order: _Order) -> Callable[[bytes], bytes]:
    def encode(content: bytes) -> bytes:
        try:
            return (len(content) + added).to_bytes(width, order)
        except OverflowError as error:
            raise EncodeError(f"The value is too long for the {width} bytes that its length has before it.") from error

    return encode


def _text_lengths(around: bytes, content: bytes, added: int) -> Iterator[Field]:
    for match in re.finditer(rb"(?<![\d.])0*%d(?![\d.])" % (len(content) + added), around):
        if len(match.group()) > 1:  # one digit is found anywhere
            yield Field("length", match.start(), match.end(), _digits(added, match.group()))


def _digits(added: int, old: bytes) -> Callable[[bytes], bytes]:
    width = len(old) if old.startswith(b"0") else 0
    return lambda content: b"%0*d" % (width, len(content) + added)


def _checksums(around: bytes, content: bytes, check: Callable[[bytes], int]) -> Iterator[Field]:
    for order in _orders():
        for start in _places(around, check(content).to_bytes(4, order)):
            yield Field("checksum", start, start + 4, lambda new, order=order: check(new).to_bytes(4, order))  # type: ignore[misc]  # mypy takes no default in a lambda


def _digests(around: bytes, content: bytes, name: str) -> Iterator[Field]:
    def digest(new: bytes) -> bytes:
        return hashlib.new(name, new, usedforsecurity=False).digest()

    old = digest(content)
    for start in _places(around, old):
        yield Field("digest", start, start + len(old), digest)
    for start in _places(around, old.hex().encode()):
        yield Field("digest", start, start + 2 * len(old), lambda new: digest(new).hex().encode())


def _places(around: bytes, wanted: bytes) -> Iterator[int]:
    at = around.find(wanted)
    while at >= 0:
        yield at
        at = around.find(wanted, at + 1)
