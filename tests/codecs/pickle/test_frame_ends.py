"""What is said of frames that end where they should not is what Python's unpicklers make of them."""

import io
import pickle
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.pickle.value import PickleValue
from tests import corpus

in_python: Any = pickle._loads  # type: ignore[attr-defined]  # the unpickler that CPython has beside the one in C
BODY = b"\x8c\x03abc\x94."
PROTO = b"\x80\x04"


def frame(size: int) -> bytes:
    return b"\x95" + struct.pack("<Q", size)


def outcome(load: Any, data: bytes) -> Any:
    """Return what an unpickler makes of a value: itself, or its complaint."""
    try:
        return load(data)
    except (pickle.UnpicklingError, OverflowError, ValueError, EOFError) as error:
        return type(error), str(error)


def problems(data: bytes) -> list[str]:
    """Return what is said of frames."""
    return [problem for problem in PickleValue(data, CancelToken()).problems if "frame" in problem.lower()]


ACROSS = {
    "within a text": PROTO + frame(3) + BODY,
    "within a line": PROTO + frame(2) + b"I12345\n.",
    "before the end of a line": PROTO + frame(6) + b"I12345\n.",
    "within the second line": PROTO + frame(12) + b"cbuiltins\nobject\n.",
    "within a size": PROTO + frame(3) + b"X\x03\0\0\0abc.",
    "within a number": PROTO + frame(2) + b"J\x01\0\0\0.",
    "within the size of a frame": PROTO + frame(2 + 4) + b"N0" + frame(len(BODY)) + BODY,
    "in a later frame": PROTO + frame(2) + b"N0" + frame(4) + BODY,
}


@pytest.mark.parametrize("data", ACROSS.values(), ids=ACROSS)
def test_an_opcode_that_goes_on_behind_its_frame_is_told_as_python_refuses_it(data: bytes) -> None:
    [problem] = problems(data)

    assert outcome(in_python, data) == (pickle.UnpicklingError, "pickle exhausted before end of frame")
    assert "goes on behind the end of a frame at offset" in problem


def test_the_opcode_and_the_end_of_the_frame_are_told_by_their_offsets() -> None:
    [problem] = problems(ACROSS["within a text"])

    assert problem.startswith("SHORT_BINUNICODE at offset 11 goes on behind the end of a frame at offset 14: ")


def test_the_unpickler_of_shelve_reads_other_bytes_there_than_loads() -> None:
    data = PROTO + frame(3) + b"\x8c\x03abc.."

    assert pickle.loads(data) == "abc"
    assert pickle.Unpickler(io.BytesIO(data)).load() == "bc."
    assert "depending on what it reads it with" in problems(data)[0]


def test_a_frame_within_a_frame_is_told_as_python_refuses_it() -> None:
    data = PROTO + frame(2 + 9 + len(BODY)) + b"N0" + frame(len(BODY)) + BODY

    [problem] = problems(data)

    assert outcome(in_python, data)[1] == "beginning of a new frame before end of current frame"
    assert problem.startswith("FRAME at offset 13 begins before the end of a frame at offset")


@pytest.mark.parametrize("size", [len(BODY) + 1, 1 << 40, (1 << 63) - 1, (1 << 64) - 1])
def test_a_frame_that_is_longer_than_what_follows_is_told_as_python_refuses_it(size: int) -> None:
    data = PROTO + frame(size) + BODY

    [problem] = problems(data)

    assert outcome(pickle.loads, data)[0] in (pickle.UnpicklingError, OverflowError)
    assert problem == f"FRAME at offset 2 promises {size:,} bytes, but 7 follow: Python refuses the pickle."


def test_a_frame_that_ends_behind_the_stop_takes_what_follows_in_a_file() -> None:
    data = PROTO + frame(len(BODY) + 5) + BODY + b"N.N.N."
    file = io.BytesIO(data)

    problem = problems(data)[0]

    assert pickle.load(file) == "abc"
    assert file.tell() == len(data) - 1
    assert problem.startswith("FRAME at offset 2 ends 5 bytes behind the STOP: ")


SOUND = {
    "whole": PROTO + frame(len(BODY)) + BODY,
    "none": PROTO + BODY,
    "empty": PROTO + frame(0) + BODY,
    "between opcodes": PROTO + frame(5) + BODY,
    "behind an opcode's code": PROTO + frame(1) + BODY,
    "before a text": PROTO + frame(2) + BODY,
    "before a text of a long size": PROTO + frame(5) + b"X\x03\0\0\0abc.",
    "between two lines": PROTO + frame(10) + b"cbuiltins\nobject\n.",
    "before the size of a frame": PROTO + frame(3) + b"N0" + frame(len(BODY)) + BODY,
    "behind the size of a frame": PROTO + frame(11) + b"N0" + frame(len(BODY)) + BODY,
}


@pytest.mark.parametrize("data", SOUND.values(), ids=SOUND)
def test_nothing_is_said_of_frames_that_all_unpicklers_take(data: bytes) -> None:
    assert outcome(in_python, data) == pickle.loads(data) == pickle.load(io.BytesIO(data))
    assert problems(data) == []


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_nothing_is_said_of_the_frames_of_real_picklers(case: corpus.ValueCase) -> None:
    assert problems(case.read()) == []


def test_nothing_is_said_of_large_texts_outside_of_frames() -> None:
    value = [["x" * 70_000, *range(40_000), b"y" * 70_000], "z" * 70_000]

    assert problems(pickle.dumps(value, 4)) == problems(pickle.dumps(value, 5)) == []


OPCODES = st.lists(
    st.sampled_from([b"N0", b"I12\n0", b"\x8c\x04abcd0", b"X\x02\0\0\0xy0", b"C\x01z0", b"K\x050", b"J\1\0\0\x000"]),
    min_size=1,
    max_size=8,
)


@given(before=OPCODES, within=OPCODES, behind=OPCODES, size=st.integers(0, 60), inner=st.none() | st.integers(0, 60))
def test_any_frame_is_told_of_exactly_where_the_unpickler_in_python_refuses_it(
    before: list[bytes], within: list[bytes], behind: list[bytes], size: int, inner: int | None
) -> None:
    middle = frame(inner) if inner is not None else b""
    data = PROTO + b"".join([*before, frame(size), *within, middle, *behind]) + b"K\x07."

    told = problems(data)

    refused = outcome(in_python, data) != 7
    assert refused == any("the end of a frame at offset" in problem for problem in told)
    assert (outcome(pickle.loads, data) != 7) == any("Python refuses the pickle." in problem for problem in told)
    if not told:
        assert pickle.load(io.BytesIO(data)) == 7
