"""Messages between the window and its engine processes come out as they went in."""

from array import array
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Expected, Insert, Replace, SaveReport
from app.backends.key_index import IndexChunk
from app.codecs.base import NodeRow
from app.engine import wire
from app.engine.base import ExportItem, MadeDatabase, ProblemNote, Refusals, RefusedEntry, SalvageReport
from app.engine.value_calls import Stored
from app.engine.wire import pack, unpack

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())
    | st.binary()
    | st.builds(Stored, st.binary(), st.integers(0), st.integers(0))
    | st.builds(Replace, st.integers(0), st.binary())
    | st.builds(NodeRow, st.integers(0), st.text(), st.text(), st.text(), st.text())
)
MESSAGES = st.recursive(
    LEAVES, lambda inner: st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
)


@given(MESSAGES)
def test_a_message_comes_out_as_it_went_in(message: object) -> None:
    assert unpack(pack(message)) == message


@given(MESSAGES)
def test_a_message_that_is_written_in_steps_is_the_same(message: object) -> None:
    with patch.object(wire, "_STEP", 1):
        assert unpack(pack((message, (b"", b"")))) == (message, (b"", b""))


def test_many_changes_cross() -> None:
    message = {"changes": tuple(Insert(b"%d" % number, b"v") for number in range(2_500)), "more": ((b"x",) * 2_500, 1)}

    assert unpack(pack(message)) == message


def test_lone_surrogates_cross() -> None:
    assert unpack(pack("\ud800 \x00")) == "\ud800 \x00"


def test_an_index_chunk_keeps_its_arrays() -> None:
    chunk = IndexChunk(b"ab", array("q", [1, 2]), array("q", [2**62, 0]), array("q", [5, 6]))

    received = unpack(pack({"result": chunk}))["result"]

    assert received == chunk
    assert received.key(1) == b"b"


def test_changes_and_reports_cross() -> None:
    message = (
        (Insert(b"k", b"v"), Replace(3, b"w")),
        {3: Expected(b"k", 0, b"digest")},
        SaveReport((Path("a") / "b",)),
        ExportItem(b"k", 7),
    )

    assert unpack(pack(message)) == message


def test_every_field_of_what_salvage_reports_crosses() -> None:
    refused = Refusals(1, (RefusedEntry(b"k", "is too long"),), "choose the page size 4096")
    made = MadeDatabase(("new.db",), 7, refused, ("old.db",), ("a warning",))
    report = SalvageReport(made, 1, 2, 3, 4, (ProblemNote("damaged", 5),), "gdbm")

    received = unpack(pack(report))

    assert received == report
    assert (received.format, received.made.left_out.advice) == ("gdbm", "choose the page size 4096")


def test_nothing_else_crosses() -> None:
    with pytest.raises(KeyError):
        pack(object())
