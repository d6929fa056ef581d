"""Telling marshal values from other bytes, and where one ends.

There is no magic: all of a value must be as Python writes it.
"""

import re
from itertools import chain, islice
from typing import Protocol

from app import limits
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.layouts import layout_of
from app.codecs.marshal.parse import NEVER, parse
from app.codecs.marshal.pyc import LONGEST_HEADER, PycHeader, pyc_header
from app.codecs.marshal.stream import CONTAINERS, FLAG_REF, SINGLETONS, Stream
from app.codecs.nodes import SCALARS, Kind
from app.errors import CodecError, LimitExceeded

_SHORTEST = 3
"""Bytes below which nothing is taken for marshal: too much else is as short."""

_CHECKED = 20_000
_CHECKED_BYTES = 1 << 16
_CONVINCING = 8
"""Sound parts of a cut value after which it is believed."""

_NO_TEXT = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What is in the sizes and numbers of nearly all marshal values, and in no text."""

_FIRST_WINDOW = 1 << 12
_GROWTH = 8


def looks_like_marshal(data: bytes, *, whole: bool) -> tuple[str, MarshalGraph | None]:
    """Return why ``data`` looks like marshal, or an empty string, and the value when it was read to its end."""
    header = pyc_header(data)
    start = header.size if header is not None else 0
    if len(data) - start < (1 if header is not None else _SHORTEST) or not _NO_TEXT.search(data):
        return "", None
    stream = parse(data, start, NEVER, layout_of(header.version) if header is not None else None)
    graph = MarshalGraph(stream)
    if stream.is_full:
        return f"All of its first {stream.error_at:,} bytes are marshal.", graph
    if stream.error:
        return ("" if whole or not stream.is_cut else _cut(graph, header)), None
    if stream.stop != len(data) or not _is_sound(graph):
        return "", None
    what = f"Behind the header of a .pyc file of {header.python}, a" if header is not None else "A"
    return f"{what} marshal value ends exactly where the bytes do.", graph


def _cut(graph: MarshalGraph, header: PycHeader | None) -> str:
    """Return why a value whose end is missing is one all the same."""
    stream = graph.stream
    if header is not None and stream.type_code(stream.start) == ord("c"):
        return f"It begins with the header of a .pyc file of {header.python}."
    parts = sum(map(len, stream.records.values()))
    if stream.type_code(stream.start) not in CONTAINERS or parts < _CONVINCING or not _is_sound(graph):
        return ""
    return "It begins like a marshal value."


def _is_sound(graph: MarshalGraph) -> bool:
    """Tell whether the parts of a value are as Python writes them; those looked at first must do for large values."""
    stream = graph.stream
    slots = chain((stream.start,), chain.from_iterable(stream.records.values()))
    if not all(_is_sound_node(graph, slot) for slot in islice(slots, _CHECKED)):
        return False
    return all(_has_hashable_keys(graph, target) for target in islice(stream.records, _CHECKED))


def _is_sound_node(graph: MarshalGraph, slot: int) -> bool:
    stream = graph.stream
    if slot == stream.error_at or graph.target(slot) != slot:
        return True
    first = stream.data[slot]
    code = first & ~FLAG_REF
    if code in SINGLETONS:
        return first == code
    return graph.kind(slot) not in SCALARS or _is_sound_scalar(graph, slot, chr(code))


def _is_sound_scalar(graph: MarshalGraph, slot: int, letter: str) -> bool:
    try:
        if graph.kind(slot) in _TEXTS and graph.length(slot) > _CHECKED_BYTES:
            return bool(graph.prefix(slot, limits.CELL_CHARS))
        value = graph.scalar(slot)
    except LimitExceeded:
        return True
    except CodecError:
        return False
    return not (isinstance(value, str) and letter in "aAzZ" and not value.isascii())


_TEXTS = frozenset({Kind.STR, Kind.STR2, Kind.BYTES})
_UNHASHABLE = frozenset({Kind.LIST, Kind.DICT, Kind.SET})


def _has_hashable_keys(graph: MarshalGraph, target: int) -> bool:
    kids = graph.stream.records[target]
    match graph.kind(target):
        case Kind.DICT:
            hashed = kids[::2]
        case Kind.SET | Kind.FROZENSET:
            hashed = kids
        case _:
            return True
    return all(graph.kind(slot) not in _UNHASHABLE for slot in hashed[:_CHECKED])


class Sliceable(Protocol):
    """Bytes that are taken out a slice at a time: bytes, a memoryview, a map, or a part of one."""

    def __getitem__(self, part: slice, /) -> bytes | memoryview: ...


def marshal_end(buffer: Sliceable, offset: int) -> int | None:
    """Return where the marshal value that starts at ``offset`` ends, a ``.pyc`` header before it included.

    None when no plausible one starts there. Only as much of the buffer is read as it takes, in windows that grow.
    """
    window = _FIRST_WINDOW
    while True:
        part = bytes(buffer[offset : offset + window])
        stream = _stream(part)
        if stream is None:
            return None
        if not stream.error:
            return offset + stream.stop if _is_sound(MarshalGraph(stream)) else None
        if len(part) < window or not stream.is_cut:
            return None
        window *= _GROWTH
        del part, stream  # of a large value, the next window needs that room


def _stream(part: bytes) -> Stream | None:
    if not part:
        return None
    header = pyc_header(part[:LONGEST_HEADER])
    if header is None:
        return parse(part, 0, NEVER)
    return parse(part, header.size, NEVER, layout_of(header.version))
