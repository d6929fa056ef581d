"""numpy's scalars and arrays as literals: numpy itself loads what is made as what the literal says."""

import json
import pickle
import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from app.cancel import CancelToken
from app.codecs.edits import ReplaceNode, Written
from app.codecs.known.registry import describe, type_of
from app.codecs.literals.reading import parse_value
from app.codecs.literals.writing import literal_of
from app.codecs.model import Style, Value
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import NEVER, parse
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.styles import style_of_graph
from app.errors import EncodeError, LimitExceeded
from tests import corpus
from tests.codecs.pickle.editing import edit

SCALARS = [
    "numpy.float64(1.5)",
    "np.float64(-2)",
    "numpy.float32(0.5)",
    "numpy.float16(1)",
    "numpy.int8(-128)",
    "numpy.uint64(18446744073709551615)",
    "numpy.int64(3)",
    "numpy.bool_(True)",
    "numpy.bool(False)",
    "numpy.complex64(1-2j)",
    "numpy.complex128(2)",
    "numpy.str_('aé\U0001f600')",
    "numpy.bytes_(b'a\\x00b')",
    "numpy.datetime64('2026-01-02')",
    "numpy.datetime64('2026')",
    "numpy.datetime64('2026-05')",
    "numpy.datetime64('2026-01-02T03')",
    "numpy.datetime64('2026-01-02T03:04')",
    "numpy.datetime64('2026-01-02T03:04:05')",
    "numpy.datetime64('2026-01-02T03:04:05.1')",
    "numpy.datetime64('2026-01-02T03:04:05.123456')",
    "numpy.datetime64('2026-01-02T03:04:05.123456789')",
    "numpy.datetime64('2026-01-02', 's')",
    "numpy.datetime64('NaT', 'ns')",
    "numpy.timedelta64(5, 's')",
    "numpy.timedelta64(-3, '25us')",
]
ARRAYS = [
    "numpy.array([1, 2])",
    "np.array([[1, 2.5], [3, 4]])",
    "numpy.array([])",
    "numpy.array([[], []])",
    "numpy.array(5)",
    "numpy.array([True, False])",
    "numpy.array([1j, 2])",
    "numpy.array(['a', 'bcd', ''])",
    "numpy.array([b'a', b'bc'])",
    "numpy.array([1, 2], dtype='>i2')",
    "numpy.array([1, 2], 'float32')",
    "numpy.array((1, 2), dtype='uint8')",
    "numpy.array(['a'], dtype='U5')",
    "numpy.array(['a'], dtype='>U5')",
    "numpy.array([b'a'], dtype='S3')",
    "numpy.array(['2026-01-02', 'NaT'], dtype='datetime64[s]')",
    "numpy.array([1, 2], dtype='m8[2h]')",
    "numpy.array([[[1]]], dtype='int')",
]


OF_TIME = re.compile("time|m8")
"""Types in whose pickles numpy 2 has None where numpy 1 has an empty dict."""


def made(source: str, protocol: int = 4) -> bytes:
    style = Style(protocol)
    return emit_pickle(parse_value(source, style, CancelToken()), style)


def model(data: bytes) -> Value:
    graph = parse(data, 0, NEVER)
    return model_of(graph, graph.root, NEVER)


def of_numpy(source: str) -> Any:
    return eval(source, {"numpy": np, "np": np})  # noqa: S307  # the sources above


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("source", SCALARS + ARRAYS)
def test_numpy_loads_what_the_literal_says(source: str, protocol: int) -> None:
    expected = pickle.loads(pickle.dumps(of_numpy(source), 4))  # its bytes are in the order of the machine then

    data = made(source, protocol)

    loaded = pickle.loads(data)
    assert type(loaded) is type(expected)
    assert loaded.dtype == expected.dtype
    assert loaded.shape == expected.shape
    assert loaded.tobytes() == expected.tobytes()


@pytest.mark.parametrize("source", SCALARS + ARRAYS)
def test_what_is_made_is_shown_as_what_numpy_writes(source: str) -> None:
    mine, theirs = (parse(data, 0, NEVER) for data in (made(source), pickle.dumps(of_numpy(source), 4)))

    assert type_of(mine, mine.root) == type_of(theirs, theirs.root)
    assert describe(mine, mine.root) is not None
    assert describe(mine, mine.root).text == describe(theirs, theirs.root).text  # type: ignore[union-attr]  # just seen


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("source", SCALARS + ARRAYS)
def test_what_a_literal_made_is_written_as_one_that_makes_the_same(source: str, protocol: int) -> None:
    data = made(f"[{source}]", protocol)

    text = literal_of(model(data), 1_000, Style(protocol))

    assert text.startswith("[numpy.")
    assert made(text, protocol) == data


@pytest.mark.parametrize("protocol", range(4))
@pytest.mark.parametrize("source", [each for each in SCALARS + ARRAYS if not OF_TIME.search(each)])
def test_what_numpy_1_wrote_is_written_as_a_literal_that_reads_back_to_it(source: str, protocol: int) -> None:
    data = pickle.dumps([of_numpy(source)], protocol).replace(b"numpy._core.", b"numpy.core.")

    text = literal_of(model(data), 1_000, Style(protocol))

    (loaded,), (expected,) = pickle.loads(made(text, protocol)), pickle.loads(data)
    assert type(loaded) is type(expected)
    assert loaded.dtype == expected.dtype
    assert loaded.shape == expected.shape
    assert loaded.tobytes() == expected.tobytes()


WRITTEN_BY_NUMPY_2 = [
    *map(of_numpy, SCALARS + ARRAYS),
    np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
    np.asfortranarray(np.array([["2026-01-02"], ["NaT"]], "M8[s]")),
    np.arange(8)[::2],
    np.str_("a\ud800"),
    np.array(["\udc00b", "\ud83d\ude00"]),
    np.zeros((3, 0)),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("value", WRITTEN_BY_NUMPY_2, ids=repr)
def test_what_numpy_2_wrote_is_edited_as_a_literal_and_stays_of_numpy_2(value: Any, protocol: int) -> None:
    data = pickle.dumps(["x", value], protocol)
    text = literal_of(model(data), 10_000, Style(protocol))

    edited = edit(data, ReplaceNode("", Written(text.replace("'x'", "'y'", 1))))

    word, loaded = pickle.loads(edited)
    expected = pickle.loads(data)[1]
    assert word == "y"
    assert type(loaded) is type(expected)
    assert loaded.dtype == expected.dtype
    assert loaded.shape == expected.shape
    assert loaded.tobytes("A") == expected.tobytes("A")
    assert loaded.flags.f_contiguous == expected.flags.f_contiguous
    assert b"numpy._core." in edited
    assert b"numpy.core." not in edited


@pytest.mark.parametrize(
    "name", [f"np_float_f__{who}" for who in ("np27_p0", "np27_p2", "np38_p4", "np38_p5", "np313_p2", "np313_p5")]
)
def test_an_array_in_a_file_goes_back_as_the_numpy_that_wrote_it_has_it(name: str) -> None:
    data = corpus.value(name).read()
    graph = parse(data, 0, NEVER)
    text = literal_of(model_of(graph, graph.root, NEVER), 10_000, style_of_graph(graph))

    edited = edit(data, ReplaceNode("", Written(text.replace("1.5", "2.5", 1)), any_type=True))

    again = parse(edited, 0, NEVER)
    assert text.endswith("dtype='float64', order='F')")
    assert again.global_name(again.stream.records[again.target(again.root)][0]) == graph.global_name(
        graph.stream.records[graph.target(graph.root)][0]
    )
    assert describe(again, again.root).text == describe(graph, graph.root).text.replace("1.5", "2.5", 1)  # type: ignore[union-attr]  # it is an array


def test_an_array_by_columns_is_written_as_numpy_takes_it() -> None:
    source = "numpy.array([[1, 2, 3], [4, 5, 6]], order='F')"

    loaded = pickle.loads(made(source))

    assert loaded.flags.f_contiguous
    assert loaded.tolist() == of_numpy(source).tolist()


@pytest.mark.parametrize(
    "array", [np.frombuffer(b"ab", "u1"), np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)], ids=["read-only", "axes"]
)
def test_an_array_that_is_read_only_or_in_another_order_has_no_literal(array: Any) -> None:
    with pytest.raises(EncodeError, match="This array of numpy has no literal that makes exactly it"):
        literal_of(model(pickle.dumps(array, 5)), 1_000)


HAVE_NONE = [
    np.zeros(2, dtype=[("a", "i4")]),
    np.array([1, "a"], dtype=object),
    np.arange(2).view(np.recarray),
    np.str_("ends\0"),
    np.timedelta64(5),
    np.void(b"abc"),
    np.ma.MaskedArray([1], mask=[True]),
    np.dtype("i4"),
]


@pytest.mark.parametrize("value", HAVE_NONE, ids=repr)
def test_what_no_literal_makes_exactly_is_refused(value: object) -> None:
    with pytest.raises(EncodeError, match="has no literal"):
        literal_of(model(pickle.dumps(value, 4)), 1_000)


def test_an_array_within_a_literal_that_is_edited_stays_the_array() -> None:
    data = made("['x', {'a': numpy.array([[1, 2], [3, 4]], dtype='u1'), 'b': [numpy.float32(0.1)]}]")
    text = literal_of(model(data), 1_000, Style(4))

    after = pickle.loads(edit(data, ReplaceNode("", Written(text.replace("4]", "5]")))))

    assert "numpy.array([[1, 2], [3, 4]], dtype='uint8'), 'b': [numpy.float32(0.10000000149011612)]" in text
    assert after[1]["a"].tolist() == [[1, 2], [3, 5]]
    assert after[1]["a"].dtype == np.uint8
    assert after[1]["b"] == [np.float32(0.1)]


@pytest.mark.parametrize("axes", [(10**9, 0), (0,) * 60, (1 << 40, 1 << 40), (10**6, 10)])
def test_no_literal_is_made_of_more_elements_than_it_could_show(axes: tuple[int, ...]) -> None:
    shape = pickle.dumps(axes, 4)[11:-1].replace(b"\x94", b"")
    data = pickle.dumps(np.zeros(0, "u1"), 2).replace(b"numpy._core.", b"numpy.core.")
    at = data.index(b"(K\x01K\x00\x85") + 3

    wrong = data[:at] + shape + data[data.index(b"c", at) :]

    with pytest.raises((EncodeError, LimitExceeded)):
        literal_of(model(wrong), 1_000)


WRONG = {
    "numpy.int8(128)": "does not fit",
    "numpy.int8(1.5)": "whole number",
    "numpy.float64('1')": "whole number",
    "numpy.bool_(1)": "True or False",
    "numpy.float64()": "one value",
    "numpy.array([1, 'a'])": "dtype",
    "numpy.array([[1], [2, 3]])": "equally long",
    "numpy.array([1], order='K')": "order",
    "numpy.array([1], dtype='object')": "dtype object",
    "numpy.array([1], dtype='V4')": "dtype V4",
    "numpy.array([1], dtype='i3')": "dtype i3",
    "numpy.array(['abc'], dtype='U2')": "2",
    "numpy.array(['a'] , dtype='U999999999')": "dtype",
    "numpy.datetime64('tomorrow')": "unit",
    "numpy.datetime64('2026-01-02', 'x')": "dtype",
    "numpy.timedelta64(5)": "unit",
    "numpy.array(" + "[" * 33 + "1" + "]" * 33 + ")": "axes",
    "numpy.void(b'a')": "no type",
    "float64(1.5)": "no type",
}


@pytest.mark.parametrize("source", WRONG)
def test_what_makes_no_scalar_or_array_is_said(source: str) -> None:
    with pytest.raises(EncodeError, match=WRONG[source]):
        made(source)


def test_an_array_of_more_memory_than_there_is_room_for_is_refused() -> None:
    with pytest.raises(EncodeError, match="bytes"):
        made("numpy.array([" + "'a', " * 100 + "], dtype='U999999')")


@pytest.mark.parametrize("protocol", range(6))
def test_they_take_the_place_of_other_values(protocol: int) -> None:
    pickled = pickle.dumps({"s": np.float64(1.5), "a": np.array([1, 2]), "n": None}, protocol)

    changed = pickle.loads(
        edit(
            pickled,
            ReplaceNode("['s']", Written("numpy.float32(2.5)"), any_type=True),
            ReplaceNode("['a']", Written("numpy.array([3, 4])"), any_type=True),
            ReplaceNode("['n']", Written("[numpy.int8(1), numpy.array([0.5])]")),
        )
    )

    assert repr(changed["s"]) == "np.float32(2.5)"
    assert changed["a"].tolist() == [3, 4]
    assert repr(changed["n"]) == "[np.int8(1), array([0.5])]"


def test_numpy_is_not_imported_for_them() -> None:
    program = (
        "import sys, json; sys.modules['numpy'] = None\n"
        "from app.cancel import CancelToken\n"
        "from app.codecs.literals.reading import parse_value\n"
        "from app.codecs.model import Style\n"
        "from app.codecs.pickle.emit import emit_pickle\n"
        "print(json.dumps(emit_pickle(parse_value('numpy.array([1, 2])', Style(4), CancelToken()), Style(4)).hex()))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, timeout=60)

    assert pickle.loads(bytes.fromhex(json.loads(done.stdout))).tolist() == [1, 2]
