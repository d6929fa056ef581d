"""Writing files of bare pickles, compressed or not."""

from collections.abc import Iterable
from itertools import chain
from typing import ClassVar

from app.backends.base import ValueEnd
from app.backends.records import Records
from app.backends.value_file_write import Opener, ValueFileWriter
from app.backends.writer import CreateOptions
from app.cancel import CancelToken
from app.compression.base import PIECE, Packing


class PickleFileWriter(ValueFileWriter):
    """Writes pickles in a row."""

    format_id: ClassVar[str] = "pickle-file"
    file_name: ClassVar[str] = "pickle file"
    no_value: ClassVar[str] = "its value is not exactly one pickle"

    def __init__(
        self,
        opener: Opener,
        value_end: ValueEnd,
        options: CreateOptions | None = None,
        *,
        packing: Packing | None = None,
        padding: int = 0,
    ) -> None:
        """``packing``: how the file is compressed, ``padding``: the number of zero bytes that follow that."""
        super().__init__(opener, value_end, options)
        self._packing = packing
        self._padding = padding

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        [pieces] = super().images(records, token)
        if self._packing is None:
            return (pieces,)
        zeros = (bytes(min(PIECE, self._padding - start)) for start in range(0, self._padding, PIECE))
        return (chain(self._packing.pack(pieces, token), zeros),)
