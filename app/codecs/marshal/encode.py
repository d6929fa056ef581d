"""New values as marshal bytes: scalars alone, and whole models as pieces in which references are still open."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.cancel import CancelToken
from app.codecs.marshal.stream import FLAG_REF
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Value
from app.codecs.model_walk import Met, walk
from app.codecs.nodes import Kind, Scalar
from app.errors import EncodeError

MOST_BYTES = 1 << 28
"""Bytes of a new value, in which shared parts may have to be written many times."""

_SHORT_COUNT = 256
_INT4_BITS = 31
_INT8_BITS = 63
_DIGIT_BITS = 15
_LARGEST = (1 << 31) - 1
_CHECKED = 4096


@dataclass(frozen=True, slots=True)
class Form:
    """How values are written: for a version of marshal, with Python 2's two kinds of text or without."""

    version: int
    is_python2: bool = False

    @property
    def has_references(self) -> bool:
        return self.version >= 3


@dataclass(frozen=True, slots=True)
class Kept:
    """Bytes of the value as it was, from ``start`` to ``end``."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Define:
    """Code of an object that references may name: ``key`` is its slot, or a negative number of a new one.

    ``is_string``: it is one of Python 2's interned strings, which are counted for themselves.
    """

    key: int
    code: bytes
    is_string: bool = False


@dataclass(frozen=True, slots=True)
class Use:
    """A reference to the object of that key."""

    key: int


Piece = bytes | Kept | Define | Use


def encode_scalar(kind: Kind, value: Scalar, form: Form, like: str = "") -> bytes:
    """Return the bytes of a scalar; ``like`` is the type code of the one in whose place it comes.

    Raises:
        EncodeError: marshal has no such value.
    """
    match value:
        case None | bool():
            return {None: b"N", True: b"T", False: b"F"}[value]
        case int():
            return _int(value, kind, form, like)
        case float():
            return _float(value, form, like)
        case complex():
            return _complex(value, form, like)
        case str():
            return _text(value, form, like)
    if kind is Kind.BYTEARRAY:
        raise EncodeError("Marshal values hold no bytearrays; write the bytes, as b'…'.")
    return _sized(b"s", value)


def _int(value: int, kind: Kind, form: Form, like: str) -> bytes:
    bits = (value if value >= 0 else ~value).bit_length()
    if bits <= _INT4_BITS and kind is not Kind.LONG:
        return b"i" + struct.pack("<i", value)
    if bits <= _INT8_BITS and kind is not Kind.LONG and (form.is_python2 or like == "I"):
        return b"I" + struct.pack("<q", value)
    digits = _digits(abs(value))
    count = len(digits) if value >= 0 else -len(digits)
    return b"l" + struct.pack("<i", count) + digits_bytes(digits)


def _digits(value: int) -> Sequence[int]:
    """Return the digits of 15 bits, the least first; halves are split on, so that large ones take no square."""
    parts = [value]
    bits = _DIGIT_BITS
    while bits < value.bit_length():
        bits *= 2
    while bits > _DIGIT_BITS:
        bits //= 2
        mask = (1 << bits) - 1
        parts = [half for part in parts for half in (part & mask, part >> bits)]
    while parts and not parts[-1]:
        parts.pop()
    return parts


def digits_bytes(digits: Sequence[int]) -> bytes:
    words = array("H", digits)
    if array("H", b"\x01\x00")[0] != 1:
        words.byteswap()
    return words.tobytes()


def _float(value: float, form: Form, like: str) -> bytes:
    if (form.version >= 2 or like == "g") and like != "f":
        return b"g" + struct.pack("<d", value)
    return b"f" + _decimal(value)


def _decimal(value: float) -> bytes:
    text = f"{value:.17g}".encode()
    return bytes((len(text),)) + text


def _complex(value: complex, form: Form, like: str) -> bytes:
    if (form.version >= 2 or like == "y") and like != "x":
        return b"y" + struct.pack("<dd", value.real, value.imag)
    return b"x" + _decimal(value.real) + _decimal(value.imag)


def _text(value: str, form: Form, like: str) -> bytes:
    try:
        raw = value.encode("utf-8", "surrogatepass")
    except UnicodeEncodeError as error:  # pragma: no cover - surrogates pass, and nothing else is refused
        raise EncodeError("This text cannot be written.") from error
    is_interned = like in tuple("tZA") and not form.is_python2
    if form.version < 4 or not raw.isascii() or like in ("u", "t"):
        return _sized(b"t" if is_interned and form.version >= 3 else b"u", raw)
    if len(raw) < _SHORT_COUNT and like not in tuple("aA"):
        return (b"Z" if is_interned else b"z") + bytes((len(raw),)) + raw
    is_short = len(raw) < _SHORT_COUNT
    letter = (b"Z" if is_short else b"A") if is_interned else (b"z" if is_short else b"a")
    return letter + bytes((len(raw),)) + raw if is_short else _sized(letter, raw)


def _sized(letter: bytes, raw: bytes) -> bytes:
    if len(raw) > _LARGEST:
        raise EncodeError("Marshal takes at most 2 GB in one text or bytes.")
    return letter + struct.pack("<i", len(raw)) + raw


def flagged(code: bytes) -> bytes:
    """Return code whose object references may name."""
    return bytes((code[0] | FLAG_REF,)) + code[1:]


def header(letter: str, count: int, form: Form, *, keeps_long: bool = False) -> bytes:
    """Return what comes before the children of a container; ``keeps_long``: a tuple is written as it was."""
    if letter in "()":
        letter = ")" if form.version >= 4 and count < _SHORT_COUNT and not keeps_long else "("
    if letter in "{:":
        return letter.encode()
    if count > _LARGEST:
        raise EncodeError("Marshal takes at most 2,147,483,647 items in one container.")
    return b")" + bytes((count,)) if letter == ")" else letter.encode() + struct.pack("<i", count)


_LETTERS = {Kind.LIST: "[", Kind.TUPLE: "(", Kind.SET: "<", Kind.FROZENSET: ">"}
_SINGLETONS = {"Ellipsis": b".", "StopIteration": b"S"}
_BUILTIN_MODULES = ("builtins", "__builtin__", "exceptions")


def pieces_of(value: Value, form: Form, token: CancelToken, like: str = "") -> list[Piece]:
    """Return the code of a new value; parts that stand in several places are one object where the version has that.

    Raises:
        EncodeError: marshal has no such value, or the version cannot write it; says why.
    """
    shared = _shared(value, form)
    made: list[Piece] = []
    keys: dict[int, int] = {}
    size = 0
    waiting: list[Iterator[Value | bytes]] = [iter((value,))]
    while waiting:
        part = next(waiting[-1], None)
        if part is None:
            waiting.pop()
            continue
        if len(made) % _CHECKED == 0:
            token.check()
        if isinstance(part, bytes):
            made.append(part)
        elif id(part) in keys:
            made.append(Use(keys[id(part)]))
        else:
            code, children = _begin(part, form, like if part is value else "")
            size += len(code)
            if size > MOST_BYTES:
                raise EncodeError("Shared parts have to be written again in this version, and would be too large.")
            if id(part) in shared:
                keys[id(part)] = -1 - len(keys)
                made.append(Define(keys[id(part)], flagged(code)))
            else:
                made.append(code)
            waiting.append(children)
    return made


def _shared(value: Value, form: Form) -> set[int]:
    """Return the ids of the containers that stand in several places, and are written once."""
    again = set()
    for part, met in walk(value):
        if met is Met.WITHIN and (not form.has_references or _is_frozen(part)):
            where = "itself" if form.has_references else "itself, which marshal knows from version 3 on"
            raise EncodeError(f"The new value holds {where}.")
        if met is not Met.FIRST and not isinstance(part, Atom | GlobalName) and form.has_references:
            again.add(id(part))
    return again


def _is_frozen(part: Value) -> bool:
    return not (isinstance(part, Pairs) or (isinstance(part, Items) and part.kind is Kind.LIST))


def _begin(part: Value, form: Form, like: str) -> tuple[bytes, Iterator[Value | bytes]]:
    """Return the code that a part begins with, and what comes inside of it."""
    match part:
        case Atom(kind, value):
            return encode_scalar(kind, value, form, like), iter(())
        case Items(kind, items):
            return header(_LETTERS[kind], len(items), form), iter(items)
        case Pairs(pairs):
            return b"{", _pairs(pairs)
        case GlobalName(module, name) if module in _BUILTIN_MODULES and name in _SINGLETONS:
            return _SINGLETONS[name], iter(())
        case Built(cls=GlobalName(module, "slice"), args=Items(items=items)) if module in _BUILTIN_MODULES:
            if form.version < 5 or len(items) != 3:
                raise EncodeError("Slices can be written from version 5 of marshal on, which is Python 3.14's.")
            return b":", iter(items)
    raise EncodeError(
        "Marshal holds only None, booleans, numbers, texts, bytes, lists, tuples, dicts, sets, frozensets and code."
    )


def _pairs(pairs: list[tuple[Value, Value]]) -> Iterator[Value | bytes]:
    for key, value in pairs:
        yield key
        yield value
    yield b"0"
