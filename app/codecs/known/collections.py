"""OrderedDict, defaultdict, Counter and deque."""

from typing import ClassVar

from app.codecs.known.base import Known, KnownType, PlainArray, PlainPairs, Preview
from app.codecs.known.shape import Shape, integer, sequence
from app.codecs.nodes import Kind, PickleNodes

_SHOWN = 12
"""Items that a text shows."""


class OrderedDicts(KnownType):
    """Items follow the call; before protocol 2 and in Python 2 they are its argument, a list of pairs."""

    names: ClassVar[tuple[str, ...]] = ("collections.OrderedDict", "ordereddict.OrderedDict")

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        pairs = _ordered_pairs(nodes, shape)
        if pairs is None or shape.states or shape.kwargs or shape.listitems:
            return None
        return Known("collections.OrderedDict", f"OrderedDict({_dict_text(pairs, preview)})", PlainPairs(pairs))


class DefaultDicts(KnownType):
    """A dict with the class or function that makes missing values."""

    names: ClassVar[tuple[str, ...]] = ("collections.defaultdict",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if len(shape.args) > 1 or shape.states or shape.kwargs or shape.listitems:
            return None
        factory = preview(shape.args[0]) if shape.args else "None"
        text = f"defaultdict({factory}, {_dict_text(shape.dictitems, preview)})"
        return Known("collections.defaultdict", text, PlainPairs(shape.dictitems))


class Counters(KnownType):
    """Called with a dict of its counts."""

    names: ClassVar[tuple[str, ...]] = ("collections.Counter",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if not shape.is_bare_call or len(shape.args) > 1:
            return None
        if shape.args and nodes.kind(shape.args[0]) is not Kind.DICT:
            return None
        pairs = nodes.pairs(shape.args[0]) if shape.args else []
        return Known("collections.Counter", f"Counter({_dict_text(pairs, preview)})", PlainPairs(pairs))


class Deques(KnownType):
    """Items follow the call in Python 3 and are its argument in Python 2; a second argument bounds the length."""

    names: ClassVar[tuple[str, ...]] = ("collections.deque",)

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        if len(shape.args) > 2 or shape.states or shape.kwargs or shape.dictitems:
            return None
        given = sequence(nodes, shape.args[0]) if shape.args else []
        bound = integer(nodes, shape.args[1]) if len(shape.args) == 2 else None
        if given is None or (len(shape.args) == 2 and bound is None and nodes.kind(shape.args[1]) is not Kind.NONE):
            return None
        items = [*given, *shape.listitems]
        maxlen = "" if bound is None else f", maxlen={bound}"
        return Known("collections.deque", f"deque({_list_text(items, preview)}{maxlen})", PlainArray(items))


def _ordered_pairs(nodes: PickleNodes, shape: Shape) -> list[tuple[int, int]] | None:
    if not shape.args:
        return list(shape.dictitems)
    given = sequence(nodes, shape.args[0]) if len(shape.args) == 1 and not shape.dictitems else None
    if given is None:
        return None
    pairs = []
    for slot in given:
        pair = sequence(nodes, slot, 2)
        if pair is None or len(pair) != 2:
            return None
        pairs.append((pair[0], pair[1]))
    return pairs


def _dict_text(pairs: list[tuple[int, int]] | tuple[tuple[int, int], ...], preview: Preview) -> str:
    shown = [f"{preview(key)}: {preview(value)}" for key, value in pairs[:_SHOWN]]
    return "{" + ", ".join([*shown, "…"] if len(pairs) > _SHOWN else shown) + "}"


def _list_text(slots: list[int], preview: Preview) -> str:
    shown = [preview(slot) for slot in slots[:_SHOWN]]
    return "[" + ", ".join([*shown, "…"] if len(slots) > _SHOWN else shown) + "]"


TYPES: tuple[KnownType, ...] = (OrderedDicts(), DefaultDicts(), Counters(), Deques())
