"""Edits of mangled and hostile pickles: bytes that read back, or a reason."""

import pickle
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


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), case=st.sampled_from(SMALL_FILES))
def test_edits_of_mangled_pickles_give_bytes_or_a_reason(data: st.DataObject, case: corpus.ValueCase) -> None:
    mangled = bytearray(case.read())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(mangled) - 1))
        mangled[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2) | st.sampled_from([OPCODES]))

    with suppress(AppError):
        value = decode(bytes(mangled))
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
                with suppress(AppError):
                    value.edit(made, TOKEN)


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
        ChangeProtocol(4),
    ]
