"""The type codes of a marshal value in order, as the opcodes of a pickle are listed; bytecode where it stands."""

from collections.abc import Iterator
from itertools import islice

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.codecs.known.registry import preview
from app.codecs.marshal.code_text import known_versions
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.instructions import instructions
from app.codecs.marshal.pyc import PycHeader
from app.codecs.marshal.stream import FLAG_REF
from app.codecs.nodes import SCALARS, Kind

_NAMES = {
    "N": "NONE", "T": "TRUE", "F": "FALSE", "S": "STOPITER", ".": "ELLIPSIS", "i": "INT", "I": "INT64", "l": "LONG",
    "f": "FLOAT", "g": "BINARY_FLOAT", "x": "COMPLEX", "y": "BINARY_COMPLEX", "s": "STRING", "t": "INTERNED",
    "u": "UNICODE", "a": "ASCII", "A": "ASCII_INTERNED", "z": "SHORT_ASCII", "Z": "SHORT_ASCII_INTERNED",
    "r": "REF", "R": "STRINGREF", "(": "TUPLE", ")": "SMALL_TUPLE", "[": "LIST", "{": "DICT", "<": "SET",
    ">": "FROZENSET", ":": "SLICE", "c": "CODE",
}  # fmt: skip
"""The names of Python/marshal.c, without ``TYPE_``."""

_ARGUMENT_CHARS = 120
_CHECKED = 1024


def listing(
    graph: MarshalGraph, header: PycHeader | None, start: int, count: int, token: CancelToken
) -> list[OpcodeRow]:
    """Return at most ``count`` rows from row ``start`` on."""
    return list(islice(_Listing(graph, header, token).rows(), start, start + count))


class _Listing:
    def __init__(self, graph: MarshalGraph, header: PycHeader | None, token: CancelToken) -> None:
        self._graph = graph
        self._versions = known_versions(graph, header)
        self._numbers = {slot: number for number, slot in enumerate(graph.stream.refs)}
        self._token = token
        self._codes: dict[int, int] = {}
        """Code objects by the slot of their bytecode, which is their first part."""

    def rows(self) -> Iterator[OpcodeRow]:
        """Yield the rows in the order of the bytes; open containers stand on a list."""
        graph = self._graph
        waiting: list[Iterator[int]] = [iter((graph.root,))]
        steps = 0
        while waiting:
            slot = next(waiting[-1], None)
            steps += 1
            if steps % _CHECKED == 0:
                self._token.check()
            if slot is None:
                waiting.pop()
                continue
            yield self._row(slot, len(waiting) - 1)
            if slot in graph.stream.records:
                waiting.append(iter(graph.stream.records[slot]))
                if graph.kind(slot) is Kind.CODE:
                    self._codes[next(iter(graph.stream.records[slot]), -1)] = slot
            elif slot in self._codes:
                yield from self._bytecode(self._codes[slot], len(waiting))

    def _row(self, slot: int, depth: int) -> OpcodeRow:
        graph, stream = self._graph, self._graph.stream
        letter = chr(stream.type_code(slot))
        kind = graph.kind(slot)
        if kind is Kind.DAMAGED:
            return OpcodeRow(slot, 0, "damaged", "", depth, preview(graph, slot, _ARGUMENT_CHARS), slot)
        size = stream.header_size(slot) if slot in stream.records else stream.scalar_end(slot) - slot
        counted = f"object {self._numbers[slot]}" if slot in self._numbers and stream.data[slot] & FLAG_REF else ""
        if letter in "rR":
            argument = f"object at offset {graph.target(slot)}"
        elif kind in SCALARS:
            argument = preview(graph, slot, _ARGUMENT_CHARS)
        else:
            argument = f"{graph.length(slot):,}" if slot in stream.records and kind is not Kind.CODE else ""
        return OpcodeRow(slot, size, _NAMES.get(letter, letter), argument, depth, counted, slot)

    def _bytecode(self, code: int, depth: int) -> Iterator[OpcodeRow]:
        graph = self._graph
        slot = graph.target(graph.elements(code)[0])
        for one in instructions(graph, code, self._versions):
            yield OpcodeRow(slot + 5 + one.offset, one.size, one.name, one.argument, depth, "bytecode", slot)
