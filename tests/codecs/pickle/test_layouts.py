"""A value of a layout that is known is read as if it were not: whatever bytes differ."""

import pickle
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.pickle import admission, guard, machine
from app.codecs.pickle.admission import plain_pushes
from app.codecs.pickle.guard import plain_value
from app.codecs.pickle.layouts import MOST_BYTES, Layouts
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.test_guard import JSON_LIKE, MODERN
from tests.codecs.pickle.test_reference import assert_same

SMALL = [case for case in corpus.values() if case.path.stat().st_size <= MOST_BYTES]
CHANGES = st.lists(st.tuples(st.integers(0), st.integers(0, 255)), max_size=6)


@contextmanager
def no_layouts() -> Iterator[None]:
    """No layout is known at first."""
    with ExitStack() as stack:
        for module, name in ((machine, "_LAYOUTS"), (admission, "_LAYOUTS"), (guard, "_DEPTHS")):
            stack.enter_context(patch.object(module, name, Layouts()))
        yield


def learn(data: bytes) -> None:
    """Make the layout of a value known, which the second one of it does."""
    for _ in range(2):
        machine.run(data, 0, CancelToken())
        plain_value(data)


def guarded(data: bytes) -> tuple[int, str]:
    """Return all that is found of a value without the machine."""
    return plain_pushes(data), repr(plain_value(data))


def with_byte(data: bytes, at: int, byte: int) -> bytes:
    changed = bytearray(data)
    changed[at % len(data)] = byte
    return bytes(changed)


def test_the_second_value_of_a_layout_makes_it_known() -> None:
    first, second, third = (pickle.dumps({"name": name, "born": 1815}) for name in ("Ada", "Eva", "Ivo"))
    layouts: Layouts[int] = Layouts()

    dues = [layouts.is_due(first), layouts.is_due(second)]
    layouts.learn(second, (), 7)

    assert dues == [False, True]
    assert [layouts.find(data) for data in (first, second, third)] == [7, 7, 7]
    assert layouts.find(pickle.dumps({"name": "Eve!", "born": 18})) is None
    assert layouts.find(pickle.dumps({"name": "Adam", "bor": 1815})) is None


def test_where_all_layouts_differ_few_are_learnt() -> None:
    layouts: Layouts[int] = Layouts()

    assert sum(layouts.is_due(b"N.") for _ in range(1_000)) == 9


def test_contents_that_are_fixed_are_part_of_the_layout() -> None:
    first, other_key, other_value = (pickle.dumps({key: value}) for key, value in (("a", "x"), ("b", "x"), ("a", "y")))
    layouts: Layouts[int] = Layouts()

    layouts.learn(first, {first.index(b"\x8c\x01a")}, 7)

    assert [layouts.find(data) for data in (first, other_key, other_value)] == [7, None, 7]


@given(value=VALUES, protocol=PROTOCOLS, changes=CHANGES)
def test_the_machine_leaves_the_same_records_of_changed_bytes(
    value: object, protocol: int, changes: list[tuple[int, int]]
) -> None:
    data = pickle.dumps(value, protocol)

    with no_layouts():
        learn(data)
        for at, byte in changes:
            assert_same(with_byte(data, at, byte))


@pytest.mark.parametrize("case", SMALL, ids=corpus.name_of)
def test_the_machine_leaves_the_same_records_of_the_corpus_with_any_byte_changed(case: corpus.ValueCase) -> None:
    data = case.read()

    with no_layouts():
        learn(data)
        for at in range(len(data)):
            assert_same(with_byte(data, at, data[at] ^ 1))


@given(value=JSON_LIKE, protocol=MODERN, changes=CHANGES)
def test_the_guard_admits_the_same_of_changed_bytes(
    value: object, protocol: int, changes: list[tuple[int, int]]
) -> None:
    data = pickle.dumps(value, protocol)
    changed = [with_byte(data, at, byte) for at, byte in changes]

    with no_layouts():
        learn(data)
        found = [guarded(each) for each in changed]

    expected = []
    for each in changed:
        with no_layouts():
            expected.append(guarded(each))
    assert found == expected


def test_a_key_that_is_read_from_a_value_is_part_of_the_layout_of_the_guard() -> None:
    shared = "x"
    data = pickle.dumps({"a": shared, "b": {shared: 1, "y": 2}})
    twice = data.replace(b"\x8c\x01x", b"\x8c\x01y")

    with no_layouts():
        learn(data)

        assert plain_value(data) is not None
        assert plain_value(twice) is None


def test_another_key_of_the_same_length_is_another_layout_of_the_guard() -> None:
    data = pickle.dumps({"a": 1, "b": 2})

    with no_layouts():
        learn(data)

        assert plain_value(data) is not None
        assert plain_value(data.replace(b"\x8c\x01b", b"\x8c\x01a")) is None
