"""Numbers, texts and records packed in bytes, decoded one by one with `struct`: the memory of arrays."""

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from app.codecs.json_scalars import bytes_json, scalar_json, string_json
from app.codecs.nodes import Scalar
from app.codecs.screen import quote_bytes, quote_text


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


@dataclass(frozen=True, slots=True)
class Characters(ElementType):
    """Texts of one length, in UTF-16 or UTF-32; the zeros at their end are no part of them."""

    name: str
    size: int
    encoding: str

    def text(self, data: bytes, offset: int) -> str:
        return quote_text(self._value(data, offset))

    def json(self, data: bytes, offset: int) -> str:
        return string_json(self._value(data, offset))

    def _value(self, data: bytes, offset: int) -> str:
        return data[offset : offset + self.size].decode(self.encoding, "replace").rstrip("\x00")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOT_A_TIME = -(1 << 63)
_UNITS_OF_MICROSECOND = {
    "W": 604_800_000_000,
    "D": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
    "us": 1,
}


@dataclass(frozen=True, slots=True)
class Moment(ElementType):
    """64-bit counts of a unit: since 1970 (``is_span`` false), or of time passed."""

    name: str
    size: int
    format: str
    unit: str
    step: int
    is_span: bool

    def text(self, data: bytes, offset: int) -> str:
        count: int = struct.unpack_from(self.format, data, offset)[0]
        if count == _NOT_A_TIME:
            return "NaT"
        moment = None if self.is_span else moment_text(count * self.step, self.unit)
        return moment or f"{count * self.step} {self.unit}"

    def json(self, data: bytes, offset: int) -> str:
        return string_json(self.text(data, offset))


def moment_text(count: int, unit: str) -> str | None:
    """Return the ISO date or time that is ``count`` units after 1970; None where the calendar does not reach."""
    if unit in ("Y", "M"):
        year, month = divmod(count if unit == "M" else count * 12, 12)
        return f"{1970 + year:04d}-{month + 1:02d}" if 0 < 1970 + year < 10_000 else None
    nanoseconds = count % 1000 if unit == "ns" else 0
    microseconds = count // 1000 if unit == "ns" else count * _UNITS_OF_MICROSECOND.get(unit, 0)
    if unit != "ns" and unit not in _UNITS_OF_MICROSECOND:
        return None
    try:
        moment = (_EPOCH + timedelta(microseconds=microseconds)).replace(tzinfo=None)
    except OverflowError:
        return None
    if unit in ("W", "D"):
        return moment.date().isoformat()
    digits = f"{moment.microsecond:06d}{nanoseconds:03d}".rstrip("0")
    return moment.replace(microsecond=0).isoformat() + (f".{digits}" if digits else "")


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


def _strides(shape: tuple[int, ...], size: int, *, by_columns: bool) -> list[int]:
    strides = [size] * len(shape)
    axes = list(range(len(shape))) if by_columns else list(reversed(range(len(shape))))
    for before, axis in pairwise(axes):
        strides[axis] = strides[before] * shape[before]
    return strides
