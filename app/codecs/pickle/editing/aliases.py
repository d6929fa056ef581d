"""Keys and elements that an edit changes from afar: what stands in them stands in the edited place too."""

from collections.abc import Collection, Sequence

from app.codecs.nodes import Kind
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.intent import Part, part_of
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import ALIASES, GETS
from app.codecs.trees.children import Child
from app.errors import EncodeError

_HASHED_BY_PARTS = frozenset({Kind.TUPLE, Kind.FROZENSET, Kind.OBJECT})
_WITH_KEYS = frozenset({Kind.DICT, Kind.OBJECT})
_SETS = frozenset({Kind.SET, Kind.FROZENSET})
_MOST_PASSES = 10
_CHUNK = 4096

Hashed = tuple[int, int]
"""The target of a dict or set, and the position of a key or element in it."""


def changed_from_afar(draft: Draft, around: Sequence[Child]) -> list[Hashed]:
    """Return the keys and elements, wherever they stand, that hold a node around an edit which has several places.

    Raises:
        EncodeError: what holds what is too tangled to be told.
        Cancelled: by the draft's token.
    """
    graph = draft.graph
    around_targets = {graph.target(child.slot) for child in around if graph.kind(child.slot) in _HASHED_BY_PARTS}
    starts = {target for target in around_targets if _is_shared(draft, target)} | draft.intent.objects.keys()
    if not starts:
        return []
    holders = _holders(draft, starts)
    affected = holders | starts
    return [(target, at) for target in sorted(holders) for at in _hashed_in(graph, target, affected)]


def _is_shared(draft: Draft, target: int) -> bool:
    stream = draft.stream
    if any(alias == target and stream.data[slot] not in GETS for slot, alias in stream.aliases.items()):
        return True  # by DUP
    return bool(draft.links.among_fetched(set(draft.links.indexes(target))))


def _holders(draft: Draft, starts: Collection[int]) -> set[int]:
    """Return the targets of all that holds one of ``starts``, directly or within something else."""
    holders: set[int] = set()
    for _ in range(_MOST_PASSES):
        before = len(holders)
        _grow(draft, starts, holders)
        if len(holders) == before:
            return holders
    raise EncodeError("This stands in too many places that hold each other, so it cannot be changed safely.")


def _grow(draft: Draft, starts: Collection[int], holders: set[int]) -> None:
    """Add what holds one of ``starts`` or of ``holders``, going through the pickle once."""
    stream = draft.stream
    data = stream.data
    changed_by = {pos: target for target, log in stream.logs.items() for pos in log}
    for number, (pos, kids) in enumerate(stream.records.items()):
        if number % _CHUNK == 0:
            draft.token.check()
        for kid in kids:
            target = stream.target(kid) if data[kid] in ALIASES else kid
            if target in starts or target in holders:
                holders.add(changed_by.get(pos, pos))
                break


def _hashed_in(graph: Graph, target: int, affected: Collection[int]) -> list[int]:
    """Return the positions of the keys or elements of a dict or set that are among ``affected``."""
    return [at for at, slot in enumerate(hashed_slots(graph, target)) if graph.target(slot) in affected]


def hashed_slots(graph: Graph, target: int) -> Sequence[int]:
    """Return the slots of the keys or elements of what is made at ``target``; empty where it has none."""
    kind = graph.kind(target)
    if kind in _SETS:
        return graph.items(target)
    return part_of(graph.stream, target, Part.PAIRS)[::2] if kind in _WITH_KEYS else ()
