"""The committed corpus is whole, and `corpus` says of it what its files say."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from tests import corpus
from tests.corpus import Digest, ExpectedEntry, expected_entry, name_of


def test_all_cases_are_there() -> None:
    assert len(corpus.databases()) == 194
    assert len(corpus.databases(corrupt=True)) == 43
    assert {case.format for case in corpus.databases("gdbm", "dumb")} == {"gdbm", "dumb"}
    assert len(corpus.values("benign")) == 478
    assert len(corpus.values("hostile")) == 75
    assert len(corpus.values("marshal", "hostile-marshal")) == 61


@pytest.mark.parametrize("case", corpus.databases(), ids=name_of)
def test_database_case_is_whole(case: corpus.DatabaseCase) -> None:
    assert case.open in case.files
    assert {path.name for path in case.folder.iterdir()} == {*case.files, "expect.json"}
    assert len(case.entries) in (0, case.count)
    assert case.entries or case.count in (0, None)
    assert bool(case.reprs) == case.shelf


def test_value_files_are_those_that_the_sidecars_describe() -> None:
    wrong = [case.name for case in corpus.values() if sha256(case.read()).hexdigest() != case.sidecar["sha256"]]

    assert wrong == []


def test_entries_with_digests_match_only_the_same_value() -> None:
    long, other = b"x" * 2000, b"y" * 2000
    entry = ExpectedEntry(b"key", Digest(2000, sha256(long).hexdigest()))

    assert entry.matches(b"key", long)
    assert entry.size == len(long)
    assert not entry.matches(b"key", other)
    assert not entry.matches(b"other", long)


def test_pairs_of_a_damaged_case_are_those_of_its_original() -> None:
    original = corpus.database("gdbm-x86_64-1.23-n150-512-numsync")
    damaged = corpus.database(f"corrupt-{original.name}-cut")

    pairs = [(entry.key, entry.value) for entry in original.entries if isinstance(entry.value, bytes)]

    assert len(pairs) > 100
    assert all(damaged.knows(key, value) for key, value in pairs)
    assert not any(damaged.knows(key, value + b"x") for key, value in pairs)


def test_order_counts_where_the_case_says_so() -> None:
    ordered = next(case for case in corpus.databases() if case.ordered and len(case.entries) > 1)
    unordered = next(case for case in corpus.databases() if not case.ordered and len(case.entries) > 1)

    for case, counts in ((ordered, True), (unordered, False)):
        arranged = corpus.in_order_of(case)
        forwards, backwards = list(case.entries), list(reversed(case.entries))
        assert (arranged(forwards) != arranged(backwards)) is counts


def test_copy_has_the_files_and_can_be_written(database_case: Callable[[str], Path]) -> None:
    path = database_case("dumb-only-bak")

    assert path.name == "d.dat"
    assert sorted(member.name for member in path.parent.iterdir()) == ["d.bak", "d.dat"]
    assert path.read_bytes() == (corpus.database("dumb-only-bak").folder / "d.dat").read_bytes()


def test_values_are_written_out_up_to_1024_bytes() -> None:
    assert expected_entry(b"k", b"v" * 1024).value == b"v" * 1024
    assert expected_entry(b"k", b"v" * 1025).value == Digest(1025, sha256(b"v" * 1025).hexdigest())
