"""Pickles are told from other bytes; summaries need only the first bytes."""

import pickle
from array import array
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given

from app import limits
from app.cancel import CancelToken
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.recognise import value_end
from app.codecs.registry import decode, summary
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES

NO_PICKLES = [
    b"Not a database.",
    b"I am.\n.", b"Very nice\n.", b"", b".", b"().rest", b"Nothing.", b"N. B.", b"{\"a\": 1}", b"(.",
    b"\x00" * 100, b"SQLite format 3\0", b"K", b"a.", b"F.\n.", b"cfoo bar\nbaz\n.", b"\x80\x09N.",
]  # fmt: skip


@pytest.mark.parametrize("data", NO_PICKLES)
def test_other_bytes_are_no_pickles(data: bytes) -> None:
    assert value_end(data, 0) is None
    assert not PickleCodec().sniff(data, whole=True)


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_values_of_the_corpus_are_pickles(case: corpus.ValueCase) -> None:
    data = case.read()

    assert PickleCodec().sniff(data, whole=True)
    assert value_end(b"??" + data, 2) == 2 + len(data)


@given(value=VALUES, protocol=PROTOCOLS)
def test_ends_are_found(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    assert value_end(memoryview(data + data), len(data)) == 2 * len(data)


@pytest.mark.parametrize("size", [60_000, 70_000, 600_000])
@pytest.mark.parametrize("protocol", range(6))
def test_ends_of_long_values_are_found(size: int, protocol: int) -> None:
    data = pickle.dumps(["x" * size, 2], protocol)

    assert value_end(data + b"more", 0) == len(data)
    assert value_end(data[:-1], 0) is None


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "kind", "start"),
    [
        ("x" * 10_000, "str", "'xxxx"),
        (b"y" * 10_000, "bytes", "b'yyyy"),
        ({"name": "x", "more": list(range(5_000))}, "dict", "{'name': 'x', 'more': [0, 1, 2"),
        ([{"a": 1}] * 1 + [{"b": index} for index in range(2_000)], "list", "[{'a': 1}, {'b': 0}"),
        ((1, "two", list(range(5_000))), "tuple", "(1, 'two', [0, 1"),
    ],
)
def test_a_prefix_gives_type_and_leading_text(value: Any, kind: str, start: str, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    summary = PickleCodec().summary(data[:4096], len(data))

    if kind == "bytes" and protocol < 3:
        return  # the call that makes bytes of a text comes last
    assert summary.text.startswith(start)
    assert summary.text.endswith("…")
    assert summary.type == kind
    assert not summary.problem


@given(value=VALUES, protocol=PROTOCOLS)
def test_summary_of_a_whole_value_is_the_text_of_its_root(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)
    root = PickleCodec().decode(data, CancelToken()).root

    summary = PickleCodec().summary(data[:4096], len(data))

    assert summary.type == root.type or len(data) > 4096
    assert len(summary.text) <= 161


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_the_first_bytes_of_the_corpus_give_the_type_of_the_root(case: corpus.ValueCase) -> None:
    data = case.read()
    value, _ = decode(data, CancelToken())

    found = summary(data[: limits.SUMMARY_PREFIX], len(data))

    assert (found.codec, found.type) == (value.codec, value.root.type)
    assert len(found.text) <= limits.SUMMARY_CHARS


LONG_VALUES = {
    "a dict": (b"(dp0\n" + b"".join(b"Vkey %d\np%d\nI%d\ns" % (n, n, n) for n in range(1, 500)) + b".", "dict"),
    "a string of protocol 0": (b"S'" + b"y" * 9_000 + b"'\np0\n.", "str"),
    "a text of protocol 1": (pickle.dumps("x" * 9_000, 1), "str"),
    "a string of protocol 1": (b"T\x28\x23\x00\x00" + b"y" * 9_000 + b"q\x00.", "str"),
    "a tuple without memo": (b"(" + b"".join(b"S'item %d'\n" % n for n in range(1_000)) + b"t.", "tuple"),
    "a long integer in decimal": (b"L" + b"7" * 9_000 + b"L\n.", "int"),
    "a long integer": (pickle.dumps(7**20_000), "int"),
    "a Decimal": (b"cdecimal\nDecimal\np0\n(S'" + b"1" * 9_000 + b"'\np1\ntp2\nRp3\n.", "decimal.Decimal"),
    "an array": (b"carray\narray\np0\n(S'd'\np1\n(lp2\n" + b"F1.5\na" * 1_000 + b"tp3\nRp4\n.", "array.array"),
    "an array of protocol 4": (pickle.dumps(array("d", [1.5] * 2_000), 4), "array.array"),
    "a bytearray": (pickle.dumps(bytearray(b"x" * 9_000), 5), "bytearray"),
    "bytes of protocol 2": (pickle.dumps(b"x" * 9_000, 2), "bytes"),
    "a set of protocol 2": (pickle.dumps(set(range(3_000)), 2), "set"),
}


@pytest.mark.parametrize(("data", "kind"), LONG_VALUES.values(), ids=LONG_VALUES.keys())
def test_a_long_value_is_known_by_its_first_bytes(data: bytes, kind: str) -> None:
    value, _ = decode(data, CancelToken())

    found = summary(data[: limits.SUMMARY_PREFIX], len(data))

    assert (value.codec, value.root.type) == ("pickle", kind)
    assert (found.codec, found.type, found.problem) == ("pickle", kind, "")
    assert len(found.text) <= limits.SUMMARY_CHARS


@pytest.mark.parametrize(
    "line", [b"Very long text ", b"I1\n", b"Vline\n", b"Pline\n", b"(", b"N", b"]", b")", b"1", b"a.", b"X\0\0\0"]
)
def test_long_bytes_that_resemble_old_pickles_are_none(line: bytes) -> None:
    data = line * 6_000

    assert decode(data, CancelToken())[0].codec != "pickle"
    assert summary(data[: limits.SUMMARY_PREFIX], len(data)).codec != "pickle"


@pytest.mark.parametrize("protocol", range(6))
def test_attributes_of_a_cut_object_are_shown_as_attributes(protocol: int) -> None:
    data = pickle.dumps(SimpleNamespace(**{f"name{number}": "v" * 50 for number in range(200)}), protocol)

    found = summary(data[: limits.SUMMARY_PREFIX], len(data))

    assert found.type == "types.SimpleNamespace"
    assert found.text.startswith("SimpleNamespace(name0='vvvv")
    assert found.text.endswith("…")
