"""Zstandard, where this Python has `compression.zstd` (3.14 and later).

References:
    RFC 8878 (magic number, frame header descriptor, window descriptor, checksum).
"""

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import Any, ClassVar

from app.compression.base import Compression, Packing, Stream
from app.errors import DecodeError

_MAGIC = b"\x28\xb5\x2f\xfd"
_HAS_CHECKSUM = 0x04
_WINDOW_LOG_MAX = 27
"""The largest window that is unpacked: 128 MiB, as the zstd command does unless told."""
_LEVELS = (3, 1, 19, 9, 6, 2, 4, 5, 7, 8, 10, 12, 15, 18, 22)


def _module() -> ModuleType | None:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


class Zstd(Compression):
    """A frame of Zstandard."""

    name: ClassVar[str] = "zstd"
    title: ClassVar[str] = "zstd"
    _zstd: ClassVar[Any] = _module()  # typeshed has it for 3.14 only
    damage: ClassVar[tuple[type[Exception], ...]] = (_zstd.ZstdError, EOFError, ValueError) if _zstd else (DecodeError,)
    missing: ClassVar[str] = (
        "" if _zstd else "This is zstd data, which Python can unpack from 3.14 on: start Shelfscope with that."
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
        for level in _LEVELS:
            options = {parameter.compression_level: level, parameter.checksum_flag: checksum}
            yield Packing(lambda options=options: self._zstd.ZstdCompressor(options=options))  # type: ignore[misc]  # mypy takes no default in a lambda

    def describe(self, head: bytes) -> str:
        return "with a checksum" if len(head) > 4 and head[4] & _HAS_CHECKSUM else "without a checksum"
