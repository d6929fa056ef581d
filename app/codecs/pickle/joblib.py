"""Dumps of joblib: pickles that have the raw bytes of arrays between their opcodes.

An object ``NumpyArrayWrapper`` tells shape and dtype, and the memory of the array follows its last opcode. To be
looked at and edited, each such wrapper is taken off the stack again and the array put there, as numpy pickles it;
an edit is made in that and written back with the arrays where they were.

References:
    joblib/numpy_pickle.py (NumpyArrayWrapper.write_array, read_array; bytes of alignment since 1.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import prod
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Inside, NodeRow, Summary
from app.codecs.edits import Edit
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.known.dtypes import ObjectType, element_type
from app.codecs.known.shape import attributes, class_name, integer, integers, sequence, text
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.recognise import Sliceable, value_end
from app.codecs.pickle.summary import summarise
from app.codecs.pickle.value import PickleValue
from app.codecs.trees.children import Child
from app.errors import CodecError, DecodeError, EncodeError

_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_MODULE = b"joblib.numpy_pickle"
_NAME = b"NumpyArrayWrapper"
_PROTO = b"\x80"
_MOST_ARRAYS = 2_000
_MOST_PARSED = 1 << 29
"""Bytes that are parsed to find arrays: the opcodes from the start for each of them."""

_LOOKED_INTO = 1 << 16
"""Bytes of a file in which the first wrapper must stand."""

_LONGEST = 1 << 30
"""Bytes of the longest dump in a file of several values."""

_MOST_AXES = 32
_NESTING = 40
_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_STYLE = Style(protocol=4)


@dataclass(frozen=True, slots=True)
class RawArray:
    """An array whose memory lies between opcodes.

    ``at`` is the offset behind the wrapper's last opcode in the pickle without any of the memories, ``alignment``
    what its bytes are aligned to (0: not at all). ``head`` and ``tail`` are the opcodes around it in the pickle that
    is shown. An array of objects is a pickle of its own, whose memo is another: it is shown as bytes with that content.
    """

    at: int
    head: bytes
    memory: bytes
    tail: bytes
    alignment: int

    @property
    def shown(self) -> bytes:
        return self.head + self.memory + self.tail


class _Mixed:
    """A dump taken apart: the opcodes, and the arrays."""

    def __init__(self, data: bytes, token: CancelToken) -> None:
        self.opcodes = data
        self.arrays: list[RawArray] = []
        self._token = token
        parsed = 0
        while len(self.arrays) < _MOST_ARRAYS and parsed < _MOST_PARSED:
            token.check()
            graph = parse(self.opcodes, 0, token)
            after = self.arrays[-1].at if self.arrays else 0
            at, wrapper = next(islice(wrappers(graph, after), 1), (-1, -1))
            if at < 0 or not self._take(graph, wrapper, at):
                break
            parsed += max(at, graph.stream.stop, graph.stream.error_at)

    def _take(self, graph: Graph, wrapper: int, at: int) -> bool:
        """Cut the memory out that follows a wrapper; false when what it says of it cannot be."""
        try:
            found = _memory_behind(graph, wrapper, at, self._token)
        except CodecError:
            return False
        if found is None:
            return False
        array, end = found
        self.arrays.append(array)
        self.opcodes = self.opcodes[:at] + self.opcodes[end:]
        return True

    @property
    def shown(self) -> bytes:
        """The pickle with arrays in the place of their wrappers."""
        parts, place = [], 0
        for array in self.arrays:
            parts += [self.opcodes[place : array.at], array.shown]
            place = array.at
        return b"".join([*parts, self.opcodes[place:]])


def wrappers(graph: Graph, after: int) -> Iterator[tuple[int, int]]:
    """Yield the offset behind the BUILD of each wrapper of an array, and its slot, from an offset on, in order."""
    ends = ((log[-1] + 1, target) for target, log in graph.stream.logs.items() if log[-1] >= after)
    for end, target in sorted(ends):
        if graph.kind(target) is Kind.OBJECT and class_name(graph, graph.parts(target).cls) == _WRAPPER:
            yield end, target


def _memory_behind(graph: Graph, wrapper: int, at: int, token: CancelToken) -> tuple[RawArray, int] | None:
    """Return the array behind a wrapper and where its memory ends, None when nothing there can be it."""
    data = graph.stream.data
    states = graph.parts(wrapper).states
    state = attributes(graph, states[0]) if len(states) == 1 else None
    if state is None or not {"shape", "dtype", "order"} <= state.keys():
        return None
    lengths = integers(graph, sequence(graph, state["shape"], _MOST_AXES) or [])
    element = element_type(graph, state["dtype"])
    if lengths is None or any(length < 0 for length in lengths) or element is None:
        return None
    alignment = integer(graph, state["numpy_array_alignment_bytes"]) if "numpy_array_alignment_bytes" in state else None
    order = text(graph, state["order"])
    if isinstance(element, ObjectType):
        end = value_end(data, at)
        return None if end is None else (RawArray(at, b"0" + _bytes_opcode(end - at), data[at:end], b"", 0), end)
    start = at + (1 + data[at] if alignment and at < len(data) else 0)
    size = prod(lengths) * element.size
    if start + size > len(data):
        return None
    dtype = emit(_unshared(model_of(graph, state["dtype"], token), _NESTING), _STYLE)
    head = (
        b"0" + _RECONSTRUCT + _opening(lengths) + dtype + (b"\x88" if order == "F" else b"\x89") + _bytes_opcode(size)
    )
    return RawArray(at, head, data[start : start + size], b"tb", alignment or 0), start + size


def _opening(lengths: Sequence[int]) -> bytes:
    """Return the opcodes of the state of an array up to its shape."""
    shape = Items(Kind.TUPLE, [Atom(Kind.INT, length) for length in lengths])
    return b"(K\x01" + emit(shape, _STYLE)


def _bytes_opcode(size: int) -> bytes:
    return b"\x8e" + size.to_bytes(8, "little")


def _unshared(value: Value, depth: int) -> Value:
    """Return a copy in which no two places hold the same part, so that it is written without memo."""
    if depth < 0:
        raise EncodeError("The dtype of an array is nested too deep.")
    match value:
        case Atom():
            return Atom(value.kind, value.value)
        case GlobalName():
            return GlobalName(value.module, value.name, value.written_in)
        case Items():
            return Items(value.kind, [_unshared(item, depth - 1) for item in value.items])
        case Pairs():
            return Pairs([(_unshared(key, depth - 1), _unshared(item, depth - 1)) for key, item in value.pairs])
        case Built():
            states = [_unshared(state, depth - 1) for state in value.states]
            args = _unshared(value.args, depth - 1)
            return Built(_unshared(value.cls, depth - 1), args, is_call=value.is_call, states=states)
    raise EncodeError("The dtype of an array is none that can be written.")


def dump_end(buffer: Sliceable, offset: int) -> int | None:
    """Return where the pickle that starts at ``offset`` ends, be it one of joblib's; None when there is none."""
    end = value_end(buffer, offset)
    head = bytes(buffer[offset : offset + 2])
    if not head.startswith(_PROTO) or not _names_wrapper(bytes(buffer[offset : end or offset + _LOOKED_INTO])):
        return end
    data = bytes(buffer[offset : offset + _LONGEST])
    mixed = _Mixed(data, CancelToken())
    stop = value_end(mixed.opcodes, 0) if mixed.arrays else None
    return end if stop is None else offset + len(data) - len(mixed.opcodes) + stop


class _ShownPickle(PickleValue):
    """The pickle that is shown: that wrappers are thrown away in it is our own doing."""

    def _make_extras(self, graph: Graph) -> list[Child]:
        return [extra for extra in super()._make_extras(graph) if not _is_wrapper(graph, extra)]


def _is_wrapper(graph: Graph, extra: Child) -> bool:
    is_object = extra.step.startswith("<popped") and graph.kind(extra.slot) is Kind.OBJECT
    return is_object and class_name(graph, graph.parts(extra.slot).cls) == _WRAPPER


class JoblibValue(DecodedValue):
    """A dump of joblib, shown as the pickle that it would be without joblib."""

    codec: ClassVar[str] = "joblib"

    def __init__(self, data: bytes, token: CancelToken) -> None:
        """Raises DecodeError where no array is found in it."""
        super().__init__(data)
        self._mixed = _Mixed(data, token)
        if not self._mixed.arrays:
            raise DecodeError("No array of joblib was found between the opcodes.")
        self._pickle = _ShownPickle(self._mixed.shown, token)
        self.problems = self._pickle.problems

    @property
    def is_damaged(self) -> bool:
        return self._pickle.is_damaged

    @property
    def root(self) -> NodeRow:
        return self._pickle.root

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        return self._pickle.rows(node, start, count)

    def find(self, path: str) -> NodeRow:
        return self._pickle.find(path)

    def insides(self, node: int) -> Sequence[Inside]:
        return self._pickle.insides(node)

    def holders(self, token: CancelToken) -> Iterator[str]:
        return self._pickle.holders(token)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        return self._written_back(self._pickle.with_inside(path, step, data, token), token)

    def edit_text(self, path: str) -> str:
        return self._pickle.edit_text(path)

    def replace(self, path: str, literal: str) -> bytes:
        return self._written_back(self._pickle.replace(path, literal), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        return self._written_back(self._pickle.edit(edit, token), token)

    def _written_back(self, shown: bytes, token: CancelToken) -> bytes:
        """Return the dump that is shown as ``shown``.

        Raises:
            EncodeError: joblib would not find its arrays again.
        """
        if shown == self._pickle.data:
            return self.data
        opcodes, memories, dump = _with_memories(shown, self._mixed.arrays, token)
        again = _Mixed(dump, token)
        if again.opcodes != opcodes or [array.memory for array in again.arrays] != memories:
            raise EncodeError(
                "With that change joblib would not find the bytes of its arrays again; it was left alone."
            )
        return dump

    def model(self, path: str, token: CancelToken) -> Value:
        return self._pickle.model(path, token)

    def audit(self, token: CancelToken) -> Audit:
        return self._pickle.audit(token)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        return self._pickle.opcodes(start, count, token)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        return self._pickle.search(query, token)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._pickle.typed(token, path)

    def text(self, limit: int, path: str = "") -> str:
        return self._pickle.text(limit, path)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        return self._pickle.tree(limit, path)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._pickle.plain(token, path)


def _with_memories(shown: bytes, arrays: Sequence[RawArray], token: CancelToken) -> tuple[bytes, list[bytes], bytes]:
    """Return what the pickle that is shown is made of, opcodes and memories, and the dump of both."""
    graph = parse(shown, 0, token)
    ends = [end for end, _ in wrappers(graph, 0)]
    if len(ends) != len(arrays):
        raise EncodeError("An array of joblib can be neither taken out nor added: its bytes stand between the opcodes.")
    opcodes, memories, dump, place = bytearray(), [], bytearray(), 0
    for array, end in zip(arrays, ends, strict=True):
        start, stop = _memory_shown(shown, array, end)
        if any(frame + 9 < end < frame + 9 + size for frame, size in graph.stream.frames):
            raise EncodeError("With that change an array of joblib would stand within a frame of the pickle.")
        opcodes += shown[place:end]
        dump += shown[place:end]
        dump += _padding(len(dump), array.alignment) + shown[start:stop]
        memories.append(shown[start:stop])
        place = stop + len(array.tail)
    return bytes(opcodes + shown[place:]), memories, bytes(dump + shown[place:])


def _memory_shown(shown: bytes, array: RawArray, place: int) -> tuple[int, int]:
    """Return where the memory of an array starts and ends in the pickle that is shown."""
    before = array.head[: -len(_bytes_opcode(0))]
    size = len(array.memory)
    for opcode in (_bytes_opcode(size), b"B" + size.to_bytes(8, "little")[:4], b"C" + bytes((size & 0xFF,))):
        start = place + len(before) + len(opcode)
        if shown.startswith(before + opcode, place) and shown.startswith(array.tail, start + size):
            return start, start + size
    raise EncodeError("Of an array of joblib only elements can be changed, not its shape, type or place.")


def _padding(place: int, alignment: int) -> bytes:
    """Return the byte of length and the bytes that joblib writes before a memory."""
    if not alignment:
        return b""
    count = alignment - (place + 1) % alignment
    return bytes((count,)) + b"\xff" * count


class JoblibCodec(Codec):
    """Recognises a pickle that names the wrapper of joblib."""

    name: ClassVar[str] = "joblib"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return "It is a pickle of joblib, with arrays between its opcodes." if _names_wrapper(data) else ""

    def decode(self, data: bytes, token: CancelToken) -> JoblibValue:
        return JoblibValue(data, token)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        reason = self.sniff(data, whole=True)
        return (JoblibValue(data, token), reason) if reason else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        return self.claimed_summary(prefix, size) or Summary(self.name, "joblib", "")

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        if not _names_wrapper(prefix):
            return None
        try:
            root = JoblibValue(prefix, CancelToken()).root
        except CodecError:
            begun = summarise(prefix, size)
            return Summary(self.name, begun.type, begun.text)
        return Summary(self.name, root.type, root.text[: limits.SUMMARY_CHARS])


def _names_wrapper(data: bytes) -> bool:
    return data.startswith(_PROTO) and _NAME in data and _MODULE in data
