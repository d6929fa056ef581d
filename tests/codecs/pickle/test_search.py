"""Finding text in pickles: every place that matches, by its canonical path."""

import datetime as dt
import decimal
import json
import pickle
import re
import zlib
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.findings import Query
from app.codecs.matching import Matcher
from app.codecs.pickle.bulk import Misses
from app.codecs.pickle.value import PickleValue
from app.codecs.row_search import row_hits
from app.errors import Cancelled, EncodeError
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS
from tests.codecs.pickle.test_guard import JSON_LIKE

TOKEN = CancelToken()
PATTERNS = st.text(max_size=2) | st.sampled_from(["1", "Tr", "e+", "nan"])


class Order:
    def __init__(self, title: str) -> None:
        self.title = title
        self.extra = {"a b": 3}


def found(data: bytes, pattern: str, **options: bool) -> list[str]:
    value, _ = registry.decode(data, TOKEN)
    return [hit.path for hit in value.search(Query(pattern, **options), TOKEN)]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("pattern", "paths"),
    [
        ("Ada", ["['name']", "['raw']", "['od']<dictitems>['k']", "['order'].title", "['again'].title"]),
        ("181", ["['born']"]),
        ("12.5", ["['list'][0]", "['price']"]),
        ("True", ["['list'][1]"]),
        ("None", ["['list'][2]"]),
        ("3j", ["['list'][3]"]),
        ("2026-01-02 03", ["['at']"]),
        ("born", ["['born']"]),
        ("title", ["['order'].title", "['again'].title"]),
        ("a b", ["['order'].extra['a b']", "['again'].extra['a b']"]),
        ("test_search.Order", ["['order']", "['again']"]),
        ("0xff01", ["['raw']"]),
        ("odd", ["[#9]<key>[1]"]),
        ("nowhere", []),
    ],
)
def test_scalars_keys_attributes_and_classes_are_found(protocol: int, pattern: str, paths: list[str]) -> None:
    value = {
        "name": "Ada",
        "born": 1815,
        "raw": b"\xff\x01Ada",
        "list": [12.5, True, None, 3j],
        "at": dt.datetime(2026, 1, 2, 3),  # noqa: DTZ001 - one without a zone
        "price": decimal.Decimal("12.50"),
        "od": OrderedDict(k="Ada"),
        "order": Order("Ada"),
        "again": Order("Ada L."),
        (1, "odd"): 0,
    }

    assert found(pickle.dumps(value, protocol), pattern) == paths


def test_a_shared_text_is_found_in_each_place() -> None:
    text = "shared"

    assert found(pickle.dumps([text, {"k": text}, text]), "shared") == ["[0]", "[1]['k']", "[2]"]


def test_what_stands_beside_the_value_is_found() -> None:
    assert found(pickle.dumps("one") + pickle.dumps(["one"]), "one") == ["", "<pickle 2>[0]"]
    assert found(b"\x80\x04\x8c\x03oneK\x000\x8c\x03two.", "one") == ["<left 1>"]
    assert found(b"\x80\x04Pone\n.", "one") == ["<id>"]
    assert found(b"(ione\nTwo\n.", "one.Two") == [""]
    assert found(b"cone\nTwo\n.", "one.Two") == [""]


def test_values_inside_of_values_are_searched() -> None:
    inner = {"deep": "Ada"}
    value = {"z": zlib.compress(pickle.dumps(inner)), "j": json.dumps(inner)}

    assert found(pickle.dumps(value), "Ada") == ["['j']", "['z']<content><content>['deep']", "['j']<content>['deep']"]


def test_case_and_expressions() -> None:
    data = pickle.dumps(["Ada", b"ADA", "ÉTÉ", 1815])

    assert found(data, "ada", ignores_case=True) == ["[0]", "[1]"]
    assert found(data, "été", ignores_case=True) == ["[2]"]
    assert found(data, "^1.*5$", is_regex=True) == ["[3]"]
    assert found(data, "\\u0041d", is_regex=True) == ["[0]"]
    with pytest.raises(EncodeError, match="no regular expression"):
        found(data, "(", is_regex=True)


def test_a_hit_shows_what_is_around_it_escaped() -> None:
    [hit] = registry.decode(pickle.dumps("x" * 500 + "\x1b[31m\u202eAda" + "y" * 500), TOKEN)[0].search(
        Query("Ada"), TOKEN
    )

    assert re.fullmatch(r"…x+\\x1b\[31m\\u202eAday+…", hit.text)
    assert len(hit.text) < 200


def test_keys_and_texts_are_sought_as_they_are_and_not_as_they_are_written() -> None:
    tree = PickleValue(pickle.dumps({"root": {"\x1f": None, "it's": 1, "a\\b": "\x1f"}}), TOKEN)

    for pattern in ("\x1f", "'", "\\b"):
        quick = {hit.path for hit in tree.search(Query(pattern), TOKEN)}

        assert quick == {hit.path for hit in row_hits(tree, Matcher(Query(pattern)), TOKEN)}
        assert quick


@given(value=JSON_LIKE, protocol=PROTOCOLS, data=st.data())
def test_the_same_is_found_as_by_walking_over_the_rows(value: Any, protocol: int, data: st.DataObject) -> None:
    tree = PickleValue(pickle.dumps({"root": value}, protocol), TOKEN)
    pattern = data.draw(st.sampled_from(["a", "1", "0", "e", "r", "T", "."]) | st.characters(max_codepoint=0x17F))
    query = Query(pattern)

    quick = {hit.path for hit in tree.search(query, TOKEN)}

    walked = {hit.path for hit in row_hits(tree, Matcher(query), TOKEN)}
    assert quick == {path for path in walked if matches(tree, path, pattern)}


def matches(tree: PickleValue, path: str, pattern: str) -> bool:
    """Tell whether the content, not only its literal with escapes and quotes, matches there."""
    return any(hit.path == path for hit in tree.search(Query(re.escape(pattern), is_regex=True), TOKEN))


@pytest.mark.parametrize("case", corpus.values("benign"), ids=corpus.name_of)
def test_every_path_that_is_found_leads_to_its_place(case: corpus.ValueCase) -> None:
    value = PickleValue(case.read(), TOKEN)

    for number, hit in enumerate(value.search(Query("e"), TOKEN)):
        if number < 50:
            value.find(hit.path)


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_hostile_values_are_searched_to_their_end(case: corpus.ValueCase) -> None:
    for number, hit in enumerate(PickleValue(case.read(), TOKEN).search(Query("."), TOKEN)):
        assert len(hit.text) < 1000
        if number > 1000:
            break


def test_a_search_is_cancelled() -> None:
    token = CancelToken()
    places = PickleValue(pickle.dumps(list(range(100_000))), TOKEN).search(Query("9"), token)
    next(places)
    token.cancel()

    with pytest.raises(Cancelled):
        list(places)


def test_a_search_is_cancelled_between_the_hits_of_a_deep_value() -> None:
    token = CancelToken()
    depth = 200
    data = b"\x80\x04" + b"c__main__\nC\n)\x81" * depth + b"b" * (depth - 1) + b"."
    places = PickleValue(data, TOKEN).search(Query("main"), token)
    next(places)
    token.cancel()

    with pytest.raises(Cancelled):
        next(places)


@given(
    value=JSON_LIKE,
    protocol=PROTOCOLS,
    query=st.builds(
        Query, st.text(max_size=2) | st.sampled_from(["1", "Tr", "e+", "nan"]), st.just(False), st.booleans()
    ),
)
def test_what_is_skipped_has_no_match(value: Any, protocol: int, query: Query) -> None:
    data = pickle.dumps(value, protocol)

    if Misses(query, Matcher(query), unpickles=True).surely(data):
        assert list(registry.decode(data, TOKEN)[0].search(query, TOKEN)) == []


@pytest.mark.parametrize("case", corpus.values(), ids=corpus.name_of)
def test_what_is_skipped_of_the_corpus_has_no_match(case: corpus.ValueCase) -> None:
    data = case.read()

    for query in map(Query, ["a", "1", "shop", "Ada", "x"]):
        if Misses(query, Matcher(query), unpickles=True).surely(data):
            assert list(registry.decode(data, TOKEN)[0].search(query, TOKEN)) == [], query


def test_a_value_without_the_text_is_skipped_and_one_that_may_hold_another_is_not() -> None:
    misses = Misses(query := Query("Ada"), Matcher(query), unpickles=True)

    assert misses.surely(pickle.dumps({"name": "Bob", "tags": ["x", 1, None]}))
    assert not misses.surely(pickle.dumps({"name": "Ada"}))
    assert not misses.surely(pickle.dumps({"packed": zlib.compress(b"Ada" * 40)}))
    assert not misses.surely(pickle.dumps({"json": json.dumps({"x": "\u0041da"}).replace("A", "\\u0041")}))
    assert not misses.surely(pickle.dumps({"name": "Bob"}, 0))
