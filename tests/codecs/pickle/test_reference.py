"""The machine, which is written for speed, leaves what the one written for reading does."""

import pickle
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.pickle.machine import run
from app.codecs.pickle.opcodes import OPCODES
from app.codecs.pickle.stream import Stream
from tests import corpus
from tests.codecs.pickle.reference import reference_run
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES


def plain(stream: Stream) -> dict[str, Any]:
    """Return all that a stream says, sequences as tuples."""
    said = {each.name: getattr(stream, each.name) for each in fields(Stream) if each.name != "data"}
    for name in ("records", "logs", "pending"):
        said[name] = {at: tuple(slots) for at, slots in said[name].items()}
    return {name: tuple(found) if isinstance(found, list) else found for name, found in said.items()}


def assert_same(data: bytes, **options: Any) -> None:
    assert plain(run(data, 0, CancelToken(), **options)) == plain(reference_run(data, 0, **options))


@pytest.mark.parametrize("case", corpus.values(), ids=corpus.name_of)
def test_every_value_of_the_corpus(case: corpus.ValueCase) -> None:
    data = case.read()

    if len(data) < 1 << 20:
        assert_same(data)
        assert_same(data[: len(data) // 2])
        assert_same(data[: len(data) * 2 // 3], is_prefix=True)


@given(value=VALUES, protocol=PROTOCOLS)
def test_random_objects(value: object, protocol: int) -> None:
    assert_same(pickle.dumps(value, protocol))


@given(value=VALUES, protocol=PROTOCOLS, is_prefix=st.booleans(), data=st.data())
def test_random_objects_cut_anywhere(value: object, protocol: int, is_prefix: bool, data: st.DataObject) -> None:
    whole = pickle.dumps(value, protocol)

    assert_same(whole[: data.draw(st.integers(0, len(whole)))], is_prefix=is_prefix)


@given(value=VALUES, protocol=PROTOCOLS, at=st.integers(0), byte=st.integers(0, 255))
def test_random_objects_with_a_changed_byte(value: object, protocol: int, at: int, byte: int) -> None:
    data = bytearray(pickle.dumps(value, protocol))
    data[at % len(data)] = byte

    assert_same(bytes(data))


ARGUMENTS = st.sampled_from([b"", b"\0", b"\1", b"\2", b"\0\0\0\0", b"\1\0\0\0", b"1\n", b"0\n", b"a\nb\n", b"\x94"])
STEPS = st.tuples(st.sampled_from([bytes((opcode.code,)) for opcode in OPCODES]), ARGUMENTS).map(b"".join)
BUILT = st.sampled_from(
    [b"]\x94(", b"}q\0(", b"}q\1", b"]r\2\0\0\0", b"K\1", b"\x8c\1a\x94", b"X\1\0\0\0aq\1", b")\x85\x94"]
)


@given(parts=st.lists(BUILT | STEPS, max_size=25), is_prefix=st.booleans())
def test_random_opcodes(parts: list[bytes], is_prefix: bool) -> None:
    assert_same(b"".join(parts), is_prefix=is_prefix)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "value",
    [
        [number * 37 % 100_003 for number in range(10_000)],
        [number / 7 for number in range(3_000)],
        [{"id": number, "name": f"n{number}", "tags": ["a", (1, 2)]} for number in range(400)],
        [datetime(2026, 1, 1, minute, tzinfo=UTC) for minute in range(20)],
    ],
    ids=["ints", "floats", "records", "datetimes"],
)
def test_long_runs_of_one_kind(value: object, protocol: int) -> None:
    assert_same(pickle.dumps(value, protocol))
