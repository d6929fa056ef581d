"""Values within values: opened in place, found by paths, edited outwards; headers and trailers kept."""

import gzip
import json
import pickle
import struct
import zlib
from base64 import b64decode, b64encode, encodebytes, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.content import ContentValue
from app.codecs.edits import AddPair, Copied, DeleteNodes, Edit, InsertItem, ReplaceNode, Written
from app.codecs.findings import Query
from app.codecs.pickle.joblib import JoblibValue
from app.codecs.registry import decode, summary
from app.errors import EncodeError, PathError
from tests import corpus
from tests.codecs.reading import strict_json

ORDER = {"a": 1, "b": [1, 2, {"c": "x" * 30}]}
PICKLE = pickle.dumps(ORDER, 4)
TOKEN = CancelToken()


def opened(data: bytes) -> DecodedValue:
    return decode(data, CancelToken())[0]


def steps(value: DecodedValue, path: str = "") -> list[str]:
    return [row.step for row in value.rows(value.find(path).node, 0, 100)]


def rows_by_path(value: DecodedValue) -> dict[str, NodeRow]:
    """Return all rows by their paths, none below a second visit."""
    found = {"": value.root}
    waiting = [""]
    while waiting:
        path = waiting.pop()
        for row in value.rows(found[path].node, 0, 100):
            found[path + row.step] = row
            if row.count and "shared" not in row.flags and "recursive" not in row.flags:
                waiting.append(path + row.step)
    return found


# ---- in the bytes of a pickle


@pytest.mark.parametrize("size", [40, 100, 10_000, 200_000])
def test_bytes_that_are_damaged_behind_what_begins_like_a_value_cost_their_own_row_only(size: int) -> None:
    encoded = b"c_codecs\nencode\np2\n(V\x80\x02" + b"a" * size + b"\\u0100\nVlatin1\ntR"
    value = opened(b"(dp0\nVp\np1\n" + encoded + b"sVq\nI5\ns.")

    rows = value.rows(value.root.node, 0, 5)

    assert [row.step for row in rows] == ["['p']", "['q']"]
    assert value.find("['q']").text == "5"
    assert rows[0].type == value.find("['p']").type == "bytes"
    value.audit(TOKEN)
    assert list(value.search(Query("5"), TOKEN))


HOLDING = {
    "pickled": PICKLE,
    "packed": zlib.compress(PICKLE),
    "old": pickle.dumps(ORDER, 0),
    "array": bytearray(PICKLE),
    "json": b'{"a": [1, 2]}',
    "text": '{"a": [1, 2]}',
    "bytes": b"N.",
    "words": b"(hello)",
    "number": 5,
}


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_bytes_that_hold_a_value_open_in_place(protocol: int) -> None:
    value = opened(pickle.dumps(HOLDING, protocol))

    assert [row.label for row in value.rows(value.root.node, 0, 20) if row.count] == [
        "'pickled'", "'packed'", "'old'", "'array'", "'json'", "'text'"
    ]  # fmt: skip
    assert value.find("['pickled']<content>['b'][2]['c']").text == repr("x" * 30)
    assert value.find("['packed']<content><content>['a']").text == "1"
    assert value.find("['old']<content>['a']").text == "1"
    assert value.find("['array']<content>['a']").text == "1"
    assert value.find("['json']<content>['a'][1]").text == "2"
    assert value.find("['text']<content>['a'][1]").text == "2"


def test_every_row_is_found_by_its_path() -> None:
    value = opened(pickle.dumps(HOLDING, 4))

    rows = rows_by_path(value)

    assert len(rows) > 30
    assert all(value.find(path) == row for path, row in rows.items())
    assert len({row.node for row in rows.values()}) == len(rows)


def test_a_pickle_of_a_pickle_of_a_pickle_opens_all_the_way() -> None:
    value = opened(pickle.dumps([pickle.dumps([pickle.dumps([7], 2)], 3)], 4))

    assert value.find("[0]<content>[0]<content>[0]").text == "7"
    assert value.text(1_000, "[0]<content>[0]<content>") == "[7]"
    assert "".join(value.plain(CancelToken(), "[0]<content>[0]<content>")) == "[7]"


def test_the_json_of_a_pickle_leaves_its_bytes_as_they_are() -> None:
    value = opened(pickle.dumps([PICKLE], 4))

    assert strict_json("".join(value.plain(CancelToken()))) == [{"base64": b64encode(PICKLE).decode()}]
    assert value.tree(100)["items"] == [{"t": "bytes", "hex": PICKLE.hex(), "n": len(PICKLE)}]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ["pickled", "array", "old"])
def test_an_edit_inside_replaces_the_bytes_around_it(name: str, protocol: int) -> None:
    value = opened(pickle.dumps(HOLDING, protocol))

    new = pickle.loads(value.replace(f"['{name}']<content>['a']", "2"))

    assert pickle.loads(new[name]) == ORDER | {"a": 2}
    assert type(new[name]) is type(HOLDING[name])
    assert {key: item for key, item in new.items() if key != name} == {
        key: item for key, item in HOLDING.items() if key != name
    }


def test_edits_of_all_kinds_go_inwards() -> None:
    value = opened(pickle.dumps(HOLDING, 4))
    edits: list[Edit] = [
        ReplaceNode("['packed']<content><content>['a']", Written("2")),
        InsertItem("['packed']<content><content>['b']", 0, Written("'first'")),
        AddPair("['packed']<content><content>", Written("'new'"), Copied(pickle.dumps((1, 2)))),
        DeleteNodes(("['packed']<content><content>['b'][0]", "['packed']<content><content>['b'][1]")),
        ReplaceNode("['text']<content>['a']", Written("[3]", "json")),
    ]
    wanted = [
        ORDER | {"a": 2},
        ORDER | {"b": ["first", *ORDER["b"]]},  # type: ignore[misc]  # a list
        ORDER | {"new": (1, 2)},
        ORDER | {"b": ORDER["b"][2:]},  # type: ignore[index]  # as above
    ]

    made = [pickle.loads(value.edit(edit, TOKEN)) for edit in edits]

    assert [pickle.loads(zlib.decompress(new["packed"])) for new in made[:4]] == wanted
    assert json.loads(made[4]["text"]) == {"a": [3]}


def test_setting_what_is_inside_to_itself_changes_no_byte() -> None:
    value = opened(pickle.dumps(HOLDING, 4))

    for path, row in rows_by_path(value).items():
        if row.editor and "<content>" in path:
            assert value.replace(path, value.edit_text(path)) == value.data, path


def test_what_has_no_content_says_so() -> None:
    value = opened(pickle.dumps({"a": b"hello"}))

    with pytest.raises(PathError, match=r"no <content> at \['a'\]"):
        value.find("['a']<content>")
    with pytest.raises(PathError, match=r"within \['p'\]<content>"):
        opened(pickle.dumps({"p": PICKLE})).find("['p']<content>['zz']")


def test_things_of_two_values_cannot_be_deleted_at_once() -> None:
    value = opened(pickle.dumps({"p": PICKLE, "x": 1}))

    with pytest.raises(EncodeError, match="one parent"):
        value.edit(DeleteNodes(("['x']", "['p']<content>['a']")), TOKEN)
    with pytest.raises(EncodeError, match="delete the value around it"):
        value.edit(DeleteNodes(("['p']<content>",)), TOKEN)


def test_an_audit_goes_into_pickles_in_bytes() -> None:
    hostile = corpus.value("hostile_rce_reduce_system_p0").read()
    value = opened(pickle.dumps({"harmless": gzip.compress(hostile)}))

    audit = value.audit(CancelToken())

    assert [(call.callable, call.path) for call in audit.calls] == [
        (call.callable, "['harmless']<content><content>" + call.path) for call in opened(hostile).audit(TOKEN).calls
    ]
    assert audit.calls


# ---- as text

ENCODED: dict[str, bytes] = {
    "one line": b64encode(PICKLE),
    "lines": encodebytes(PICKLE),
    "url": urlsafe_b64encode(pickle.dumps([b"\xff\xfe\xfb" * 9], 4)),
    "no padding": b64encode(pickle.dumps("x", 4)).rstrip(b"="),
    "zlib": b64encode(zlib.compress(PICKLE)),
    "gzip": b64encode(gzip.compress(PICKLE)),
}


@pytest.mark.parametrize("name", ENCODED)
def test_base64_of_a_value_opens(name: str) -> None:
    data = ENCODED[name]

    value = opened(data)

    assert value.codec == "base64"
    assert steps(value) == ["<content>"]
    assert summary(data, len(data)).type.startswith("base64(")
    assert opened(pickle.dumps([data.decode()])).find("[0]<content>").type == "base64"


def test_an_edit_inside_keeps_the_layout_of_the_text() -> None:
    assert opened(ENCODED["lines"]).replace("<content>['a']", "2") == encodebytes(pickle.dumps(ORDER | {"a": 2}, 4))
    packed = b64encode(zlib.compress(pickle.dumps(ORDER | {"a": 2}, 4)))
    assert opened(ENCODED["zlib"]).replace("<content><content>['a']", "2") == packed


def test_the_body_of_a_message_in_json_opens() -> None:
    body = b64encode(pickle.dumps([1, "task"])).decode()
    value = opened(json.dumps({"body": body, "content-type": "application/x-python-serialize"}).encode())

    new = value.replace("['body']<content><content>[0]", "7")

    assert pickle.loads(b64decode(json.loads(new)["body"])) == [7, "task"]


@pytest.mark.parametrize(
    "text", [b"gAAAAABhello", b"eJwhatever", b"gASomething", b"H4sIAAAA", b64encode(b"hello world")]
)
def test_other_text_in_letters_is_text(text: bytes) -> None:
    assert opened(text).codec == "text"
    assert summary(text, len(text)).codec == "text"


# ---- behind headers

EXPIRY = 1_700_000_000.5
BEHIND: dict[str, tuple[bytes, str]] = {
    "django": (pickle.dumps(EXPIRY, 4) + zlib.compress(PICKLE), "<content><content>"),
    "socket": (struct.pack(">L", len(PICKLE)) + PICKLE, "<content>"),
    "cachelib": (struct.pack("I", 1_700_000_000) + PICKLE, "<content>"),
    "dogpile": (b'{"v": 1, "ct": 1700000000.5}|' + PICKLE, "<content>"),
    "http": (b"Content-Length: %d\r\n\r\n" % len(PICKLE) + PICKLE, "<content>"),
    "crc": (b"MSG1" + struct.pack("<Q", len(PICKLE)) + PICKLE + struct.pack("<I", zlib.crc32(PICKLE)), "<content>"),
    "digest": (sha256(PICKLE).hexdigest().encode() + b"\0" + PICKLE, "<content>"),
    "old": (b"1700000000\n" + pickle.dumps(ORDER, 0), "<content>"),
    "old-binary": (b"\x01\x02\x03" + pickle.dumps(ORDER, 2), "<content>"),
}


@pytest.mark.parametrize("name", BEHIND)
def test_a_pickle_is_found_behind_a_header(name: str) -> None:
    data, place = BEHIND[name]

    value = opened(data)

    assert value.codec == "header"
    assert steps(value)[:2] == ["<before>", "<content>"]
    assert value.find(f"{place}['b'][2]['c']").text == repr("x" * 30)
    assert strict_json("".join(value.plain(CancelToken()))) == ORDER
    assert summary(data, len(data)).codec == "header"
    assert summary(data, len(data)).type.rstrip(")").endswith("dict")


@pytest.mark.parametrize("name", BEHIND)
def test_an_edit_behind_a_header_keeps_it_and_mends_lengths(name: str) -> None:
    data, place = BEHIND[name]
    longer = {"a": 1_000_000}

    new = opened(data).replace(f"{place}['a']", "1000000")

    value = opened(new)
    assert value.find(f"{place}['a']").text == str(longer["a"])
    match name:
        case "django":
            assert new.startswith(pickle.dumps(EXPIRY, 4))
            assert pickle.loads(zlib.decompress(new[len(pickle.dumps(EXPIRY, 4)) :])) == ORDER | longer
        case "socket":
            assert struct.unpack(">L", new[:4])[0] == len(new) - 4
        case "http":
            assert new.startswith(b"Content-Length: %d\r\n\r\n" % len(new[new.index(b"\x80") :]))
        case "crc":
            assert struct.unpack("<Q", new[4:12])[0] == len(new) - 16
            assert struct.unpack("<I", new[-4:])[0] == zlib.crc32(new[12:-4])
        case "digest":
            assert new[:64] == sha256(new[65:]).hexdigest().encode()
        case _:
            assert new[: data.index(place_of_pickle(data))] == data[: data.index(place_of_pickle(data))]
    assert value.replace(f"{place}['a']", "1") == data


def place_of_pickle(data: bytes) -> bytes:
    return b"(dp" if b"(dp" in data else data[data.index(b"\x80") :]


def test_a_header_with_two_lengths_that_could_be_it_is_left_alone() -> None:
    value = opened(struct.pack("<I", len(PICKLE)) + struct.pack(">I", len(PICKLE)) + PICKLE)

    with pytest.raises(EncodeError, match="2 numbers around it can be that length"):
        value.replace("<content>['a']", "1000000")
    assert value.replace("<content>['a']", "2")  # the length stays


def test_a_length_that_gets_too_long_for_its_field_is_refused() -> None:
    small = pickle.dumps({"a": "x" * 300}, 2)
    value = opened(struct.pack("<H", len(small)) + small)

    with pytest.raises(EncodeError, match="too long for the 2 bytes"):
        value.replace("<content>['a']", repr("x" * 70_000))


def test_the_parts_around_are_values_too() -> None:
    value = opened(BEHIND["django"][0])

    assert value.find("<before>").text == "1700000000.5"
    assert value.replace("<before>", "1.0") == pickle.dumps(1.0, 4) + zlib.compress(PICKLE)


def test_what_follows_a_pickle_is_shown_and_kept() -> None:
    value = opened(PICKLE + b"junk")

    assert steps(value) == ["['a']", "['b']", "<after>"]
    assert value.find("<after>").text == "'junk'"
    assert value.replace("<after>", "'rubbish'") == PICKLE + b"rubbish"
    assert value.replace("['a']", "2").endswith(b"junk")


@given(st.binary(max_size=300))
def test_bytes_behind_which_no_pickle_ends_have_no_header(data: bytes) -> None:
    value = opened(data)

    assert value.codec != "header" or b"." in data


@given(st.text(max_size=300))
def test_plain_text_is_never_taken_for_anything_else(text: str) -> None:
    data = b"Dear all, " + text.encode("utf-8", "replace")

    assert opened(data).codec in ("text", "raw")
    assert summary(data, len(data)).codec in ("text", "raw")


@given(st.sampled_from(sorted(BEHIND)), st.integers(0), st.integers(0, 255))
def test_one_changed_byte_gives_a_value_or_a_sentence(name: str, place: int, byte: int) -> None:
    data = bytearray(BEHIND[name][0])
    data[place % len(data)] = byte

    value = opened(bytes(data))

    strict_json("".join(value.plain(CancelToken())))
    assert value.tree(100)["t"]
    assert all(value.find(path) == row for path, row in rows_by_path(value).items())


VALUES: Any = st.recursive(st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=6)


@given(st.lists(VALUES, min_size=1), st.sampled_from([zlib.compress, gzip.compress, bytes]), st.integers(2, 5))
def test_any_value_inside_of_any_wrapper_reads_the_same(content: Any, pack: Any, protocol: int) -> None:
    inner = pickle.dumps(content, protocol)
    value = opened(pickle.dumps([pack(inner)], 4))
    place = "[0]<content>" if pack is bytes else "[0]<content><content>"

    assert "".join(value.plain(CancelToken(), place)) == "".join(opened(inner).plain(CancelToken()))
    assert value.tree(1_000, place) == opened(inner).tree(1_000)


# ---- the layer itself


@pytest.mark.parametrize("layer", [ContentValue, JoblibValue])
def test_everything_that_can_be_asked_of_a_value_reaches_it_through_the_layer(layer: type[DecodedValue]) -> None:
    asked = {name for name in vars(DecodedValue) if not name.startswith("_")}
    own = {"is_wrapper", "codec", "insides", "holders", "with_inside"}

    assert asked - own <= set(vars(layer))


def test_a_value_that_can_hold_none_is_not_wrapped() -> None:
    assert not isinstance(opened(b"hello"), ContentValue)
    assert isinstance(opened(PICKLE), ContentValue)
