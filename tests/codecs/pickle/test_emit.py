"""A value that is taken from a pickle and written again is the same to every Python that can read it."""

import pickle
import pickletools
from collections.abc import Iterable
from typing import Any, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs.model import Atom, Built, Extension, GlobalName, Items, OutOfBand, Pairs, PersistentId, Style, Value
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit, emit_pickle
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.styles import style_of_graph
from app.codecs.trees.node_json import node_json
from app.errors import EncodeError
from tests import corpus
from tests.codecs.interpreters import VERSIONS
from tests.codecs.pickle.loading import told
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.trees import tree_of
from tests.codecs.small_stacks import on_a_small_stack

BENIGN = corpus.values("benign")
NODES = 10_000_000


def graph_of(data: bytes) -> Graph:
    return parse(data, 0, CancelToken())


def model(data: bytes) -> Value:
    graph = graph_of(data)
    return model_of(graph, graph.root, CancelToken())


def rewritten(data: bytes, style: Style | None = None) -> bytes:
    """Return the pickle written anew, in its own style unless another is given."""
    graph = graph_of(data)
    return emit_pickle(model_of(graph, graph.root, CancelToken()), style or style_of_graph(graph))


def tree(data: bytes) -> dict[str, Any]:
    graph = graph_of(data)
    return node_json(graph, graph.root, NODES)


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_what_is_written_anew_has_the_same_tree(case: corpus.ValueCase) -> None:
    data = case.read()

    again = rewritten(data)

    assert tree(again) == tree(data)
    assert not graph_of(again).stream.error


@pytest.mark.parametrize("version", VERSIONS)
def test_the_python_that_wrote_a_value_loads_the_same_from_what_is_written_anew(version: str) -> None:
    cases = [case for case in BENIGN if case.sidecar.get("python", "").startswith(version + ".")]
    originals = [case.read() for case in cases]

    found = told(version, [*originals, *map(rewritten, originals)])

    before, after = found[: len(cases)], found[len(cases) :]
    differing = {case.name: (old, new) for case, old, new in zip(cases, before, after, strict=True) if old != new}
    refused = [case.name for case, old in zip(cases, before, strict=True) if isinstance(old, str)]
    assert differing == {}
    assert refused == []


@pytest.mark.parametrize("protocol", range(6))
def test_python3_loads_the_same_from_every_protocol(protocol: int) -> None:
    cases = [case for case in BENIGN if case.sidecar.get("python", "").startswith("3.13.")]
    originals = [case.read() for case in cases]

    found = told("3.13", [*originals, *(rewritten(data, Style(protocol)) for data in originals)])

    before, after = found[: len(cases)], found[len(cases) :]
    assert {case.name: (o, n) for case, o, n in zip(cases, before, after, strict=True) if o != n} == {}


@pytest.mark.parametrize("protocol", range(3))
def test_python2_loads_the_same_from_each_of_its_protocols(protocol: int) -> None:
    cases = [case for case in BENIGN if case.sidecar.get("python", "").startswith("2.7.")]
    originals = [case.read() for case in cases]

    found = told("2.7", [*originals, *(rewritten(data, Style(protocol, is_python2=True)) for data in originals)])

    before, after = found[: len(cases)], found[len(cases) :]
    assert {case.name: (o, n) for case, o, n in zip(cases, before, after, strict=True) if o != n} == {}


@given(value=VALUES, first=PROTOCOLS, second=PROTOCOLS)
def test_random_objects_survive_any_change_of_protocol(value: object, first: int, second: int) -> None:
    data = pickle.dumps(value, first)

    again = rewritten(data, Style(second))

    assert tree_of(pickle.loads(again)) == tree_of(value)
    assert tree_of(pickle._loads(again)) == tree_of(value)  # type: ignore[attr-defined]  # the slow one checks frames
    assert highest_protocol(again) <= max(second, min(2, second))


def highest_protocol(data: bytes) -> int:
    return max(opcode.proto for opcode, _, _ in pickletools.genops(data))


@st.composite
def webs(draw: st.DrawFn) -> Any:
    """Return lists, dicts, tuples and sets that hold each other in every way."""
    nodes: list[Any] = [[] for _ in range(draw(st.integers(1, 5)))]
    for _ in range(draw(st.integers(0, 12))):
        kids = draw(st.lists(st.sampled_from(nodes), max_size=3))
        made: Any = draw(st.sampled_from([tuple(kids), dict(enumerate(kids)), list(kids)]))
        nodes.append(made)
    for node in nodes:
        if isinstance(node, list):
            node.extend(draw(st.lists(st.sampled_from(nodes), max_size=2)))
    return nodes[-1]


def shape(value: Any) -> list[Any]:
    """Return the types of all objects in order of first visit, each with the numbers of its parts."""
    numbers = {id(value): 0}
    order = [value]
    for part in order:
        for kid in part.values() if isinstance(part, dict) else part:
            if not isinstance(kid, int) and (kid != () or isinstance(kid, list | dict)) and id(kid) not in numbers:
                numbers[id(kid)] = len(order)
                order.append(kid)
    return [
        (type(part).__name__, [numbers.get(id(kid)) for kid in (part.values() if isinstance(part, dict) else part)])
        for part in order
    ]


@given(value=webs(), first=PROTOCOLS, second=PROTOCOLS)
def test_sharing_and_recursion_are_kept(value: Any, first: int, second: int) -> None:
    data = pickle.dumps(value, first)

    again = rewritten(data, Style(second))

    assert shape(pickle.loads(again)) == shape(pickle.loads(data))


class Node:
    """An object that refers to others."""

    def __init__(self, *kids: object) -> None:
        self.kids = kids
        self.itself = self
        self.around = {self}


@pytest.mark.parametrize("first", range(6))
@pytest.mark.parametrize("second", range(6))
def test_objects_in_their_own_state_and_sets_are_kept(first: int, second: int) -> None:
    data = pickle.dumps(Node(Node(), [1]), first)

    found = pickle.loads(rewritten(data, Style(second)))

    assert found.itself is found
    assert found.around == {found}
    assert isinstance(found.kids[0], Node)
    assert found.kids[1] == [1]


class Keyworded:
    """An object whose class is given keywords."""

    def __new__(cls, first: int, *, second: int) -> Self:
        made = super().__new__(cls)
        made.both = first, second
        return made

    def __getnewargs_ex__(self) -> tuple[tuple[int], dict[str, int]]:
        return (self.both[0],), {"second": self.both[1]}

    both: tuple[int, int]

    class Inner:
        """A class inside of another."""


@pytest.mark.parametrize("first", range(2, 6))
@pytest.mark.parametrize("second", range(2, 6))
def test_keywords_and_nested_classes_are_written_as_each_protocol_can(first: int, second: int) -> None:
    value = [Keyworded(1, second=2), Keyworded.Inner, Keyworded.Inner]

    found = pickle.loads(rewritten(pickle.dumps(value, first), Style(second)))

    assert found[0].both == (1, 2)
    assert found[1] is found[2] is Keyworded.Inner


@pytest.mark.parametrize("protocol", range(2))
def test_objects_made_with_keywords_have_a_call_where_there_is_no_opcode(protocol: int) -> None:
    data = pickle.dumps(Keyworded(1, second=2), 4)

    assert pickle.loads(rewritten(data, Style(protocol))).both == (1, 2)


def test_frames_are_as_pickle_makes_them() -> None:
    value = ["a" * 100] * 3 + [bytes([n]) * 1000 for n in range(200)] + ["long" * 50_000, b"x" * 70_000, "end"]

    again = rewritten(pickle.dumps(value, 4))

    assert pickle.loads(again) == value
    sizes = [arg for op, arg, _ in pickletools.genops(again) if op.name == "FRAME"]
    expected = [
        arg for op, arg, _ in pickletools.genops(pickletools.optimize(pickle.dumps(value, 4))) if op.name == "FRAME"
    ]
    assert len(sizes) >= len(expected) > 1


def frames(data: bytes) -> list[int]:
    """Return the sizes of the frames in bytes."""
    return [int(size or 0) for opcode, size, _ in pickletools.genops(data) if opcode.name == "FRAME"]


def test_memo_indexes_are_used_only_for_what_is_shared() -> None:
    shared = Items(Kind.LIST, [Atom(Kind.INT, 1)])

    assert emit(shared, Style(4), iter(())) == b"]K\x01a"
    assert emit(Items(Kind.TUPLE, [shared, shared]), Style(4), iter((7,))) == b"]q\x07K\x01ah\x07\x86"
    with pytest.raises(EncodeError, match="no place left in the memo"):
        emit(Items(Kind.TUPLE, [shared, shared]), Style(4), iter(()))


BATCHED = {
    "list": list(range(2001)),
    "dict": dict.fromkeys(range(1001), 0),
    "set": set(range(1001)),
    "tuple": tuple(range(5)),
    "empty": [[], {}, (), set(), frozenset(), b"", bytearray(), ""],
}


@pytest.mark.parametrize("name", BATCHED)
@pytest.mark.parametrize("protocol", range(6))
def test_containers_are_written_in_batches_as_pickle_does(name: str, protocol: int) -> None:
    data = pickle._dumps(BATCHED[name], protocol)  # type: ignore[attr-defined]  # C has batches of its own

    again = rewritten(data)

    assert opcodes(again) == opcodes(data)


def opcodes(data: bytes) -> list[str]:
    """Return the opcodes without memo and frames, which are written only where they are needed."""
    unneeded = {"PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "FRAME", "GET", "BINGET"}
    return [
        opcode.name for opcode, _, _ in pickletools.genops(pickletools.optimize(data)) if opcode.name not in unneeded
    ]


def test_names_are_those_of_python2_below_protocol_3_when_they_are_new() -> None:
    name = GlobalName("collections", "UserDict")

    assert emit(name, Style(2)) == b"cUserDict\nIterableUserDict\n"
    assert emit(name, Style(3)) == b"ccollections\nUserDict\n"
    assert emit(GlobalName("builtins", "range"), Style(0)) == b"c__builtin__\nxrange\n"


def test_names_that_are_copied_stay_unless_the_protocol_needs_others() -> None:
    of_python3 = b"\x80\x02cbuiltins\nset\n."
    of_python2 = b"c__builtin__\nset\n."
    own_module = b"\x80\x04\x8c\x08commands\x8c\x01X\x93."

    assert rewritten(of_python3) == of_python3
    assert (
        rewritten(of_python2, Style(4))
        == b"\x80\x04\x95\x11\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x8c\x03set\x93."
    )
    assert rewritten(own_module).endswith(b"\x8c\x08commands\x8c\x01X\x93.")


def test_python2_scalars_keep_their_kinds() -> None:
    values: list[Value] = [
        Atom(Kind.STR2, b"caf\xe9'\n"),
        Atom(Kind.STR, "café"),
        Atom(Kind.INT, 1 << 40),
        Atom(Kind.LONG, 5),
        Atom(Kind.BYTEARRAY, b"\xff"),
        Atom(Kind.FLOAT, 0.1),
        Atom(Kind.BOOL, True),
    ]
    pickles = [emit_pickle(Items(Kind.LIST, values), Style(protocol, is_python2=True)) for protocol in range(3)]

    found = told("2.7", pickles)

    kinds = [["str", r'''"caf\xe9'\n"'''], ["unicode", r"u'caf\xe9'"], ["int", "1099511627776"], ["long", "5L"]]
    for loaded in found:
        assert isinstance(loaded, list)
        assert loaded[1][:4] == kinds
        assert loaded[1][4] == ["bytearray", r"bytearray(b'\xff')"]
        assert loaded[1][5:] == [["float", "0.1"], ["bool", "True"]]


def test_8_bit_strings_become_what_python3_makes_of_them() -> None:
    values: list[Value] = [Atom(Kind.STR2, b"ascii"), Atom(Kind.STR2, b"\xe9")]

    for protocol in range(6):
        assert pickle.loads(emit_pickle(Items(Kind.LIST, values), Style(protocol))) == ["ascii", b"\xe9"]


def test_keys_that_would_become_one_are_refused() -> None:
    pairs = Pairs([(Atom(Kind.STR2, b"a"), Atom(Kind.NONE, None)), (Atom(Kind.STR, "a"), Atom(Kind.NONE, None))])

    with pytest.raises(EncodeError, match="would be one key"):
        emit(pairs, Style(4))
    assert emit(pairs, Style(2, is_python2=True)) == b"}(U\x01aNX\x01\x00\x00\x00aNu"


def refused() -> Iterable[tuple[Value, int, str]]:
    in_itself = Items(Kind.TUPLE)
    in_itself.items.append(in_itself)
    made_of_itself = Built(GlobalName("m", "C"), Items(Kind.TUPLE), is_call=True)
    made_of_itself.args = Items(Kind.TUPLE, [Items(Kind.LIST, [made_of_itself])])
    yield in_itself, 4, "among the arguments"
    yield made_of_itself, 4, "among the arguments"
    yield OutOfBand(), 4, "protocol 5 has"
    yield Extension(0), 2, "no extension code"
    yield GlobalName("mödule", "x"), 2, "protocol 4 can"
    yield GlobalName("module", "x\ny"), 3, "protocol 4 can"
    yield Atom(Kind.INT, 10**5000), 1, "in decimal"
    yield PersistentId(Atom(Kind.STR, "two\nlines"), is_text=True), 0, "text of one line"
    yield Atom(Kind.NONE, None), 6, "no protocol 6"


@pytest.mark.parametrize(
    ("value", "protocol", "why"), list(refused()), ids=lambda part: part if isinstance(part, str) else ""
)
def test_what_cannot_be_written_is_refused_with_a_sentence(value: Value, protocol: int, why: str) -> None:
    with pytest.raises(EncodeError, match=why):
        emit_pickle(value, Style(protocol))


def test_tuples_that_hold_each_other_in_too_many_ways_are_refused() -> None:
    lists: list[Value] = [Items(Kind.LIST) for _ in range(3_000)]
    knot = Items(Kind.TUPLE, lists)
    for part in lists:
        assert isinstance(part, Items)
        part.items.append(knot)

    with pytest.raises(EncodeError, match="too many ways"):
        emit(knot, Style(4))


def test_persistent_ids_extensions_and_buffers_are_written_as_they_were() -> None:
    for data in (
        b"Pabc\n.",
        b"\x80\x02K\x01Q.",
        b"\x80\x02\x82\x07.",
        b"\x80\x02\x83\x00\x01.",
        b"\x80\x02\x84\x00\x00\x01\x00.",
    ):
        assert rewritten(data) == data
    assert rewritten(b"\x80\x05(\x97\x97\x98l.").endswith(b"(\x97\x97\x98l.".replace(b"(", b"](").replace(b"l.", b"e."))


def test_a_part_with_some_of_the_buffers_cannot_be_copied() -> None:
    graph = graph_of(b"\x80\x05]\x97a\x97a.")

    with pytest.raises(EncodeError, match="handed over beside"):
        model_of(graph, graph.items(graph.root)[1], CancelToken())


def test_what_is_damaged_cannot_be_copied() -> None:
    for data in (b"(lp0\nI1\na", b"\x80\x04](K\x01K\x02", b"(K\x01K\x02", b"Fabc\n."):
        with pytest.raises(EncodeError, match="cannot be copied"):
            model(data)


@pytest.mark.parametrize("protocol", range(6))
def test_deep_nesting_needs_no_stack(protocol: int) -> None:
    depth = limits.WRITTEN_DEPTH
    data = b"]" * depth + b"a" * (depth - 1) + b"."

    again = on_a_small_stack(lambda: rewritten(data, Style(protocol)))

    assert tree_depth(graph_of(again)) == depth


def test_what_is_nested_too_deep_is_not_copied() -> None:
    depth = limits.WRITTEN_DEPTH + 2
    data = b"]" * depth + b"a" * (depth - 1) + b"."

    with pytest.raises(EncodeError, match="nested more than"):
        model(data)


def tree_depth(graph: Graph) -> int:
    depth, slot = 1, graph.root
    while items := graph.items(slot):
        depth, slot = depth + 1, items[0]
    return depth


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_hostile_values_are_written_or_refused(case: corpus.ValueCase) -> None:
    write_or_refuse(case.read())


def write_or_refuse(data: bytes) -> None:
    """Write a pickle anew where it is whole enough; what is written must be whole."""
    graph = graph_of(data)
    try:
        again = emit_pickle(model_of(graph, graph.root, CancelToken()), style_of_graph(graph))
    except EncodeError as error:
        assert error.message.endswith(".")  # noqa: PT017 - any other exception fails the test
        return
    assert not graph_of(again).stream.error


@given(value=VALUES, protocol=PROTOCOLS, data=st.data())
def test_one_wrong_byte_gives_a_pickle_or_a_sentence(value: object, protocol: int, data: st.DataObject) -> None:
    pickled = bytearray(pickle.dumps(value, protocol))
    at = data.draw(st.integers(0, len(pickled) - 1))
    pickled[at] = data.draw(st.integers(0, 255))

    write_or_refuse(bytes(pickled))


OPCODES = [bytes([code]) for code in b"()]}0.12NQRabdeltosuhq\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94\x97\x98K"]


@given(
    st.lists(st.sampled_from([*OPCODES, b"q\x00", b"h\x00", b"h\x01", b"X\x01\x00\x00\x00a", b"cm\nC\n"]), max_size=60)
)
def test_any_opcodes_give_a_pickle_or_a_sentence(opcodes: list[bytes]) -> None:
    write_or_refuse(b"".join(opcodes) + b".")
