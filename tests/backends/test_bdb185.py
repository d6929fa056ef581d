"""Files of Berkeley DB 1.85: hash, btree and recno, intact, damaged, and of rare shapes."""

import os
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.base import Backend, Match, SaveOptions
from app.backends.berkeley185.btree import Bdb185BtreeBackend
from app.backends.berkeley185.hash import Bdb185HashBackend
from app.backends.berkeley185.hash_layout import key_hash
from app.backends.whichdb import whichdb
from app.cancel import CancelToken
from app.errors import Cancelled, CorruptDatabase, ReadOnlyDatabase, StaleIndex
from tests import corpus
from tests.backends import bdb185_files as files
from tests.backends.damaging import with_noise, with_one_byte_changed
from tests.backends.listing import entries_of, index_of
from tests.backends.reading import SECONDS, read_all, wrong_pairs

CopyCase = Callable[[str], Path]
FORMATS = ("bdb185-hash", "bdb185-btree")
BACKENDS: dict[str, type[Backend]] = {"bdb185-hash": Bdb185HashBackend, "bdb185-btree": Bdb185BtreeBackend}
INTACT = [case for case in corpus.databases(*FORMATS, corrupt=False) if case.name != "bdb185-btree-empty"]
HASHES = [case for case in INTACT if case.format == "bdb185-hash" and case.count]
UNDETECTED_NOISE = {"corrupt-bdb185-btree-n150-BE-noise": 4, "corrupt-bdb185-btree-n500-noise": 3}
"""Pairs with noise in their values, or in keys that are in order still: the format has no checksums."""
LONG = bytes(range(256)) * 3


def match_of(path: Path) -> Match:
    return whichdb(path)[0]


def open_match(match: Match) -> Backend:
    return BACKENDS[match.format_id](match)


def open_path(path: Path) -> Backend:
    return open_match(match_of(path))


def written(folder: Path, content: bytes) -> Path:
    path = folder / "x.db"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_every_entry_of_an_intact_file_is_read(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with open_path(database_case(case.name)) as backend:
        entries = [corpus.expected_entry(key, value) for key, value in entries_of(backend)]

        assert (backend.format_id, backend.problems, backend.notes) == (case.format, [], [])
    ordered = corpus.in_order_of(case)
    assert ordered(entries) == ordered(list(case.entries))


@pytest.mark.parametrize("case", corpus.databases(*FORMATS, corrupt=True), ids=corpus.name_of)
def test_a_damaged_file_yields_what_is_intact(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    assert wrong_pairs(case, database_case(case.name), open_match) == UNDETECTED_NOISE.get(case.name, 0)


@given(data=st.data())
def test_one_changed_byte_of_a_hash_file_forges_no_key(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    case = data.draw(st.sampled_from(HASHES), label="case")
    path = with_one_byte_changed(case, tmp_path_factory.mktemp("fuzz"), data, magic_end=72)

    reading = read_all(path, open_match)

    unknown = [pair for pair in reading.entries if corpus.expected_entry(*pair) not in case.entries]
    assert len(unknown) <= 3  # an offset is the border of two items, and of the entry behind them
    if len(reading.entries) < len(case.entries):
        assert reading.complaints


@given(data=st.data())
def test_noise_is_never_more_than_damage(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = data.draw(st.sampled_from(INTACT), label="case")
    path = with_noise(case, tmp_path_factory.mktemp("noise"), data)
    head = slice(0, 200)  # the count of entries, by which their loss is noticed
    is_head_whole = path.read_bytes()[head] == (case.folder / case.open).read_bytes()[head]

    reading = read_all(path, open_match)

    assert len(reading.entries) >= len(case.entries) or reading.complaints or not is_head_whole


@pytest.mark.parametrize("case", INTACT, ids=corpus.name_of)
def test_saving_is_refused_for_good(case: corpus.DatabaseCase, database_case: CopyCase) -> None:
    with open_path(database_case(case.name)) as backend:
        with pytest.raises(ReadOnlyDatabase, match="only read") as caught:
            backend.apply([], {}, SaveOptions(), CancelToken())

        assert caught.value.message == backend.why_read_only


@pytest.mark.parametrize("name", ["bdb185-hash-n500", "bdb185-btree-n500"])
def test_a_damaged_first_page_is_refused(database_case: CopyCase, name: str) -> None:
    path = database_case(name)
    match = match_of(path)
    path.write_bytes(path.read_bytes()[:8] + bytes(4096))

    with pytest.raises(CorruptDatabase, match="first page is damaged"):
        open_match(match)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows lets nobody cut a mapped file")
@pytest.mark.parametrize("name", ["bdb185-hash-n500", "bdb185-btree-n500"])
def test_a_file_that_was_cut_meanwhile_is_stale_and_no_bus_error(database_case: CopyCase, name: str) -> None:
    path = database_case(name)
    with open_path(path) as backend:
        index = index_of(backend)
        os.truncate(path, 0)

        with pytest.raises(StaleIndex, match="cut short"):
            backend.read(index.key(0), index.locator(0), index.size(0))


@pytest.mark.parametrize("name", ["bdb185-hash-n500", "bdb185-btree-n500"])
@pytest.mark.parametrize("locator", [-1, 0, 2, 1 << 16, 1 << 40, 5 << 16 | 0xFFFF])
def test_a_locator_that_leads_nowhere_is_stale(database_case: CopyCase, name: str, locator: int) -> None:
    with open_path(database_case(name)) as backend, pytest.raises(StaleIndex):
        backend.read(b"key", locator, 1)


@pytest.mark.parametrize("name", ["bdb185-hash-n500", "bdb185-btree-n500"])
def test_listing_can_be_cancelled(database_case: CopyCase, name: str) -> None:
    token = CancelToken()
    with open_path(database_case(name)) as backend:
        chunks = backend.index(token)
        next(chunks)
        token.cancel()

        with pytest.raises(Cancelled):
            list(chunks)


# A big entry, a pair squeezed in behind its end (which the library's own cursor skips), and the rest of the chain.
def chain(order: str = "<") -> list[bytes]:
    size = files.PAGE
    begin = LONG[: size - 14 - 3]
    rest = LONG[len(begin) :]
    low = size - len(rest)
    return [
        files.hash_page([1, 0], order=order),
        files.hash_page([size - 3, 3, 2, size - 3 - len(begin)], begin + b"big", free=0, order=order),
        files.hash_page([low, 3, low - 1, low - 2, 3, 0], b"vk" + rest, order=order),
        files.hash_page([size - 4, size - 8], b"last" * 2, order=order),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_pair_behind_the_end_of_a_big_entry_is_listed(tmp_path: Path, order: str) -> None:
    with open_path(written(tmp_path, files.hash_image(chain(order), entries=3, order=order))) as backend:
        assert entries_of(backend) == [(b"big", LONG), (b"k", b"v"), (b"last", b"last")]
        assert backend.problems == []
        index = index_of(backend)
        place = index.key(0), index.locator(0), index.size(0)
        assert [backend.read_prefix(*place, limit) for limit in (0, 3, 700)] == [b"", LONG[:3], LONG[:700]]


@pytest.mark.parametrize("counted", [0, 2, 0xFFFFFFFF])
def test_squeezed_pairs_that_were_not_counted_are_no_problem(tmp_path: Path, counted: int) -> None:
    with open_path(written(tmp_path, files.hash_image(chain(), entries=counted))) as backend:
        assert len(entries_of(backend)) == 3
        assert backend.problems == []


def test_fewer_entries_than_were_counted_are_reported(tmp_path: Path) -> None:
    with open_path(written(tmp_path, files.hash_image(chain(), entries=4))) as backend:
        assert len(entries_of(backend)) == 3
        assert [problem.message for problem in backend.problems] == [
            "The header says that there are 4 entries, but only 3 were found."
        ]


def test_a_chain_that_runs_in_a_circle_ends(tmp_path: Path) -> None:
    pages = chain()
    pages[3] = files.hash_page([files.PAGE - 4, files.PAGE - 8, 1, 0], b"last" * 2)

    with open_path(written(tmp_path, files.hash_image(pages, entries=3))) as backend:
        assert len(entries_of(backend)) == 3
        assert ["two chains" in problem.message for problem in backend.problems] == [True]


def test_a_hash_of_the_writers_own_is_noted(tmp_path: Path) -> None:
    with open_path(written(tmp_path, files.hash_image(chain(), entries=3, char_key=b"another"))) as backend:
        assert len(entries_of(backend)) == 3
        assert backend.problems == []
        assert "hashed by a function" in backend.notes[0]


def test_a_key_in_a_wrong_bucket_is_left_out(database_case: CopyCase) -> None:
    path = database_case("bdb185-hash-n500")
    with open_path(path) as backend:
        entries = entries_of(backend)
    content = path.read_bytes()
    key = entries[7][0]
    path.write_bytes(content.replace(key, key[:-1] + b"\xf9", 1))

    with open_path(path) as backend:
        assert entries_of(backend) == entries[:7] + entries[8:]
        assert "does not belong into its bucket" in backend.problems[0].message


def test_a_header_of_endless_buckets_ends_soon(tmp_path: Path) -> None:
    content = bytearray(files.hash_image(chain(), entries=3))
    struct.pack_into(">III", content, 40, 0xFFFFFFFF, 0xFFFFFFFF, 0x7FFFFFFF)
    start = monotonic()

    reading = read_all(written(tmp_path, bytes(content)), open_match)

    assert reading.complaints
    assert monotonic() - start < SECONDS


@given(key=st.binary(max_size=300))
def test_the_hash_is_that_of_the_c_source(key: bytes) -> None:
    assert key_hash(key) == files.hash4(key)


def recno_pages(order: str) -> list[bytes]:
    return [
        files.tree_page(1, 8, [struct.pack(f"{order}II", 2, 2), struct.pack(f"{order}II", 2, 3)], order=order),
        files.tree_page(2, 16, [files.record(b"one", order), files.record(b"", order)], following=3, order=order),
        files.tree_page(
            3, 16, [files.big_record(4, len(LONG), order), files.record(b"four\0", order)], previous=2, order=order
        ),
        files.overflow_page(4, LONG[:492], following=5, order=order),
        files.overflow_page(5, LONG[492:], order=order),
    ]


@pytest.mark.parametrize("order", ["<", ">"])
def test_records_are_listed_by_their_numbers(tmp_path: Path, order: str) -> None:
    path = written(tmp_path, files.tree_image(recno_pages(order), flags=0x80, order=order))

    with open_path(path) as backend:
        assert "record numbers" in backend.match.variant
        numbers = [number.to_bytes(4, "little") for number in (1, 2, 3, 4)]
        assert entries_of(backend) == list(zip(numbers, (b"one", b"", LONG, b"four\0"), strict=True))
        assert backend.problems == []


def test_a_broken_overflow_chain_costs_one_value(tmp_path: Path) -> None:
    pages = recno_pages("<")
    pages[4] = files.overflow_page(9, LONG)
    path = written(tmp_path, files.tree_image(pages, flags=0x80))

    reading = read_all(path, open_match)

    assert [value for _, value in reading.entries] == [b"one", b"", b"four\0"]
    assert any("cannot be read whole" in complaint for complaint in reading.complaints)


def tree_pages() -> list[bytes]:
    return [
        files.tree_page(1, 2, [files.pair(b"a", b"1"), files.pair(b"b", b"2")]),
        files.tree_page(2, 2, [files.pair(b"deleted", b"long ago")]),
    ]


def test_pages_that_are_free_are_not_listed(tmp_path: Path) -> None:
    with open_path(written(tmp_path, files.tree_image(tree_pages(), first_free=2))) as backend:
        assert entries_of(backend) == [(b"a", b"1"), (b"b", b"2")]
        assert backend.problems == []


def test_leaves_that_nothing_leads_to_are_listed_last_and_reported(tmp_path: Path) -> None:
    with open_path(written(tmp_path, files.tree_image(tree_pages()))) as backend:
        assert entries_of(backend) == [(b"a", b"1"), (b"b", b"2"), (b"deleted", b"long ago")]
        assert "Nothing leads to 1 leaves" in backend.problems[0].message


def test_a_list_of_free_pages_that_runs_in_a_circle_ends(tmp_path: Path) -> None:
    pages = tree_pages()
    pages[1] = files.tree_page(2, 2, [], following=2)

    with open_path(written(tmp_path, files.tree_image(pages, first_free=2))) as backend:
        assert len(entries_of(backend)) == 2
        assert "list of free pages" in backend.problems[0].message


def test_a_long_key_whose_length_was_not_stored_is_reported(tmp_path: Path) -> None:
    item = files.pair(struct.pack(">II", 2, 0), b"value", ">", flags=2)
    pages = [files.tree_page(1, 2, [item], order=">"), files.overflow_page(2, LONG[:400], order=">")]

    with open_path(written(tmp_path, files.tree_image(pages, order=">"))) as backend:
        assert entries_of(backend) == []
        assert "was not stored" in backend.problems[0].message


def test_items_that_share_a_broken_chain_cannot_multiply_the_work(tmp_path: Path) -> None:
    chained = 3000
    items = [files.big_record(2, chained * 492 + 1)] * 25
    leaves = [files.tree_page(1, 16, items, following=chained + 2)]
    chain_pages = [files.overflow_page(2 + n, b"", following=3 + n) for n in range(chained)]
    more = [
        files.tree_page(n, 16, items, previous=n - 1 if n > chained + 2 else 1, following=n + 1)
        for n in range(chained + 2, chained + 400)
    ]
    path = written(tmp_path, files.tree_image([*leaves, *chain_pages, *more], flags=0x80))
    start = monotonic()

    with open_path(path) as backend:
        index_of(backend)

        assert backend.problems
    assert monotonic() - start < SECONDS


def test_keys_out_of_order_are_reported(database_case: CopyCase) -> None:
    path = database_case("bdb185-btree-n500")
    with open_path(path) as backend:
        key = entries_of(backend)[100][0]
    path.write_bytes(path.read_bytes().replace(key, b"\xff" + key[1:], 1))

    with open_path(path) as backend:
        assert len(entries_of(backend)) == 500
        assert [problem.message for problem in backend.problems] == [
            "Keys are out of order: bytes of a key were changed."
        ]
