"""Whatever is done to a file, searching it ends in true entries and in sentences."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import CannotOpen
from tests import corpus
from tests.backends.damaging import cut_anywhere, damaged_somehow
from tests.backends.salvaging import salvaged


@dataclass(frozen=True)
class Kind:
    """Files of one format; ``magic_end`` is the place (bytes) behind what tells the format, and so cannot be changed.

    ``cut_deleted``: whether what is deleted in a cut file must have been there, too. ``carves``: whether values are
    found without their keys.
    """

    format_id: str
    magic_end: int
    cut_deleted: bool = False
    carves: bool = False

    @property
    def cases(self) -> list[corpus.DatabaseCase]:
        return [case for case in corpus.databases(self.format_id, corrupt=False) if len(case.files) == 1]


KINDS = (Kind("lmdb", 20), Kind("tdb", 36, cut_deleted=True), Kind("sqlite3", 16, carves=True))
each_kind = pytest.mark.parametrize("kind", KINDS, ids=[kind.format_id for kind in KINDS])


@each_kind
@given(data=st.data(), deleted=st.booleans())
def test_any_damage_ends_in_entries_and_sentences(
    kind: Kind, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory, *, deleted: bool
) -> None:
    path = damaged_somehow(kind.cases, tmp_path_factory.mktemp("damage"), data, magic_end=kind.magic_end)

    found = salvaged(path, deleted=deleted, format_id=kind.format_id, base=path)

    assert all(report.endswith(".") for report in found.reports)
    if kind.carves:
        with_keys = [(one.key, one.value) for one in found.found if one.key is not None]
        assert len(set(with_keys)) == len(with_keys)


@each_kind
@given(data=st.data())
def test_a_file_cut_anywhere_gives_only_true_pairs(
    kind: Kind, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from([one for one in kind.cases if not one.duplicates]), label="case")

    found = salvaged(cut_anywhere(case, tmp_path_factory.mktemp("cut"), data), deleted=kind.cut_deleted)

    named = [one for one in found.found if one.key is not None]
    assert {corpus.expected_entry(one.key or b"", one.value) for one in named} <= set(case.entries)
    assert kind.carves or named == found.found


@each_kind
def test_what_is_not_there_cannot_be_searched(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(CannotOpen):
        salvaged(tmp_path / "x", format_id=kind.format_id, base=tmp_path / "x")
