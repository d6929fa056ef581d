"""Searching values whose parts lie within each other takes as long as they are large, not as they are deep."""

import time
import zlib
from itertools import islice

import pytest

from app import limits
from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Query
from app.codecs.paths import step_texts
from app.codecs.pickle.graph import parse
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.walk import offsets_of
from app.codecs.pickle.ways import Ways
from app.errors import CodecError, LimitExceeded
from tests import corpus
from tests.codecs.small_stacks import on_a_small_stack

SECONDS = 2.0
DEPTH = 10_000
TEXT = b"X\3\0\0\0abc"
PACKED = zlib.compress(b"\x80\x04X\7\0\0\0payload.")
DEEP = {
    "lists": b"\x80\x04" + b"]" + (TEXT + b"a]") * DEPTH + b"a" * DEPTH + b".",
    "dicts": b"\x80\x04}" + (b"X\1\0\0\0k" + TEXT + b"sX\1\0\0\0d}") * DEPTH + b"s" * DEPTH + b".",
    "tuples from within": b"\x80\x04N" + (TEXT + b"\x86") * DEPTH + b".",
    "states": b"\x80\x04" + b"cshop\nabc\n)\x81" * DEPTH + b"b" * (DEPTH - 1) + b".",
    "arguments": b"\x80\x04" + b"cshop\nabc\n" * DEPTH + TEXT + b"\x85R" * DEPTH + b".",
    "JSON": b'["abc",' * DEPTH + b"1" + b"]" * DEPTH,
    "msgpack": b"\x92\xa3abc" * DEPTH + b"\x01",
    "marshal": b"(\x02\0\0\0u\x03\0\0\0abc" * DEPTH + b"N",
}


def searched(data: bytes, query: Query) -> tuple[list[str], float, bool]:
    """Return the paths that are found, the seconds that takes, and whether paths became too long."""
    value, _ = registry.decode(data, CancelToken())
    paths: list[str] = []
    is_cut = False
    started = time.thread_time()  # other processes of a busy machine do not count
    try:
        paths += (hit.path for hit in value.search(query, CancelToken()))
    except LimitExceeded:
        is_cut = True
    return paths, time.thread_time() - started, is_cut


@pytest.mark.parametrize("data", DEEP.values(), ids=DEEP)
def test_a_deep_value_is_searched_to_its_end_in_time_where_nothing_matches(data: bytes) -> None:
    paths, seconds, is_cut = on_a_small_stack(lambda: searched(data, Query("nowhere")))

    assert (paths, is_cut) == ([], False)
    assert seconds < SECONDS


@pytest.mark.parametrize("data", DEEP.values(), ids=DEEP)
def test_of_a_deep_value_full_of_matches_as_many_are_told_as_their_paths_allow(data: bytes) -> None:
    paths, seconds, is_cut = on_a_small_stack(lambda: searched(data, Query("abc")))

    assert is_cut
    assert seconds < SECONDS
    told = sum(map(len, paths))
    assert limits.PATH_CHARS - len(max(paths, key=len)) * 2 < told <= limits.PATH_CHARS


@pytest.mark.parametrize("name", ["lists", "dicts", "tuples from within", "states", "arguments"])
def test_the_paths_of_deep_places_lead_to_them(name: str) -> None:
    value, _ = registry.decode(DEEP[name], CancelToken())

    for number, hit in enumerate(value.search(Query("abc"), CancelToken())):
        if number % 400 == 0:
            assert "abc" in value.find(hit.path).text
        if number > 1000:
            break


@pytest.mark.parametrize("pattern", [".", "nowhere"])
@pytest.mark.parametrize("case", corpus.values("hostile", "hostile-marshal"), ids=corpus.name_of)
def test_hostile_values_are_searched_in_time_and_little_stack(case: corpus.ValueCase, pattern: str) -> None:
    try:
        _, seconds, _ = on_a_small_stack(lambda: searched(case.read(), Query(pattern)))
    except CodecError:
        return

    assert seconds < SECONDS


def test_what_holds_values_in_a_deep_value_is_opened_in_time() -> None:
    depth = 1000
    data = b"\x80\x04" + (b"]C" + bytes([len(PACKED)]) + PACKED + b"a") * depth + b"]" + b"a" * depth + b"."

    paths, seconds, _ = on_a_small_stack(lambda: searched(data, Query("payload")))

    assert len(paths) == depth
    assert max(map(len, map(step_texts, paths))) == depth + 2
    assert seconds < SECONDS


@pytest.mark.parametrize("case", [*corpus.values("benign")[::3], *corpus.values("hostile")], ids=corpus.name_of)
def test_a_way_that_goes_on_from_another_is_the_one_from_the_root(case: corpus.ValueCase) -> None:
    graph = parse(case.read()[:1000], 0, CancelToken())
    locator = Locator(graph)
    ways = Ways(graph, locator, graph.root)

    for slot in islice(offsets_of(graph.stream, CancelToken()), 300):
        is_place = ways.lead_to(slot)

        assert (ways.path(), is_place) == locator.path_near(graph.root, slot)
