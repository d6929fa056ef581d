"""A pickle that is too large to be held is shown as far as there is room, says so, and is never changed in part."""

import json
import pickle
from base64 import b64decode
from inspect import signature
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.edits import DeleteNodes, ReplaceNode, Written
from app.codecs.findings import OpcodeRow, Query
from app.codecs.pickle import loop, machine, opcode_places
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.recognise import value_end
from app.codecs.pickle.value import PickleValue
from app.codecs.typed.writing import typed_pieces
from app.errors import Cancelled, EncodeError
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES

TOKEN = CancelToken()
ALL = 10_000_000
ROWS = [{"id": number, "name": f"item {number}", "tags": ["a", f"t{number % 7}"]} for number in range(5_000)]
LARGE = pickle.dumps(ROWS, 4)


@pytest.fixture
def small_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PICKLE_NODES", 40_000)


@pytest.fixture
def cut(small_limit: None) -> DecodedValue:
    return registry.decode(LARGE, TOKEN)[0]


@pytest.fixture(scope="module")
def whole_listing() -> list[OpcodeRow]:
    return PickleValue(LARGE, TOKEN).opcodes(0, ALL, TOKEN)


@pytest.fixture
def fine_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the machine look every few opcodes whether there is room, so that small values are cut too."""
    monkeypatch.setattr(loop, "_CHUNK", 8)


def followed(value: DecodedValue) -> int:
    """Return the bytes that a value says are shown."""
    return int(value.why_cut.split()[3].replace(",", ""))


def last_row(value: DecodedValue) -> NodeRow:
    """Return the innermost of the last rows."""
    row = value.root
    while row.count:
        row = value.rows(row.node, row.count - 1, 1)[0]
    return row


# ---- what is shown


def test_it_says_how_far_it_is_shown_and_of_how_many_bytes(cut: DecodedValue) -> None:
    sentence = f"Only the first {followed(cut):,} of {len(LARGE):,} bytes are shown: more parts cannot be held at once."

    assert cut.why_cut == sentence
    assert cut.problems == (sentence,)
    assert 0 < followed(cut) < len(LARGE) // 2
    assert cut.is_damaged


def test_its_first_rows_are_those_of_the_whole(cut: DecodedValue) -> None:
    whole = PickleValue(LARGE, TOKEN, room=ALL)

    count = cut.root.count - 1
    texts = [row.text for row in cut.rows(cut.root.node, 0, count)]

    assert count > 500
    assert texts[:-1] == [row.text for row in whole.rows(whole.root.node, 0, count - 1)]
    assert cut.text(ALL).startswith(whole.text(ALL)[:50_000])


def test_the_last_row_stands_for_the_rest(cut: DecodedValue) -> None:
    row = last_row(cut)

    assert row.flags == ("truncated",)
    assert row.type == "not shown"
    assert cut.why_cut in row.note
    assert "truncated" in cut.root.flags


def test_the_limit_holds_for_all_pickles_in_a_row(small_limit: None) -> None:
    part = pickle.dumps(ROWS[:1_000], 4)

    value = registry.decode(part * 20, TOKEN)[0]

    steps = [row.step for row in islice(value.rows(value.root.node, 1_000, 100), 100)]
    assert steps[0] == "<pickle 2>"
    assert len(steps) < 19
    assert len(part) < followed(value) < 20 * len(part)
    with pytest.raises(EncodeError, match="not shown whole"):
        value.edit(ReplaceNode("[0]['id']", Written("5")), TOKEN)


def test_there_is_less_room_where_the_bytes_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert machine.most_nodes(1_000) == limits.PICKLE_NODES
    assert machine.most_nodes(1 << 30) < limits.PICKLE_NODES // 2
    assert machine.most_nodes(1 << 40) > 0


def test_a_machine_with_less_memory_than_was_counted_on_shows_less(monkeypatch: pytest.MonkeyPatch) -> None:
    rooms: list[int] = []

    def scarce(*arguments: Any) -> Any:
        room = signature(loop.carry_out).bind(*arguments).arguments["room"]
        rooms.append(room)
        if room > 5_000_000:
            raise MemoryError
        return loop.carry_out(*arguments)

    monkeypatch.setattr("app.codecs.pickle.machine.carry_out", scarce)

    value = PickleValue(LARGE, TOKEN)

    assert not value.problems
    assert rooms[0] == limits.PICKLE_NODES
    assert rooms[-1] <= 5_000_000


# ---- the first part of a large value


def test_the_first_part_of_a_large_value_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGE_VALUE", 10_000)
    monkeypatch.setattr(limits, "FIRST_NODES", 10_000)

    found = registry.first_part(LARGE, TOKEN)

    assert found is not None
    assert found[0].codec == "pickle"
    assert found[0].root.count > 100
    assert followed(found[0]) < len(LARGE) // 4
    assert registry.first_part(LARGE[:9_000], TOKEN) is None
    assert registry.first_part(pickle.dumps(b"x" * 20_000), TOKEN) is None


# ---- nothing is lost


@pytest.mark.parametrize(
    "edit", [ReplaceNode("[0]['id']", Written("5")), DeleteNodes(("[3]",)), ReplaceNode("", Written("1"))]
)
def test_no_edit_is_made_and_the_reason_is_said(cut: DecodedValue, edit: Any) -> None:
    with pytest.raises(EncodeError, match=r"not shown whole is read-only\. Only the first"):
        cut.edit(edit, TOKEN)


def test_an_edit_whose_result_cannot_be_held_says_so(request: pytest.FixtureRequest) -> None:
    whole = registry.decode(LARGE, TOKEN)[0]
    request.getfixturevalue("small_limit")

    with pytest.raises(EncodeError, match="too large to be changed"):
        whole.edit(ReplaceNode("[0]['id']", Written("5")), TOKEN)


def test_scalars_say_why_they_are_read_only(cut: DecodedValue) -> None:
    row = cut.find("[0]['id']")

    assert not row.editor
    assert row.note == "Only a part of the value is shown, so it is read-only."


def test_only_what_is_complete_can_be_copied(cut: DecodedValue) -> None:
    cut.model("[0]", TOKEN)

    for path in ("", f"[{cut.root.count - 1}]"):
        with pytest.raises(EncodeError, match="cannot be copied"):
            cut.model(path, TOKEN)


@pytest.mark.usefixtures("fine_steps")
@given(value=VALUES, protocol=PROTOCOLS, room=st.integers(0, 60))
def test_what_is_copied_is_what_the_whole_holds(value: object, protocol: int, room: int) -> None:
    data = pickle.dumps(value, protocol)
    part, whole = PickleValue(data, TOKEN, room=room), PickleValue(data, TOKEN)
    if not part.why_cut:
        return

    for row in part.rows(part.root.node, 0, 20):
        try:
            copied = typed_at(part, row.node)
        except EncodeError:
            continue
        assert copied == typed_at(whole, row.node)


def typed_at(value: PickleValue, slot: int) -> str:
    """Return the typed JSON of what stands at a slot, whatever its path is."""
    return "".join(typed_pieces(model_of(value.graph, slot, TOKEN), TOKEN))


def test_json_holds_all_bytes(cut: DecodedValue) -> None:
    plain = json.loads("".join(cut.plain(TOKEN)))

    assert plain["__damaged__"] == cut.why_cut
    assert b64decode(plain["base64"]) == LARGE
    assert b64decode(json.loads("".join(cut.typed(TOKEN)))["shelfscope/raw"]["base64"]) == LARGE


def test_an_audit_tells_where_it_stopped_and_what_is_named_behind(small_limit: None) -> None:
    data = pickle.dumps([*ROWS, pickle.PickleError], 4)
    value = registry.decode(data, TOKEN)[0]

    found = value.audit(TOKEN)

    assert found.gaps == (value.why_cut,)
    assert [named.name for named in found.behind] == ["_pickle.PickleError"]


def test_a_search_goes_as_far_as_the_value_is_shown(cut: DecodedValue) -> None:
    found = list(cut.search(Query("item 19"), TOKEN))

    assert found[0].path == "[19]['name']"
    assert all("1999" not in hit.text for hit in found)


# ---- opcodes by range


def told(row: OpcodeRow) -> tuple[int, int, str, str, int]:
    return row.offset, row.size, row.name, row.argument, row.depth


def test_opcodes_go_on_behind_what_is_shown(cut: DecodedValue, whole_listing: list[OpcodeRow]) -> None:
    listed = cut.opcodes(0, ALL, TOKEN)

    assert list(map(told, listed)) == list(map(told, whole_listing))
    behind = [row for row in listed if row.offset >= followed(cut)]
    assert {row.node for row in behind} == {-1}
    assert {row.builds for row in behind if row.name == "BININT2"} == {"behind what is shown of the value"}


@pytest.mark.parametrize("start", [0, 1, 4_095, 4_096, 4_097, 50_000, 70_000, 200_000])
def test_a_page_is_found_wherever_it_is(cut: DecodedValue, whole_listing: list[OpcodeRow], start: int) -> None:
    page = cut.opcodes(start, 200, TOKEN)

    assert list(map(told, page)) == list(map(told, whole_listing[start : start + 200]))


@pytest.mark.usefixtures("fine_steps")
@pytest.mark.parametrize(
    "case",
    [case for case in corpus.values("benign") if len(case.read()) < 5_000][::5],
    ids=corpus.name_of,
)
def test_opcodes_of_any_cut_value_are_those_of_the_whole(
    case: corpus.ValueCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opcode_places, "STEP", 3)
    data = case.read()
    whole = PickleValue(data, TOKEN)
    expected = [(row.offset, row.size, row.name, row.depth) for row in whole.opcodes(0, ALL, TOKEN)]

    for room in (0, 10, 40):
        listed = PickleValue(data, TOKEN, room=room).opcodes(0, ALL, TOKEN)

        assert [(row.offset, row.size, row.name, row.depth) for row in listed] == expected


def test_opcodes_go_on_over_stop_while_pickles_follow(monkeypatch: pytest.MonkeyPatch, fine_steps: None) -> None:
    data = pickle.dumps(list(range(1_000)), 4) + pickle.dumps("second", 4) + b"no pickle"
    whole = PickleValue(data, TOKEN).opcodes(0, ALL, TOKEN)

    cut = PickleValue(data, TOKEN, room=100)

    assert list(map(told, cut.opcodes(0, ALL, TOKEN))) == list(map(told, whole))


@pytest.mark.parametrize("data", [b"K\x01q\x05\x94\x94e.", b"\x80\x02K\x01q\x01K\x02q\x00K\x03\x94K\x04\x94\x94l."])
def test_memo_slots_filled_out_of_order_are_counted(data: bytes) -> None:
    memo: dict[int, int] = {}

    numbers = []
    for row in PickleValue(data, TOKEN).opcodes(0, ALL, TOKEN):
        if row.name == "BINPUT":
            memo[int(row.argument)] = 1
        elif row.name == "MEMOIZE":
            numbers.append((row.argument, str(len(memo))))
            memo[len(memo)] = 1

    assert len(numbers) >= 2
    assert all(shown == expected for shown, expected in numbers)


def test_counting_opcodes_can_be_given_up(cut: DecodedValue) -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        cut.opcodes(50_000, 1, token)


# ---- hostile, and where it ends


@pytest.mark.usefixtures("fine_steps")
@given(parts=st.lists(st.sampled_from([bytes((code,)) for code in range(256)]), max_size=60), room=st.integers(0, 60))
def test_any_bytes_can_be_looked_at_in_part(parts: list[bytes], room: int) -> None:
    value = PickleValue(b"".join(parts), TOKEN, room=room)

    value.rows(value.root.node, 0, 50)
    value.text(1_000)
    value.tree(100)
    value.opcodes(0, 1_000, TOKEN)
    value.audit(TOKEN)
    list(value.search(Query("x"), TOKEN))


def test_the_end_of_a_large_pickle_is_found_without_its_records(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def noted(data: bytes, start: int, token: CancelToken) -> Graph:
        sizes.append(len(data))
        return parse(data, start, token)

    monkeypatch.setattr("app.codecs.pickle.recognise.parse", noted)
    large = pickle.dumps(list(range(1_000_000)), 4)
    assert len(large) > 2 << 20

    assert value_end(large + b"behind", 0) == len(large)
    assert value_end(b"before" + large, 6) == 6 + len(large)
    assert value_end(large[:-1], 0) is None
    assert value_end(large[:-1] + b"\xff" + large, 0) is None
    assert max(sizes) <= 1 << 20
