"""Zstandard, where this Python has `compression.zstd` (3.14 and later) or `backports.zstd` was installed.

References:
    RFC 8878 (magic number, frame header descriptor, window descriptor, checksum).
"""

import importlib
from collections.abc import Iterator
from functools import partial
from types import ModuleType
from typing import Any, ClassVar

from app.compression.base import Compression, Compressor, Packing, Stream
from app.errors import DecodeError

_MAGIC = b"\x28\xb5\x2f\xfd"
_HAS_CHECKSUM = 0x04
_WINDOW_LOG_MAX = 27
"""The largest window that is unpacked: 128 MiB, as the zstd command does unless told."""
_SIZE_IS_WRITTEN = 0xE0
"""Bits of the frame header descriptor that are set where the header has the size of the content."""

_KEPT_BYTES = 64 << 20
"""Bytes of content that are kept to count them."""

_LEVELS = (3, 1, 19, 9, 6, 2, 4, 5, 7, 8, 10, 12, 15, 18, 22)


def _module() -> ModuleType | None:
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None


class _Sized:
    """A compressor that writes the size of the content into the header, which stands before all of it."""

    def __init__(self, compressor: Any) -> None:
        self._compressor = compressor
        self._waiting: list[bytes] = []
        self._size = 0

    def compress(self, data: bytes, /) -> bytes:
        """Keep the bytes for `flush`; of more than can be kept, the size is not written."""
        self._size += len(data)
        if self._size > _KEPT_BYTES:
            return self._all(data)
        self._waiting.append(data)
        return b""

    def flush(self) -> bytes:
        """Return what is left of the frame."""
        if self._size <= _KEPT_BYTES:
            self._compressor.set_pledged_input_size(self._size)
        return self._all(b"") + bytes(self._compressor.flush())

    def _all(self, last: bytes) -> bytes:
        waiting, self._waiting = [*self._waiting, last], []
        return b"".join(map(self._compressor.compress, waiting))


class Zstd(Compression):
    """A frame of Zstandard."""

    name: ClassVar[str] = "zstd"
    title: ClassVar[str] = "zstd"
    _zstd: ClassVar[Any] = _module()  # typeshed has it for 3.14 only
    damage: ClassVar[tuple[type[Exception], ...]] = (_zstd.ZstdError, EOFError, ValueError) if _zstd else (DecodeError,)
    missing: ClassVar[str] = (
        ""
        if _zstd
        else "This is zstd data, which Python can unpack from 3.14 on: "
        "start Shelfscope with that, or install the package backports.zstd."
    )

    def begins(self, head: bytes) -> bool:
        return head[:4] == _MAGIC

    def stream(self) -> Stream:
        if self._zstd is None:
            raise DecodeError(self.missing)
        stream: Stream = self._zstd.ZstdDecompressor(
            options={self._zstd.DecompressionParameter.window_log_max: _WINDOW_LOG_MAX}
        )
        return stream

    def packings(self, head: bytes) -> Iterator[Packing]:
        if self._zstd is None:
            return
        parameter = self._zstd.CompressionParameter
        checksum = int(bool(head[4] & _HAS_CHECKSUM))
        is_sized = bool(head[4] & _SIZE_IS_WRITTEN)
        for level in _LEVELS:
            options = {parameter.compression_level: level, parameter.checksum_flag: checksum}
            yield Packing(partial(self._compressor, options, is_sized=is_sized))

    def _compressor(self, options: dict[Any, int], *, is_sized: bool) -> Compressor:
        compressor: Compressor = self._zstd.ZstdCompressor(options=options)
        return _Sized(compressor) if is_sized else compressor

    def describe(self, head: bytes) -> str:
        return "with a checksum" if len(head) > 4 and head[4] & _HAS_CHECKSUM else "without a checksum"
