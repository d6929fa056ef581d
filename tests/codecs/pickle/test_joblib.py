"""Dumps of joblib 1.1 and 1.4: arrays in their places, elements edited in place, everything else kept."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.backends.registry import open_database
from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.edits import DeleteNodes
from app.codecs.registry import VALUE_ENDS, decode, summary
from app.errors import EncodeError
from tests.backends.listing import entries_of
from tests.codecs.reading import strict_json

DATA = Path(__file__).parents[2] / "data" / "joblib"
VERSIONS = ["110", "142"]


def dump(name: str) -> bytes:
    return (DATA / f"{name}.joblib").read_bytes()


def opened(data: bytes) -> DecodedValue:
    return decode(data, CancelToken())[0]


def plain(value: DecodedValue, path: str = "") -> object:
    return strict_json("".join(value.plain(CancelToken(), path)))


@pytest.mark.parametrize("version", VERSIONS)
def test_arrays_are_shown_in_their_places(version: str) -> None:
    value = opened(dump(f"dict__{version}"))

    assert value.codec == "joblib"
    assert not value.problems
    assert [row.step for row in value.rows(value.root.node, 0, 9)] == ["['weights']", "['bias']", "['name']"]
    assert value.find("['weights']").type == "numpy.ndarray"
    assert plain(value) == {
        "weights": [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]],
        "bias": [1.5, 2.5],
        "name": "model",
    }


@pytest.mark.parametrize("version", VERSIONS)
def test_all_kinds_of_arrays_are_shown(version: str) -> None:
    value = opened(dump(f"kinds__{version}"))

    assert not value.problems
    assert plain(value, "[0]") == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]]
    assert plain(value, "[1]") == [{"a": 1, "b": 2.5}]
    assert plain(value, "[2]") == ["x", None, {"k": 1}]
    assert plain(value, "[3]") == []
    assert plain(value, "[4]") == "end"


@pytest.mark.parametrize("version", VERSIONS)
def test_many_arrays_are_shown(version: str) -> None:
    value = opened(dump(f"many__{version}"))

    assert plain(value) == [[number] * 50 for number in range(40)]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_edit_beside_the_arrays_keeps_their_bytes(version: str) -> None:
    data = dump(f"dict__{version}")
    value = opened(data)

    new = opened(value.replace("['name']", "'another, longer name'"))

    assert plain(new, "['name']") == "another, longer name"
    assert plain(new, "['weights']") == plain(value, "['weights']")
    assert plain(new, "['bias']") == plain(value, "['bias']")
    assert new.replace("['name']", "'model'") == data
    assert value.replace("['name']", value.edit_text("['name']")) == data


@pytest.mark.parametrize("version", VERSIONS)
def test_an_element_is_edited_in_the_bytes_between_the_opcodes(version: str) -> None:
    data = dump(f"dict__{version}")

    new = opened(data).replace("['weights'][1,2]", "77.5")

    assert plain(opened(new), "['weights']") == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 77.5, 7.0], [8.0, 9.0, 10.0, 11.0]]
    assert len(new) == len(data)
    assert sum(old != now for old, now in zip(data, new, strict=True)) <= 8
    assert opened(new).replace("['weights'][1,2]", "6.0") == data


def test_an_array_is_not_taken_out() -> None:
    value = opened(dump("dict__142"))

    with pytest.raises(EncodeError, match="array of joblib"):
        value.edit(DeleteNodes(("['weights']",)), CancelToken())


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["packed", "zpacked"])
def test_compressed_dumps_open_all_the_way(name: str, version: str) -> None:
    value = opened(dump(f"{name}__{version}"))

    assert plain(value, "<content>['weights']") == [[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0]]
    assert value.codec == {"packed": "gzip", "zpacked": "zlib"}[name]


@pytest.mark.parametrize("name", ["dict", "array", "kinds", "many"])
@pytest.mark.parametrize("version", VERSIONS)
def test_a_dump_is_a_file_of_one_value(name: str, version: str) -> None:
    path = DATA / f"{name}__{version}.joblib"

    with open_database(path, VALUE_ENDS) as backend:
        assert entries_of(backend) == [(b"0", path.read_bytes())]
        assert backend.problems == []


@pytest.mark.parametrize("name", ["dict", "array", "kinds", "many"])
def test_the_summary_is_the_value_s(name: str) -> None:
    data = dump(f"{name}__142")

    found = summary(data[:4096], len(data))

    assert (found.codec, found.problem) == ("joblib", "")
    assert found.type in ("dict", "numpy.ndarray", "list")


@given(st.sampled_from(["dict__142", "kinds__110", "array__142"]), st.integers(0), st.integers(0, 255))
def test_one_changed_byte_gives_a_value_or_a_sentence(name: str, place: int, byte: int) -> None:
    data = bytearray(dump(name))
    data[place % len(data)] = byte

    value = opened(bytes(data))

    strict_json("".join(value.plain(CancelToken())))
    assert value.tree(100)["t"]
