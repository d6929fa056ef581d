"""What numpy, pandas, pytz and dateutil of many versions wrote is shown alike, and damage to it is survived."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.known.makers.call import call_of, none_atom
from app.codecs.known.registry import preview
from app.codecs.model import Atom, Style
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.value import PickleValue
from app.errors import AppError, EncodeError

SAMPLES: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name("samples.json").read_text("utf-8"))
"""Pickles by what they hold and by what wrote them, in base64."""

DAYS = "2020-01-01T00:00:00, 2020-01-02T00:00:00, 2020-01-03T00:00:00"
ZONED = "2020-01-01T00:00:00Z, 2020-01-02T00:00:00Z, 2020-01-03T00:00:00Z"
TEXTS = {
    "frame": "3 rows, 4 columns: 'a' int64 [1, 2, 3], 'b' {text} ['x', 'y', 'z'], 'c' float64 [0.5, 1.5, 2.5],"
    " 'd' int64 [4, 5, 6]",
    "frame_of_dates": "3 rows, 2 columns: 't' datetime64[{unit}] [" + DAYS + "], 'n' int64 [1, 2, 3]",
    "frame_of_categories": "3 rows, 2 columns: 'c' category ['x', 'y', 'x'], 'n' int64 [1, 2, 3]",
    "frame_of_zoned_dates": "3 rows, 2 columns: 't' datetime64[{unit}, UTC] [" + ZONED + "], 'n' int64 [1, 2, 3]",
    "frame_with_levels": "2 rows, 1 columns: 'v' int64 [1, 2]",
    "frame_with_missing": "3 rows, 3 columns: 'i' Int64 [1, <NA>, 3], 's' string ['a', {na}, 'c'],"
    " 'b' boolean [True, <NA>, False]",
    "intervals": "2 labels: (0, 1], (1, 2]",
    "durations": "2 labels: {day}, {two_days}",
    "nanoseconds": "0:00:00.000000005",
    "not_a_time": "NaT",
    "dateutil_offset": "2020-01-01 00:00:00+01:00",
    "dateutil_utc": "2020-01-01 00:00:00+00:00",
    "dateutil_text": "2020-01-01 00:00:00[EST5EDT]",
    "pytz_fixed": "2020-01-01 00:00:00+01:30",
    "pytz_berlin": "2020-07-01 00:00:00+02:00[Europe/Berlin]",
    "masked": "int64 (2,): [1, --]",
    "records": "[a: int32, b: float64] (1,): [(1, 2.0)]",
    "arrays_in_records": "[a: int32, b: (2,)int16] (1,): [(1, [2, 3])]",
    "void": "V3 (1,): [b'abc']",
}


def cases() -> Iterator[tuple[str, str]]:
    for name, samples in SAMPLES.items():
        yield from ((name, writer) for writer in samples)


def value_of(name: str, writer: str) -> PickleValue:
    return PickleValue(b64decode(SAMPLES[name][writer]), CancelToken())


def expected(name: str, writer: str) -> str:
    is_new = "pandas3" in writer
    unit = "us" if is_new else "ns"
    day = 86_400 * 10 ** (6 if is_new else 9)
    text = TEXTS[name].format(
        text="string" if is_new else "object",
        unit=unit,
        na="pandas.NA" if is_new else "pandas._libs.missing.NA",
        day=f"{day} {unit}",
        two_days=f"{2 * day} {unit}",
    )
    if name == "frame_of_zoned_dates" and "pandas0.20" in writer:  # its zone stands in the index that holds the values
        text = text.replace("Z", "").replace(", UTC]", "]")
    return text


def columns_sorted(text: str) -> list[str]:
    """Return the parts of a frame's text: before pandas 1 some wrote their columns in the order of their names."""
    sizes, _, columns = text.partition(": ")
    return [sizes, *sorted(columns.split("], "))] if " columns" in sizes else [text]


@pytest.mark.parametrize(("name", "writer"), list(cases()))
def test_every_version_is_shown_alike(name: str, writer: str) -> None:
    value = value_of(name, writer)

    text = preview(value.graph, value.graph.root)

    assert [part.rstrip("]") for part in columns_sorted(text)] == [
        part.rstrip("]") for part in columns_sorted(expected(name, writer))
    ]
    assert value.root.flags == ()


@pytest.mark.parametrize("writer", SAMPLES["frame"])
def test_a_frame_is_a_table_in_the_text(writer: str) -> None:
    lines = value_of("frame", writer).text(1000).splitlines()

    assert [line.split() for line in lines] == [
        ["pandas.DataFrame"],
        ["'a'", "'b'", "'c'", "'d'"],
        ["int64", "string" if "pandas3" in writer else "object", "float64", "int64"],
        ["0", "1", "'x'", "0.5", "4"],
        ["1", "2", "'y'", "1.5", "5"],
        ["2", "3", "'z'", "2.5", "6"],
    ]


@pytest.mark.parametrize("protocol", [2, 4])
def test_moments_of_pandas_are_edited(protocol: int) -> None:
    unpickle = "pandas._libs.tslibs.timestamps", "_unpickle_timestamp"
    moment = call_of(*unpickle, *(Atom(Kind.INT, each) for each in (1_577_836_800_000_000_000,)), *[none_atom()] * 2)
    value = PickleValue(emit_pickle(moment, Style(protocol)), CancelToken())

    changed = PickleValue(value.replace("", "2020-01-01 00:00:00.000000001"), CancelToken())

    assert value.edit_text("") == "2020-01-01 00:00:00"
    assert changed.edit_text("") == "2020-01-01T00:00:00.000000001".replace("T", " ")
    with pytest.raises(EncodeError, match="is not a date and time in ns"):
        value.replace("", "2020-01-01 00:00+01:00")


@given(st.sampled_from(list(cases())), st.data())
def test_changed_bytes_give_a_result_or_an_expected_error(case: tuple[str, str], data: st.DataObject) -> None:
    content = bytearray(b64decode(SAMPLES[case[0]][case[1]]))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))

    value = PickleValue(bytes(content), CancelToken())
    rows = value.rows(value.root.node, 0, 20)
    value.text(10_000)
    for row in rows:
        with suppress(AppError):
            value.find(row.step)
            if row.editor:
                value.replace(row.step, value.edit_text(row.step))
