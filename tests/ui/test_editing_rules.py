"""What editing goes by, without a window: places of rows, paths after edits, texts laid out, types changed."""

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.edits import DeleteNodes, InsertItem, RenameKey, Reorder, Written
from app.codecs.literals.reading import parse_value
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.registry import decode
from app.ui.node_places import Place, Standing, holds, place_of, prefix_of
from app.ui.path_moves import moves_of
from app.ui.text_layout import laid_out, same_ends
from app.ui.type_changes import TARGETS, candidate

NEW = Written("0")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(
    SCALARS | st.binary(),
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner, max_size=8)
    ),
    max_leaves=40,
)


@given(VALUES)
def test_a_literal_laid_out_is_the_same_value(value: object) -> None:
    assert ast.literal_eval(laid_out(repr(value))) == value


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30))
def test_json_laid_out_is_the_same_value(value: object) -> None:
    assert json.loads(laid_out(json.dumps(value))) == value


def test_what_fits_stays_in_a_line_and_what_does_not_is_opened() -> None:
    text = repr({"short": [1, 2], "one": (1,), "long": ["x" * 30, "y" * 30, "z" * 30]})

    assert laid_out(text).splitlines() == [
        "{",
        "    'short': [1, 2],",
        "    'one': (1,),",
        "    'long': [",
        f"        '{'x' * 30}',",
        f"        '{'y' * 30}',",
        f"        '{'z' * 30}'",
        "    ]",
        "}",
    ]


def test_a_deep_literal_is_laid_out_without_recursion() -> None:
    text = "[" * 5_000 + "]" * 5_000

    assert "".join(laid_out(text).split()) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", "\n"),
        ("a\r\nb\r\n", "\r\n"),
        ("a\rb", "\r"),
        ("one line", "\n"),
        ("a\r\nb\n", None),
        ("a\u2028b", None),
        ("a\x00\n", None),
        ("a\ud800\n", None),
        ("a\xa0b\n", "\n"),
    ],
)
def test_line_ends_are_kept_only_where_all_are_alike(text: str, expected: str | None) -> None:
    assert same_ends(text) == expected


@pytest.mark.parametrize(
    ("edit", "before", "after"),
    [
        (InsertItem("['a']", 1, NEW), "['a'][1].x", "['a'][2].x"),
        (InsertItem("['a']", 1, NEW), "['a'][0]", "['a'][0]"),
        (InsertItem("['a']", 1, NEW), "['ab'][1]", "['ab'][1]"),
        (Reorder("", (2, 0, 1)), "[2]['k']", "[0]['k']"),
        (Reorder("['d']", (1, 0)), "['d']['k']", "['d']['k']"),
        (DeleteNodes(("[1]", "[3]")), "[4][0]", "[2][0]"),
        (DeleteNodes(("[1]", "[3]")), "[3][0]", None),
        (DeleteNodes(("['a']",)), "['b']", "['b']"),
        (RenameKey("['a']", NEW), "['a'][0]", None),
    ],
)
def test_paths_follow_their_nodes(
    edit: InsertItem | Reorder | DeleteNodes | RenameKey, before: str, after: str | None
) -> None:
    assert moves_of((edit,))(before) == after


@pytest.mark.parametrize(
    ("step", "parent", "expected"),
    [
        ("[3]", "list", Place(Standing.ITEM, "P", 3)),
        ("[3]", "dict", Place(Standing.PAIR, "P", key="3")),
        ("['a]b']", "dict", Place(Standing.PAIR, "P", key="'a]b'")),
        ("[#2]", "dict", Place(Standing.PAIR, "P")),
        ("[#2]<key>", "dict", Place(Standing.KEY, "P")),
        ("{#0}", "set", Place(Standing.ELEMENT, "P")),
        (".name", "shop.Order", Place(Standing.ATTRIBUTE, "P<state>", key="'name'")),
        ("<state>['a b']", "shop.Order", Place(Standing.ATTRIBUTE, "P<state>", key="'a b'")),
        ("<listitems>[1]", "collections.deque", Place(Standing.ITEM, "P<listitems>", 1)),
        ("<dictitems>[1]", "collections.OrderedDict", Place(Standing.PAIR, "P<dictitems>", key="1")),
        ("<args>[0]", "shop.Order", Place(Standing.ITEM, "P<args>", 0)),
        ("<pickle 2>", "dict", Place(Standing.OTHER, "P")),
    ],
)
def test_a_row_stands_where_its_step_says(step: str, parent: str, expected: Place) -> None:
    found = place_of(NodeRow(1, step, "", "int", "1"), NodeRow(0, "", "", parent, ""), "P")

    assert found == expected


def test_attributes_of_both_kinds_are_of_one_group() -> None:
    rows = [NodeRow(1, step, "", "int", "1") for step in (".name", "<state>['a b']")]

    assert {prefix_of(row) for row in rows} == {"<state>"}


def test_only_containers_hold_more() -> None:
    assert holds(NodeRow(0, "", "", "int", "1", editor="int"), None) is None
    assert holds(NodeRow(0, "", "", "shop.Order", ""), NodeRow(1, ".a", "", "int", "1")) is Standing.ATTRIBUTE
    assert holds(NodeRow(0, "", "", "json", "[1]"), None) is Standing.ITEM


@pytest.mark.parametrize(
    ("literal", "target", "expected"),
    [
        ("12", "str", "'12'"),
        ("'12'", "int", "12"),
        ("12.0", "int", "12"),
        ("12", "decimal.Decimal", "decimal.Decimal('12')"),
        ("decimal.Decimal('1.50')", "str", "'1.50'"),
        ("[1, (2,)]", "tuple", "(1, (2,))"),
        ("[1]", "tuple", "(1,)"),
        ("()", "list", "[]"),
        ("{1, 2}", "list", "[1, 2]"),
        ("'2026-01-02 03:04:05'", "datetime.datetime", "datetime.datetime(2026, 1, 2, 3, 4, 5)"),
        ("'2026-01-02'", "datetime.date", "datetime.date(2026, 1, 2)"),
        ("datetime.date(2026, 1, 2)", "datetime.datetime", "datetime.datetime(2026, 1, 2, 0, 0)"),
        ("frozenset({1, 2})", "set", "{1, 2}"),
        ("frozenset()", "list", "[]"),
    ],
)
def test_a_type_change_keeps_what_can_be_kept(literal: str, target: str, expected: str) -> None:
    found = candidate(literal, target)

    assert (found.literal, found.is_certain) == (expected, True)


@pytest.mark.parametrize(
    ("literal", "target"),
    [
        ("'1.5'", "int"),
        ("12.5", "int"),
        ("{'a': 1}", "list"),
        ("'x'", "float"),
        ("1", "dict"),
        (r"b'\xff'", "str"),
        ("None", "str"),
        ("9007199254740993", "float"),
        ("'0.1234567890123456789'", "float"),
        ("'1e400'", "float"),
        ("(1+2j)", "list"),
        ("'007'", "int"),
        ("[1, 1]", "set"),
        ("[[1]]", "set"),
        ("'2026-02-30'", "datetime.date"),
    ],
)
def test_a_type_change_never_guesses(literal: str, target: str) -> None:
    assert not candidate(literal, target).is_certain


@pytest.mark.parametrize("target", TARGETS)
def test_a_value_without_a_literal_is_never_changed_at_once(target: str) -> None:
    found = candidate("", target)

    assert found.is_fresh
    assert not found.is_certain


@pytest.mark.parametrize(
    ("literal", "target", "expected"),
    [
        ("datetime.datetime(2020, 1, 2, 3, 4, 5)", "datetime.date", "datetime.date(2020, 1, 2)"),
        (
            "datetime.datetime(2020, 1, 2, 3, 4, 5, 6)",
            "datetime.date",
            "datetime.date(2020, 1, 2)",
        ),
        ("12.5", "int", "12"),
        ("-12.5", "int", "-12"),
        ("1.5e+16", "int", "15000000000000000"),
        ("'-007'", "int", "-7"),
        ("9007199254740993", "float", "9007199254740992.0"),
        ("[1, 1]", "set", "{1, 1}"),
        ("5", "bool", "True"),
        ("0.0", "bool", "False"),
    ],
)
def test_a_type_change_begins_with_what_is_left_of_a_value(literal: str, target: str, expected: str) -> None:
    found = candidate(literal, target)

    assert (found.literal, found.is_certain, found.is_fresh) == (expected, False, False)


@pytest.mark.parametrize("target", TARGETS)
def test_what_a_type_starts_from_is_of_that_type(target: str) -> None:
    value = parse_value(candidate("", target).literal, Style(), CancelToken())
    written = emit_pickle(value, Style())

    shown = decode(written, CancelToken())[0].root.type
    assert shown == {"None": "none"}.get(target, target)
