"""Telling pickles from other bytes, and where one ends."""

import re
from itertools import chain, islice
from typing import Protocol

from app.codecs.pickle.graph import NEVER, Graph, parse
from app.codecs.pickle.in_a_row import parse_following
from app.codecs.pickle.opcodes import CODE, codes, end_of, name_of
from app.codecs.pickle.reductions import global_lines
from app.codecs.pickle.scalars import is_text, read_scalar
from app.codecs.pickle.walk import reach_stop
from app.errors import CodecError, LimitExceeded

_FIRST_WINDOW = 1 << 11
"""Bytes of a file that are looked at before more of it is read: a salvage looks in vain at many places."""

_GROWTH = 8
_FOLLOWED = 1 << 20
"""Bytes of a pickle that are followed to tell where it ends; if there are more, its STOP is looked for."""

_CHECKED_SLOTS = 200
_MANY_VALUES = 8
"""Values that wait for a container before a pickle is believed that has joined none yet."""

_TINY = 2
"""Bytes of a pickle that is one opcode and STOP."""

_LINES = codes("INT", "LONG", "FLOAT", "STRING")
_GLOBAL_NAME = re.compile(r"[\w.<>$-]+\Z")
_OLD_STARTS = (b"(dp", b"(lp", b"(ip", b"}q", b"]q", b"ccopy_reg\n", b"c__builtin__\n", b"(i", b"cc", b"(c")
_DIGITS = re.compile(rb"-?\d+")
_PROTO = CODE["PROTO"]


def looks_like_pickle(data: bytes, *, whole: bool) -> tuple[str, Graph | None]:
    """Return why ``data`` looks like a pickle, or an empty string, and the pickle when it was read to its STOP.

    Or as far as there is room for it.
    """
    if not data:
        return "", None
    graph = parse(data, 0, NEVER)
    stream = graph.stream
    if stream.is_full:
        return f"All of its first {stream.error_at:,} bytes are opcodes of a pickle.", graph
    if stream.error:
        return _cut_or_damaged(graph, whole=whole), None
    if not _is_plausible(graph) or not _is_followed_well(graph):
        return "", None
    return f"A pickle of protocol {stream.protocol or '0 or 1'} ends with STOP at offset {stream.stop - 1:,}.", graph


def begins_surely(data: bytes) -> bool:
    """Tell whether so much of a pickle that is cut is there that the bytes cannot be anything else."""
    graph = parse(data, 0, NEVER)
    stream = graph.stream
    if not stream.error:
        return _is_plausible(graph)
    if not stream.is_cut:
        return False
    return _is_begun(graph) or (data[0] == _PROTO and len(stream.frames) > 0)


def _cut_or_damaged(graph: Graph, *, whole: bool) -> str:
    """Return why an unfinished pickle is one all the same."""
    stream = graph.stream
    data = stream.data
    if data[0] == _PROTO and 2 <= stream.protocol <= 5 and (end_of(data, 2) > 0 or not whole):
        return f"It begins like a pickle of protocol {stream.protocol}."
    if not stream.is_cut or not (_is_one_long_scalar(graph) if stream.root == stream.error_at else _is_begun(graph)):
        return ""
    if whole and not data.startswith(_OLD_STARTS):
        return ""  # it should have ended: more text happens to parse than is cut pickles
    return "It begins like a pickle of protocol 0 or 1."


def _is_begun(graph: Graph) -> bool:
    """Tell whether so much of a cut pickle was carried out that it cannot be chance."""
    stream = graph.stream
    waiting = max(map(len, stream.pending.values()), default=0)
    return (len(stream.records) + len(stream.memo) > 0 or waiting >= _MANY_VALUES) and _is_sound(graph)


def _is_one_long_scalar(graph: Graph) -> bool:
    """Tell whether the first opcode, whose argument fills all the bytes there are, has an argument of its kind."""
    data = graph.stream.data
    match name_of(data[0]):
        case "STRING":
            return data[1:2] in (b"'", b'"') and b"\x00" not in data
        case "LONG":
            return _DIGITS.fullmatch(data, 1) is not None
        case "BINUNICODE":
            return data[4:5] == b"\x00" and is_text(data[5:])
        case "BINSTRING":
            return data[4:5] == b"\x00"  # a length under 16 MB
    return False


def _is_followed_well(graph: Graph) -> bool:
    """Tell whether nothing or another pickle follows; behind PROTO anything may."""
    stream = graph.stream
    if stream.stop >= len(stream.data) or stream.data[stream.start] == _PROTO:
        return True
    following = parse_following(graph, NEVER)
    return not following.stream.error and _is_plausible(following)


def _is_plausible(graph: Graph) -> bool:
    """Tell whether a pickle that reaches STOP is more than text that happens to parse."""
    stream = graph.stream
    if stream.error:
        return False
    if stream.data[stream.start] == _PROTO:
        return stream.protocol <= 5
    if stream.stop - stream.start <= _TINY and stream.stop < len(stream.data):
        return False  # "N. B." is no pickle of None
    if stream.left or stream.open_marks or stream.odd or not _is_sound(graph):
        return False
    return stream.data[stream.root] != CODE["UNICODE"] or len(stream.memo) > 0


def _is_sound(graph: Graph) -> bool:
    """Tell whether the first scalars and names of a text pickle are well-formed."""
    stream = graph.stream
    data = stream.data
    kids = chain(stream.records.values(), stream.pending.values(), [stream.left])
    slots = chain([stream.root], chain.from_iterable(kids))
    for slot in islice(slots, _CHECKED_SLOTS):
        if slot >= len(data):
            continue
        if data[slot] == CODE["GLOBAL"] and not _GLOBAL_NAME.match(global_lines(data, slot)):
            return False
        if data[slot] in _LINES and not _is_readable(data, slot):
            return False
    return True


def _is_readable(data: bytes, slot: int) -> bool:
    try:
        read_scalar(data, slot)
    except LimitExceeded:
        return True
    except CodecError:
        return False
    return True


class Sliceable(Protocol):
    """Bytes that are taken out a slice at a time: bytes, a memoryview, a map, or a part of one."""

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


def value_end(buffer: Sliceable, offset: int) -> int | None:
    """Return where the pickle that starts at ``offset`` ends, None when there is no plausible one.

    Only as much of the buffer is read as the pickle takes, in windows that grow.
    """
    window = _FIRST_WINDOW
    while True:
        part = bytes(buffer[offset : offset + window])
        if not part:
            return None
        graph = parse(part, 0, NEVER)
        stream = graph.stream
        if not stream.error:
            return offset + stream.stop if _is_plausible(graph) else None
        if len(part) < window or not stream.is_cut:
            return None
        if window >= _FOLLOWED and _is_begun(graph):
            return _stop_behind(buffer, offset, window)
        window *= _GROWTH


def _stop_behind(buffer: Sliceable, offset: int, window: int) -> int | None:
    """Return where the pickle at ``offset`` ends, of which a first window was followed: its opcodes are only counted.

    Records of all of it would take many times its size in memory.
    """
    place = 0
    while True:
        window *= _GROWTH
        part = bytes(buffer[offset : offset + window])
        place, is_stop = reach_stop(part, place)
        if is_stop or len(part) < window:
            return offset + place if is_stop else None
