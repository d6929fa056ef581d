"""Typed JSON brings every value back: by our own reader exactly, by jsonpickle as an equal object."""

import array
import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import json
import math
import pathlib
import pickle
import random
import re
import uuid
import zoneinfo
from base64 import b64decode
from typing import Any

import jsonpickle  # type: ignore[import-untyped]  # it has no annotations
import pytest
from hypothesis import given

from app import limits
from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.styles import style_of_graph
from app.codecs.trees.node_json import node_json
from app.codecs.typed.reading import typed_value
from app.codecs.typed.writing import typed_pieces
from app.errors import Cancelled
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.reading import strict_json
from tests.codecs.small_stacks import on_a_small_stack
from tests.codecs.typed import shop

BENIGN = corpus.values("benign")
SHALLOW = [case for case in BENIGN if not case.name.startswith("deep")]
"""What Python's own reader of JSON takes without running out of its stack."""

NODES = 10_000_000
TOKEN = CancelToken()


def graph_of(data: bytes) -> Graph:
    return parse(data, 0, TOKEN)


def tree(data: bytes) -> dict[str, Any]:
    graph = graph_of(data)
    return node_json(graph, graph.root, NODES)


def typed(data: bytes) -> str:
    return "".join(registry.decode(data, TOKEN)[0].typed(TOKEN))


def typed_pickle(data: bytes) -> str:
    graph = graph_of(data)
    return "".join(typed_pieces(model_of(graph, graph.root, TOKEN), TOKEN))


def object_tree(value: object) -> dict[str, Any]:
    """Return the node JSON of an object: types, contents, order, sharing, recursion and states."""
    return tree(pickle.dumps(value, 4))


def recursive_list() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def recursive_tuple() -> tuple[list[Any], ...]:
    made: tuple[list[Any], ...] = ([],)
    made[0].append(made)
    return made


def recursive_dict() -> dict[Any, Any]:
    made: dict[Any, Any] = {"a": 1}
    made |= {1: made, "last": [made], (1, 2): {"in": made}}
    return made


def recursive_order() -> shop.Order:
    order = shop.Order(7)
    order.lines = [shop.Order.Line(order, shop.Item("tea", decimal.Decimal("1.50"), {"hot"}))]
    return order


def recursive_state() -> shop.Versioned:
    made = shop.Versioned(None)
    made.content = {"me": made, 1: [made]}
    return made


def recursive_basket() -> shop.Basket:
    made: shop.Basket = shop.with_owner(shop.Basket([1]), None)
    made.append(made)
    made.owner = {"basket": made}
    return made


def recursive_stock() -> shop.Stock:
    made = shop.Stock(shop.Item("tea", 1))
    made.item.price = made
    return made


def ordered_in_itself() -> collections.OrderedDict[str, Any]:
    made = collections.OrderedDict[str, Any](a=1)
    made["list"] = [made]
    return made


SHARED_LIST = [1]
SHARED_TUPLE = (1, SHARED_LIST)
SHARED_SET = frozenset([1])
OBJECTS: dict[str, object] = {
    "constants": [None, True, False, Ellipsis, NotImplemented, type(None)],
    "ints": [0, -1, 2**100, 10**4500, -(10**4001)],
    "floats": [1.0, -0.0, 1e300, math.inf, -math.inf, math.nan],
    "complexes": [1 + 2j, complex(math.inf, -0.0)],
    "texts": ["a", "€", "\ud800", '\x00\n"\\\u2028', "py/id", "json://1", "x" * 3000],
    "bytes": [b"", b"\x00\xff", bytearray(b"x")],
    "a bytearray twice": [bytearray(b"x")] * 2,
    "long texts and bytes shared": [["x" * 3000] * 3, [b"x" * 3000] * 3, [{"k" * 1500: n} for n in range(3)]],
    "tuples": (1, (2, ()), [], ({},)),
    "sets": [set[int](), {1}, {1}, frozenset[int](), frozenset([(1, 2)])],
    "keys of every type": {1: 2, "a": 3, None: 4, (1, ("x", None)): 5, b"k": 6, 1.5: 7, False: 8, "z": 9},
    "keys that are tags": {"py/object": "x", "shelfscope/raw": 1, "json://x": 2, "py/id": 0},
    "keys that are objects": {dt.date(2020, 1, 2): 1, shop.Colour.RED: [2], uuid.UUID(int=5): 3, SHARED_SET: 4},
    "keys that are no numbers": {math.inf: 1, 2**20_000: 2, 1j: 3},
    "a key twice": [{SHARED_TUPLE[:1]: 1}, {SHARED_TUPLE[:1]: 2}],
    "a shared key": [{key: 1, (key, key): 2} for key in [(1, 2)] for _ in range(2)],
    "shared lists, dicts and sets": [SHARED_LIST, SHARED_LIST, {"a": SHARED_LIST}, *[{1}] * 1],
    "shared tuples and sets": [SHARED_TUPLE, SHARED_TUPLE, (SHARED_TUPLE, SHARED_TUPLE), SHARED_SET, SHARED_SET],
    "recursive list": recursive_list(),
    "recursive tuple": recursive_tuple(),
    "recursive dict": recursive_dict(),
    "times": [
        dt.datetime(2020, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001  # one without a zone is what is to be kept
        dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
        dt.datetime(2020, 7, 1, fold=1, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        *(dt.date(2020, 1, 1), dt.time(1, 2), dt.timedelta(1, 2, 3), dt.timezone(dt.timedelta(hours=1), "X")),
    ],
    "numbers": [decimal.Decimal("1.10"), decimal.Decimal("NaN"), fractions.Fraction(1, 3)],
    "identifiers": [[uuid.UUID(int=7)] * 2, pathlib.PurePosixPath("/a/b"), pathlib.PureWindowsPath("c:\\x")],
    "addresses": [ipaddress.ip_address("1.2.3.4"), ipaddress.ip_network("10.0.0.0/8")],
    "collections": [
        collections.OrderedDict([("b", 1), ("a", 2)]),
        collections.Counter("abca"),
        collections.deque([1, 2], 5),
        collections.defaultdict(list, {"a": [1], 2: []}),
        collections.ChainMap({1: 2}, {}),
    ],
    "an ordered dict in itself": ordered_in_itself(),
    "arrays and patterns": [
        array.array("i", [1, 2]),
        array.array("d", [1.5]),
        re.compile("a+", re.IGNORECASE),
        range(3),
    ],
    "names": [int, len, shop.helper, shop.Order.Line, math.sin, collections.OrderedDict],
    "named tuples": [shop.Point(1.0, 2.0), shop.Point(-1.0, math.nan)],
    "enums": [shop.Colour.RED, shop.Colour.BLUE, shop.Colour.RED, shop.Right.READ | shop.Right.WRITE],
    "data classes": [shop.Item("tea", 1, {"hot"}), shop.Address("s", "c"), shop.Stock(shop.Item("a", 1), 3)],
    "an order": recursive_order(),
    "states": [shop.Versioned([1]), shop.Versioned(None), shop.TupleState([1]), shop.Both([1], {"a": 1})],
    "a state with itself": recursive_state(),
    "arguments with names": shop.Money(5, currency="USD"),
    "texts and tuples with attributes": [shop.noted(shop.Text("abc"), "n"), shop.noted(shop.Pair((1, 2)), "n")],
    "lists and dicts with attributes": [
        shop.with_owner(shop.Basket([1, 2]), "me"),
        shop.with_owner(shop.Register({"a": 1, 2: 3}), "me"),
        shop.with_owner(shop.Journal(b=1, a=2), "me"),
        shop.with_owner(shop.Group([1]), "me"),
    ],
    "a list with itself": recursive_basket(),
    "slots with themselves": recursive_stock(),
    "exceptions": [ValueError("x", 1), shop.Refused(1, "b"), KeyError("k"), OSError(2, "no", "f")],
    "a state that is large": random.Random(3),
}


BINARY_ONLY = {
    **dict.fromkeys(("slots with themselves", "states", "data classes"), "Protocols 0 and 1 hold no slots."),
    **dict.fromkeys(("ints", "keys that are no numbers"), "Python reads no decimal numbers of so many digits."),
    "a list with itself": "Python cannot write it in protocols 0 and 1.",
}


def shown(value: Any) -> str:
    """Return a value as text, with types, and sets in an order of their own."""
    match value:
        case list() | tuple():
            return f"{type(value).__name__}({', '.join(map(shown, value))})"
        case set() | frozenset():
            return f"{type(value).__name__}({', '.join(sorted(map(shown, value)))})"
        case dict():
            return "{" + ", ".join(f"{shown(key)}: {shown(item)}" for key, item in value.items()) + "}"
    return repr(value)


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_our_reader_brings_a_pickle_back_as_it_was(case: corpus.ValueCase) -> None:
    data = case.read()
    style = style_of_graph(graph_of(data))

    text = typed_pickle(data)

    assert tree(emit_pickle(typed_value(text, style, TOKEN), style)) == tree(data)


@pytest.mark.parametrize("case", SHALLOW, ids=corpus.name_of)
def test_typed_json_is_strict(case: corpus.ValueCase) -> None:
    text = typed_pickle(case.read())

    strict_json(text)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", OBJECTS)
def test_jsonpickle_makes_an_equal_object(name: str, protocol: int) -> None:
    value = OBJECTS[name]
    if protocol < 2 and name in BINARY_ONLY:
        pytest.skip(BINARY_ONLY[name])

    found = jsonpickle.decode(typed(pickle.dumps(value, protocol)), keys=True)

    assert object_tree(found) == object_tree(pickle.loads(pickle.dumps(value, protocol)))


@given(VALUES, PROTOCOLS)
def test_jsonpickle_makes_an_equal_object_of_any_value(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    found = jsonpickle.decode(typed_pickle(data), keys=True)

    assert shown(found) == shown(pickle.loads(data))


@given(VALUES, PROTOCOLS)
def test_our_reader_brings_any_value_back(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    again = emit_pickle(typed_value(typed_pickle(data), Style(protocol), TOKEN), Style(protocol))

    assert tree(again) == tree(data)


def attributes_of_an_empty_dict() -> object:
    return shop.with_owner(shop.Register(), "me")


def a_dict_that_holds_itself() -> object:
    made = shop.with_owner(shop.Register(a=1), None)
    made["me"] = made
    return made


def an_exception_that_holds_itself() -> object:
    made = shop.Refused(3, "no")
    made.me = made  # type: ignore[attr-defined]  # an attribute that only this one has
    return made


@pytest.mark.parametrize(
    "make", [attributes_of_an_empty_dict, a_dict_that_holds_itself, an_exception_that_holds_itself]
)
def test_what_jsonpickle_cannot_bring_back_our_reader_does(make: Any) -> None:
    data = pickle.dumps(make(), 4)
    text = typed(data)

    found = jsonpickle.decode(text, keys=True)

    assert object_tree(found) != tree(data), "jsonpickle learnt it: docs/TYPED_JSON.md says that it cannot."
    assert tree(emit_pickle(typed_value(text, Style(4), TOKEN), Style(4))) == tree(data)


OWN = {
    "a persistent id": b"\x80\x02U\x03abcQ.",
    "a persistent id in a line": b"Pabc\n.",
    "an extension code": b"\x80\x02\x82\x07.",
    "buffers": b"\x80\x05](\x97\x97\x98e.",
    "a key twice": b"\x80\x02}(X\x01\x00\x00\x00aK\x01X\x01\x00\x00\x00aK\x02u.",
    "equal keys of two types": b"\x80\x02}(K\x01K\x01\x88K\x02G?\xf0\x00\x00\x00\x00\x00\x00K\x03u.",
    "a key that is a list": b"\x80\x02}(]K\x01u.",
    "Python 2's strings and longs": b"(dp0\nS'a'\nL5L\nsVb\nI1\ns.",
    "an old-style instance": b"(ishop\nOrder\np0\n(dp1\nS'a'\nI1\nsb.",
    "two states": b"\x80\x02cshop\nOrder\n)\x81}K\x01K\x02sb}K\x03K\x04sb.",
    "a state that is None": b"\x80\x02cshop\nmake\n)RNb.",
    "arguments that are no tuple": b"\x80\x02cshop\nmake\n]R.",
    "a builtin that is called": b"\x80\x02c__builtin__\nint\nX\x01\x00\x00\x005\x85R.",
    "a module that looks like a class": b"\x80\x04\x8c\x04Shop\x8c\x04make\x93.",
    "a nested class": b"\x80\x04\x8c\x04shop\x8c\x05a.B.c\x93.",
    "names of Python 2 in protocol 4": b"\x80\x04\x8c\x0b__builtin__\x8c\x03len\x93.",
    "names that are empty": b"\x80\x04\x8c\x00\x8c\x03len\x93.",
    "a shared tuple of arguments": b"\x80\x02(K\x01tq\x00](cshop\nO\nh\x00\x81cshop\nO\nh\x00\x81h\x00e\x86.",
    "a set in itself": b"\x80\x04\x8f\x94(h\x00)\x90.",
}


@pytest.mark.parametrize("name", OWN)
def test_our_own_tags_bring_back_what_jsonpickle_has_none_for(name: str) -> None:
    data = OWN[name]
    style = style_of_graph(graph_of(data))

    text = typed_pickle(data)

    strict_json(text)
    assert tree(emit_pickle(typed_value(text, style, TOKEN), style)) == tree(data)


def test_other_values_than_pickles_have_a_typed_form() -> None:
    forms = {data: typed(data) for data in (b"hello", b"\xff\x00\xfe\x01", b'{"py/object": "a.B", "b": [1.50]}')}

    assert forms[b"hello"] == '"hello"'
    assert jsonpickle.decode(forms[b"\xff\x00\xfe\x01"], keys=True) == b"\xff\x00\xfe\x01"
    assert jsonpickle.decode(forms[b'{"py/object": "a.B", "b": [1.50]}'], keys=True) == {"py/object": "a.B", "b": [1.5]}


@pytest.mark.parametrize("data", [b"\x80\x02]K\x01", b"\x80\x02K\x01.\x80\x02K\x02.", b"\x80\x02K\x01.rest"])
def test_a_value_that_is_more_or_less_than_a_pickle_is_kept_as_its_bytes(data: bytes) -> None:
    whole = registry.decode(data, TOKEN)[0]

    found = strict_json("".join(whole.typed(TOKEN)))

    assert list(found) == ["shelfscope/raw"]
    assert jsonpickle.util.b64decode(found["shelfscope/raw"]["base64"]) == data


def test_a_place_in_a_value_is_a_document_of_its_own() -> None:
    shared = [1]
    value = registry.decode(pickle.dumps({"a": shared, "b": [shared, shared]}), TOKEN)[0]

    found = jsonpickle.decode("".join(value.typed(TOKEN, "['b']")), keys=True)

    assert found == [[1], [1]]
    assert found[0] is found[1]


def test_depth_costs_no_stack() -> None:
    depth = limits.WRITTEN_DEPTH
    data = b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."

    text = on_a_small_stack(lambda: typed_pickle(data))

    assert text == "[" * depth + "]" * depth


def test_what_is_nested_too_deep_is_given_as_its_bytes_and_why() -> None:
    depth = 400_000
    data = b"\x80\x02)" + b"\x85" * depth + b"."

    text = "".join(registry.decode(data, TOKEN)[0].typed(TOKEN))

    raw = json.loads(text)["shelfscope/raw"]
    assert "nested more than" in raw["why"]
    assert b64decode(raw["base64"]) == data


def test_what_is_shared_again_and_again_is_written_once() -> None:
    value: object = ["x" * 100]
    for _ in range(50):
        value = (value, value)

    text = typed_pickle(pickle.dumps(["y" * 900] * 100_000 + [value]))

    assert len(text) < 100_000 * 30


def test_writing_can_be_given_up() -> None:
    graph = graph_of(pickle.dumps(list(range(100_000))))
    model = model_of(graph, graph.root, TOKEN)
    token = CancelToken()
    pieces = typed_pieces(model, token)
    next(pieces)

    token.cancel()

    with pytest.raises(Cancelled):
        list(pieces)
