"""Keys and positions of the standard library's collections in paths: where a pickle has what they name."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.codecs.known.registry import describe_shape
from app.codecs.known.shape import Shape, shape_of
from app.codecs.nodes import Kind
from app.codecs.paths import Literal, Step
from app.codecs.paths import Part as PartStep
from app.codecs.pickle.graph import Graph
from app.codecs.trees.children import Pairs, Role
from app.codecs.trees.picking import picked
from app.errors import PathError

_DICT_ITEMS = (PartStep("dictitems"),)
_LIST_ITEMS = (PartStep("listitems"),)
_FIRST_ARGUMENT = (PartStep("args"), Literal("0"))


@dataclass(frozen=True, slots=True)
class Content:
    """Where the items of a collection are: the steps to what holds them, empty where the pickle has no such place.

    ``has_keys``: they are pairs. ``in_lists``: each pair is a list or tuple of its own, among others of an argument.
    """

    steps: tuple[Step, ...]
    has_keys: bool
    is_empty: bool = False
    in_lists: bool = False


def content_of(graph: Graph, slot: int) -> Content | None:
    """Return where a collection at a slot has its items; None when none of the known ones stands there."""
    if graph.kind(slot) is not Kind.OBJECT:
        return None
    shape = shape_of(graph, slot)
    if not shape.name.endswith(_COLLECTIONS) or describe_shape(graph, shape) is None:
        return None
    match shape.name.rpartition(".")[2]:
        case "OrderedDict" if shape.args:
            return Content(_FIRST_ARGUMENT, has_keys=True, in_lists=True)
        case "OrderedDict" | "defaultdict":
            return Content(_DICT_ITEMS, has_keys=True, is_empty=not shape.dictitems)
        case "Counter":
            return Content(_FIRST_ARGUMENT if shape.args else (), has_keys=True, is_empty=not shape.args)
    return _of_deque(graph, shape)


_COLLECTIONS = (".OrderedDict", ".defaultdict", ".Counter", ".deque")


def _of_deque(graph: Graph, shape: Shape) -> Content | None:
    """Return the argument that has all items, as in Python 2, or what follows the call."""
    if not shape.args or not graph.length(shape.args[0]):
        return Content(_LIST_ITEMS, has_keys=False, is_empty=not shape.listitems)
    return None if shape.listitems else Content(_FIRST_ARGUMENT, has_keys=False)


def spelled_out(graph: Graph, slot: int, step: Step) -> Sequence[Step]:
    """Return the steps that the pickle has for a key or position of a collection at a slot; any other step alone.

    Raises:
        PathError: the collection has no such key, or nothing at all.
    """
    content = content_of(graph, slot) if isinstance(step, Literal) else None
    if content is None:
        return (step,)
    if content.is_empty:
        raise PathError(f"{step} leads nowhere: there is nothing in it.")
    if not content.in_lists:
        return (*content.steps, step)
    pairs = Pairs(graph, _flat(graph, shape_of(graph, slot).args[0]), Role.VALUE)
    return (*content.steps, Literal(str(picked(graph, pairs, step) // 2)), Literal("1"))


def keys_in_lists(graph: Graph, slot: int) -> list[int]:
    """Return the slots of the keys of a collection that has its pairs in lists."""
    return _flat(graph, shape_of(graph, slot).args[0])[::2]


def _flat(graph: Graph, slot: int) -> list[int]:
    return [part for pair in graph.items(slot) for part in graph.items(pair)]
