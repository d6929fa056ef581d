"""msgpack as a tree: read as its own library writes it, edited in place."""

import pickle
import struct
from typing import Any

import msgpack  # type: ignore[import-untyped]  # it has no annotations
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.edits import AddPair, Copied, DeleteNodes, Edit, InsertItem, RenameKey, Reorder, ReplaceNode, Written
from app.codecs.model import Atom, Items, Pairs, Value
from app.codecs.msgpack_value.encode import encoded
from app.codecs.nodes import Kind
from app.codecs.registry import CODECS, decode, summary
from app.errors import DecodeError, EncodeError, PathError
from tests.codecs.reading import strict_json

TOKEN = CancelToken()
WIDE = b"\x83\xa1a\xcd\x00\x05\xa1b\x93\x01\xca\x3f\xc0\x00\x00\xc0\xa3bin\xc4\x02\xff\x00"
"""{"a": 5 in two bytes, "b": [1, 1.5 as a single, None], "bin": b"\\xff\\x00"}"""


def opened(data: bytes) -> DecodedValue:
    value = decode(data, CancelToken())[0]
    assert value.codec == "msgpack"
    return value


def model(value: Any) -> Value:
    """Return a Python value as a model."""
    match value:
        case list():
            return Items(Kind.LIST, [model(item) for item in value])
        case dict():
            return Pairs([(model(key), model(item)) for key, item in value.items()])
        case _:
            kinds = {type(None): Kind.NONE, bool: Kind.BOOL, int: Kind.INT, float: Kind.FLOAT, str: Kind.STR}
            return Atom(kinds.get(type(value), Kind.BYTES), value)


def packed(value: Any) -> bytes:
    return encoded(model(value), TOKEN)


def test_a_value_is_shown_with_paths() -> None:
    value = opened(WIDE)

    rows = value.rows(value.root.node, 0, 10)

    assert [(row.step, row.type, row.text) for row in rows] == [
        ("['a']", "int", "5"), ("['b']", "list", "[1, 1.5, None]"), ("['bin']", "bytes", r"b'\xff\x00'"),
    ]  # fmt: skip
    assert value.find("['b'][-2]").text == "1.5"
    assert value.find("['b'][1]").text == "1.5"
    assert value.find("[#0]<key>").text == "'a'"
    assert (summary(WIDE, len(WIDE)).codec, summary(WIDE, len(WIDE)).type) == ("msgpack", "dict")
    assert strict_json("".join(value.plain(CancelToken()))) == {"a": 5, "b": [1, 1.5, None], "bin": {"base64": "/wA="}}


EDITS: list[tuple[Edit, bytes]] = [
    (ReplaceNode("['a']", Written("6")), WIDE.replace(b"\xcd\x00\x05", b"\x06")),
    (ReplaceNode("['b'][1]", Written("2.5")), WIDE.replace(b"\xca\x3f\xc0\x00\x00", b"\xcb" + struct.pack(">d", 2.5))),
    (ReplaceNode("['bin']", Written("b'x'")), WIDE.replace(b"\xc4\x02\xff\x00", b"\xc4\x01x")),
    (ReplaceNode("['new']", Written("'x'")), WIDE.replace(b"\x83", b"\x84", 1) + b"\xa3new\xa1x"),
    (
        ReplaceNode("['b'][3]", Written("True")),
        WIDE.replace(b"\x93", b"\x94").replace(b"\xc0\xa3bin", b"\xc0\xc3\xa3bin"),
    ),
    (InsertItem("['b']", 0, Written("-1")), WIDE.replace(b"\x93", b"\x94\xff")),
    (AddPair("", Written("7"), Copied(pickle.dumps([1]))), WIDE.replace(b"\x83", b"\x84", 1) + b"\x07\x91\x01"),
    (DeleteNodes(("['b'][0]", "['b'][2]")), WIDE.replace(b"\x93\x01", b"\x91").replace(b"\xc0\xa3bin", b"\xa3bin")),
    (DeleteNodes(("['a']",)), WIDE.replace(b"\x83\xa1a\xcd\x00\x05", b"\x82")),
    (RenameKey("['a']", Written("'other'")), WIDE.replace(b"\xa1a", b"\xa5other")),
    (Reorder("['b']", (2, 0, 1)), WIDE.replace(b"\x01\xca\x3f\xc0\x00\x00\xc0", b"\xc0\x01\xca\x3f\xc0\x00\x00")),
]


@pytest.mark.parametrize(("edit", "new"), EDITS, ids=[f"{number}" for number in range(len(EDITS))])
def test_an_edit_changes_what_it_names_and_counts(edit: Edit, new: bytes) -> None:
    assert opened(WIDE).edit(edit, TOKEN) == new


@pytest.mark.parametrize("path", ["['a']", "['b'][0]", "['b'][1]", "['bin']"])
def test_setting_a_value_to_itself_changes_no_byte(path: str) -> None:
    value = opened(WIDE)

    assert value.replace(path, value.edit_text(path)) == WIDE


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (ReplaceNode("['a']", Written("'x'")), "not an int"),
        (ReplaceNode("['a']", Written(str(2**64))), "from -2"),
        (ReplaceNode("['b']", Written("(1, 2)")), "no tuple"),
        (AddPair("", Written("'a'"), Written("1")), "already"),
        (DeleteNodes(("",)), "delete the entry"),
        (InsertItem("", 0, Written("1")), "cannot be changed so"),
    ],
)
def test_what_msgpack_cannot_hold_is_refused(edit: Edit, why: str) -> None:
    with pytest.raises(EncodeError, match=why):
        opened(WIDE).edit(edit, TOKEN)


@pytest.mark.parametrize("path", ["['zz']", "['b'][9]", "['a'][0]", ".a", "['b']['x']"])
def test_a_path_that_leads_nowhere_is_an_error(path: str) -> None:
    with pytest.raises(PathError):
        opened(WIDE).find(path)


def test_a_pickle_in_msgpack_opens_and_is_edited() -> None:
    value = opened(packed({"data": pickle.dumps([1, "x"])}))

    new = opened(value.replace("['data']<content>[0]", "1000"))

    assert new.find("['data']<content>[0]").text == "1000"


def test_extensions_are_kept() -> None:
    value = opened(b"\x82\xa1t\xd6\xff\x00\x00\x00\x01\xa1x\x01")

    assert value.find("['t']").text == "extension -1, 4 bytes"
    assert value.replace("['x']", "2") == b"\x82\xa1t\xd6\xff\x00\x00\x00\x01\xa1x\x02"
    assert strict_json("".join(value.plain(CancelToken()))) == {"t": {"__ext__": -1}, "x": 1}


TREES: Any = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 64) - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
ROOTS = st.dictionaries(st.text("abc", min_size=1), TREES, min_size=1, max_size=20)


@given(ROOTS)
def test_what_is_written_is_read_again(tree: Any) -> None:
    data = packed(tree)

    value = CODECS["msgpack"].decode(data, CancelToken())

    assert encoded(value.model("", TOKEN), TOKEN) == data
    assert decode(data, CancelToken())[0].codec == "msgpack"


@given(ROOTS)
def test_its_own_library_reads_and_writes_the_same(tree: Any) -> None:
    assert msgpack.packb(tree) == packed(tree)
    assert repr(msgpack.unpackb(packed(tree))) == repr(tree)


@given(ROOTS, st.integers(0), st.integers(0, 255))
def test_one_changed_byte_gives_a_value_or_a_sentence(tree: Any, place: int, byte: int) -> None:
    data = bytearray(packed(tree))
    data[place % len(data)] = byte

    value = decode(bytes(data), CancelToken())[0]

    strict_json("".join(value.plain(CancelToken())))
    assert value.tree(100)["t"]


@pytest.mark.parametrize("data", [b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff\x01", b"\x81\xa1a" * 50_000, b"\x81\xa1a"])
def test_hostile_values_cost_neither_recursion_nor_memory(data: bytes) -> None:
    with pytest.raises(DecodeError):
        CODECS["msgpack"].decode(data, CancelToken())
    assert decode(data, CancelToken())[0].codec == "raw"


def test_deep_values_are_shown() -> None:
    data = b"\x81\xa1a" * 50_000 + b"\xc0"
    value = opened(data)

    assert value.tree(10)["t"] == "dict"
    assert len(value.text(1_000)) < 1_100
    assert "".join(value.plain(CancelToken())).count("{") > 100


@pytest.mark.parametrize("data", [b"\x91\x01", b"\x92\x01\x02", b"\x81\x01\x02", b"\x90", b"\x80", b"\xc0", b"\x05"])
def test_what_could_be_chance_is_bytes(data: bytes) -> None:
    assert decode(data, CancelToken())[0].codec in ("raw", "text")
