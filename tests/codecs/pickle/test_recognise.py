"""Pickles are told from other bytes; summaries need only the first bytes."""

import pickle
from typing import Any

import pytest
from hypothesis import given

from app.cancel import CancelToken
from app.codecs.pickle.codec import PickleCodec
from app.codecs.pickle.recognise import value_end
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
