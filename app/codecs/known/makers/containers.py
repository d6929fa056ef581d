"""Models of the dicts and sequences of ``collections``."""

from app.codecs.known.makers.call import (
    Call,
    Maker,
    call_of,
    given_pairs,
    int_atom,
    integer,
    is_none,
    none_atom,
    sequence,
)
from app.codecs.model import Atom, Extension, Items, Pairs, Value
from app.codecs.nodes import Kind


def make_ordered_dict(call: Call) -> Value:
    """Return ``OrderedDict(pairs)``: a list of pairs is called with in Python 2, the items follow in Python 3."""
    pairs = given_pairs(call, call.args)
    if call.style.is_python2:
        items: list[Value] = [Items(Kind.LIST, [key, value]) for key, value in pairs]
        return call_of("collections", "OrderedDict", Items(Kind.LIST, items))
    made = call_of("collections", "OrderedDict")
    made.dictitems = pairs
    return made


def make_default_dict(call: Call) -> Value:
    """Return ``defaultdict(factory, pairs)``."""
    factory = call.args[0] if call.args else none_atom()
    if not is_none(factory) and isinstance(factory, (Atom, Items, Pairs, Extension)):
        raise call.wrong("it begins with a class or function, as list, or with None")
    made = call_of("collections", "defaultdict", *([] if is_none(factory) else [factory]))
    made.dictitems = given_pairs(call, call.args[1:])
    return made


def make_counter(call: Call) -> Value:
    """Return ``Counter(dict)``."""
    if call.args and not isinstance(call.args[0], Pairs):
        raise call.wrong("write the counts as a dict, as Counter({'a': 2})")
    return call_of("collections", "Counter", Pairs(given_pairs(call, call.args)))


def make_deque(call: Call) -> Value:
    """Return ``deque(items, maxlen)``; as in Python the last items stay where there are more than ``maxlen``."""
    given = call.bound("iterable", "maxlen")
    items = sequence(call, given["iterable"], "its content") if "iterable" in given else []
    bound: list[Value] = []
    if "maxlen" in given and not is_none(given["maxlen"]):
        most = integer(call, given["maxlen"], "maxlen")
        if most < 0:
            raise call.wrong("maxlen must not be negative")
        items = items[max(len(items) - most, 0) :]
        bound = [int_atom(most, call.style)]
    if call.style.is_python2:
        return call_of("collections", "deque", Items(Kind.LIST, list(items)), *bound)
    made = call_of("collections", "deque", *([Items(Kind.TUPLE), *bound] if bound else []))
    made.listitems = list(items)
    return made


MAKERS: dict[str, Maker] = {
    "collections.OrderedDict": make_ordered_dict,
    "collections.defaultdict": make_default_dict,
    "collections.Counter": make_counter,
    "collections.deque": make_deque,
}

FACTORIES = frozenset(f"collections.{name}" for name in ("OrderedDict", "defaultdict", "Counter", "deque"))
"""Classes that stand in a literal without a call, as the factory of a defaultdict."""
