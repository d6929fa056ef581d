"""Numbers, texts and records packed in bytes, one by one with `struct`: the memory of arrays."""

import re
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from app.codecs.literals.scalars import parse_literal
from app.codecs.nodes import Kind, Scalar
from app.codecs.plain.scalars import bytes_json, scalar_json, string_json
from app.codecs.screen import escape_text, quote_bytes, quote_text, shorten
from app.errors import EncodeError

_SHOWN_CHARS = 60
_NUMBER_KINDS = {
    "?": Kind.BOOL,
    "e": Kind.FLOAT,
    "f": Kind.FLOAT,
    "d": Kind.FLOAT,
    "ff": Kind.COMPLEX,
    "dd": Kind.COMPLEX,
}
"""Kinds by the formats of `struct`; all others are ints."""

_BYTES_LITERAL = re.compile("[rR]?[bB][rR]?['\"]")
_PIECES = re.compile(r"""[bB]?'(?:[^'\\]|\\.)*+'|[bB]?"(?:[^"\\]|\\.)*+"|[(),]|[^'"(),bB]++|.""", re.DOTALL)


class ElementType(ABC):
    """How one element of an array is stored. ``size`` is in bytes and never 0."""

    name: str
    size: int

    @abstractmethod
    def text(self, data: bytes, offset: int) -> str:
        """Return the element at ``offset`` for the screen."""

    @abstractmethod
    def json(self, data: bytes, offset: int) -> str:
        """Return the element at ``offset`` as JSON."""

    @abstractmethod
    def packed(self, text: str) -> bytes:
        """Return the memory of the element that ``text`` writes as `text` does.

        Raises:
            EncodeError: it is another type's, or has no room; the message says what to write.
        """

    def repacked(self, memory: bytes, text: str) -> bytes:
        """Return the memory of an element after ``text`` was typed; it stays as it is where the text says the same.

        What no text shows is kept so: which of the many nans it is, what stands between the members of a record.

        Raises:
            EncodeError: as `packed`.
        """
        packed = self.packed(text)
        return memory if self.text(packed, 0) == self.text(memory, 0) else packed


@dataclass(frozen=True, slots=True)
class Number(ElementType):
    """Integers, floats, bools and complex numbers; ``format`` is that of `struct` for one or two numbers."""

    name: str
    size: int
    format: str

    def text(self, data: bytes, offset: int) -> str:
        return repr(self._value(data, offset))

    def json(self, data: bytes, offset: int) -> str:
        return scalar_json(self._value(data, offset))

    def _value(self, data: bytes, offset: int) -> Scalar:
        values: tuple[float, ...] = struct.unpack_from(self.format, data, offset)
        return complex(*values) if len(values) == 2 else values[0]

    def packed(self, text: str) -> bytes:
        value: Any = parse_literal(text, _NUMBER_KINDS.get(self.format[1:], Kind.INT))
        try:
            if isinstance(value, complex):
                return struct.pack(self.format, value.real, value.imag)
            return struct.pack(self.format, value)
        except (struct.error, OverflowError) as error:
            raise EncodeError(f"{escape_text(shorten(text, _SHOWN_CHARS))} does not fit here: {self._room}") from error

    @property
    def _room(self) -> str:
        """Say which numbers an element can be."""
        if self.format[1:] in _NUMBER_KINDS:
            return f"an element has {self.size} bytes, too few for a number as large as that."
        bits = 8 * self.size
        is_signed = self.format[-1].islower()
        least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if is_signed else (0, (1 << bits) - 1)
        return f"the elements are whole numbers from {least:,} to {most:,}."


@dataclass(frozen=True, slots=True)
class Octets(ElementType):
    """Byte strings of one length; the zeros at their end are no part of them."""

    name: str
    size: int

    def text(self, data: bytes, offset: int) -> str:
        return quote_bytes(self._value(data, offset))

    def json(self, data: bytes, offset: int) -> str:
        return bytes_json(self._value(data, offset))

    def _value(self, data: bytes, offset: int) -> bytes:
        return data[offset : offset + self.size].rstrip(b"\x00")

    def packed(self, text: str) -> bytes:
        return _filled(parse_literal(text, Kind.BYTES), self)


@dataclass(frozen=True, slots=True)
class Characters(ElementType):
    """Texts of one length, in UTF-16 or UTF-32; the zeros at their end are no part of them.

    Lone surrogates are characters here as in Python. Memory with numbers that no character has is shown and written
    as bytes.
    """

    name: str
    size: int
    encoding: str

    def text(self, data: bytes, offset: int) -> str:
        value = self._value(data, offset)
        return quote_bytes(value) if isinstance(value, bytes) else quote_text(value)

    def json(self, data: bytes, offset: int) -> str:
        value = self._value(data, offset)
        return bytes_json(value) if isinstance(value, bytes) else string_json(value)

    def _value(self, data: bytes, offset: int) -> str | bytes:
        memory = data[offset : offset + self.size]
        try:
            return memory.decode(self.encoding, "surrogatepass").rstrip("\x00")
        except UnicodeDecodeError:
            return memory

    def packed(self, text: str) -> bytes:
        given = parse_literal(text, Kind.BYTES) if _BYTES_LITERAL.match(text) else None
        if isinstance(given, bytes) and len(given) == self.size and isinstance(self._value(given, 0), bytes):
            return given
        data = str(parse_literal(text, Kind.STR)).encode(self.encoding, "surrogatepass")
        if len(data) > self.size:
            count = self.size // len("a".encode(self.encoding))
            raise EncodeError(
                f"It is too long; there is room for {count} {'character' if count == 1 else 'characters'}."
            )
        return _filled(data, self)


@dataclass(frozen=True, slots=True)
class Field:
    """One member of a record: its name, offset in bytes and type."""

    name: str
    offset: int
    type: ElementType


@dataclass(frozen=True, slots=True)
class Record(ElementType):
    """Elements with named members."""

    name: str
    size: int
    fields: tuple[Field, ...]

    def text(self, data: bytes, offset: int) -> str:
        shown = [field.type.text(data, offset + field.offset) for field in self.fields]
        return f"({', '.join(shown)}{',' if len(shown) == 1 else ''})"

    def json(self, data: bytes, offset: int) -> str:
        members = (f"{string_json(field.name)}:{field.type.json(data, offset + field.offset)}" for field in self.fields)
        return "{" + ",".join(members) + "}"

    def packed(self, text: str) -> bytes:
        """Return the members in their places, and zeros between them."""
        return self.repacked(bytes(self.size), text)

    def repacked(self, memory: bytes, text: str) -> bytes:
        parts = tuple_parts(text)
        if len(parts) != len(self.fields):
            raise EncodeError(f"A record of {len(self.fields)} values stands here; write them as (1, 2).")
        data = bytearray(memory)
        for field, part in zip(self.fields, parts, strict=True):
            place = slice(field.offset, field.offset + field.type.size)
            data[place] = field.type.repacked(memory[place], part)
        return bytes(data)


@dataclass(frozen=True, slots=True)
class Opaque(ElementType):
    """Bytes that are shown as they are: numpy's void, and floats that `struct` has no format for."""

    name: str
    size: int

    def text(self, data: bytes, offset: int) -> str:
        return quote_bytes(data[offset : offset + self.size])

    def json(self, data: bytes, offset: int) -> str:
        return bytes_json(data[offset : offset + self.size])

    def packed(self, text: str) -> bytes:
        value = parse_literal(text, Kind.BYTES)
        if not isinstance(value, bytes) or len(value) != self.size:
            raise EncodeError(f"{self.size} bytes stand here; write as many.")
        return value


@dataclass(frozen=True, slots=True)
class Several(ElementType):
    """An array of its own in each element; nested ones are written one behind the other."""

    name: str
    size: int
    type: ElementType

    def text(self, data: bytes, offset: int) -> str:
        return f"[{', '.join(self.type.text(data, place) for place in self._places(offset))}]"

    def json(self, data: bytes, offset: int) -> str:
        return f"[{','.join(self.type.json(data, place) for place in self._places(offset))}]"

    def packed(self, text: str) -> bytes:
        return self.repacked(bytes(self.size), text)

    def repacked(self, memory: bytes, text: str) -> bytes:
        given = text.strip()
        count = self.size // self.type.size
        parts = tuple_parts(f"({given[1:-1]})") if given.startswith("[") and given.endswith("]") else []
        if len(parts) != count:
            raise EncodeError(f"{count} values stand here; write them as [1, 2].")
        old = (memory[place : place + self.type.size] for place in self._places(0))
        return b"".join(map(self.type.repacked, old, parts))

    def _places(self, offset: int) -> range:
        return range(offset, offset + self.size, self.type.size)


def tuple_parts(text: str) -> list[str]:
    """Return what stands between the commas of ``(1, 'a', (2, 3))``, nested brackets and quotes left whole."""
    given = text.strip()
    if not (given.startswith("(") and given.endswith(")")):
        raise EncodeError(f"{escape_text(shorten(text, _SHOWN_CHARS)) or 'Nothing'} is no record; write it as (1, 2).")
    parts = [""]
    depth = 0
    for piece in _PIECES.findall(given[1:-1]):
        depth += (piece == "(") - (piece == ")")
        if piece == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += piece
    stripped = [part.strip() for part in parts]
    return stripped[:-1] if not stripped[-1] else stripped


def _filled(value: Scalar, element: Octets | Characters) -> bytes:
    """Return bytes with zeros up to the size of an element."""
    data = value if isinstance(value, bytes) else b""
    if len(data) > element.size:
        raise EncodeError(f"It is too long for {element.name}; there is room for {element.size} bytes.")
    return data.ljust(element.size, b"\x00")


def offsets(shape: tuple[int, ...], size: int, *, by_columns: bool) -> Iterator[int]:
    """Yield where each element begins, in bytes, in the order of the last index running fastest."""
    strides = _strides(shape, size, by_columns=by_columns)
    place = [0] * len(shape)
    offset = 0
    while True:
        yield offset
        for axis in reversed(range(len(shape))):
            place[axis] += 1
            offset += strides[axis]
            if place[axis] < shape[axis]:
                break
            offset -= strides[axis] * shape[axis]
            place[axis] = 0
        else:
            return


def offset_of(shape: tuple[int, ...], size: int, index: int, *, by_columns: bool) -> int:
    """Return where element number ``index``, in the order of the last index running fastest, begins in bytes."""
    offset = 0
    strides = _strides(shape, size, by_columns=by_columns)
    for axis in reversed(range(len(shape))):
        index, place = divmod(index, shape[axis])
        offset += place * strides[axis]
    return offset


def _strides(shape: tuple[int, ...], size: int, *, by_columns: bool) -> list[int]:
    strides = [size] * len(shape)
    axes = list(range(len(shape))) if by_columns else list(reversed(range(len(shape))))
    for before, axis in pairwise(axes):
        strides[axis] = strides[before] * shape[before]
    return strides
