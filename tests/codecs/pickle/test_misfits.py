"""Keys and elements without a hash, calls of what cannot be called, names that are no text: Python refuses them."""

import pickle
from collections.abc import Iterator

import pytest

from app import limits
from app.cancel import CancelToken
from app.codecs.pickle import value as value_module
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.misfits import misfits
from app.codecs.pickle.value import PickleValue
from app.codecs.registry import decode
from app.errors import Cancelled


def problems(data: bytes) -> tuple[str, ...]:
    return PickleValue(data, CancelToken()).problems


REFUSED = "Python refuses the pickle."


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x80\x02}]K\x01s.", f"SETITEM at offset 6 is given a list as a key: {REFUSED}"),
        (b"}(K\x01K\x02}K\x03u.", f"SETITEMS at offset 9 is given a dict as a key: {REFUSED}"),
        (b"}\x94\x8f\x94]s.", f"SETITEM at offset 5 is given a set as a key: {REFUSED}"),
        (b"}\x96\x01\0\0\0\0\0\0\0aNs.", f"SETITEM at offset 12 is given a bytearray as a key: {REFUSED}"),
        (b"(]K\x01d.", f"DICT at offset 4 is given a list as a key: {REFUSED}"),
        (b"(K\x01K\x02(lK\x03d.", f"DICT at offset 9 is given a list as a key: {REFUSED}"),
        (b"\x8f(]\x90.", f"ADDITEMS at offset 3 is given a list as an element: {REFUSED}"),
        (b"(K\x01]\x91.", f"FROZENSET at offset 4 is given a list as an element: {REFUSED}"),
        (b"}K\x01]\x86\x85Ns.", f"SETITEM at offset 7 is given a tuple around a list as a key: {REFUSED}"),
        (b"}\x94h\x00Ns.", f"SETITEM at offset 5 is given a dict as a key: {REFUSED}"),
        (b"}2Ns.", f"SETITEM at offset 3 is given a dict as a key: {REFUSED}"),
        (b"]q\x000}j\0\0\0\0Ns.", f"SETITEM at offset 11 is given a list as a key: {REFUSED}"),
        (b"}c__builtin__\nset\n(]tRNs.", f"SETITEM at offset 23 is given a set as a key: {REFUSED}"),
        (b"c__builtin__\nset\n]]a\x85R.", f"REDUCE at offset 21 is given a list as an element: {REFUSED}"),
        (b"K\x01)R.", f"REDUCE at offset 3 calls an int: {REFUSED}"),
        (b"])\x81.", f"NEWOBJ at offset 2 calls a list: {REFUSED}"),
        (b"K\x01)}\x92.", f"NEWOBJ_EX at offset 4 calls an int: {REFUSED}"),
        (b"(X\x01\0\0\0ao.", f"OBJ at offset 7 calls a str: {REFUSED}"),
        (b"]q\x00h\x00)R.", f"REDUCE at offset 6 calls a list: {REFUSED}"),
        (b"cos\n\xff\n.", f"GLOBAL at offset 0 has a name that is not UTF-8: {REFUSED}"),
        (b"(ios\np\xc3\xa9\n.", f"INST at offset 1 has a name that is not ASCII: {REFUSED}"),
    ],
)
def test_what_python_refuses_is_told(data: bytes, sentence: str) -> None:
    with pytest.raises((TypeError, UnicodeDecodeError, pickle.UnpicklingError)):
        pickle.loads(data)

    assert sentence in problems(data)


@pytest.mark.parametrize(
    "data",
    [
        b"}K\x01K\x02\x86Ns.",
        b"}(K\x01]K\x02}u.",  # values may be anything
        b"(K\x01]d.",
        b"}(K\x01K\x02\x91Ns.",
        b"}q\x00(X\x01\0\0\0aq\x01h\x00h\x01K\x01\x86h\x00u.",
        b"cbuiltins\nlen\n(]tR.",
        b"c_codecs\nencode\n(X\x01\0\0\0aX\x06\0\0\0latin1tR.",
        b"(K\x01tq\x000}(h\x00]h\x00h\x00\x86]u.",
    ],
)
def test_what_python_takes_is_not_told(data: bytes) -> None:
    pickle.loads(data)

    assert not any(REFUSED in problem for problem in problems(data))


def test_a_name_beyond_ascii_is_not_told() -> None:
    assert not any("UTF-8" in problem for problem in problems("\x80\x04cmodulé\nnämé\n.".encode()))


def test_an_id_that_is_not_ascii_is_told() -> None:
    """Python 2 takes it."""
    assert problems(b"P\xe9\n.") == ("PERSID at offset 0 has an id that is not ASCII: Python 3 refuses the pickle.",)


def test_objects_of_unknown_classes_may_be_keys_and_may_be_called() -> None:
    data = b"}cm\nC\n)\x81q\x00Nscm\nf\n)Rq\x01)RNsh\x00)RNsPid\nNs(K\x01icm\nC\nNs."

    assert not any(REFUSED in problem for problem in problems(data))


def test_the_sentences_are_capped() -> None:
    assert len(problems(b"}" + b"]Ns" * 1000 + b".")) == 21


def test_large_tuples_as_keys_cost_time_once() -> None:
    size = 20_000
    deep = b"(" + b"K\x01" * size + b"tq\x000"

    found = problems(deep + b"}(" + b"h\x00K\x02\x86N" * size + b"u.")

    assert not any(REFUSED in problem for problem in found)


def test_looking_at_keys_can_be_cancelled() -> None:
    token = CancelToken()
    value = PickleValue(pickle.dumps({(number,): number for number in range(30_000)}), token)
    token.cancel()

    with pytest.raises(Cancelled):
        list(misfits(value.graph, token))


@pytest.mark.parametrize(("size", "times"), [(10, 0), (limits.LARGE_VALUE, 1)], ids=["small", "large"])
def test_problems_are_looked_for_once_and_in_a_small_value_when_they_are_asked_for(
    size: int, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_at: list[Graph] = []

    def looked(graph: Graph, _token: CancelToken) -> Iterator[str]:
        looked_at.append(graph)
        yield "It is odd."

    monkeypatch.setattr(value_module, "problems_of", looked)
    value, _ = decode(pickle.dumps(b"x" * size), CancelToken())
    before = len(looked_at)

    asked = value.problems, value.problems

    assert asked == (("It is odd.",), ("It is odd.",))
    assert (before, len(looked_at)) == (times, 1)
