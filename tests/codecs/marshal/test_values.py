"""Marshal values of every version are read as Python reads them, and nothing that bytes hold does any harm."""

import marshal
import pickle
import re
import resource
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs.edits import DeleteNodes, InsertItem, Reorder, ReplaceNode, Written
from app.codecs.findings import Hit, Query
from app.codecs.marshal import parse
from app.codecs.marshal.codec import MarshalCodec
from app.codecs.marshal.recognise import marshal_end
from app.codecs.pickle.value import PickleValue
from app.codecs.registry import decode, sniff, summary
from app.errors import Cancelled, CodecError, PathError
from tests import corpus
from tests.codecs.marshal.referee import decoded, dumped, edit, edited, loaded, normal_of
from tests.codecs.reading import strict_json
from tests.codecs.small_stacks import on_a_small_stack

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NUMBERS = st.integers(-(1 << 90), 1 << 90) | st.floats() | st.complex_numbers()
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.binary(max_size=12)
KEYS = st.integers(-300, 300) | TEXTS | st.tuples(st.integers(0, 3), TEXTS)
OBJECTS: st.SearchStrategy[Any] = st.recursive(
    SCALARS | st.sets(KEYS, max_size=4) | st.frozensets(KEYS, max_size=4),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=4) | st.lists(inner, max_size=4).map(tuple)
    ),
    max_leaves=20,
)
VERSIONS = st.integers(0, 4)
IN_ANOTHER_PYTHON = settings(max_examples=40)
"""Each example starts an interpreter, and asks it for many values at once."""


@IN_ANOTHER_PYTHON
@given(st.lists(st.tuples(OBJECTS, VERSIONS), min_size=1, max_size=20))
def test_what_python_dumps_is_read_as_python_loads_it(objects: list[tuple[Any, int]]) -> None:
    values = [marshal.dumps([obj, obj, "anchor"], version) for obj, version in objects]

    for data, found in zip(values, loaded("3.11", values), strict=True):
        assert normal_of(data) == found
        assert marshal_end(b"??" + data + b"??", 2) == 2 + len(data)


def _edits(draw: st.DataObject, data: bytes) -> tuple[bytes, bytes, str]:
    """Make a random edit of a list of a value; return old and new bytes and the statement that does the same."""
    value = decoded(data)
    places = [("", value.root)]
    for path, row in places:
        if "shared" not in row.flags and "recursive" not in row.flags:
            children = [(path + child.step, child) for child in value.rows(row.node, 0, 100)]
            places += [place for place in children if place[1].type in ("list", "dict") and "#" not in place[0]]
    path, row = draw.draw(st.sampled_from(places))
    new = repr(draw.draw(OBJECTS.filter(_is_literal)))
    count = row.count if row.type == "list" else 0
    if not count:
        return data, edit(data, InsertItem("", 0, Written(new))), f"obj.insert(0, {new})"
    index = draw.draw(st.integers(0, count - 1))
    match draw.draw(st.integers(0, 3)):
        case 0:
            made = edit(data, ReplaceNode(f"{path}[{index}]", Written(new), any_type=True))
            return data, made, f"obj{path}[{index}] = {new}"
        case 1:
            return data, edit(data, DeleteNodes((f"{path}[{index}]",))), f"del obj{path}[{index}]"
        case 2:
            return data, edit(data, InsertItem(path, index, Written(new))), f"obj{path}.insert({index}, {new})"
    order = draw.draw(st.permutations(range(count)))
    return data, edit(data, Reorder(path, tuple(order))), f"x = obj{path}; x[:] = [x[at] for at in {list(order)}]"


def _is_literal(value: object) -> bool:
    return not any(word in repr(value) for word in ("nan", "inf", "set(", "j"))


@IN_ANOTHER_PYTHON
@given(st.lists(OBJECTS, min_size=1, max_size=6), st.integers(3, 4), st.data())
def test_random_edits_are_what_python_makes_of_the_object(parts: list[Any], version: int, draw: st.DataObject) -> None:
    shared = [parts[0], "x"]
    data = marshal.dumps([shared, *parts, shared, {"k": shared}], version)

    made = [_edits(draw, data) for _ in range(4)]

    for (_, new, statement), (expected, found) in zip(made, edited("3.11", made), strict=True):
        assert found == expected, statement
        assert normal_of(new) == found


@pytest.mark.parametrize("case", corpus.values("marshal"), ids=corpus.name_of)
def test_a_value_of_the_corpus_is_shown_whole(case: corpus.ValueCase) -> None:
    data = case.read()

    value, reason = decode(data, CancelToken())

    assert value.codec == "marshal"
    assert reason.endswith(".")
    assert sniff(data, len(data))[0].codec == summary(data, len(data)).codec == "marshal"
    assert value.problems == ()
    strict_json("".join(value.plain(CancelToken())))
    expected = case.sidecar["expect"]["repr"]
    if isinstance(expected, dict):
        assert value.find(".co_consts").count == expected["nconsts"]
        assert value.edit_text(".co_filename").strip("bu'") == expected["co_filename"]


def test_every_row_is_found_by_its_path() -> None:
    for case in corpus.values("marshal", "hostile-marshal"):
        value = decoded(case.read())
        waiting = [("", value.root)]
        while waiting and len(waiting) < 2_000:
            path, row = waiting.pop()
            assert value.find(path).node == row.node, (case.name, path)
            if row.count and not {"shared", "recursive"} & set(row.flags) and path.count("[") < 20:
                waiting += [(path + child.step, child) for child in value.rows(row.node, 0, 100)]


def test_shared_and_recursive_objects_point_at_each_other() -> None:
    [data] = dumped("3.11", [("part = [1]; obj = [part, {'k': part}]; obj.append(obj)", 4)])

    value = decoded(data)

    assert value.find("[0]").flags == ("shared",)
    assert value.find("[1]['k']").note.startswith("The same object as [0].")
    assert value.find("[2]").flags == ("recursive",)
    assert value.find("[2][2][1]['k'][0]").text == "1"


@pytest.mark.parametrize(
    "data",
    [
        b"12345", b"N", b"T", b".", b"0", b"z\x00", b")\x00", b"\xe9", b"z\nabcdefghij", b"(hello world)", b"[1, 2, 3]",
        b"i am a text", b"\xce\xce\xce", b"u\x01\x00\x00\x00\xff", b"z\x03\xe9\xe9\xe9", b"{[\x00\x00\x00\x00N0",
        b"i\x01\x00\x00\x00\x00", b"f\x03abc", b"l\x01\x00\x00\x00\xff\xff", b"\x00\x01\x02",
    ],
)  # fmt: skip
def test_what_is_short_or_text_or_not_as_python_writes_it_is_not_marshal(data: bytes) -> None:
    value, _ = decode(data, CancelToken())

    assert value.codec != "marshal"


@given(TEXTS.filter(bool))
def test_no_text_is_taken_for_marshal(text: str) -> None:
    for data in (text.encode(), text.encode("utf-16"), text.encode("latin-1", "ignore")):
        assert not MarshalCodec().sniff(data, whole=True) or any(character < " " for character in text)


def test_a_large_value_is_told_by_its_beginning() -> None:
    data = marshal.dumps([{"id": number, "name": f"n{number}"} for number in range(2_000)])

    found = summary(data[: limits.SUMMARY_PREFIX], len(data))

    assert (found.codec, found.type, found.problem) == ("marshal", "list", "")
    assert found.text.startswith("[{'id': 0, 'name': 'n0'}")
    assert found.text.endswith("…")
    assert decode(data, CancelToken())[0].codec == "marshal"


DEPTH = limits.WRITTEN_DEPTH + 5_000
SECONDS = 20.0
HOSTILE: dict[str, bytes] = {
    "crash": bytes.fromhex("a9013e0100000072000000 00".replace(" ", "")),
    "deep tuples": b")\x01" * DEPTH + b"N",
    "deep dicts": b"{N" * DEPTH + b"N" + b"0" * DEPTH,
    "huge counts": b"[\xff\xff\xff\x7f" * 1000,
    "negative": b"[\xff\xff\xff\xff",
    "hash chain": b"[" + (61).to_bytes(4, "little") + b"\xa9\x00" + b"".join(
        b"\xa9\x02r" + number.to_bytes(4, "little") + b"r" + number.to_bytes(4, "little") for number in range(60)
    ),
    "huge integer": b"l\xff\xff\x00\x00" + b"\xff\x7f" * 0xFFFF,
    "reference ahead": b"[\x02\x00\x00\x00r\x05\x00\x00\x00N",
    "own code": b"\xe3" + b"\x00" * 20 + b"r\x00\x00\x00\x00",
    "codes": b"(\xe8\x03\x00\x00" + b"c" * 30_000,
    "frozenset in itself": b"\xbe\x01\x00\x00\x00r\x00\x00\x00\x00",
}  # fmt: skip


def _look_at_all(data: bytes) -> None:
    """Do all that can be done to a value; only a CodecError may come out."""
    value = MarshalCodec().decode(data, CancelToken())
    token = CancelToken()
    for step in (
        lambda: value.rows(value.root.node, 0, 200),
        lambda: value.text(100_000),
        lambda: value.tree(10_000),
        lambda: sum(map(len, value.plain(token))),
        lambda: value.opcodes(0, 1_000, token),
        lambda: sum(1 for _ in value.search(Query("a"), token)),
        lambda: value.model("", token),
        lambda: value.edit(InsertItem("", 0, Written("1")), token),
        lambda: value.edit(ReplaceNode("", Written("[1]"), any_type=True), token),
    ):
        _unless_refused(step)
    MarshalCodec().sniff(data, whole=True)
    MarshalCodec().summary(data[: limits.SUMMARY_PREFIX], len(data))
    marshal_end(data, 0)


def _unless_refused(step: Callable[[], object]) -> None:
    try:
        step()
    except CodecError:
        return


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_bytes_end_soon_on_a_small_stack(data: bytes) -> None:
    assert on_a_small_stack(lambda: seconds_to_look_at(data)) < SECONDS


@pytest.mark.parametrize("case", corpus.values("hostile-marshal"), ids=corpus.name_of)
def test_hostile_files_end_soon_on_a_small_stack(case: corpus.ValueCase) -> None:
    assert on_a_small_stack(lambda: seconds_to_look_at(case.read())) < SECONDS


def seconds_to_look_at(data: bytes) -> float:
    started = time.thread_time()  # other processes of a busy machine do not count
    _look_at_all(data)
    return time.thread_time() - started


@given(st.sampled_from([case.read() for case in corpus.values("marshal")]), st.data())
def test_random_mutations_give_a_value_or_a_sentence(data: bytes, draw: st.DataObject) -> None:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        changed[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    cut = draw.draw(st.integers(0, len(data)))

    _look_at_all(bytes(changed))
    _look_at_all(bytes(changed[:cut]))


def test_of_too_many_nodes_the_first_are_shown_with_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MARSHAL_NODES", 1_000_000)
    data = b")\x01" * 3_000_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    value = decoded(data)

    assert f"of {len(data):,} bytes are shown: more parts cannot be held" in value.why_cut
    assert value.rows(value.root.node, 0, 1)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 400 << 20


def test_reading_can_be_given_up() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        MarshalCodec().decode(marshal.dumps(list("abc")), token)


def test_a_module_is_never_needed() -> None:
    assert "marshal" in sys.modules  # the interpreter has it itself; ours is another
    assert "marshal" not in vars(parse)


def test_what_a_path_does_not_name_is_said() -> None:
    value = decoded(marshal.dumps([{"a": 1}]))

    for path in ("[7]", "[0]['b']", ".co_name", "<header>", "{0}", "[x"):
        with pytest.raises(PathError):
            value.find(path)


def test_matches_are_found_in_keys_and_values() -> None:
    value = decoded(marshal.dumps([{"total": 1200}, ["subtotal", b"total"], 12]))

    assert [hit.path for hit in value.search(Query("total"), CancelToken())] == ["[0]['total']", "[1][0]", "[1][1]"]
    assert [hit.path for hit in value.search(Query("^12$", is_regex=True), CancelToken())] == ["[2]"]
    assert next(value.search(Query("TOTAL", ignores_case=True), CancelToken())).path == "[0]['total']"


@given(
    value=OBJECTS,
    version=VERSIONS,
    pattern=st.text(min_size=1, max_size=1) | st.sampled_from(["1", "e", "-", ".", "x", "Tr"]),
)
def test_the_same_is_found_at_the_same_places_as_in_a_pickle(value: Any, version: int, pattern: str) -> None:
    query = Query(pattern)
    ours = MarshalCodec().decode(marshal.dumps([value], version), CancelToken())
    pickled = PickleValue(pickle.dumps([value], 4), CancelToken())

    found = places_of(ours.search(query, CancelToken()))

    in_pickle = places_of(pickled.search(query, CancelToken()))
    assert found == [hit for hit in in_pickle if not hit[1].startswith("builtins.")]  # classes of complex numbers


def places_of(hits: Iterable[Hit]) -> list[tuple[str, str]]:
    """Return hits without the numbers of elements of sets, which marshal sorts."""
    return sorted((re.sub(r"\{#\d+\}", "{}", hit.path), hit.text) for hit in hits)


@given(value=OBJECTS, pattern=st.sampled_from(["", "1", "e", "-"]))
def test_every_path_that_is_found_leads_to_its_place(value: Any, pattern: str) -> None:
    decoded_value = decoded(marshal.dumps(value))

    for hit in decoded_value.search(Query(pattern), CancelToken()):
        assert decoded_value.find(hit.path).step == hit.path[-len(decoded_value.find(hit.path).step) :]


@pytest.mark.parametrize("case", corpus.values("marshal"), ids=corpus.name_of)
def test_what_is_found_in_code_objects_leads_to_its_place(case: corpus.ValueCase) -> None:
    value = decoded(case.read())

    for number, hit in enumerate(value.search(Query("e"), CancelToken())):
        if number < 100:
            value.find(hit.path)


def test_a_slice_is_found_as_what_it_is() -> None:
    data = b"[\x01\x00\x00\x00:i\x01\x00\x00\x00i\x02\x00\x00\x00N"

    found = [(hit.path, hit.text) for hit in decoded(data).search(Query("slice"), CancelToken())]

    pickled = PickleValue(pickle.dumps([slice(1, 2)]), CancelToken())
    assert found == [(hit.path, hit.text) for hit in pickled.search(Query("slice"), CancelToken())][-1:]


def test_a_pickle_in_bytes_opens_in_place_and_is_edited_there() -> None:
    inner = pickle.dumps({"count": 7}, 4)
    data = marshal.dumps(["before", inner, "after"])

    value, _ = decode(data, CancelToken())

    assert value.find("[1]<content>['count']").text == "7"
    new = value.edit(ReplaceNode("[1]<content>['count']", Written("800")), CancelToken())
    assert marshal.loads(new) == ["before", pickle.dumps({"count": 800}, 4), "after"]
