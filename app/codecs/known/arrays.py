"""``array.array``: as a list of numbers, or as its memory since Python 3."""

from collections.abc import Iterator
from typing import ClassVar

from app.codecs.known.base import Known, KnownType, PlainArray, PlainParts, PlainText, Preview
from app.codecs.known.packed import Characters, ElementType, Number
from app.codecs.known.shape import Shape, integer, is_octets, memory, sequence, shape_of, text
from app.codecs.nodes import Kind, PickleNodes
from app.codecs.screen import quote_text, shorten

_SHOWN = 12
_SHOWN_CHARS = 200
_TYPECODES = frozenset("bBuwhHiIlLqQfdc")
_INTEGER_SIZES = (1, 2, 4, 8)


def _machine_formats() -> tuple[ElementType, ...]:
    """Return the formats that ``array._array_reconstructor`` numbers from 0 (Modules/arraymodule.c)."""
    numbers = ["<B", "<b", "<H", ">H", "<h", ">h", "<I", ">I", "<i", ">i", "<Q", ">Q", "<q", ">q"]
    sized = [(form, _INTEGER_SIZES["bhiq".index(form[1].lower())]) for form in numbers]
    sized += [("<f", 4), (">f", 4), ("<d", 8), (">d", 8)]
    texts = [("utf-16-le", 2), ("utf-16-be", 2), ("utf-32-le", 4), ("utf-32-be", 4)]
    return (
        *(Number(form, size, form) for form, size in sized),
        *(Characters(encoding, size, encoding) for encoding, size in texts),
    )


_FORMATS = _machine_formats()


class Arrays(KnownType):
    """Called with a type code and a list of its items, or a string of them."""

    names: ClassVar[tuple[str, ...]] = ("array.array",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        code = text(nodes, shape.args[0]) if len(shape.args) == 2 else None
        if code is None or code not in _TYPECODES or shape.listitems or shape.dictitems:
            return None
        items = sequence(nodes, shape.args[1])
        if items is not None:
            shown = ", ".join([preview(slot) for slot in items[:_SHOWN]] + ["…"] * (len(items) > _SHOWN))
            return Known("array.array", f"array({code!r}, [{shown}])", PlainArray(items))
        if nodes.kind(shape.args[1]) not in (Kind.STR, Kind.STR2):
            return None
        return Known(
            "array.array", f"array({code!r}, {preview(shape.args[1])})", PlainParts(lambda: iter(shape.args[1:]))
        )


class MachineArrays(KnownType):
    """Called with a type code, the number of a machine format and the memory."""

    names: ClassVar[tuple[str, ...]] = ("array._array_reconstructor",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        found = _machine_array(nodes, shape)
        if found is None:
            return None
        element, count, content = found
        code = text(nodes, shape.args[1])
        if isinstance(element, Characters):
            return self._text(nodes, code or "", element, content)
        data = memory(nodes, content, _SHOWN * element.size)
        items = [element.text(data, place * element.size) for place in range(min(count, _SHOWN))]
        shown = ", ".join([*items, "…"] if count > _SHOWN else items)
        return Known("array.array", f"array({code!r}, [{shown}])", PlainParts(lambda: _parts(nodes, element, content)))

    def _text(self, nodes: PickleNodes, code: str, element: Characters, content: int) -> Known:
        data = memory(nodes, content, nodes.length(content))
        try:
            whole = data.decode(element.encoding, "surrogatepass")
        except UnicodeDecodeError:  # a number that no character has
            whole = data.decode(element.encoding, "replace")
        return Known("array.array", f"array({code!r}, {quote_text(shorten(whole, _SHOWN_CHARS))})", PlainText(whole))


def read_machine_array(nodes: PickleNodes, slot: int) -> tuple[ElementType, int, int] | None:
    """Return how its items are stored, their number and the slot of their memory, when they lie in one."""
    shape = shape_of(nodes, slot)
    return _machine_array(nodes, shape) if shape.name in MachineArrays.names else None


def _machine_array(nodes: PickleNodes, shape: Shape) -> tuple[ElementType, int, int] | None:
    if len(shape.args) != 4 or not shape.is_bare_call or not is_octets(nodes, shape.args[3]):
        return None
    code, number, content = text(nodes, shape.args[1]), integer(nodes, shape.args[2]), shape.args[3]
    if code is None or code not in _TYPECODES or number is None or not 0 <= number < len(_FORMATS):
        return None
    element = _FORMATS[number]
    count, rest = divmod(nodes.length(content), element.size)
    return None if rest else (element, count, content)


def _parts(nodes: PickleNodes, element: ElementType, content: int) -> Iterator[str | int]:
    data = memory(nodes, content, nodes.length(content))
    yield "["
    for offset in range(0, len(data), element.size):
        yield ("," if offset else "") + element.json(data, offset)
    yield "]"


TYPES: tuple[KnownType, ...] = (Arrays(), MachineArrays())
