"""Keys and elements that an edit makes equal to others, or that Python cannot hash, are refused."""

import pickle
import time
from typing import Any

import pytest

from app.cancel import CancelToken
from app.codecs.edits import (
    AddPair,
    DeleteNodes,
    InsertItem,
    RenameKey,
    Written,
)
from app.codecs.pickle.editing.hashing import Work, check_keys
from app.errors import Cancelled, EncodeError
from tests.codecs.pickle.editing import TOKEN, decode, edit, new, replaced

ALL_PROTOCOLS = pytest.mark.parametrize("protocol", range(6))


@pytest.mark.parametrize("key", ["1", "1.0", "True", "1+0j", "'a'", "(1, 'a')", "(True, 'a')", "frozenset({1.0})"])
@ALL_PROTOCOLS
def test_keys_that_python_takes_for_one_are_refused(protocol: int, key: str) -> None:
    pickled = pickle.dumps({1: 0, "a": 0, (1, "a"): 0, frozenset({1}): 0, "other": 0}, protocol)

    for refused in (AddPair("", Written(key), Written("0")), RenameKey("['other']", Written(key))):
        with pytest.raises(EncodeError, match="already"):
            edit(pickled, refused)


@pytest.mark.parametrize("key", ["[1]", "{}", "{1}", "bytearray(b'x')", "(1, [2])"])
def test_keys_and_elements_that_python_cannot_hash_are_refused(key: str) -> None:
    with pytest.raises(EncodeError, match="hash"):
        edit(pickle.dumps({}), AddPair("", Written(key), Written("0")))
    empties: list[Any] = [set(), frozenset(), {1}]
    for empty in empties:
        for protocol in (2, 4):
            with pytest.raises(EncodeError, match=r"hash|neither a key nor an element"):
                edit(pickle.dumps(empty, protocol), InsertItem("", 0, Written(key)))


SAME = (1, 2)
CLASHES: dict[str, tuple[Any, Any]] = {
    "a key": ([SAME, {SAME: 0, (7, 2): 1}], replaced("[0][0]", 7)),
    "a key before": ([{SAME: 0, (7, 2): 1}, SAME], replaced("[1][0]", 7)),
    "an element": ([SAME, {SAME, (7, 2)}], replaced("[0][0]", 7)),
    "an element of a frozenset": ([SAME, frozenset({SAME, (7, 2)})], replaced("[0][0]", 7)),
    "part of a key": ([SAME, {("x", SAME): 0, ("x", (7, 2)): 1}], replaced("[0][0]", 7)),
    "a list in a key": ([SAME, {SAME: 0}], replaced("[0][0]", [1])),
    "a longer key": ([SAME, {SAME: 0, (1, 2, 3): 3}], InsertItem("[0]", 2, new(3))),
    "a shorter key": ([SAME, {SAME: 0, (1,): 3}], DeleteNodes(("[0][1]",))),
    "everywhere": ([(SAME, 5), {SAME: 0, (7, 2): 1}], replaced("[0][0]", (7, 2), everywhere=True)),
}


@pytest.mark.parametrize("case", CLASHES)
@ALL_PROTOCOLS
def test_a_key_that_stands_elsewhere_too_is_compared_where_it_is_a_key(protocol: int, case: str) -> None:
    tree, clash = CLASHES[case]

    with pytest.raises(EncodeError, match=r"already|hash"):
        edit(pickle.dumps(tree, protocol), clash)


@ALL_PROTOCOLS
def test_a_key_that_stands_elsewhere_too_changes_everywhere(protocol: int) -> None:
    pickled = pickle.dumps([SAME, {SAME: 0, (7, 2): 1}], protocol)

    changed = pickle.loads(edit(pickled, replaced("[0][0]", 8)))

    assert changed == [(8, 2), {(8, 2): 0, (7, 2): 1}]
    assert changed[0] is next(iter(changed[1]))


def test_keys_too_large_to_be_compared_are_refused_in_time() -> None:
    large = tuple(range(10_000))
    value = decode(pickle.dumps({(large, number): 0 for number in range(2_000)}))
    started = time.thread_time()

    with pytest.raises(EncodeError, match="too large to be compared"):
        value.edit(replaced("[#0]<key>[1]", 5_000), TOKEN)

    assert time.thread_time() - started < 2.0


def test_comparing_keys_can_be_given_up() -> None:
    value = decode(pickle.dumps({(number, number): 0 for number in range(20_000)}))
    graph = value.graph
    token = CancelToken()
    work = Work(graph, token)
    token.cancel()

    with pytest.raises(Cancelled):
        check_keys(graph, [key for key, _ in graph.pairs(graph.root)], 0, work)
