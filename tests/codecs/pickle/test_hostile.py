"""Hostile values end quickly, in little stack, and nothing of them is executed."""

import os
import pickle
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.pickle.codec import PickleCodec
from app.errors import AppError
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.small_stacks import on_a_small_stack

HOSTILE = corpus.values("hostile")
SECONDS = 2.0


def questions(data: bytes) -> list[Callable[[], object]]:
    """Return all that a window may ask of a value."""
    codec = PickleCodec()
    decoded: list[DecodedValue] = []
    return [
        lambda: codec.sniff(data, whole=True),
        lambda: codec.summary(data[:4096], len(data)),
        lambda: decoded.append(codec.decode(data, CancelToken())),
        lambda: visit_rows(decoded[0]),
        lambda: decoded[0].text(100_000),
        lambda: decoded[0].tree(100_000),
        lambda: "".join(decoded[0].plain(CancelToken())),
    ]


def answer(ask: Callable[[], object]) -> None:
    """Ask; only our own errors may come of it."""
    try:
        ask()
    except AppError:
        return


def look_at_everything(data: bytes) -> None:
    for ask in questions(data):
        answer(ask)


def visit_rows(value: DecodedValue) -> None:
    waiting = [value.root.node]
    for _ in range(200):
        if not waiting:
            return
        waiting += [row.node for row in value.rows(waiting.pop(), 0, 20) if row.count]


@pytest.mark.parametrize("case", HOSTILE, ids=corpus.name_of)
def test_hostile_values_end_in_time_in_little_stack_and_run_nothing(case: corpus.ValueCase, pwned_marker: Path) -> None:
    assert on_a_small_stack(lambda: slowest_answer(case.read())) < SECONDS

    assert not pwned_marker.exists()


def slowest_answer(data: bytes) -> float:
    longest = 0.0
    for ask in questions(data):
        started = time.thread_time()  # other processes of a busy machine do not count
        answer(ask)
        longest = max(longest, time.thread_time() - started)
    return longest


@given(value=VALUES, protocol=PROTOCOLS, data=st.data())
def test_one_wrong_byte_gives_a_value_or_one_of_our_errors(value: object, protocol: int, data: st.DataObject) -> None:
    pickled = bytearray(pickle.dumps(value, protocol))
    at = data.draw(st.integers(0, len(pickled) - 1))
    pickled[at] = data.draw(st.integers(0, 255))

    look_at_everything(bytes(pickled))


@given(st.binary(max_size=300))
def test_any_bytes_give_a_value_or_one_of_our_errors(data: bytes) -> None:
    look_at_everything(data)


@given(
    st.lists(
        st.sampled_from(
            [bytes([code]) for code in b"()]}0.12NQRabdeltosuhq\x81\x85\x86\x87\x88\x8f\x90\x91\x92\x93\x94\x97\x98K"]
        ),
        max_size=60,
    )
)
def test_any_opcodes_give_a_value_or_one_of_our_errors(opcodes: list[bytes]) -> None:
    look_at_everything(b"".join(opcodes))


@pytest.mark.parametrize("most", [25, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("case", corpus.values("benign")[::5], ids=corpus.name_of)
def test_a_cut_value_can_be_looked_at(case: corpus.ValueCase, most: int) -> None:
    data = case.read()[:2000]

    for end in range(0, len(data), max(7, len(data) // most | 1)):
        look_at_everything(data[:end])


def test_the_marker_is_where_the_values_look_for_it(pwned_marker: Path) -> None:
    assert os.environ["PWNED_MARKER"] == str(pwned_marker)
