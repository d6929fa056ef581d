"""The machine: the opcode table, the memo, what CPython refuses, caps and cancelling."""

import gc
import pickle
import pickletools
from io import BytesIO
from types import SimpleNamespace

import pytest
from hypothesis import given

from app import limits
from app.cancel import CancelToken
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import parse
from app.codecs.pickle.opcodes import BY_CODE, OPCODES, Layout, end_of
from app.codecs.pickle.value import PickleValue
from app.errors import Cancelled
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES


def decode(data: bytes) -> PickleValue:
    return PickleValue(data, CancelToken())


def test_opcode_table_is_that_of_pickletools() -> None:
    assert {(op.name, chr(op.code), op.protocol) for op in OPCODES} == {
        (op.name, op.code, op.proto) for op in pickletools.opcodes
    }
    for op in pickletools.opcodes:
        ours = BY_CODE[ord(op.code)]
        assert ours is not None
        width = 0 if op.arg is None else op.arg.n
        assert (ours.layout is Layout.FIXED) == (width >= 0)
        assert ours.width == (1 + width if width >= 0 else 0)


@given(value=VALUES, protocol=PROTOCOLS)
def test_opcodes_end_where_pickletools_says(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    starts = [pos for _, _, pos in pickletools.genops(data)]

    assert starts == walk(data)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_opcodes_of_the_corpus_end_where_pickletools_says(case: corpus.ValueCase) -> None:
    data = case.read()

    assert parse(data, 0, CancelToken()).stream.stop == len(data)
    try:
        starts = [pos for _, _, pos in pickletools.genops(BytesIO(data))]
    except UnicodeDecodeError:
        return  # pickletools cannot read STRING with other bytes than ASCII
    assert walk(data) == starts


def walk(data: bytes) -> list[int]:
    starts = []
    pos = 0
    while pos < len(data):
        starts.append(pos)
        pos = end_of(data, pos)
    return starts


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"]q\x00(K\x01q\x05h\x05K\x02q\x05h\x05e.", [1, 1, 2, 2]),  # a slot is overwritten
        (b"(lp0\nI1\np0\nag0\nag0\na.", [1, 1, 1]),
        (b"]q\x01(K\x07q\x02h\x02h\x02q\x03h\x03e.", [7, 7, 7, 7]),  # numbered from 1, PUT of a GET
        (b"(K\x07q\x01K\x08\x94h\x01l.", [7, 8, 8]),  # MEMOIZE counts the filled slots, not the highest index
        (b"(K\x01r\x00\x00\x00\x20K\x02r\x01\x00\x00\x00j\x00\x00\x00\x20l.", [1, 2, 1]),
        (b"(K\x012\x322t.", [1, 1, 1, 1]),
        (b"(K\x01K\x020(K\x03K\x041K\x05l.", [1, 5]),
    ],
)
def test_memo_and_stack_opcodes_do_what_cpython_does(data: bytes, expected: list[int]) -> None:
    # The one in Python: that in C would fill its memo up to the highest index.
    assert list(pickle._Unpickler(BytesIO(data)).load()) == expected

    graph = parse(data, 0, CancelToken())

    assert [graph.scalar(slot) for slot in graph.items(graph.root)] == expected


def test_get_refers_to_the_object_of_its_time() -> None:
    data = b"(]q\x00h\x00]q\x00h\x00t."
    first, again, second, twice = pickle.loads(data)
    assert first is again
    assert second is twice
    assert first is not second

    graph = parse(data, 0, CancelToken())
    targets = [graph.target(slot) for slot in graph.items(graph.root)]

    assert targets[0] == targets[1] != targets[2] == targets[3]


def test_a_long_chain_of_puts_and_gets_is_followed() -> None:
    links = b"".join(b"g%d\np%d\n0" % (index, index + 1) for index in range(50_000))
    data = b"](p0\n" + b"(lp0\n0" + links + b"g50000\n."

    graph = parse(data, 0, CancelToken())

    assert graph.kind(graph.root) is Kind.LIST


@pytest.mark.parametrize(
    "data",
    [
        b"(\x85.",
        b"](a.",
        b"K\x01(s.",
        b"}(K\x01s.",
        b"(R.",
        b"h\x05.",
        b"g-1\n.",
        b"K\x01q",
        b"\xff",
        b"0.",
        b"a.",
        b"(t",
    ],
)
def test_what_the_stack_cannot_give_is_damage(data: bytes) -> None:
    with pytest.raises((pickle.UnpicklingError, IndexError, EOFError, ValueError)):
        pickle.loads(data)

    value = decode(data)

    assert value.is_damaged
    assert value.problems


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"}(K\x01u.", "without a value"),
        (b"cos\nsystem\nK\x01R.", "no tuple"),
        (b"K\x01(K\x02e.", "changes a int"),
        (b"\x80\x09N.", "protocol 9"),
        (b"K\x01K\x02\x93.", "two texts"),
        (b"\x82\x00.", "extension code"),
        (b"K\x01\x98.", "no buffer"),
        (b"cos\npath\n}(X\x01\x00\x00\x00aK\x01ub.", "changes a global"),
        (b"K\x01K\x02.", "thrown away"),
        (b"K\x010K\x02.", "thrown away"),
        (b"K\x01.rest", "follow the STOP"),
        (b"K\x01.K\x02.", "in a row"),
        (b"\x80\x05\x97.", "out-of-band"),
        (b"\x80\x04\x95\xff\x00\x00\x00\x00\x00\x00\x00N.", "FRAME"),
    ],
)
def test_what_python_may_refuse_or_ignore_is_told(data: bytes, complaint: str) -> None:
    problems = decode(data).problems

    assert any(complaint in problem for problem in problems), problems


@pytest.mark.parametrize("protocol", range(6))
def test_what_contains_itself_is_nothing_unusual(protocol: int) -> None:
    short: tuple[list[object], ...] = ([],)
    short[0].append(short)
    last: list[object] = []
    long = (1, 2, "three", 4.5, short[0], last)
    last.append(long)
    node = SimpleNamespace()
    node.members = frozenset([1, Hashable(node)])

    for value in (short, long, node.members):
        assert decode(pickle.dumps(value, protocol)).problems == ()


class Hashable:
    """An element of a set that leads back to what holds the set."""

    def __init__(self, owner: object) -> None:
        self.owner = owner


@pytest.mark.parametrize("data", [b"K\x010", b"]K\x010h\x05.", b"]K\x0100000"])
def test_a_pickle_may_break_off_behind_a_pop(data: bytes) -> None:
    assert decode(data).is_damaged


def test_a_value_that_the_memo_does_not_hold_is_told_when_it_is_thrown_away() -> None:
    assert decode(b"(K\x01q\x00K\x050h\x00t.").problems == (
        "<popped 1> is a value that is made by the pickle and thrown away.",
    )


def test_a_damaged_list_shows_what_was_built_and_where_it_broke() -> None:
    value = decode(pickle.dumps([1, ["two", {"k": 3}], 4.5], 4)[:-9])

    rows = value.rows(value.root.node, 0, 10)

    assert [row.text for row in rows[:2]] == ["1", "['two', {'k': 3}]"]
    assert rows[-1].flags == ("damaged",)
    assert value.find(rows[-1].step) == rows[-1]


def test_token_stops_a_decode() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        parse(pickle.dumps(1), 0, token)


def test_opcodes_are_capped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PICKLE_NODES", 20_000)

    graph = parse(pickle.dumps([None] * 10_000, 4), 0, CancelToken())
    assert graph.length(graph.root) == 10_000
    for large in ([None] * 50_000, [0.5] * 50_000):
        cut = parse(pickle.dumps(large, 4), 0, CancelToken())
        assert cut.stream.is_full
        assert 10_000 < cut.length(cut.root) < 40_000


def test_the_collector_is_on_again_after_a_decode() -> None:
    assert gc.isenabled()
    decode(b"\xff")
    assert gc.isenabled()
