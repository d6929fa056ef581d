"""JSON text as a tree: paths that find, edits that leave every other character alone."""

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.edits import AddPair, Copied, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written
from app.codecs.registry import decode, summary
from app.errors import EncodeError, PathError

TOKEN = CancelToken()
TEXT = r"""{
  "name": "caf\u00e9",
  "n": [1, 2.50,  3e5, -0, true, null],
  "o": {"x": 1, "x": 2, "deep": {"k": []}},
  "e": {}
}
"""


def opened(text: str | bytes) -> DecodedValue:
    value = decode(text.encode() if isinstance(text, str) else text, CancelToken())[0]
    assert value.codec == "json"
    return value


def rows_by_path(value: DecodedValue) -> dict[str, NodeRow]:
    found = {"": value.root}
    waiting = [""]
    while waiting:
        path = waiting.pop()
        for row in value.rows(found[path].node, 0, 1_000):
            found[path + row.step] = row
            waiting.append(path + row.step)
    return found


def test_rows_and_paths_of_a_text() -> None:
    value = opened(TEXT)

    rows = rows_by_path(value)

    assert list(rows) == [
        "", "['name']", "['n']", "['o']", "['e']", "['o'][#0]", "['o'][#1]", "['o']['deep']", "['o']['deep']['k']",
        "['n'][0]", "['n'][1]", "['n'][2]", "['n'][3]", "['n'][4]", "['n'][5]",
    ]  # fmt: skip
    assert [rows[f"['n'][{index}]"].type for index in range(6)] == ["int", "float", "float", "int", "bool", "none"]
    assert rows["['name']"].text == "'café'"
    assert rows["['o']"].count == 3
    assert all(value.find(path) == row for path, row in rows.items())
    assert value.find("['n'][-1]") == rows["['n'][5]"]
    assert value.find("['o'][#1]<key>").text == "'x'"


EDITS: list[tuple[Edit, str, str]] = [
    (ReplaceNode("['n'][0]", Written("7")), "[1, 2.50", "[7, 2.50"),
    (ReplaceNode("['n'][1]", Written("7.250")), "2.50", "7.250"),
    (ReplaceNode("['n'][4]", Written("False")), "true", "false"),
    (ReplaceNode("['name']", Written("'thé'")), r'"caf\u00e9"', r'"th\u00e9"'),
    (ReplaceNode("['n'][5]", Written("[1.5, None]"), any_type=True), "null", "[1.5, null]"),
    (ReplaceNode("['o']['deep']", Written('{"a":  1}', "json")), '{"k": []}', '{"a":  1}'),
    (ReplaceNode("['n'][6]", Written("'end'")), "null]", 'null, "end"]'),
    (ReplaceNode("['o']['new']", Written("{'a': [True]}")), "[]}}", '[]}, "new": {"a": [true]}}'),
    (ReplaceNode("['e']", Copied(pickle.dumps({"a": [1, "x"]}))), "{}", '{"a": [1, "x"]}'),
    (ReplaceNode("['o'][#1]<key>", Written("'y'")), '"x": 2', '"y": 2'),
    (InsertItem("['n']", 0, Written("'x'")), "[1,", '["x", 1,'),
    (InsertItem("['n']", 2, Written("'x'")), "2.50,  3e5", '2.50, "x",  3e5'),
    (InsertItem("['n']", 6, Written("'x'")), "null]", 'null, "x"]'),
    (InsertItem("['o']['deep']['k']", 0, Written("9")), "[]", "[9]"),
    (AddPair("['e']", Written("'k'"), Written("None")), "{}", '{"k": null}'),
    (AddPair("", Written("'k'"), Written("1")), '"e": {}\n', '"e": {},\n  "k": 1\n'),
    (DeleteNodes(("['n'][0]", "['n'][5]")), "[1, 2.50,  3e5, -0, true, null]", "[2.50,  3e5, -0, true]"),
    (DeleteNodes(("['o'][#0]",)), '{"x": 1, "x": 2', '{"x": 2'),
    (DeleteNodes(("['e']",)), '}},\n  "e": {}\n', "}}\n"),
    (DeleteNodes(("['name']",)), '\n  "name": "caf\\u00e9",', ""),
    (RenameKey("['name']", Written("'title'")), '"name"', '"title"'),
    (Reorder("['o']", (2, 0, 1)), '"x": 1, "x": 2, "deep": {"k": []}', '"deep": {"k": []}, "x": 1, "x": 2'),
]


@pytest.mark.parametrize(
    ("edit", "old", "new"), EDITS, ids=[f"{number}-{edit[0]}" for number, edit in enumerate(EDITS)]
)
def test_an_edit_changes_nothing_else(edit: Edit, old: str, new: str) -> None:
    assert TEXT.count(old) == 1

    changed = opened(TEXT).edit(edit, TOKEN).decode()

    assert changed == TEXT.replace(old, new)


REFUSED: list[tuple[Edit, str]] = [
    (ReplaceNode("['n'][0]", Written("'x'")), "not an int"),
    (ReplaceNode("['n'][0]", Written("1.5", "json")), "A whole number stands here"),
    (ReplaceNode("['n'][1]", Written("nan")), "no number for nan"),
    (ReplaceNode("['e']", Written("(1, 2)")), "no tuples"),
    (ReplaceNode("['e']", Written("b'x'")), "no bytes"),
    (ReplaceNode("['e']", Written("{1: 2}")), "keys of JSON are texts"),
    (ReplaceNode("['e']", Written("[1,]", "json")), "no JSON"),
    (AddPair("", Written("'n'"), Written("1")), "a member named 'n' already"),
    (RenameKey("['n']", Written("'name'")), "already"),
    (RenameKey("['n'][0]", Written("'name'")), "no name"),
    (InsertItem("['o']", 0, Written("1")), "only an array"),
    (InsertItem("['n']", 9, Written("1")), "no place 9"),
    (DeleteNodes(("",)), "delete the entry"),
    (DeleteNodes(("['n'][0]", "['e']")), "one parent"),
    (Reorder("['n']", (0, 0, 1, 2, 3, 4)), "each of 6 positions once"),
]


@pytest.mark.parametrize(("edit", "why"), REFUSED, ids=[f"{number}" for number in range(len(REFUSED))])
def test_what_json_cannot_hold_is_refused_with_the_reason(edit: Edit, why: str) -> None:
    with pytest.raises(EncodeError, match=why):
        opened(TEXT).edit(edit, TOKEN)


def test_a_value_that_holds_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)

    with pytest.raises(EncodeError, match="holds itself"):
        opened(TEXT).edit(ReplaceNode("['e']", Copied(pickle.dumps(ring))), TOKEN)


@pytest.mark.parametrize("path", ["['zz']", "['n'][9]", "['n']['a']", "[0]", "['o']['x']", ".name", "['e']<args>", "["])
def test_a_path_that_leads_nowhere_says_where(path: str) -> None:
    with pytest.raises(PathError):
        opened(TEXT).find(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_the_encoding_is_kept(encoding: str) -> None:
    value = opened('{"é": "ü"}'.encode(encoding))

    new = value.replace("['é']", "'ß'")

    assert new.decode(encoding) == '{"é": "ß"}'
    assert value.replace("['é']", value.edit_text("['é']")) == value.data


def test_minified_text_stays_minified() -> None:
    value = opened('{"a":[1,2],"b":3}')

    assert value.edit(InsertItem("['a']", 2, Written("{'x': [1, 2]}")), TOKEN) == b'{"a":[1,2,{"x":[1,2]}],"b":3}'


def test_deep_and_hostile_texts_cost_no_recursion() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    value = opened(deep)

    assert value.tree(50)["t"] == "list"
    assert "".join(value.plain(CancelToken())) == deep
    assert value.text(100).startswith("[[[")
    assert value.root.count == 1


NOT_STRICT = [math.nan, math.inf, -math.inf, {"a": [math.nan, 1.5]}]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("indent", [None, 2])
def test_json_as_python_writes_it_is_a_tree(encoding: str, indent: int | None) -> None:
    value = opened(json.dumps(NOT_STRICT, indent=indent).encode(encoding))

    rows = rows_by_path(value)

    assert [rows[f"[{index}]"].text for index in range(3)] == ["nan", "inf", "-inf"]
    assert {rows[path].type for path in ("[0]", "[1]", "[2]", "[3]['a'][0]")} == {"float"}
    assert "Python" in value.root.note
    assert strict("".join(value.plain(CancelToken()))) == ["NaN", "Infinity", "-Infinity", {"a": ["NaN", 1.5]}]
    assert strict("".join(value.plain(CancelToken(), "[1]"))) == "Infinity"
    assert summary(value.data, len(value.data)).codec == "json"


@pytest.mark.parametrize(("path", "literal"), [("[0]", "2.5"), ("[0]", "-inf"), ("[3]['a'][1]", "nan"), ("[1]", "NaN")])
def test_json_as_python_writes_it_is_edited(path: str, literal: str) -> None:
    value = opened(json.dumps(NOT_STRICT))
    expected: Any = json.loads(json.dumps(NOT_STRICT))
    holder = expected[3]["a"] if path.startswith("[3]") else expected
    holder[int(path[-2])] = float(literal)

    changed = value.edit(ReplaceNode(path, Written(literal)), TOKEN)

    assert json.dumps(json.loads(changed)) == json.dumps(expected)
    assert value.replace("[3]['a'][1]", "1.5") == value.data
    assert value.replace("[0]", "nan") == value.data


@pytest.mark.parametrize(
    "edit",
    [
        ReplaceNode("[0]", Written("nan")),
        ReplaceNode("[0]", Written("NaN")),
        ReplaceNode("[0]", Written("[Infinity]", "json"), any_type=True),
        InsertItem("", 0, Written("[-inf]")),
    ],
)
def test_strict_json_stays_strict(edit: Edit) -> None:
    with pytest.raises(EncodeError, match="infinities"):
        opened("[1.5]").edit(edit, TOKEN)


def strict(text: str) -> Any:
    def refuse(name: str) -> None:
        raise ValueError(name)

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    "text",
    [
        "[1, 2",
        "{'a': 1}",
        "[nan]",
        "[+Infinity]",
        "[-NaN]",
        "[NaN1]",
        "{NaN: 1}",
        '{"a": 1,}',
        "[1] [2]",
        "{a: 1}",
        "[01]",
        "{}x",
    ],
)
def test_what_is_no_json_is_text(text: str) -> None:
    value = decode(text.encode(), CancelToken())[0]

    assert value.codec == "text"
    assert summary(text.encode(), len(text)).codec == "text"


@pytest.mark.parametrize("text", ["12", '"text"', "true", "null", "-1.5", ""])
def test_bare_scalars_are_text(text: str) -> None:
    assert decode(text.encode(), CancelToken())[0].codec in ("text", "raw")


TREES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
ROOTS = st.lists(TREES, min_size=1, max_size=4) | st.dictionaries(st.text(max_size=3), TREES, min_size=1, max_size=4)


@given(ROOTS, st.sampled_from([None, 2]), st.booleans())
def test_every_row_is_found_and_setting_it_to_itself_changes_nothing(
    tree: Any, indent: int | None, ascii_: bool
) -> None:
    text = json.dumps(tree, indent=indent, ensure_ascii=ascii_)
    if "\x7f" in text or any("\x80" <= character <= "\x9f" for character in text):
        return  # controls make it no readable text
    value = opened(text)

    for path, row in rows_by_path(value).items():
        assert value.find(path) == row
        if row.editor and "<content>" not in path:
            assert value.replace(path, value.edit_text(path)) == value.data


@given(ROOTS, TREES, st.data())
def test_an_edit_does_what_it_does_to_the_object(tree: Any, new: Any, data: st.DataObject) -> None:
    text = json.dumps(tree)
    value = opened(text)
    places = [path for path in rows_by_path(value) if path and "<content>" not in path]
    path = data.draw(st.sampled_from(places))
    written = Written(json.dumps(new), "json")

    changed = json.loads(value.edit(ReplaceNode(path, written, any_type=True), TOKEN))

    assert changed == with_replaced(tree, value, path, new)
    model = opened(value.edit(ReplaceNode(path, Copied(pickle.dumps(new)), any_type=True), TOKEN))
    assert json.loads("".join(model.plain(CancelToken()))) == changed


def with_replaced(tree: Any, value: DecodedValue, path: str, new: Any) -> Any:
    """Return the object with the part at a path replaced; the path is followed from row to row."""
    copy = json.loads(json.dumps(tree))
    holder, node, rest = copy, value.root.node, path
    while True:
        rows = value.rows(node, 0, 1_000)
        index = max(
            (number for number, row in enumerate(rows) if rest.startswith(row.step)),
            key=lambda number: len(rows[number].step),
        )
        key = index if isinstance(holder, list) else list(holder)[index]
        rest = rest.removeprefix(rows[index].step)
        if not rest:
            holder[key] = new
            return copy
        holder, node = holder[key], rows[index].node


@given(ROOTS, st.integers(0), st.integers(0, 127))
def test_one_changed_character_gives_a_value_or_text(tree: Any, place: int, byte: int) -> None:
    data = bytearray(json.dumps(tree).encode())
    data[place % len(data)] = byte

    value = decode(bytes(data), CancelToken())[0]

    "".join(value.plain(CancelToken()))
    for path, row in rows_by_path(value).items():
        assert value.find(path) == row
        if row.editor == "int":
            assert opened(value.replace(path, "12345")).find(path).text == "12345"
