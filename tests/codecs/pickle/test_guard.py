"""The guard: what it admits is what the machine reads, and nothing else is admitted."""

import json
import pickle
import threading
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.pickle import guard
from app.codecs.pickle.admission import plain_pushes
from app.codecs.pickle.bulk import plain_json
from app.codecs.pickle.guard import plain_value
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES

JSON_SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text()
JSON_LIKE = st.recursive(
    JSON_SCALARS,
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=6),
    max_leaves=25,
)
MODERN = st.integers(2, 5)


def by_machine(data: bytes) -> str:
    return "".join(registry.decode(data, CancelToken())[0].plain(CancelToken()))


@given(value=JSON_LIKE, protocol=MODERN)
def test_json_like_values_come_out_as_they_are(value: object, protocol: int) -> None:
    admitted = plain_value(pickle.dumps(value, protocol))

    if admitted is not None:  # text of 256 bytes and more is not
        assert repr(admitted.root) == repr(value)


def test_a_record_is_admitted_in_every_binary_protocol() -> None:
    record = {"name": "Ada", "born": 1815, "tags": ["poetry", "poetry"], "paid": True, "total": 12.5, "none": None}

    assert [plain_value(pickle.dumps(record, protocol)) is not None for protocol in range(6)] == [False] * 2 + [
        True
    ] * 4


def test_tuples_are_admitted_where_no_text_is_shared() -> None:
    admitted = plain_value(pickle.dumps([(1, 2, 3, 4), {(1, "a"): ()}]))

    assert admitted is not None
    assert admitted.root == [(1, 2, 3, 4), {(1, "a"): ()}]
    assert not admitted.has_text_keys


@given(value=JSON_LIKE | VALUES, protocol=PROTOCOLS)
def test_plain_json_is_that_of_the_machine(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    assert plain_json(data) in (None, by_machine(data))


@pytest.mark.parametrize("case", corpus.values(), ids=corpus.name_of)
def test_plain_json_of_the_corpus_is_that_of_the_machine(case: corpus.ValueCase) -> None:
    data = case.read()

    text = plain_json(data)

    assert text is None or text == by_machine(data)


def test_some_of_the_corpus_is_admitted() -> None:
    assert sum(plain_value(case.read()) is not None for case in corpus.values()) >= 20


DICT = b"\x80\x04}\x94("


@pytest.mark.parametrize(
    "data",
    [
        DICT + b"\x8c\x01a\x94\x8c\x06secret\x94\x8c\x01a\x94\x8c\x01x\x94u.",  # a key twice
        DICT + b"K\x01K\x02\x88K\x03u.",  # 1 and True are one key
        DICT + b"K\x01K\x02G\x3f\xf0\0\0\0\0\0\0K\x03u.",  # 1 and 1.0
        b"\x80\x02}q\0(U\x01aK\x01X\x01\0\0\0aK\x02u.",  # two texts of Python 2
        DICT + b"\x8c\x01a](K\x01K\x02e\x94\x8c\x01bh\x01\x8c\x01cK\x01\x8c\x01cK\x02u.",  # one lost, one gained
        b"\x80\x04](K\x01K\x02e\x94h\0\x86.",
        b"\x80\x04]\x94(h\0e.",  # holds itself
        b"\x80\x04](K\x05e(K\x00K\x07u.",  # sets an item of a list
        b"\x80\x04K\x01K\x02.",  # something is left
        b"\x80\x04K\x01.K\x02.",  # a second pickle
        b"\x80\x04K\x01. ",
        b"\x80\x04K.",
        b"\x80\x06K\x01.",
        b"K\x01.",
        b"\x80\x04h\x07.",
        b"\x80\x04\x8c\x01\xff\x94.",
        b"\x80\x04cbuiltins\nlist\n.",
        b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.",
        b"\x80\x04\x82\x01.",
        b"\x80\x04Pid\n.",
        b"\x80\x04K\x01Q.",
        b"\x80\x04r\xff\xff\xff\x7f.",
        b"\x80\x04\x8a\x08" + b"\xff" * 7 + b"\x1f.",  # hashes like another number
        b"\x80\x04\x95\x03\0\0\0\0\0\0\0K\x01.K.",
        b"",
        b"\x80",
        b"\x80\x04.",
    ],
)
def test_what_is_not_plainly_json_is_left_to_the_machine(data: bytes) -> None:
    assert plain_value(data) is None


def test_sizes_are_capped() -> None:
    assert plain_value(pickle.dumps(["a"] * 20_000)) is not None
    assert plain_value(pickle.dumps(["a"] * 40_000)) is None
    assert plain_value(b"\x80\x04)" + b"\x85" * 900 + b".") is not None
    assert plain_value(b"\x80\x04)" + b"\x85" * 1100 + b".") is None


def test_the_deepest_key_is_hashed_on_a_small_stack() -> None:
    data = b"\x80\x04})" + b"\x85" * 1_000 + b"K\x01s."
    admitted = []
    before = threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=lambda: admitted.append(plain_value(data)))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)

    assert admitted[0] is not None
    assert not admitted[0].has_text_keys
    assert plain_json(data) is None


def test_deep_lists_are_not_written_without_the_machine() -> None:
    data = b"\x80\x04" + b"](" * 5_000 + b"e" * 5_000 + b"."

    assert plain_value(data) is not None
    assert plain_json(data) is None


@pytest.mark.parametrize("case", corpus.values(), ids=corpus.name_of)
def test_nothing_that_names_anything_is_admitted(case: corpus.ValueCase) -> None:
    data = case.read()

    if plain_pushes(data):
        audit = registry.decode(data, CancelToken())[0].audit(CancelToken())
        assert (audit.globals, audit.calls) == ((), ())


@pytest.mark.parametrize("data", [b"cos\nsystem\n.", b"Pid\n.", b"\x80\x04K\x01Q."])
def test_the_unpickler_itself_looks_nothing_up(data: bytes) -> None:
    with pytest.raises(pickle.UnpicklingError):
        guard._Inert(BytesIO(data)).load()


@given(data=st.binary(max_size=60).map(lambda tail: b"\x80\x04" + tail))
def test_any_bytes_give_a_value_or_nothing(data: bytes) -> None:
    admitted = plain_value(data)

    assert admitted is None or plain_json(data) in (None, by_machine(data))


@given(value=JSON_LIKE, at=st.integers(0), byte=st.integers(0, 255))
def test_a_changed_byte_changes_nothing_of_that(value: Any, at: int, byte: int) -> None:
    data = bytearray(pickle.dumps(value))
    data[at % len(data)] = byte

    assert plain_json(bytes(data)) in (None, by_machine(bytes(data)))


def test_lone_surrogates_are_escaped() -> None:
    text = plain_json(pickle.dumps({"\ud800": "é\udfff"}))

    assert text == '{"\\ud800":"é\\udfff"}'
    assert json.loads(text) == {"\ud800": "é\udfff"}
