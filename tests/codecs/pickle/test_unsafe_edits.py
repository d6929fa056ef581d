"""Edits of mangled and hostile pickles: bytes that read back, or a reason."""

import pickle
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    Copied,
    DeleteNodes,
    Edit,
    InsertItem,
    RenameKey,
    Reorder,
    ReplaceNode,
)
from app.errors import AppError
from tests import corpus
from tests.codecs.pickle.editing import TOKEN, decode, new, replaced
from tests.codecs.small_stacks import on_a_small_stack

SHARED = ["the same", "text"]
SMALL_FILES = [case for case in corpus.values("benign") if case.path.stat().st_size < 2_000]
OPCODES = b"0(2hq1\x94)e.abRtlN"
PIECES = [b"]", b")", b"}", b"N", b"K\x07", b"\x94", b"q\x00", b"q\x01", b"r\x02\0\0\0", b"h\x00", b"h\x01", b"h\x02"]
PIECES += [
    b"2",
    b"0",
    b"(",
    b"1",
    b"a",
    b"s",
    b"t",
    b"\x85",
    b"\x86",
    b"l",
    b"(NNu",
    b"(h\x00e",
    b"\x8f",
    b"(h\x01\x90",
]
PIECES += [b"cx\ny\n)R", b"cx\ny\n)\x81", b"}b", b"p3\n", b"g3\n"]
"""Opcodes and some in a row: memo numbers given again, read before they are given, and marks left open."""

SECONDS = 2.0


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), case=st.sampled_from(SMALL_FILES))
def test_edits_of_mangled_pickles_give_bytes_or_a_reason(data: st.DataObject, case: corpus.ValueCase) -> None:
    mangled = bytearray(case.read())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(mangled) - 1))
        mangled[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2) | st.sampled_from([OPCODES]))

    check_edits(bytes(mangled))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(parts=st.lists(st.sampled_from(PIECES), max_size=14))
def test_edits_of_opcodes_in_any_order_give_bytes_or_a_reason(parts: list[bytes]) -> None:
    check_edits(b"\x80\x04(" + b"".join(parts) + b"l.")


def check_edits(data: bytes) -> None:
    """Make edits of every kind: whole bytes may come of each, or one of our own errors."""
    with suppress(AppError):
        value = decode(data)
        for row in (value.root, *value.rows(value.root.node, 0, 3)):
            for made in edits_of(row.step, row.count):
                with suppress(AppError):
                    assert not decode(value.edit(made, TOKEN)).is_damaged


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_edits_of_hostile_pickles_give_bytes_or_a_reason_on_a_small_stack(case: corpus.ValueCase) -> None:
    on_a_small_stack(lambda: edit_all(case.read()))


def edit_all(data: bytes) -> None:
    with suppress(AppError):
        value = decode(data)
        for row in (value.root, *value.rows(value.root.node, 0, 2)):
            for made in edits_of(row.step, row.count):
                started = time.thread_time()
                with suppress(AppError):
                    value.edit(made, TOKEN)
                assert time.thread_time() - started < SECONDS


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_typed_json_of_hostile_pickles_ends_in_time(case: corpus.ValueCase) -> None:
    started = time.thread_time()

    with suppress(AppError):
        for _ in decode(case.read()).typed(TOKEN):
            pass

    assert time.thread_time() - started < SECONDS


def edits_of(path: str, count: int) -> list[Edit]:
    """Return edits of every kind for one place, whether it can take them or not."""
    value = new([7, None])
    return [
        replaced(path, [7]),
        replaced(path, [7], everywhere=True),
        ReplaceNode(path, Copied(pickle.dumps([SHARED, SHARED])), any_type=True),
        DeleteNodes((path,)),
        InsertItem(path, 0, value),
        InsertItem(f"{path}<args>", 0, value),
        InsertItem(f"{path}<listitems>", 0, value),
        AddPair(path, new(7777), value),
        AddPair(f"{path}<state>", new("name"), value),
        AddPair(f"{path}<dictitems>", new(7777), value),
        RenameKey(path, new((1, 2))),
        Reorder(path, tuple(reversed(range(min(count, 1000))))),
        Reorder(path, (*range(1, min(count, 1000)), 0)),
        ChangeProtocol(4),
    ]
