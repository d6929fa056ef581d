"""Sentences on what is wrong with a pickle that could be read: what CPython would refuse, what ends in nothing."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from app.cancel import CancelToken
from app.codecs.nodes import SCALARS, Kind
from app.codecs.pickle.frame_ends import frame_problems
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.misfits import misfits
from app.codecs.pickle.opcodes import BYTES, CODE, GETS, TEXTS, TUPLES, codes, end_of, name_of

_MOST = 20
_LOOKED_AT = 100
"""Values thrown away, and parts of what the memo gives back instead, that are compared."""

_BUFFERS = BYTES | codes("NEXT_BUFFER", "BYTEARRAY8")
_CHANGES = codes("SETITEM", "SETITEMS", "APPEND", "APPENDS", "ADDITEMS", "BUILD")
_BY_THEIR_PARTS = (Kind.TUPLE, Kind.FROZENSET)
_POPS = codes("POP", "POP_MARK")
_CALLS = codes("REDUCE", "NEWOBJ", "NEWOBJ_EX")
_NAME_ENCODINGS = {CODE["GLOBAL"]: "UTF-8", CODE["INST"]: "ASCII"}
"""How `_pickle` reads names, by opcode."""


def problems_of(graph: Graph, token: CancelToken) -> Iterator[str]:
    """Yield the problems of one pickle.

    Raises:
        Cancelled: by ``token``.
    """
    stream = graph.stream
    if stream.error:
        yield stream.error
    yield from _capped(chain(_odd_opcodes(graph), misfits(graph, token), _odd_ids(graph)))
    if stream.buffers:
        count = len(stream.buffers)
        yield f"{count:,} out-of-band buffer{'s are' if count > 1 else ' is'} not part of the value."
    if stream.frames:
        yield from frame_problems(stream, token)


def _capped(sentences: Iterable[str]) -> Iterator[str]:
    """Yield the first sentences, and one in the place of all the others."""
    found = iter(sentences)
    yield from islice(found, _MOST)
    if next(found, ""):
        yield "There are more opcodes that Python would refuse."


def _odd_opcodes(graph: Graph) -> Iterator[str]:
    data, odd = graph.stream.data, graph.stream.odd
    owners: dict[int, int] = {}
    if any(data[pos] in _CHANGES for pos in odd):
        owners = {pos: target for target, log in graph.stream.logs.items() for pos in log}
    for pos in odd:
        if encoding := _NAME_ENCODINGS.get(data[pos]):
            if not _is_decodable(data[pos + 1 : end_of(data, pos)], encoding):
                name = name_of(data[pos])
                yield f"{name} at offset {pos:,} has a name that is not {encoding}: Python refuses the pickle."
        elif why := _refused(graph, pos, owners):
            yield f"{name_of(data[pos])} at offset {pos:,} {why}: Python may refuse the pickle."


def _odd_ids(graph: Graph) -> Iterator[str]:
    data = graph.stream.data
    for pos in graph.stream.persids:
        if not _is_decodable(data[pos + 1 : end_of(data, pos)], "ASCII"):
            yield f"PERSID at offset {pos:,} has an id that is not ASCII: Python 3 refuses the pickle."


def _is_decodable(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _refused(graph: Graph, pos: int, owners: dict[int, int]) -> str:
    """Return what is odd about the opcode, an empty text when a closer look finds it in order."""
    data = graph.stream.data
    if data[pos] in _CHANGES:
        return _odd_change(graph, pos, owners.get(pos, -1))
    if data[pos] in _CALLS:
        return _odd_call(graph, pos)
    match name_of(data[pos]):
        case "STACK_GLOBAL" if not all(_opcode(graph, slot) in TEXTS for slot in graph.stream.records[pos]):
            why = "is given something else than two texts"
        case "PROTO":
            why = f"asks for protocol {data[pos + 1]}, which does not exist"
        case "READONLY_BUFFER" if _opcode(graph, graph.stream.records[pos][0]) not in _BUFFERS:
            why = "is given no buffer"
        case "EXT1" | "EXT2" | "EXT4" if graph.inner(pos) <= 0:
            why = "has an extension code that is not positive"
        case "DICT":
            why = "is given a key without a value"
        case "OBJ":
            why = "is given no class"
        case _:
            why = ""
    return why


def _odd_change(graph: Graph, pos: int, target: int) -> str:
    if len(graph.stream.records[pos]) & 1 and graph.stream.data[pos] == CODE["SETITEMS"]:
        return "is given a key without a value"
    if target < 0:
        return ""
    kind = graph.kind(target)
    if kind is Kind.OBJECT and _opcode(graph, target) not in codes("GLOBAL", "STACK_GLOBAL"):
        return ""
    return f"changes a {'global' if kind is Kind.OBJECT else kind}"


def _odd_call(graph: Graph, pos: int) -> str:
    kids = graph.stream.records[pos]
    if _opcode(graph, kids[1]) not in TUPLES:
        return "is given arguments that are no tuple"
    if len(kids) > 2 and graph.kind(kids[2]) is not Kind.DICT:
        return "is given keyword arguments that are no dict"
    return ""


def _opcode(graph: Graph, slot: int) -> int:
    return graph.stream.data[graph.stream.target(slot)]


def lost_values(graph: Graph) -> list[int]:
    """Return the slots that POP threw away and that are part of nothing else."""
    stream = graph.stream
    if not stream.popped:
        return []
    used = {stream.target(slot) for kids in stream.records.values() for slot in kids}
    used.add(graph.target(stream.root))
    lost = [
        (slot, pos) for slot, pos in zip(stream.popped, stream.pops, strict=True) if stream.target(slot) not in used
    ]
    first = [slot for slot, pos in lost[:_LOOKED_AT] if not _is_made_again(graph, slot, pos)]
    return [*first, *(slot for slot, _ in lost[_LOOKED_AT:][:_MOST])][:_MOST]


def _is_made_again(graph: Graph, slot: int, pos: int) -> bool:
    """Tell whether the memo gives back what a POP throws away, made while its own parts were.

    Picklers write tuples, frozensets and old sets that contain themselves so. A call is told in any case.
    """
    stream = graph.stream
    data, end = stream.data, stream.error_at if stream.error else stream.stop
    while pos < end and data[pos] in _POPS:
        pos += 1
    if pos >= end or data[pos] not in GETS or graph.kind(slot) is Kind.OBJECT:
        return False
    kept = graph.target(pos)
    kind = graph.kind(kept)
    if kind in _BY_THEIR_PARTS and any(_is_alike(graph, item, slot) for item in graph.items(kept, 0, _LOOKED_AT)):
        return True
    if kind not in (Kind.SET, Kind.FROZENSET) or kind is not graph.kind(slot):
        return False
    parts = zip(graph.items(kept, 0, _LOOKED_AT), graph.items(slot, 0, _LOOKED_AT), strict=False)
    return graph.length(kept) == graph.length(slot) and all(_is_alike(graph, *pair) for pair in parts)


def _is_alike(graph: Graph, slot: int, other: int) -> bool:
    """Tell whether two slots hold one object, or two scalars that are written alike."""
    first, second = graph.target(slot), graph.target(other)
    if first == second or graph.kind(first) not in SCALARS:
        return first == second
    data = graph.stream.data
    return data[first : end_of(data, first)] == data[second : end_of(data, second)]
