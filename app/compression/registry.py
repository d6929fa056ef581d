"""Every compression: which one bytes begin with, and packing again as something was packed."""

from collections.abc import Iterable
from typing import Final, NamedTuple

from app.cancel import CancelToken
from app.compression.base import HEAD, Compression, Packing
from app.compression.bzip2 import Bzip2
from app.compression.deflate import Gzip, Zlib
from app.compression.xz import LzmaAlone, Xz
from app.compression.zstd import Zstd
from app.errors import EncodeError

COMPRESSIONS: Final[dict[str, Compression]] = {
    compression.name: compression for compression in (Gzip(), Bzip2(), Xz(), Zstd(), Zlib(), LzmaAlone())
}
"""By name; those with the longest magic first."""

_TRIED_BYTES = 1 << 20
"""Bytes of content that are packed to find the parameters with which the same bytes come out."""


class Found(NamedTuple):
    """A packing; ``is_exact`` when it makes of the old content the old bytes, as far as was tried."""

    packing: Packing
    is_exact: bool


def begun(head: bytes) -> Compression | None:
    """Return the compression that bytes begin like."""
    return next((compression for compression in COMPRESSIONS.values() if compression.begins(head)), None)


def packing_of(compression: Compression, member: bytes, content: bytes, token: CancelToken) -> Found:
    """Return how a member was packed, found by packing the beginning of its ``content`` again.

    ``member`` and ``content`` may be cut behind the first `_TRIED_BYTES`.

    Raises:
        EncodeError: this Python cannot pack it at all.
    """
    first: Packing | None = None
    for packing in compression.packings(member[: 1 << 17]):
        token.check()
        if _makes(packing, member, content, token):
            return Found(packing, is_exact=True)
        first = first or packing
    if first is None:
        raise EncodeError(compression.missing or f"{compression.title} data cannot be packed here.")
    return Found(first, is_exact=False)


def _makes(packing: Packing, member: bytes, content: bytes, token: CancelToken) -> bool:
    if len(content) <= _TRIED_BYTES:
        return b"".join(packing.pack((content,), token)) == member
    begun = packing.compressor().compress(content[:_TRIED_BYTES])
    header = b"" if packing.framed is None else next(iter(packing.framed((), packing.compressor())))
    return len(begun) >= HEAD and member.startswith(header + begun)


def pack(packing: Packing, content: Iterable[bytes], token: CancelToken) -> bytes:
    """Return content as one member."""
    return b"".join(packing.pack(content, token))
