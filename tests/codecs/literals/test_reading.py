"""Literals are read as Python reads them, without running anything, and written so that they read back the same."""

import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import math
import pathlib
import pickle
import re
import uuid
import zoneinfo
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.literals.reading import MAX_DEPTH, parse_value
from app.codecs.literals.writing import literal_of
from app.codecs.model import Atom, Items, Pairs, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.styles import style_of_graph
from app.codecs.trees.node_json import node_json
from app.errors import Cancelled, EncodeError, LimitExceeded
from tests import corpus
from tests.codecs.pickle.loading import told
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.trees import tree_of, without_ids
from tests.codecs.small_stacks import on_a_small_stack

PYTHON3 = Style(4)
PYTHON2 = Style(2, is_python2=True)


def parsed(text: str, style: Style = PYTHON3) -> Value:
    return parse_value(text, style, CancelToken())


def loaded(text: str, style: Style = PYTHON3) -> Any:
    """Return what Python loads from the pickle of a literal."""
    return pickle.loads(emit_pickle(parsed(text, style), style))


def model(data: bytes) -> Value:
    graph = parse(data, 0, CancelToken())
    return model_of(graph, graph.root, CancelToken())


@given(value=VALUES, protocol=PROTOCOLS)
def test_the_repr_of_an_object_reads_as_that_object(value: object, protocol: int) -> None:
    assert tree_of(loaded(repr(value), Style(protocol))) == tree_of(value)


@given(value=VALUES, protocol=PROTOCOLS)
def test_a_value_written_as_literal_reads_back(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    text = literal_of(model(data), 1_000_000, Style(protocol))

    assert tree_of(loaded(text, Style(protocol))) == tree_of(value)


READ = {
    "# a comment\n[1, # and another\n 2,\n]": [1, 2],
    "(1)": 1,
    "(1,)": (1,),
    "()": (),
    "((), [(2)])": ((), [2]),
    "{}": {},
    "{1}": {1},
    "set()": set(),
    "set([1, 2])": {1, 2},
    "frozenset({1})": frozenset({1}),
    "frozenset()": frozenset(),
    "bytearray(b'x')": bytearray(b"x"),
    "bytearray()": bytearray(),
    "bytes()": b"",
    "'a' 'b'\n\"c\"": "abc",
    "b'a' b'b'": b"ab",
    "r'\\d'": "\\d",
    "'''two\nlines'''": "two\nlines",
    "u'ü'": "ü",
    "'\\u20ac\\n'": "€\n",
    "0x1F": 31,
    "0b11": 3,
    "1_000": 1000,
    "+5": 5,
    "-0.0": -0.0,
    "1.": 1.0,
    ".5": 0.5,
    "1e400": math.inf,
    "inf": math.inf,
    "-inf": -math.inf,
    "1+2j": 1 + 2j,
    "-1-2j": -1 - 2j,
    "5j": 5j,
    "complex(1, -2)": 1 - 2j,
    "float('-inf')": -math.inf,
    "...": ...,
    "Ellipsis": ...,
    "NotImplemented": NotImplemented,
    "[None, True, False]": [None, True, False],
    "datetime.date(2026, 1, 2)": dt.date(2026, 1, 2),
    "Decimal('1.50')": decimal.Decimal("1.50"),
    "OrderedDict([('a', [1])])": collections.OrderedDict(a=[1]),
    "datetime.datetime(2026, 1, 2, tzinfo=datetime.timezone.utc)": dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
}


@pytest.mark.parametrize("text", READ)
@pytest.mark.parametrize("protocol", range(6))
def test_literals_are_read_as_python_reads_them(text: str, protocol: int) -> None:
    found = loaded(text, Style(protocol))

    assert (type(found), repr(found)) == (type(READ[text]), repr(READ[text]))


def test_the_sign_of_zero_and_nan_are_kept() -> None:
    assert repr(loaded("(-0-0j)")) == "(-0-0j)"
    assert repr(loaded("[nan, (nan+infj), -infj]")) == "[nan, (nan+infj), -infj]"


def test_integers_may_be_of_any_size() -> None:
    assert loaded(hex(7**9_000)) == 7**9_000
    assert loaded(f"-{'9' * 4_300}") == 1 - 10**4_300


def test_python2_has_two_kinds_of_text_and_of_integers() -> None:
    found = parsed(r"['caf\xe9', u'\xe9', b'x', 'a' 'b', 5, 5L, 9223372036854775808]", PYTHON2)

    assert isinstance(found, Items)
    atoms = [part for part in found.items if isinstance(part, Atom)]
    assert [(atom.kind, atom.value) for atom in atoms] == [
        (Kind.STR2, b"caf\xe9"),
        (Kind.STR, "é"),
        (Kind.STR2, b"x"),
        (Kind.STR2, b"ab"),
        (Kind.INT, 5),
        (Kind.LONG, 5),
        (Kind.LONG, 1 << 63),
    ]
    assert literal_of(found, 1_000, PYTHON2) == r"['caf\xe9', u'é', 'x', 'ab', 5, 5L, 9223372036854775808L]"


REFUSED = {
    "": "column 1: The text ends here; a value is missing",
    "[1, 2": "column 6: The text ends here; a comma or ] is missing",
    "[1 2]": "column 4: 2 stands where a comma or ]",
    "[1]]": "column 4: ] stands behind the value",
    "1, 2": "column 2: , stands behind the value",
    "[1,,2]": "column 4: , stands where a value",
    "{1: 2, 3}": "mix a dict and a set",
    "{1, 2: 3}": "mix a dict and a set",
    "{1: 2,\n 1.0: 3}": "Line 2, column 2: This key stands here for the second time",
    "{'a': 1, 'a': 2}": "column 10: This key",
    "{1, True}": "column 5: This element",
    "{(1, 2): 0, (1, 2): 1}": "column 13: This key",
    "{[1]: 2}": "column 2: A list can be neither a key",
    "{(1, [2]): 3}": "A list can be neither",
    "{bytearray(b''): 1}": "A bytearray can be neither",
    "{{}: 1}": "A dict can be neither",
    "set([1, 1])": "stands there twice",
    "set(5)": "takes one list",
    "set(x=1)": "no arguments with names",
    "bytearray(5)": "takes bytes",
    "float(1)": "takes one text",
    "complex('x')": "takes two numbers",
    "f(1)": "column 1: f is no type",
    "f": "f is no value; write a text in quotes",
    "datetime.date(2026, 13, 1)": "column 1: ",
    "date(2026, 1, day=1, day=2)": "given twice",
    "date(year=2026, 1)": "without a name stands behind",
    "f'{x}'": "is code",
    "'abc": "column 1: This text in quotes has no end",
    "'\\d'": "wrong escape",
    "b'é'": "escapes for what is not ASCII",
    "'a' b'b'": "cannot be joined",
    "10L": "a number of Python 2",
    "0777": "begins with a zero",
    "1__0": "not an int",
    "0xfg": "no part of a Python literal",
    "1+2": "the imaginary part",
    "-'a'": "where a number belongs",
    "--1": "where a number belongs",
    "lambda: 1": "lambda is no value",
    "[x for x in y]": "x is no value",
    "__import__('os').system('true')": "no part of a Python literal",
    "().__class__": "no part of a Python literal",
    "[*a]": "no part of a Python literal",
    "1 if 2 else 3": "stands behind the value",
    "a" * 10_000: "is no value",
    "\x00": "no part of a Python literal",
    "9" * 1_000_001: "hexadecimal",
}


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:20])
def test_what_is_no_literal_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(EncodeError) as caught:
        parsed(text)

    assert REFUSED[text] in caught.value.message
    assert re.match(r"Line \d+, column \d+: [^\n]{1,300}\.\Z", caught.value.message)


@given(st.text("[](){},:'\"\\=+-*.#0123456789abjLxn_ \nµé\x00\ud800", max_size=40))
def test_any_text_gives_a_value_or_one_sentence(text: str) -> None:
    for style in (PYTHON3, PYTHON2):
        try:
            parsed(text, style)
        except EncodeError as error:
            assert error.message.startswith("Line ")  # noqa: PT017 - any other exception fails the test


@pytest.mark.parametrize("start", ["[", "(", "{", "{1:", "set(", "-", "not ", "1+", "a.", "[[],", "lambda:", "~"])
def test_deep_nesting_gives_a_sentence_and_needs_no_stack(start: str) -> None:
    with pytest.raises(EncodeError):
        on_a_small_stack(lambda: parsed(start * 100_000))


def test_brackets_may_be_as_deep_as_is_said() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH

    value = on_a_small_stack(lambda: parsed(text))

    assert on_a_small_stack(lambda: literal_of(value, 100_000)) == text
    with pytest.raises(EncodeError, match="More than 10,000 brackets"):
        parsed(f"[{text}]")


def test_reading_a_long_literal_can_be_given_up() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        parse_value(f"[{'1,' * 10_000}]", PYTHON3, token)


KNOWN = [
    dt.date(2026, 1, 2),
    dt.time(0, 0),
    dt.time(1, 2, 3, 4),
    dt.datetime(2026, 1, 2, 3, 4, 5, 6),  # noqa: DTZ001  # times without a zone are written too
    dt.datetime(2026, 1, 2, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 2, tzinfo=dt.timezone(dt.timedelta(hours=2), "X")),
    dt.datetime(2026, 1, 2, tzinfo=zoneinfo.ZoneInfo("UTC")),
    dt.timedelta(-1, 2, 3),
    decimal.Decimal("1.50"),
    fractions.Fraction(-1, 3),
    uuid.UUID(int=5),
    collections.OrderedDict([("a", 1), (2, [3])]),
    collections.defaultdict(list, a=[1]),
    collections.defaultdict(int),
    collections.Counter("aab"),
    collections.deque([1, [2]]),
    collections.deque([1], maxlen=3),
    pathlib.PurePosixPath("/a/b"),
    re.compile("a+"),
    re.compile(b"a+", re.IGNORECASE),
    ipaddress.ip_address("1.2.3.4"),
    range(1, 10, 3),
    {dt.date(2026, 1, 2): [decimal.Decimal(1), {uuid.UUID(int=1)}]},
]


@pytest.mark.parametrize("value", KNOWN, ids=repr)
@pytest.mark.parametrize("protocol", range(6))
def test_known_types_are_written_as_calls_that_read_back(value: object, protocol: int) -> None:
    text = literal_of(model(pickle.dumps(value, protocol)), 10_000, Style(protocol))

    assert repr(loaded(text, Style(protocol))) == repr(value)


def test_what_no_literal_can_say_is_refused() -> None:
    loop = Items(Kind.LIST)
    loop.items.append(loop)
    twice = Pairs([(Atom(Kind.INT, 1), loop), (Atom(Kind.INT, 1), loop)])

    for value, why in (
        (loop, "holds itself"),
        (twice, "stands there twice"),
        (model(pickle.dumps(REFUSED.get)), "has no literal"),
        (model(pickle.dumps(CancelToken)), "app.cancel.CancelToken is a class"),
        (model(b"Pabc\n."), "have no literal"),
    ):
        with pytest.raises(EncodeError, match=why):
            literal_of(value, 1_000)
    with pytest.raises(LimitExceeded, match="too long"):
        literal_of(model(pickle.dumps([1] * 1_000)), 1_000)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_values_of_the_corpus_are_written_as_literals_that_read_back_or_refused(case: corpus.ValueCase) -> None:
    graph = parse(case.read(), 0, CancelToken())
    style = style_of_graph(graph)
    value = model_of(graph, graph.root, CancelToken())
    try:
        text = literal_of(value, 1_000_000, style)
    except (EncodeError, LimitExceeded) as error:
        assert error.message.endswith(".")  # noqa: PT017 - any other exception fails the test
        return

    again = parse(emit_pickle(parsed(text, style), style), 0, CancelToken())

    before, after = (node_json(nodes, nodes.root, 1_000_000) for nodes in (graph, again))
    if "'ref'" in str(before):  # what is shared is repeated
        before, after = without_ids(before), without_ids(after)
    assert after == before


def test_python2_loads_what_its_literals_say() -> None:
    text = r"['a\xe9', u'\xe9', 5, 5L, 1099511627776, set([1]), frozenset(), bytearray('x'), (1.5, None), {u'k': 2j}]"

    found = [
        told("2.7", [emit_pickle(parsed(text, style), style)])[0]
        for style in (Style(protocol, is_python2=True) for protocol in range(3))
    ]

    assert found[0] == found[1] == found[2]
    assert found[0] == [
        "list",
        [
            ["str", r"'a\xe9'"],
            ["unicode", r"u'\xe9'"],
            ["int", "5"],
            ["long", "5L"],
            ["int", "1099511627776"],
            ["set", [["int", "1"]]],
            ["frozenset", []],
            ["bytearray", "bytearray(b'x')"],
            ["tuple", [["float", "1.5"], ["NoneType", "None"]]],
            ["dict", [["tuple", [["unicode", "u'k'"], ["complex", "2j"]]]], ["NoneType", "None"]],
        ],
    ]
