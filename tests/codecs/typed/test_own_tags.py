"""Our own tags of typed JSON, the forms that we write, and documents that are refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.model import Atom, Style
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import parse
from app.codecs.typed.objects import global_name
from app.codecs.typed.reading import typed_value
from app.errors import EncodeError
from tests.codecs.small_stacks import on_a_small_stack
from tests.codecs.typed.reading import decoded, loaded

OWN: dict[str, bytes] = {
    '{"shelfscope/str2": "caf\\u00e9"}': b"U\x04caf\xe9",
    '{"shelfscope/long": 5}': b"\x8a\x01\x05",
    '{"shelfscope/pairs": [[1, 2], [1, 3]]}': b"}(K\x01K\x02K\x01K\x03u",
    '{"shelfscope/persid": 7}': b"K\x07Q",
    '{"shelfscope/persid_text": "abc"}': b"Pabc\n",
    '{"shelfscope/ext": 300}': b"\x83\x2c\x01",
    '{"shelfscope/global": ["__builtin__", "unicode", 2]}': b"c__builtin__\nunicode\n",
    '{"shelfscope/global": ["builtins", "str"]}': b"c__builtin__\nunicode\n",
    '{"shelfscope/object": {"class": {"py/type": "m.C"}, "how": "old-style", "args": {"py/tuple": [1]}}}': (
        b"(cm\nC\nK\x01o"
    ),
    '{"shelfscope/object": {"class": {"py/type": "m.C"}, "how": "call", "states": [1, 2]}}': b"cm\nC\n)RK\x01bK\x02b",
    '{"shelfscope/object": {"class": {"py/type": "m.C"}, "setters": [[{"py/type": "m.f"}, 1]]}}': (
        b"cm\nC\n)\x81q\x00cm\nf\nh\x00K\x01\x86R0"
    ),
    '{"shelfscope/object": {"class": {"py/type": "m.C"}, "listitems": [1], "dictitems": [[1, 2]]}}': (
        b"cm\nC\n)\x81K\x01aK\x01K\x02s"
    ),
    '[{"shelfscope/shared": {"py/tuple": [1]}}, {"py/id": 1}]': b"](K\x01\x85q\x00h\x00e",
    '{"shelfscope/shared": {"py/tuple": [[{"py/id": 0}]]}}': b"]q\x00h\x00\x85q\x01a0h\x01",
    '[{"shelfscope/str2": "a"}, [], {"py/id": 1}, {"py/id": 2}]': b"](U\x01aq\x00]q\x01h\x00h\x01e",
    '[{"shelfscope/pairs": [[1, []]]}, {"py/id": 4}]': b"](}K\x01]q\x00sh\x00e",
}


@pytest.mark.parametrize("text", OWN)
def test_our_own_tags_say_what_jsonpickle_cannot(text: str) -> None:
    style = Style(2, is_python2=True)

    assert emit_pickle(typed_value(text, style, CancelToken()), style) == b"\x80\x02" + OWN[text] + b"."


@pytest.mark.parametrize(("word", "code"), [("writable", b"\x97"), ("read-only", b"\x97\x98")])
def test_buffers_beside_the_pickle_are_read(word: str, code: bytes) -> None:
    value = typed_value(json.dumps({"shelfscope/buffer": word}), Style(5), CancelToken())

    assert emit_pickle(value, Style(5)) == b"\x80\x05" + code + b"."


def test_attributes_are_8_bit_strings_in_python2() -> None:
    style = Style(2, is_python2=True)

    value = typed_value('{"py/object": "m.C", "name": "text"}', style, CancelToken())

    assert emit_pickle(value, style) == b"\x80\x02cm\nC\n)\x81}U\x04nameX\x04\x00\x00\x00textsb."


WRITTEN_BY_US = {
    '{"py/reduce": [{"py/type": "builtins.int"}, {"py/tuple": ["-0x10", 16]}]}': -16,
    '{"py/reduce": [{"py/type": "builtins.float"}, {"py/tuple": ["-inf"]}]}': float("-inf"),
    '{"py/reduce": [{"py/type": "builtins.complex"}, {"py/tuple": [1.0, -2.0]}]}': 1 - 2j,
    '{"py/reduce": [{"py/type": "builtins.bytearray"}, {"py/tuple": [{"py/b64": "AP8="}]}]}': bytearray(b"\x00\xff"),
    '{"py/reduce": [{"py/type": "builtins.dict"}, {"py/tuple": [[["py/id", 1], [2, 3]]]}]}': {"py/id": 1, 2: 3},
    '{"py/function": "builtins.Ellipsis"}': ...,
    '{"py/b85": "G%^"}': b"42",
    '{"py/reduce": [{"py/function": "copyreg.__newobj__"}, {"py/tuple": [{"py/type": "builtins.object"}]}]}': object,
}


@pytest.mark.parametrize("text", WRITTEN_BY_US)
def test_the_forms_that_we_write_are_read_alike_by_jsonpickle(text: str) -> None:
    found, expected = loaded(text), decoded(text)

    assert type(found) is type(expected)
    assert WRITTEN_BY_US[text] is object or repr(found) == repr(expected) == repr(WRITTEN_BY_US[text])


def test_a_dict_of_pairs_is_a_dict_of_the_model() -> None:
    text = '{"py/reduce": [{"py/type": "builtins.dict"}, {"py/tuple": [[["a", 1]]]}]}'

    assert emit_pickle(typed_value(text, Style(2), CancelToken()), Style(2)) == b"\x80\x02}X\x01\x00\x00\x00aK\x01s."


def test_where_the_module_ends_is_told_by_its_names() -> None:
    def split(name: str, module: str | None = None) -> tuple[str, str]:
        found = global_name(name, Atom(Kind.STR, module) if module else None)
        return found.module, found.name

    assert split("datetime.datetime") == ("datetime", "datetime")
    assert split("shop.models.Order.Line") == ("shop.models", "Order.Line")
    assert split("PIL.Image.Image") == ("PIL.Image", "Image")
    assert split("builtins.list.append") == ("builtins", "list.append")
    assert split("a.b.c", "a") == ("a", "b.c")


REFUSED = {
    '{"py/repr": "os/os.system(1)"}': "code, which is never run",
    '{"py/mod": "os/os"}': "a module",
    '{"py/id": 0}': "refers to nothing",
    '[{"py/id": 1}]': "refers to nothing",
    '[{"py/id": -1}]': "refers to nothing",
    '[{"py/id": true}]': "refers to nothing",
    '{"py/tuple": 1}': "py/tuple needs an array",
    '{"py/set": [1, 1.0]}': "stands there twice",
    '{"json://1": 1, "json://1.0": 2}': "stands there twice",
    '{"json://[1]": 1}': "can be neither a key",
    '{"json://x": 1}': "is no JSON",
    '{"py/b64": "é"}': "text of py/b64 is wrong",
    '{"py/b85": "\\u0000"}': "text of py/b85 is wrong",
    '{"py/object": 5}': "needs the name",
    '{"py/object": "Nothing"}': "no name of a class",
    '{"py/type": "a..b"}': "no name of a class",
    '{"py/reduce": [1]}': "needs a callable",
    '{"py/reduce": [{"py/type": "m.f"}, 5]}': "neither a tuple nor an array",
    '{"py/reduce": [{"py/type": "m.f"}, [], null, null, [1]]}': "a key and a value",
    '{"py/reduce": [{"py/type": "builtins.int"}, {"py/tuple": ["x"]}]}': "no number",
    '{"py/reduce": [{"py/type": "builtins.bytearray"}, {"py/tuple": [5]}]}': "takes bytes",
    '{"py/object": "m.C", "py/newargsex": [1]}': "needs two things",
    '{"py/object": "m.C", "py/newargs": 1}': "neither a tuple",
    '{"py/object": "uuid.UUID", "hex": "zz"}': "UUID",
    '{"py/object": "datetime.date", "__reduce__": []}': "has no arguments",
    '{"shelfscope/str2": "\\u20ac"}': "up to U\\+00FF",
    '{"shelfscope/unknown": 1}': "There is no tag",
    '{"shelfscope/object": {"clas": 1}}': "has no field clas",
    '{"shelfscope/object": {"how": "call"}}': "needs a class",
    '{"shelfscope/global": ["m"]}': "needs a module",
    '{"shelfscope/ext": "7"}': "needs a code",
    '{"shelfscope/long": 1.5}': "needs a whole number",
    '{"shelfscope/buffer": 1}': "needs the word",
    '{"shelfscope/pairs": {"a": 1}}': "needs an array",
    '{"a": 1, "a": 2}': "stands twice",
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_tags_are_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(EncodeError, match=REFUSED[text]) as caught:
        loaded(text)

    assert caught.value.message.endswith(".")


TAGS = [
    "py/tuple",
    "py/set",
    "py/b64",
    "py/b85",
    "py/id",
    "py/iterator",
    "py/object",
    "py/type",
    "py/reduce",
    "py/function",
    "py/newargs",
    "py/newargsex",
    "py/initargs",
    "py/seq",
    "py/state",
    "py/mod",
    "py/repr",
    "__reduce__",
    "__dict__",
    "default_factory",
    "hex",
    "pattern",
    "typecode",
    "values",
    "json://1",
    'json://{"py/id":0}',
    "class",
    "args",
    "how",
    "shelfscope/str2",
    "shelfscope/long",
    "shelfscope/pairs",
    "shelfscope/persid",
    "shelfscope/persid_text",
    "shelfscope/ext",
    "shelfscope/buffer",
    "shelfscope/global",
    "shelfscope/object",
    "shelfscope/shared",
    "shelfscope/module",
]
NAMES = ["m.C", "builtins.frozenset", "builtins.dict", "builtins.int", "builtins.complex", "uuid.UUID", "re.Pattern",
         "array.array", "datetime.date", "copyreg.__newobj__", "i", "call", "old-style"]  # fmt: skip
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 5) | st.floats(0, 1) | st.sampled_from(NAMES) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(TAGS), inner, max_size=3),
    max_leaves=15,
)


@given(document=DOCUMENTS, protocol=st.integers(0, 5), is_python2=st.booleans())
def test_any_document_gives_a_value_or_one_of_our_errors(document: object, protocol: int, is_python2: bool) -> None:
    style = Style(protocol, is_python2 and protocol < 3)
    try:
        data = emit_pickle(typed_value(json.dumps(document), style, CancelToken()), style)
    except EncodeError as error:
        assert error.message.endswith(".")  # noqa: PT017 - any other exception fails the test
    else:
        assert not parse(data, 0, CancelToken()).stream.error


@pytest.mark.parametrize("start", ["[", '{"a":', '{"py/tuple":[', '{"py/object":"m.C","a":', '{"shelfscope/shared":'])
def test_deep_nesting_gives_a_sentence_and_needs_no_stack(start: str) -> None:
    with pytest.raises(EncodeError, match="brackets are open"):
        on_a_small_stack(lambda: typed_value(start * 50_000, Style(4), CancelToken()))


def test_deep_documents_need_no_stack() -> None:
    text = '{"py/tuple":[' * 4_000 + "]}" * 4_000

    data = on_a_small_stack(lambda: emit_pickle(typed_value(text, Style(4), CancelToken()), Style(4)))

    assert data.count(b"\x85") == 3_999
    assert not parse(data, 0, CancelToken()).stream.error
