"""Dumps of joblib taken apart, opcodes here and the memories of arrays there, and put together again.

References:
    joblib/numpy_pickle.py (NumpyArrayWrapper.write_array, read_array; bytes of alignment since 1.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import prod

from app.cancel import CancelToken
from app.codecs.known.dtypes import ObjectType, element_type
from app.codecs.known.packed import ElementType
from app.codecs.known.shape import attributes, class_name, integer, integers, sequence, text
from app.codecs.model import Atom, Built, GlobalName, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.machine import run_past
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.opcodes import CODE
from app.codecs.pickle.recognise import value_end
from app.codecs.pickle.stream import Stream
from app.errors import CodecError, EncodeError

WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_MOST_ARRAYS = 100_000
_MOST_LOOKED_AT = 1 << 26
"""Opcodes that CPython may refuse and objects changed before, which are looked at again at each BUILD behind them."""

_BUILD = CODE["BUILD"]
_ALIGNMENT = "numpy_array_alignment_bytes"
_STATE_SIZE = 5
"""Where the state of a dtype has the size of its elements."""

_MOST_AXES = 32
_NESTING = 40
NOT_FOLLOWED = "It is not known what joblib would read behind an array of joblib that cannot be followed."
_TOO_MANY = "There are more arrays of joblib than are followed."
_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
_STYLE = Style(protocol=4)


@dataclass(frozen=True, slots=True)
class RawArray:
    """An array whose memory lies between opcodes.

    ``at`` is the offset behind the wrapper's last opcode in the pickle without any of the memories, ``alignment``
    what its bytes are aligned to (0: not at all), ``skipped`` how many bytes stand before it for that. ``head`` and
    ``tail`` are the opcodes around it in the pickle that is shown. An array of objects is a pickle of its own, whose
    memo is another: it is shown as bytes with that content.
    """

    at: int
    head: bytes
    memory: bytes
    tail: bytes
    alignment: int
    skipped: int = 0

    @property
    def is_pickle(self) -> bool:
        return not self.tail

    def with_pickle(self, memory: bytes) -> "RawArray":
        """Return the same array of objects with another pickle."""
        return replace(self, head=b"0" + _bytes_opcode(len(memory)), memory=memory)

    @property
    def shown(self) -> bytes:
        return self.head + self.memory + self.tail


class _NotFollowedError(Exception):
    """It is not known what is behind a wrapper."""


class Mixed:
    """A dump taken apart: the ``opcodes``, and the ``arrays``; ``gap`` says why there may be more of them."""

    def __init__(self, data: bytes, token: CancelToken) -> None:
        self.arrays: list[RawArray] = []
        self.gap = ""
        self._data = data
        self._before = bytearray()
        """The opcodes up to the last array."""
        self._place = 0
        """The offset in the dump behind the last array."""
        self._frames = 0
        """The frames up to the last array."""
        self._looked_at = 0
        self._token = token
        self._take_apart()
        self.opcodes = bytes(self._before) + data[self._place :] if self.arrays else data

    def _take_apart(self) -> None:
        """Cut out all memories that can be followed, up to the first that cannot be."""
        try:
            stream = run_past(self._data, self._token, self._behind_build)
        except _NotFollowedError:
            return
        graph, data = Graph(stream), self._data
        others = (target for target, log in stream.logs.items() if len(log) > 1 or data[log[0]] != _BUILD)
        if any(is_wrapper(graph, target) for target in others):
            self.gap = NOT_FOLLOWED

    def _behind_build(self, stream: Stream, target: int, place: int) -> int:
        """Return where the opcodes of the dump go on behind a BUILD, the memory of an array cut out before."""
        self.gap = _TOO_MANY
        self._looked_at += 1 + len(stream.persids) + len(stream.insts) + (len(stream.logs) if stream.odd else 0)
        if self._looked_at > _MOST_LOOKED_AT:
            raise _NotFollowedError
        graph = Graph(stream)  # anew, as what it remembers can have been changed since
        if is_wrapper(graph, target):
            if len(self.arrays) >= _MOST_ARRAYS:
                raise _NotFollowedError
            self.gap = NOT_FOLLOWED
            place = self._take(graph, target, place)
        self.gap = ""
        return place

    def _take(self, graph: Graph, wrapper: int, place: int) -> int:
        """Cut the memory out that follows a wrapper, and return where it ends."""
        self._token.check()
        frames = graph.stream.frames
        if any(place < frame + 9 + size for frame, size in frames[self._frames :]):
            raise _NotFollowedError  # it is read behind the frame
        self._frames = len(frames)
        at = len(self._before) + place - self._place
        try:
            found = _memory_behind(graph, wrapper, at, self._data, place, self._token)
        except CodecError as error:
            raise _NotFollowedError from error
        if found is None:
            raise _NotFollowedError
        array, end = found
        self.arrays.append(array)
        self._before += self._data[self._place : place]
        self._place = end
        return end

    @property
    def shown(self) -> bytes:
        """The pickle with arrays in the place of their wrappers."""
        return self.shown_with(self.arrays)

    def shown_with(self, arrays: Sequence[RawArray]) -> bytes:
        """Return the pickle with other arrays in the place of their wrappers."""
        parts, place = [], 0
        for array in arrays:
            parts += [self.opcodes[place : array.at], array.shown]
            place = array.at
        return b"".join([*parts, self.opcodes[place:]])

    def slots_shown(self) -> list[int]:
        """Return where each array is in `shown`: the offset of the opcode that pushes it, or its bytes."""
        slots, shift = [], 0
        for array in self.arrays:
            slots.append(array.at + shift + 1)
            shift += len(array.shown)
        return slots


def wrappers(graph: Graph) -> Iterator[tuple[int, int]]:
    """Yield the offset behind the BUILD of each wrapper of an array, and its slot, in order."""
    ends = ((log[-1] + 1, target) for target, log in graph.stream.logs.items())
    for end, target in sorted(ends):
        if is_wrapper(graph, target):
            yield end, target


def gap_of(graph: Graph) -> str:
    """Return a sentence where joblib would read something else than opcodes behind some of a pickle, else nothing."""
    return NOT_FOLLOWED if any(is_wrapper(graph, target) for target in graph.stream.logs) else ""


def is_wrapper(graph: Graph, slot: int) -> bool:
    """Tell whether an object stands for an array whose memory follows it."""
    return graph.kind(slot) is Kind.OBJECT and class_name(graph, graph.parts(slot).cls) == WRAPPER


def _memory_behind(
    graph: Graph, wrapper: int, at: int, data: bytes, place: int, token: CancelToken
) -> tuple[RawArray, int] | None:
    """Return the array behind a wrapper and where its memory ends, None when nothing there can be it.

    ``place`` is the offset behind the wrapper in the ``data`` of the dump, and the end that is returned is one there.
    """
    said = _said(graph, wrapper) if len(graph.stream.logs[wrapper]) == 1 else None
    if said is None:
        return None
    if isinstance(said.element, ObjectType):
        end = value_end(data, place)
        if end is None:
            return None
        return RawArray(at, b"0" + _bytes_opcode(end - place), data[place:end], b"", 0), end
    skipped = 1 + data[place] if said.is_aligned and place < len(data) else 0
    start = place + skipped
    size = prod(said.lengths) * said.element.size
    if start + size > len(data):
        return None
    dtype = emit(_unshared(model_of(graph, said.dtype, token), _NESTING), _STYLE)
    is_fortran = b"\x88" if said.order == "F" else b"\x89"
    head = b"0" + _RECONSTRUCT + _opening(said.lengths) + dtype + is_fortran + _bytes_opcode(size)
    return RawArray(at, head, data[start : start + size], b"tb", said.alignment, skipped), start + size


@dataclass(frozen=True, slots=True)
class _Said:
    """What a wrapper says of its array; ``dtype`` is a slot."""

    lengths: Sequence[int]
    element: ElementType
    dtype: int
    order: str | None
    is_aligned: bool
    alignment: int


def _said(graph: Graph, wrapper: int) -> _Said | None:
    states = graph.parts(wrapper).states
    state = attributes(graph, states[0]) if len(states) == 1 else None
    if state is None or not {"shape", "dtype", "order"} <= state.keys():
        return None
    lengths = integers(graph, sequence(graph, state["shape"], _MOST_AXES) or [])
    element = element_type(graph, state["dtype"])
    if lengths is None or any(length < 0 for length in lengths) or element is None:
        return None
    aligned = state.get(_ALIGNMENT, -1)
    is_aligned = aligned >= 0 and graph.kind(aligned) is not Kind.NONE
    alignment = integer(graph, aligned) if is_aligned else 0
    if alignment is None or not _says_size(graph, state["dtype"], element.size):
        return None
    return _Said(lengths, element, state["dtype"], text(graph, state["order"]), is_aligned, alignment)


def _says_size(graph: Graph, dtype: int, size: int) -> bool:
    """Tell whether the state of a dtype has its size in bytes too, by which numpy goes, or leaves it open."""
    states = graph.parts(dtype).states
    state = sequence(graph, states[0], 10) if len(states) == 1 else None
    return state is None or len(state) < _STATE_SIZE + 1 or integer(graph, state[_STATE_SIZE]) in (-1, size)


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


def with_memories(shown: bytes, arrays: Sequence[RawArray], token: CancelToken) -> tuple[bytes, list[bytes], bytes]:
    """Return what the pickle that is shown is made of, opcodes and memories, and the dump of both."""
    graph = parse(shown, 0, token)
    ends = [end for end, _ in wrappers(graph)]
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
