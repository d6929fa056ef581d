"""Writing whole GDBM files, and those that GDBM writes for ndbm."""

import struct
from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import ClassVar, Final

from app.backends import families
from app.backends.base import Backend, Match
from app.backends.changes import key_text
from app.backends.gdbm.image import INT_MAX, Image, Shape, crowded, entry_table, leaves
from app.backends.gdbm.layout import EXTENSION_BYTES, LAYOUTS, MAGICS, Layout, hashes_signed
from app.backends.records import PIECE_BYTES, Records, SelectedRecords, batches
from app.backends.writer import CreateOptions, ImageWriter, Refusal, refuse_unknown
from app.cancel import CancelToken
from app.errors import KeyRejected

Opener = Callable[[Match], Backend]

_OLD_MAGIC: Final = 0x13579ACE
_BLOCK_SIZE: Final = 4096
"""Bytes: what Python gets on most systems."""
_SMALL: Final = PIECE_BYTES << 2
"""Bytes of the values of one chunk that are joined at once."""
NDBM_DIRECTORY: Final = struct.pack(">4siii", b"GDBM", 1, 9, 0)
"""What GDBM writes into .dir, with its version; a library refuses those of later versions than its own."""
_FULL: Final = "with it the file would outgrow the 2 GB of its 32-bit layout; choose the 64-bit layout"


def new_shape(options: CreateOptions, format_id: str) -> Shape:
    """Return the layout that was chosen for a new file.

    Raises:
        OptionRejected: GDBM has no such layout or block size.
    """
    refuse_unknown(options, format_id)
    layout = next(layout for layout in LAYOUTS if options.layout in {layout.name, ""})
    block_size = options.page_size or _BLOCK_SIZE
    extension = bytes(EXTENSION_BYTES) if options.numsync else b""
    magic = _magic_for(layout, numsync=options.numsync)
    order = options.byte_order or "little"
    return Shape(layout, order, magic, block_size, block_size, extension, signed=hashes_signed(order))


def _magic_for(layout: Layout, *, numsync: bool) -> int:
    return next(
        number
        for number, magic in MAGICS.items()
        if magic.numsync == numsync and layout.offset_size in magic.offset_sizes and number != _OLD_MAGIC
    )


class GdbmWriter(ImageWriter):
    """Writes GDBM files of one shape; ``opener`` is what opens them."""

    format_id: ClassVar[str] = "gdbm"
    main_suffix: ClassVar[str] = ""

    def __init__(self, shape: Shape, opener: Opener) -> None:
        self.shape = shape
        self._opener = opener

    def why_refused(self, key: bytes, value_size: int) -> str:
        if len(key) + value_size > INT_MAX - self.shape.block_size:
            return "GDBM counts the bytes of a key and its value in 31 bits, and they have more"
        return ""

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        refused: list[int] = []
        for refusal in super().refusals(records, token):
            refused.append(refusal.row)
            yield refusal
        left_out = set(refused)
        rows = [row for row in range(len(records)) if row not in left_out] if refused else range(len(records))
        kept = SelectedRecords(records, refused) if refused else records
        for row, reason in self._unplaceable(kept, token):
            yield Refusal(rows[row], kept.key(row), reason)

    def _unplaceable(self, records: Records, token: CancelToken) -> Iterator[tuple[int, str]]:
        """Yield what cannot be stored beside the others: too much of one hash, more than a 32-bit file has room for."""
        table = entry_table(records, token, signed=self.shape.signed)
        left_out = set(crowded(self.shape, table.hashes))
        yield from ((table.rows[place], self._crowded) for place in sorted(left_out))
        hashes = array("I", (each for place, each in enumerate(table.hashes) if place not in left_out))
        room = (
            self.shape.end - self.shape.block_size - Image(self.shape, table, list(leaves(self.shape, hashes))).data_at
        )
        rows = {table.rows[place] for place in left_out}
        for row, sizes in enumerate(zip(table.key_sizes, table.value_sizes, strict=True)):
            if row not in rows and sum(sizes) > room:
                yield row, _FULL
            elif row not in rows:
                room -= sum(sizes)

    @property
    def _crowded(self) -> str:
        return f"more than {self.shape.elements} keys have the same hash, and GDBM keeps those in one bucket"

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        return (self._image(records, token),)

    def _image(self, records: Records, token: CancelToken) -> Iterator[bytes]:
        table = entry_table(records, token, signed=self.shape.signed)
        place = next(crowded(self.shape, table.hashes), None)
        if place is not None:
            raise _cannot_be_stored(records.key(table.rows[place]), self._crowded)
        image = Image(self.shape, table, list(leaves(self.shape, table.hashes)))
        if image.end > self.shape.end:
            raise _cannot_be_stored(records.key(image.row_at(self.shape.end)), _FULL)
        return chain(image.head(token), batches(_data(records, token)), (image.tail(),))

    def open(self, base: Path) -> Backend:
        path = self.paths(base)[self.suffixes.index(self.main_suffix)]
        return self._opener(Match(self.format_id, "", "", path, base, (path,), self.shape.byte_order))


class NdbmPagesWriter(GdbmWriter):
    """Writes the .pag of an ndbm database whose .dir is there already."""

    format_id: ClassVar[str] = "gdbm-ndbm"
    suffixes: ClassVar[tuple[str, ...]] = (".pag",)
    main_suffix: ClassVar[str] = ".pag"


class NdbmWriter(NdbmPagesWriter):
    """Writes both files: with .dir first, .pag is never beside one that programs would refuse."""

    suffixes: ClassVar[tuple[str, ...]] = (".dir", ".pag")

    def in_the_way(self, base: Path) -> tuple[Path, ...]:
        return families.values_of_dumb(base)

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        return ((NDBM_DIRECTORY,), *super().images(records, token))


def _cannot_be_stored(key: bytes, reason: str) -> KeyRejected:
    return KeyRejected(f"{key_text(key)} cannot be stored: {reason}. Nothing was saved.")


def _data(records: Records, token: CancelToken) -> Iterator[bytes]:
    """Yield keys and values in order; large values in pieces."""
    first = 0
    for chunk in records.chunks():
        token.check()
        end = first + len(chunk)
        if sum(chunk.sizes) <= _SMALL:
            yield b"".join(chain.from_iterable(zip(records.keys(first, end), records.values(first, end), strict=True)))
        else:
            yield from _one_by_one(records, range(first, end), token)
        first = end


def _one_by_one(records: Records, rows: range, token: CancelToken) -> Iterator[bytes]:
    for row in rows:
        token.check()
        yield records.key(row)
        yield from records.pieces(row)
