"""One way of compressing bytes: told by its first bytes, unpacked within caps, packed again as it was packed."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Protocol

from app.cancel import CancelToken
from app.errors import AppError

PIECE = 1 << 18
"""Bytes that are unpacked or packed between two looks at the token."""

HEAD = 512
"""First bytes of a member that hold its parameters; longer names and comments of gzip are read by `GzipPacking`."""


class Sliceable(Protocol):
    """Bytes that are taken out a slice at a time; slices end where the bytes do."""

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


class Stream(Protocol):
    """What unpacks one member, as `bz2.BZ2Decompressor` does."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int = -1, /) -> bytes: ...


class Compressor(Protocol):
    """What packs one member, as `bz2.BZ2Compressor` does."""

    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Packing:
    """How content is packed: the compressor with all its parameters.

    ``framed`` makes header and trailer around what the compressor gives, where those are not its own.
    """

    compressor: Callable[[], Compressor]
    framed: Callable[[Iterable[bytes], Compressor], Iterator[bytes]] | None = None

    def pack(self, pieces: Iterable[bytes], token: CancelToken) -> Iterator[bytes]:
        """Yield one member that holds the pieces."""
        parts = _checked(pieces, token)
        compressor = self.compressor()
        yield from self.framed(parts, compressor) if self.framed else packed(parts, compressor)


def packed(pieces: Iterable[bytes], compressor: Compressor) -> Iterator[bytes]:
    """Yield what a compressor makes of the pieces."""
    for piece in pieces:
        if out := compressor.compress(piece):
            yield out
    yield compressor.flush()


def _checked(pieces: Iterable[bytes], token: CancelToken) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), PIECE):
            token.check()
            yield piece[start : start + PIECE]


class Compression(ABC):
    """One format of compressed bytes."""

    name: ClassVar[str]
    title: ClassVar[str]
    """What a person calls it."""

    damage: ClassVar[tuple[type[Exception], ...]]
    """What `Stream.decompress` raises on bytes that are damaged."""

    missing: ClassVar[str] = ""
    """Why this Python cannot unpack it, as a sentence."""

    @abstractmethod
    def begins(self, head: bytes) -> bool:
        """Tell whether bytes begin like a member; the first `HEAD` bytes are enough."""

    @abstractmethod
    def stream(self) -> Stream:
        """Return what unpacks one member."""

    @abstractmethod
    def packings(self, head: bytes) -> Iterator[Packing]:
        """Yield the ways in which a member that begins with ``head`` may have been packed, the likeliest first."""

    @abstractmethod
    def describe(self, head: bytes) -> str:
        """Return what the header of a member says of its parameters, not escaped."""

    def sentence(self, error: Exception) -> str:
        """Return what is wrong with bytes over which `stream` raised ``error``."""
        if isinstance(error, AppError):
            return error.message
        return f"The {self.title} data is damaged."


def padding(source: Sliceable, start: int) -> int:
    """Return the number of zero bytes from ``start`` on: what may stand between members."""
    place = start
    while chunk := bytes(source[place : place + PIECE]):
        rest = chunk.lstrip(b"\0")
        place += len(chunk) - len(rest)
        if rest:
            break
    return place - start
