"""Models of ``array.array``: a list of its items below protocol 3 and in Python 2, else its memory."""

import struct
from dataclasses import dataclass

from app.codecs.known.makers.call import (
    Call,
    Maker,
    call_of,
    int_atom,
    integer,
    native_text,
    none_atom,
    number,
    sequence,
    text,
)
from app.codecs.model import Atom, GlobalName, Items, Style, Value
from app.codecs.nodes import Kind


@dataclass(frozen=True, slots=True)
class Layout:
    """How an item lies in memory on most machines of today: the format of `struct`, and the number of that format."""

    format: str
    machine_format: int


LAYOUTS = {
    "B": Layout("<B", 0),
    "b": Layout("<b", 1),
    "H": Layout("<H", 2),
    "h": Layout("<h", 4),
    "I": Layout("<I", 6),
    "i": Layout("<i", 8),
    "L": Layout("<Q", 10),
    "Q": Layout("<Q", 10),
    "l": Layout("<q", 12),
    "q": Layout("<q", 12),
    "f": Layout("<f", 14),
    "d": Layout("<d", 16),
}
"""Type codes of numbers; a ``long`` has 64 bits, which a machine where it has fewer converts when it loads."""

_UTF32 = 20
_LONGS = frozenset("IL")
"""Type codes whose items are always ``long`` in Python 2."""

_PYTHON2_CODES = frozenset("bBhHiIlLfduc")
_PYTHON3_CODES = frozenset("bBhHiIlLqQfduw")


def make_array(call: Call) -> Value:
    """Return ``array(typecode, items)``; the items are a list, a text, or the bytes of the memory."""
    given = call.bound("typecode", "initializer")
    code = text(call, given.get("typecode", none_atom()), "typecode")
    known = _PYTHON2_CODES if call.style.is_python2 else _PYTHON3_CODES
    if code not in known:
        raise call.wrong(f"the type code must be one of {', '.join(sorted(known))}")
    content = given.get("initializer", Items(Kind.LIST))
    if code in "uwc":
        return _texts(call, code, content)
    return array_model(code, _numbers(call, code, content), call.style)


def array_model(code: str, values: list[int | float], style: Style) -> Value:
    """Return an array of numbers that its type code can hold."""
    if not _has_memory(style):
        items = [_item(code, value, style) for value in values]
        return call_of("array", "array", native_text(code, style), Items(Kind.LIST, items))
    layout = LAYOUTS[code]
    memory = b"".join(struct.pack(layout.format, value) for value in values)
    return _rebuilt(code, layout.machine_format, memory)


def _has_memory(style: Style) -> bool:
    return style.protocol >= 3 and not style.is_python2


def _rebuilt(code: str, machine_format: int, memory: bytes) -> Value:
    args = (GlobalName("array", "array"), Atom(Kind.STR, code), Atom(Kind.INT, machine_format))
    return call_of("array", "_array_reconstructor", *args, Atom(Kind.BYTES, memory))


def _item(code: str, value: int | float, style: Style) -> Value:  # noqa: PYI041  # mypy tells the two apart
    if isinstance(value, float):
        return Atom(Kind.FLOAT, value)
    return Atom(Kind.LONG, value) if style.is_python2 and code in _LONGS else int_atom(value, style)


def _numbers(call: Call, code: str, content: Value) -> list[int | float]:
    form = LAYOUTS[code].format
    if isinstance(content, Atom) and content.kind in (Kind.BYTES, Kind.STR2) and isinstance(content.value, bytes):
        if len(content.value) % struct.calcsize(form):
            raise call.wrong(f"the bytes are no multiple of {struct.calcsize(form)}")
        return [value for (value,) in struct.iter_unpack(form, content.value)]
    return [item_value(call, code, value) for value in sequence(call, content, "its content")]


def item_value(call: Call, code: str, value: Value) -> int | float:
    """Return the number that an item is stored as.

    Raises:
        EncodeError: it does not fit the type code.
    """
    form = LAYOUTS[code].format
    found = number(call, value, "an item") if code in "fd" else integer(call, value, "an item")
    try:
        stored: int | float = struct.unpack(form, struct.pack(form, found))[0]
    except (struct.error, OverflowError) as error:
        raise call.wrong(f"{found!r} does not fit the type code {code!r}") from error
    return stored


def _texts(call: Call, code: str, content: Value) -> Value:
    """Return an array of characters."""
    if isinstance(content, Items):
        characters = [_character(call, code, item) for item in content.items]
    elif code == "c":
        characters = [chr(octet) for octet in _octets(call, content)]
    else:
        characters = list(text(call, content, "its content"))
    if _has_memory(call.style):
        return _rebuilt(code, _UTF32, "".join(characters).encode("utf-32-le", "surrogatepass"))
    kind = Kind.STR2 if code == "c" else Kind.STR
    items: list[Value] = [Atom(kind, each.encode("latin-1") if code == "c" else each) for each in characters]
    return call_of("array", "array", native_text(code, call.style), Items(Kind.LIST, items))


def _octets(call: Call, value: Value) -> bytes:
    if isinstance(value, Atom) and value.kind in (Kind.STR2, Kind.BYTES) and isinstance(value.value, bytes):
        return value.value
    raise call.wrong("its content must be an 8-bit string")


def _character(call: Call, code: str, value: Value) -> str:
    found = _octets(call, value).decode("latin-1") if code == "c" else text(call, value, "an item")
    if len(found) != 1:
        raise call.wrong("an item must be one character")
    return found


MAKERS: dict[str, Maker] = {"array.array": make_array}
