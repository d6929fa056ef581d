"""Typed JSON is read as jsonpickle reads it, its references counted alike."""

import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import ipaddress
import pathlib
import pickle
import re
import types
import uuid
from typing import Any, NamedTuple

import jsonpickle  # type: ignore[import-untyped]  # it has no annotations
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.codecs.pickle.strategies import HASHABLE, VALUES
from tests.codecs.pickle.trees import tree_of
from tests.codecs.typed.reading import decoded, loaded


class Plain:
    """Attributes, one of them the object itself."""

    def __init__(self) -> None:
        self.number = 1
        self.kids = [self, {"again": self}]


class Box:
    """Any attributes."""


class WithState:
    """A state that is no dict."""

    def __getstate__(self) -> tuple[int, list[int]]:
        return 1, [2]

    def __setstate__(self, state: object) -> None:
        self.state = state


class OwnList(list[Any]):
    """A list with attributes."""


class OwnDict(dict[Any, Any]):
    """A dict with attributes."""


class OwnInt(int):
    """An int of a class of its own."""


class Keyworded:
    """An object whose class is given a keyword."""

    def __new__(cls, *, a: int) -> "Keyworded":  # noqa: PYI034  # nothing derives from it
        made = super().__new__(cls)
        made.a = a
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"a": self.a}

    a: int


class Colour(enum.Enum):
    """Calls with one scalar."""

    RED = "r"


class Pair(NamedTuple):
    """A tuple whose items have names."""

    a: object
    b: object


@dataclasses.dataclass
class Order:
    """A dataclass."""

    number: int
    items: list[object]

    class Line:
        """A class inside of another."""


def filled(made: Any, **attributes: object) -> Any:
    made.__dict__.update(attributes)
    return made


SHARED = [1, [2]]
OBJECTS = {
    "scalars": [None, True, 1, -(10**30), 0.1, "é\ud800", b"\x00\xff", 1 + 2j],
    "not finite": [float("inf"), float("-inf")],
    "containers": [(), (1,), {1, 2}, frozenset({3}), {"a": ()}, [[]]],
    "keys": {"a": 1, 2: "int", None: "none", (1, (2,)): "tuple", b"x": "bytes", 1.5: "float", "json://x": "text"},
    "shared": [SHARED, SHARED, {"k": SHARED}, {(1,): SHARED}, (SHARED,), SHARED[1]],
    "plain": Plain(),
    "state": WithState(),
    "own list": filled(OwnList([1, [2]]), name="x"),
    "own dict": filled(OwnDict({"a": 1, 2: [3]}), name="x"),
    "own int": OwnInt(5),
    "keyworded": Keyworded(a=1),
    "enum": [Colour.RED, {Colour.RED: Colour.RED}],
    "named tuple": [Pair(SHARED, SHARED), SHARED],
    "dataclass": [Order(1, [SHARED]), Order.Line(), SHARED],
    "classes": [Order, Order.Line, len, int, dict, pickle.loads],
    "builtins": [range(1, 5, 2), slice(1, None)],
    "collections": [
        collections.OrderedDict([("b", SHARED), (1, 2)]),
        collections.defaultdict(list, {"a": [1], 2: SHARED}),
        collections.Counter("aab"),
        collections.deque([1, SHARED], maxlen=3),
        types.SimpleNamespace(a=SHARED),
    ],
    "moments": [
        dt.datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=dt.UTC),
        dt.date(2026, 1, 2),
        dt.time(1, 2),
        dt.timedelta(1, 2, 3),
        dt.timezone(dt.timedelta(hours=1), "X"),
    ],
    "numbers": [decimal.Decimal("1.50"), fractions.Fraction(1, 3), array.array("i", [1, 2]), SHARED, SHARED],
    "identifiers": [uuid.UUID(int=5), pathlib.PurePosixPath("/a"), re.compile("a+"), ipaddress.ip_address("::1")],
    "exception": [ValueError("x", SHARED).args, SHARED],
}


def told_of(value: object) -> list[Any]:
    """Return types and contents of all objects in order of first visit, each with the numbers of its parts."""
    numbers: dict[int, int] = {id(value): 0}
    order = [value]
    found = []
    for part in order:
        kids = parts_of(part)
        for kid in kids:
            if id(kid) not in numbers or not is_shareable(kid):
                numbers[id(kid)] = len(order)
                order.append(kid)
        content = None if kids or type(part).__module__ == __name__ else repr(part)
        found.append((type(part), content, [numbers[id(kid)] for kid in kids if is_shareable(kid)]))
    return found


def is_shareable(value: object) -> bool:
    return isinstance(value, list | dict | Plain | Order | OwnList | collections.deque | types.SimpleNamespace)


def parts_of(value: Any) -> list[object]:
    match value:
        case dict():
            parts = [part for pair in value.items() for part in pair]
        case list() | tuple() | collections.deque():
            parts = list(value)
        case set() | frozenset():
            parts = sorted(value, key=repr)
        case _:
            parts = []
    if type(value).__module__ == __name__ and not isinstance(value, enum.Enum | OwnInt):
        parts += vars(value).values() if hasattr(value, "__dict__") else []
    return parts


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", OBJECTS)
def test_what_jsonpickle_writes_is_read_as_it_reads_it_itself(name: str, protocol: int) -> None:
    text = jsonpickle.encode(OBJECTS[name], keys=True)

    assert told_of(loaded(text, protocol)) == told_of(decoded(text))


@given(value=VALUES.filter(lambda value: "bytearray" not in repr(value)), protocol=st.integers(0, 5))
def test_random_objects_of_jsonpickle_are_read(value: object, protocol: int) -> None:
    text = jsonpickle.encode(value, keys=True)
    expected = decoded(text)

    assert tree_of(loaded(text, protocol)) == tree_of(expected)


@st.composite
def webs(draw: st.DrawFn) -> Any:
    """Return lists, dicts and objects that hold each other, in tuples and under keys of all kinds."""
    nodes: list[Any] = [draw(st.sampled_from([list, dict, Box]))() for _ in range(draw(st.integers(1, 5)))]
    for node in nodes:
        for number in range(draw(st.integers(0, 3))):
            kid = draw(st.sampled_from([*nodes, (nodes[0], nodes[-1])]))
            if isinstance(node, list):
                node.append(kid)
            elif isinstance(node, dict):
                node[draw(HASHABLE | st.sampled_from(["a", "b", 1, (2,)]))] = kid
            else:
                vars(node)[f"a{number}"] = kid
    return nodes


def web_of(value: Any) -> list[Any]:
    """Return what `told_of` does of such a web."""
    order = [value]
    numbers = {id(value): 0}
    found = []
    for part in order:
        pairs = vars(part) if isinstance(part, Box) else part
        kids = list(pairs.values()) if isinstance(pairs, dict) else list(pairs)
        for kid in kids:
            if id(kid) not in numbers or isinstance(kid, tuple):
                numbers[id(kid)] = len(order)
                order.append(kid)
        keys = sorted(map(repr, pairs)) if isinstance(pairs, dict) else []
        found.append((type(part), keys, [numbers[id(kid)] for kid in kids]))
    return found


@given(value=webs())
def test_references_are_counted_as_jsonpickle_counts_them(value: Any) -> None:
    text = jsonpickle.encode(value, keys=True)

    assert web_of(loaded(text)) == web_of(decoded(text))
