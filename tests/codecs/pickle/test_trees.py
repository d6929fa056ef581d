"""The tree of a pickle says what the writer saw: corpus, random objects, sharing, old encodings."""

import pickle
from typing import Any

import pytest
from hypothesis import given

from app.cancel import CancelToken
from app.codecs.pickle.codec import PickleCodec
from tests import corpus
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.trees import disagreements, tree_of, without_ids

BENIGN = corpus.values("benign")
WITH_TREES = [case for case in BENIGN if "t" in (case.expect or {})]


def tree(data: bytes, path: str = "") -> dict[str, Any]:
    return PickleCodec().decode(data, CancelToken()).tree(10_000_000, path)


@pytest.mark.parametrize("case", WITH_TREES, ids=corpus.name_of)
def test_tree_agrees_with_what_the_writer_saw(case: corpus.ValueCase) -> None:
    found = tree(case.read())

    assert list(disagreements(case, found)) == []


@pytest.mark.parametrize("case", BENIGN, ids=corpus.name_of)
def test_benign_values_are_not_damaged(case: corpus.ValueCase) -> None:
    value = PickleCodec().decode(case.read(), CancelToken())

    assert not value.is_damaged
    assert value.text(10_000)
    assert "".join(value.plain(CancelToken()))


@given(value=VALUES, protocol=PROTOCOLS)
def test_tree_equals_the_object(value: object, protocol: int) -> None:
    data = pickle.dumps(value, protocol)

    found = without_ids(tree(data))

    assert found == tree_of(pickle.loads(data))


@pytest.mark.parametrize("protocol", range(6))
def test_sharing_and_cycles_are_references(protocol: int) -> None:
    inner: list[object] = [1]
    outer: list[object] = [inner, inner]
    outer.append(outer)

    found = tree(pickle.dumps(outer, protocol))

    assert found["items"][1:] == [{"ref": 1}, {"ref": 0}]


def test_limit_cuts_containers_and_says_how_much() -> None:
    found = PickleCodec().decode(pickle.dumps([[1, 2, 3], 4, 5]), CancelToken()).tree(3)

    assert found["items"][0]["items"] == [{"t": "int", "v": "1"}]
    assert found["items"][0]["more"] == 2
    assert found["more"] == 2


def test_attributes_of_slots_and_dict_are_one_state() -> None:
    case = corpus.value("slots_dict__py313_p4")

    found = tree(case.read())

    assert found["state"] == [["a", {"t": "int", "v": "1"}], ["s", {"t": "int", "v": "2"}]]


def test_inst_and_obj_name_their_class() -> None:
    assert tree(b"(I1\nimod\nCls\n.") == {"t": "object", "id": 0, "cls": "mod.Cls", "args": [{"t": "int", "v": "1"}]}
    assert tree(b"(cmod\nCls\nI1\no.")["cls"] == "mod.Cls"


def test_persistent_ids_extensions_and_buffers_have_nodes_of_their_own() -> None:
    assert tree(b"Pabc\n.") == {"t": "persid", "of": {"t": "str", "hex": "616263", "n": 3}}
    assert tree(b"\x80\x02\x82\x07.") == {"t": "ext", "code": 7}
    assert tree(b"\x80\x05\x97.") == {"t": "buffer", "index": 0}


def test_integers_of_any_size_are_written_in_decimal() -> None:
    huge = 7**30_000

    digits = tree(pickle.dumps(huge))["v"]

    assert len(digits) > 4_300
    assert (
        sum(int(digits[max(at - 4000, 0) : at]) * 10 ** (len(digits) - at) for at in range(len(digits), 0, -4000))
        == huge
    )


def test_a_name_that_cannot_be_read_costs_no_more_than_the_name() -> None:
    value = PickleCodec().decode(b"c__builtin__\ngetattr\n(cmod\nC\nX\x01\x00\x00\x00\xfftR)R.", CancelToken())

    assert value.root.type == "object"
    assert value.text(1_000)
    assert value.tree(100)["callable"]["cls"] == "__builtin__.getattr"
