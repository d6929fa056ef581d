"""A marshal value that is too large to be held is shown as far as there is room, says so, and is never changed."""

import json
import marshal
from base64 import b64decode

import pytest

from app import limits
from app.cancel import CancelToken
from app.codecs import registry
from app.codecs.base import DecodedValue
from app.codecs.edits import ReplaceNode, Written
from app.codecs.findings import Query
from app.errors import EncodeError

TOKEN = CancelToken()
ROWS = [{"id": number, "name": f"item {number}", "tags": ["a", (number, 2.5)]} for number in range(10_000)]
LARGE = marshal.dumps(ROWS, 4)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> DecodedValue:
    monkeypatch.setattr(limits, "MARSHAL_NODES", 50_000)
    return registry.decode(LARGE, TOKEN)[0]


def test_it_says_how_far_it_is_shown(cut: DecodedValue) -> None:
    assert cut.codec == "marshal"
    assert cut.problems[0] == cut.why_cut
    assert cut.why_cut.startswith("Only the first ")
    assert f"of {len(LARGE):,} bytes" in cut.why_cut


def test_its_first_rows_are_those_of_the_whole(cut: DecodedValue) -> None:
    count = cut.root.count - 1

    rows = cut.rows(cut.root.node, 0, count)

    assert count > 500
    assert rows[3].text == "{'id': 3, 'name': 'item 3', 'tags': ['a', (3, 2.5)]}"
    assert cut.rows(cut.root.node, count, 1)[0].text.startswith(("{", "<Only"))


def test_no_edit_is_made_and_nothing_is_copied_in_part(cut: DecodedValue) -> None:
    with pytest.raises(EncodeError, match="not shown whole is read-only"):
        cut.edit(ReplaceNode("[0]['id']", Written("5")), TOKEN)
    with pytest.raises(EncodeError, match="damaged"):
        cut.model("", TOKEN)

    assert cut.find("[0]['id']").note == "Only a part of the value is shown, so it is read-only."


def test_json_holds_all_bytes_and_a_search_goes_as_far_as_it_is_shown(cut: DecodedValue) -> None:
    plain = json.loads("".join(cut.plain(TOKEN)))

    assert b64decode(plain["base64"]) == LARGE
    assert next(iter(cut.search(Query("item 7"), TOKEN))).path == "[7]['name']"


def test_the_first_part_is_there_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGE_VALUE", 10_000)
    monkeypatch.setattr(limits, "FIRST_NODES", 20_000)

    found = registry.first_part(LARGE, TOKEN)

    assert found is not None
    assert found[0].codec == "marshal"
    assert found[0].root.count > 100
