"""Whatever is put into the memo and fetched from it: the machine ends, and leaves what Python makes of it."""

import pickle
from collections.abc import Callable
from io import BytesIO
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.in_a_row import parse_following
from app.codecs.pickle.problems import problems_of
from tests.codecs.pickle.test_hostile import look_at_everything

pytestmark = pytest.mark.timeout(30)  # a ring is followed for ever: not even a token ends that


def told(value: object, seen: dict[int, int]) -> object:
    """Return what a list, dict, tuple or int is, equal where the sharing of lists and dicts is, too."""
    if isinstance(value, int):
        return value
    if isinstance(value, tuple):
        return "tuple", [told(item, seen) for item in value]
    assert isinstance(value, list | dict)
    if id(value) in seen:
        return "again", seen[id(value)]
    seen[id(value)] = len(seen)
    if isinstance(value, dict):
        return "dict", [(told(key, {}), told(item, seen)) for key, item in value.items()]
    return "list", [told(item, seen) for item in value]


def told_of_graph(graph: Graph, slot: int, seen: dict[int, int]) -> object:
    """Return what `told` says of the object that is made."""
    target = graph.target(slot)
    kind = graph.kind(slot)
    if kind is Kind.INT:
        return graph.scalar(slot)
    if kind is Kind.TUPLE:
        return "tuple", [told_of_graph(graph, item, seen) for item in graph.items(slot)]
    if target in seen:
        return "again", seen[target]
    seen[target] = len(seen)
    if kind is Kind.LIST:
        return "list", [told_of_graph(graph, item, seen) for item in graph.items(slot)]
    assert kind is Kind.DICT
    last = {repr(told_of_graph(graph, key, {})): (key, item) for key, item in graph.pairs(slot)}
    return "dict", [(told_of_graph(graph, key, {}), told_of_graph(graph, item, seen)) for key, item in last.values()]


def loaded(load: Callable[[], object]) -> object:
    """Return what `told` says of what Python loads, None where it refuses it."""
    try:
        value = load()
    except (pickle.UnpicklingError, IndexError, KeyError, TypeError, AttributeError, EOFError):
        return None
    return told(value, {})


def assert_alike(graph: Graph, expected: object) -> None:
    problems = " ".join(problems_of(graph, CancelToken()))
    if "Python refuses the pickle" in problems:
        assert expected is None
    elif "Python may refuse the pickle" in problems:
        return
    elif expected is None:
        assert graph.stream.error
    else:
        assert not graph.stream.error
        assert told_of_graph(graph, graph.root, {}) == expected


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\x80\x02]q\x01h\x01q\x01K\x05a.", [5]),  # the number of a GET is given to that GET again
        (b"\x80\x02]q\x01h\x01q\x01(K\x05K\x06e.", [5, 6]),
        (b"\x80\x02}q\x01h\x01q\x01(NNu.", [None, None]),
        (b"\x80\x02}q\x01h\x01q\x01NNs.", [None, None]),
        (b"\x80\x02]q\x01}q\x02h\x01q\x02h\x02q\x01K\x05a.", [5]),  # by way of two numbers
        (b"\x80\x02]q\x00]q\x01h\x00q\x01h\x01q\x00h\x00K\x05a.", [5]),
        (b"(lp0\ng0\np0\nI5\na.", [5]),
        (b"\x80\x02]r\x01\x00\x00\x00j\x01\x00\x00\x00r\x01\x00\x00\x00K\x05a.", [5]),
        (b"\x80\x02]q\x002q\x00h\x00q\x00K\x05a.", [5]),  # by way of a DUP
        (b"\x80\x02]q\x03h\x03q\x01h\x01q\x03h\x03q\x02K\x05a.", [5]),  # into numbers left out
    ],
)
def test_a_number_may_be_given_again_to_what_was_fetched_by_it(data: bytes, expected: list[object]) -> None:
    made = pickle.loads(data)

    graph = parse(data, 0, CancelToken())

    assert not graph.stream.error
    assert graph.kind(graph.root) == type(made).__name__
    assert [graph.scalar(slot) for slot in graph.elements(graph.target(graph.root))] == expected
    assert (list(chain.from_iterable(made.items())) if isinstance(made, dict) else made) == expected


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02]q\x01h\x01q\x01",
        b"\x80\x02}q\x01h\x01q\x01(",
        b"\x80\x02]q\x01}q\x02h\x01q\x02h\x02q\x01(K\x05",
        b"\x80\x02]q\x01h\x01q\x01h\x01h\x01h\x07",
        b"]q\x01h\x01q\x01(\x80",
    ],
)
def test_a_pickle_that_breaks_off_behind_such_a_number_can_be_looked_at(data: bytes) -> None:
    look_at_everything(data)

    assert registry.sniff(data, len(data))
    assert registry.summary(data, len(data)).codec
    assert isinstance(registry.key_summary(data), str)


NUMBERS = st.integers(0, 3)
GETS = NUMBERS.map(lambda n: b"h%c" % n) | NUMBERS.map(lambda n: b"g%d\n" % n) | NUMBERS.map(lambda n: b"j%c\0\0\0" % n)
PUTS = NUMBERS.map(lambda n: b"q%c" % n) | NUMBERS.map(lambda n: b"p%d\n" % n) | NUMBERS.map(lambda n: b"r%c\0\0\0" % n)
OTHERS = st.sampled_from([b"\x94", b"]", b"}", b"K\x05", b"2", b"0", b"1", b"(", b"a", b"s", b"e", b"u", b"t", b"\x85"])
PROGRAMS = st.lists(GETS | PUTS | OTHERS, max_size=20).map(b"".join)
BEGINNINGS = st.sampled_from([b"", b"]q\x01", b"]q\0}q\1", b"]\x94h\0q\0", b"]q\3h\3q\1h\1q\3"])


@given(beginning=BEGINNINGS, program=PROGRAMS)
def test_any_opcodes_around_the_memo_do_what_they_do_in_python(beginning: bytes, program: bytes) -> None:
    data = beginning + program + b"."

    graph = parse(data, 0, CancelToken())

    assert_alike(graph, loaded(lambda: pickle.loads(data)))


@given(beginning=BEGINNINGS, program=PROGRAMS)
def test_any_opcodes_around_the_memo_can_be_looked_at(beginning: bytes, program: bytes) -> None:
    look_at_everything(beginning + program)


@pytest.mark.parametrize("second", [b"h\1q\0h\1q\0K\5a.", b"h\1q\0h\0q\1h\1.", b"K\7q\0h\1."])
def test_what_the_second_pickle_puts_into_the_memo_changes_nothing_that_the_first_fetched(second: bytes) -> None:
    first = b"K\1q\0h\0q\1."
    unpickler = pickle._Unpickler(BytesIO(first + second))

    following = parse_following(parse(first + second, 0, CancelToken()), CancelToken())
    unpickler.load()

    assert_alike(following, loaded(unpickler.load))


@given(first=BEGINNINGS, program=PROGRAMS, second=PROGRAMS)
def test_a_second_pickle_reads_the_memo_of_the_first_as_one_unpickler_does(
    first: bytes, program: bytes, second: bytes
) -> None:
    data = b"".join((first, program, b"K\1.", second, b"."))
    before = parse(data, 0, CancelToken())
    if before.stream.error or before.stream.stop != len(data) - len(second) - 1:
        return  # the program has no STOP of its own, but may hide this one
    following = parse_following(before, CancelToken())
    if following.stream.error:
        return
    unpickler = pickle._Unpickler(BytesIO(data))

    is_continued = bool(parse(data, before.stream.stop, CancelToken()).stream.error)
    unpickler.load()
    expected = loaded(unpickler.load if is_continued else lambda: pickle.loads(data[before.stream.stop :]))

    assert_alike(following, expected)
