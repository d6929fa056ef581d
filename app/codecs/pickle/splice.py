"""Replacing one scalar in the original opcodes: nothing else changes but the lengths of the frames around it."""

import re
import struct

from app.codecs.literal import parse_literal
from app.codecs.nodes import Kind, Scalar
from app.codecs.pickle.collector import CollectorPaused
from app.codecs.pickle.compare import Cut, is_same_but_for
from app.codecs.pickle.encode import encode_call, encode_scalar
from app.codecs.pickle.graph import NEVER, Graph, parse
from app.codecs.pickle.memo import is_used
from app.codecs.pickle.opcodes import CODE, PUTS, end_of
from app.codecs.pickle.stream import Stream
from app.errors import CodecError, EncodeError

_UNICODE_LITERAL = re.compile(r"\s*[uU][rR]?['\"]")
_FRAME_BYTES = 9
_POP = b"0"


def replace_scalar(graph: Graph, slot: int, literal: str) -> Graph:
    """Return the pickle with the scalar at ``slot`` replaced, only at this place, read back from its new bytes.

    Raises:
        EncodeError: the literal is wrong, or the place cannot be changed safely; says why.
    """
    kind = new_kind = graph.kind(slot)
    if graph.is_python2 and kind is Kind.STR2 and _UNICODE_LITERAL.match(literal):
        new_kind = Kind.STR  # a replaced text keeps its kind unless the literal says otherwise
    value = parse_literal(literal, new_kind, is_python2=graph.is_python2)
    if new_kind is kind and _is_same(value, _current(graph, slot)):
        return graph
    _check_frames(graph.stream)
    with CollectorPaused():
        return _spliced(graph, slot, value, new_kind)


def _spliced(graph: Graph, slot: int, value: Scalar, kind: Kind) -> Graph:
    """Write the edit, read the result back, and accept it only when nothing else differs."""
    cut = _plan(graph, slot, value, kind)
    changed = _apply(graph.stream, cut)
    again = parse(changed, graph.stream.start, NEVER)
    reads_back = is_same_but_for(graph.stream, again.stream, cut)
    if not reads_back or not _is_same(_current(again, cut.kid(slot)), value):
        raise EncodeError("This place cannot be changed safely: the result would not read back as meant.")
    return again


def _current(graph: Graph, slot: int) -> Scalar:
    try:
        return graph.integer(slot) if graph.kind(slot) in (Kind.INT, Kind.LONG) else graph.scalar(slot)
    except CodecError:
        return None


def _is_same(new: Scalar, old: Scalar) -> bool:
    if isinstance(new, float) and isinstance(old, float):
        return struct.pack("<d", new) == struct.pack("<d", old) or (new != new and old != old)  # noqa: PLR0124 - nan
    return type(new) is type(old) and new == old


def _plan(graph: Graph, slot: int, value: Scalar, kind: Kind) -> Cut:
    """Return what to replace: the opcode alone where its memo slots are unused, else the old value is popped."""
    stream = graph.stream
    op = stream.data[graph.target(slot)]
    if stream.data[slot] == CODE["READONLY_BUFFER"]:
        raise EncodeError("A read-only buffer cannot be edited yet.")
    if op == CODE["REDUCE"] and isinstance(value, bytes):
        return _plan_call(graph, slot, value, kind)
    like = graph.int_like(op) if kind is Kind.INT else op
    code = encode_scalar(value, kind, like, stream.protocol, is_python2=graph.is_python2)
    puts, end = _puts_behind(stream, slot)
    if is_used(stream, slot, puts):
        return Cut(end, end, _POP + code, slot, end + len(_POP), keeps_old=True)
    return Cut(slot, end_of(stream.data, slot), code, slot, slot, keeps_old=False)


def _plan_call(graph: Graph, slot: int, value: bytes, kind: Kind) -> Cut:
    """Return the cut for bytes that an old protocol writes as a call: the text inside, or a call of its own."""
    stream = graph.stream
    puts, end = _puts_behind(stream, slot)
    inside = graph.argument_of(slot) if slot == graph.target(slot) else -1
    if inside >= 0 and not is_used(stream, slot, puts):
        if graph.kind(inside) is Kind.STR:
            return _plan(graph, inside, value.decode("latin-1"), Kind.STR)
        if graph.kind(inside) is Kind.BYTES:
            return _plan(graph, inside, value, Kind.BYTES)
    if kind is not Kind.BYTES:
        raise EncodeError("This bytearray is written in a way that cannot be changed at this place yet.")
    code = encode_call(value, stream.protocol)
    if slot != graph.target(slot) and not puts:
        return Cut(slot, end, code, slot, slot + len(code) - 1, keeps_old=False)
    return Cut(end, end, _POP + code, slot, end + len(code), keeps_old=True)


def _puts_behind(stream: Stream, slot: int) -> tuple[list[int], int]:
    """Return the PUTs of a slot and where they end; a FRAME may begin between a long value and its MEMOIZE."""
    data = stream.data
    puts: list[int] = []
    end = at = end_of(data, slot)
    while data[at] in PUTS or data[at] == CODE["FRAME"]:
        if data[at] in PUTS:
            puts.append(at)
            end = end_of(data, at)
        at = end_of(data, at)
    return puts, end


def _check_frames(stream: Stream) -> None:
    """Refuse frames that overlap or run over the end, as their lengths could not be kept right."""
    behind = stream.start
    for pos, size in stream.frames:
        if pos < behind or pos + _FRAME_BYTES + size > stream.stop:
            raise EncodeError(f"The frame at offset {pos:,} has a wrong length, so the pickle is read-only.")
        behind = pos + _FRAME_BYTES + size


def _apply(stream: Stream, cut: Cut) -> bytes:
    """Return the value's bytes with the cut made and the frame around it made longer or shorter."""
    data = stream.data
    changed = bytearray(data[: cut.start] + cut.code + data[cut.end :])
    for pos, size in stream.frames:
        first = pos + _FRAME_BYTES
        if first < cut.end <= first + size or first <= cut.start < cut.end <= first + size:
            struct.pack_into("<Q", changed, pos + 1, size + len(cut.code) - (cut.end - cut.start))
    return bytes(changed)
