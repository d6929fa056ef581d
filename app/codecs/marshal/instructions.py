"""Bytecode of code objects by offset: opcode numbers, their names where the version is known, and what they mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from app.codecs.known.registry import preview
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.layouts import LAYOUTS, Layout, layout_of
from app.codecs.marshal.names import OPCODES
from app.codecs.nodes import Kind

_HAVE_ARGUMENT = 90
"""The first opcode with an argument, where the others take one byte (up to 3.5)."""

_WORDCODE = (3, 6)
_LONG_OPCODES = LAYOUTS[3:]
"""Layouts of Pythons whose opcodes take one or three bytes."""

_FIRST_OPCODES = frozenset({"RESUME", "COPY_FREE_VARS", "MAKE_CELL", "RETURN_GENERATOR"})
"""One of which stands at the beginning of all code of 3.11 and later."""

_ARGUMENT_CHARS = 80
_IN_CONSTS = frozenset({"LOAD_CONST", "RETURN_CONST", "KW_NAMES"})
_NAME_ENDS = ("_NAME", "_GLOBAL", "_ATTR", "IMPORT_FROM", "LOAD_METHOD")
_SHIFTS = {("LOAD_GLOBAL", (3, 11)): 1, ("LOAD_ATTR", (3, 12)): 1, ("LOAD_SUPER_ATTR", (3, 12)): 2}
"""Bits of an argument that are flags, below the index of the name, and the version from which they are."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """``offset`` is that in the bytecode, ``size`` in bytes; ``argument`` is the number and what it stands for."""

    offset: int
    size: int
    name: str
    argument: str


@cache
def names_of(version: tuple[int, int]) -> tuple[str, ...] | None:
    """Return the names of opcodes by number, empty where there is none; None for an unknown version."""
    if version not in OPCODES:
        return None
    names = [""] * 256
    for known, changes in OPCODES.items():
        words = changes.split()
        for number, name in zip(words[::2], words[1::2], strict=True):
            names[int(number)] = "" if name == "-" else name
        if known == version:
            break
    return tuple(names)


def versions_of(layout: Layout) -> list[tuple[int, int]]:
    """Return the versions of Python with a table that write a layout."""
    return [version for version in OPCODES if layout_of(version) is layout]


def instructions(
    graph: MarshalGraph, code: int, versions: Sequence[tuple[int, int]], start: int = 0, count: int | None = None
) -> Iterator[Instruction]:
    """Yield instructions from byte ``start`` of the bytecode on, without the caches that belong to them.

    An opcode has a name where all ``versions`` agree on it.
    """
    fields = dict(graph.fields(code))
    data = _bytecode(graph, fields)
    versions = _likely(data, versions)
    tables = [table for version in versions if (table := names_of(version)) is not None]
    reader = _Arguments(graph, fields, versions)
    is_word = graph.stream.layout not in _LONG_OPCODES and (not versions or versions[0] >= _WORDCODE)
    made = 0
    for offset, size, opcode, number in _words(data, start) if is_word else _old(data, start):
        if count is not None and made >= count:
            return
        named = {table[opcode] for table in tables}
        name = named.pop() if len(named) == 1 else ""
        if name == "CACHE":
            continue
        yield Instruction(offset, size, name or f"opcode {opcode}", "" if number is None else reader.text(name, number))
        made += 1


def _bytecode(graph: MarshalGraph, fields: dict[str, int]) -> bytes:
    slot = fields.get("co_code")
    if slot is None or graph.kind(slot) not in (Kind.BYTES, Kind.STR2):
        return b""
    data = graph.scalar(slot)
    return data if isinstance(data, bytes) else b""


def _likely(data: bytes, versions: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return those of several versions from 3.11 on in which the bytecode begins as it must."""
    if len(versions) < 2 or versions[0] < (3, 11) or not data:
        return list(versions)
    tables = {version: names_of(version) for version in versions}
    return [version for version, names in tables.items() if names is not None and names[data[0]] in _FIRST_OPCODES]


def _words(data: bytes, start: int) -> Iterator[tuple[int, int, int, int | None]]:
    """Yield offset, size, opcode and argument of opcodes that take two bytes each."""
    for offset in range(start - start % 2, len(data) - 1, 2):
        yield offset, 2, data[offset], data[offset + 1]


def _old(data: bytes, start: int) -> Iterator[tuple[int, int, int, int | None]]:
    offset = start
    while offset < len(data):
        size = 3 if data[offset] >= _HAVE_ARGUMENT else 1
        number = int.from_bytes(data[offset + 1 : offset + 3], "little") if size > 1 else None
        yield offset, size, data[offset], number
        offset += size


class _Arguments:
    """What arguments stand for in one code object; larger ones are put together from EXTENDED_ARG before them."""

    def __init__(self, graph: MarshalGraph, fields: dict[str, int], versions: Sequence[tuple[int, int]]) -> None:
        self._graph = graph
        self._fields = fields
        self._version = versions[0] if versions else (0, 0)
        self._extended = 0
        self._bits = 8 if graph.stream.layout not in _LONG_OPCODES else 16

    def text(self, name: str, number: int) -> str:
        number |= self._extended
        self._extended = number << self._bits & 0xFFFFFFFF if name == "EXTENDED_ARG" else 0
        meaning = self._meaning(name, number)
        return f"{number} ({meaning})" if meaning else str(number)

    def _meaning(self, name: str, number: int) -> str:
        for (shifted, since), bits in _SHIFTS.items():
            if name == shifted and self._version >= since:
                number >>= bits
        if name in _IN_CONSTS:
            return self._item(("co_consts",), number)
        if name.endswith(_NAME_ENDS):
            return self._item(("co_names",), number)
        if name.endswith("_FAST"):
            return self._item(("co_varnames", "co_localsplusnames"), number)
        return ""

    def _item(self, fields: Sequence[str], number: int) -> str:
        slot = next((self._fields[name] for name in fields if name in self._fields), None)
        if slot is None:
            return ""
        items = self._graph.items(slot, number, 1)
        return preview(self._graph, items[0], _ARGUMENT_CHARS) if items else ""
