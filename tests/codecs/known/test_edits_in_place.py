"""Known types edited in a pickle: nothing but what the text says changes, and Pythons of all families load it."""

import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import pickle
import uuid
import zoneinfo
from typing import Any

import numpy as np
import pytest

from app.cancel import CancelToken
from app.codecs.edits import ReplaceNode, Written
from app.codecs.pickle.value import PickleValue
from app.errors import EncodeError
from tests.codecs import interpreters

UTC = dt.UTC
INDIA = dt.timezone(dt.timedelta(hours=5.5))
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
MOMENT = dt.datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)


def value_of(thing: object, protocol: int = 4) -> PickleValue:
    return PickleValue(pickle.dumps(thing, protocol), CancelToken())


def loaded(thing: object, path: str, text: str, protocol: int = 4) -> Any:
    return pickle.loads(value_of(thing, protocol).replace(path, text))


EDITS = [
    (MOMENT, "2027-01-02 03:04:05.000678+00:00", MOMENT.replace(year=2027), "datetime"),
    (
        MOMENT,
        "2026-01-02T03:04:05.000678+05:30",
        MOMENT.replace(tzinfo=dt.timezone(dt.timedelta(hours=5.5))),
        "datetime",
    ),
    (MOMENT, "2026-01-02 03:04:05.000678", MOMENT.replace(tzinfo=None), "datetime"),
    (
        MOMENT,
        "2026-01-02 03:04[Europe/Berlin]",
        dt.datetime(2026, 1, 2, 3, 4, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
        "datetime",
    ),
    (MOMENT.replace(tzinfo=None), "2026-01-02Z", dt.datetime(2026, 1, 2, tzinfo=UTC), "datetime"),
    (dt.time(1, 2), "03:04:05+00:00", dt.time(3, 4, 5, tzinfo=UTC), "time"),
    (dt.date(2026, 1, 2), "2026-12-31", dt.date(2026, 12, 31), "date"),
    (dt.date(2026, 1, 2), "datetime.date(2026, 12, 31)", dt.date(2026, 12, 31), "date"),
    (dt.timedelta(1), "-1 day, 23:59:59.5", dt.timedelta(-1, 86399, 500000), "timedelta"),
    (dt.timedelta(1), "P1W2DT3H4M5.25S", dt.timedelta(9, 11045, 250000), "timedelta"),
    (dt.timedelta(1), "36:00:00", dt.timedelta(1.5), "timedelta"),
    (dt.timezone(dt.timedelta(hours=1)), "UTC-02:30", dt.timezone(-dt.timedelta(hours=2.5)), "timezone"),
    (decimal.Decimal("1.5"), "-1e5", decimal.Decimal("-1E+5"), "decimal"),
    (decimal.Decimal("1.5"), "Decimal('2.50')", decimal.Decimal("2.50"), "decimal"),
    (fractions.Fraction(1, 3), "-2/7", fractions.Fraction(-2, 7), "fraction"),
    (uuid.UUID(int=5), "12345678-1234-5678-1234-567812345678", uuid.UUID("12345678123456781234567812345678"), "uuid"),
    (pathlib.PurePosixPath("/a/b"), "'/a/c/d'", pathlib.PurePosixPath("/a/c/d"), "path"),
    (pathlib.PurePosixPath("/a/b"), "/a/c", pathlib.PurePosixPath("/a/c"), "path"),
    (pathlib.PureWindowsPath("c:/a"), r"'d:\\x'", pathlib.PureWindowsPath("d:/x"), "path"),
    (ipaddress.ip_address("1.2.3.4"), "255.0.0.1", ipaddress.ip_address("255.0.0.1"), "address"),
    (ipaddress.ip_network("10.0.0.0/8"), "11.0.0.0/8", ipaddress.ip_network("11.0.0.0/8"), "address"),
    (range(5), "range(2, 9, 3)", range(2, 9, 3), "range"),
    (slice(1, None, 2), "slice(None, 7)", slice(None, 7), "slice"),
]


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(("before", "text", "after", "editor"), EDITS, ids=lambda case: str(case)[:40])
def test_an_object_in_a_list_becomes_what_the_text_says(
    before: object, text: str, after: object, editor: str, protocol: int
) -> None:
    value = value_of([before, "kept", before.__class__], protocol)

    assert value.find("[0]").editor == editor
    assert pickle.loads(value.replace("[0]", text)) == [after, "kept", before.__class__]
    assert value.replace("[0]", value.edit_text("[0]")) == value.data


def test_only_the_packed_state_of_a_datetime_changes() -> None:
    value = value_of({"when": MOMENT, "zone": UTC})

    changed = value.replace("['when']", "2026-01-02 03:04:06.000678+00:00")

    assert changed == value.data.replace(b"\x03\x04\x05\x00\x02\xa6", b"\x03\x04\x06\x00\x02\xa6")


def test_an_unknown_zone_stays_while_its_text_does() -> None:
    data = b"\x80\x03cdatetime\ndatetime\n(C\n\x07\xe4\x01\x02\x03\x04\x05\x00\x00\x00cacme\nZone\n)RtR."
    value = PickleValue(data, CancelToken())

    assert value.edit_text("") == "2020-01-02 03:04:05[acme.Zone]"
    assert value.replace("", "2020-01-02 03:04:06[acme.Zone]") == data.replace(b"\x04\x05\x00", b"\x04\x06\x00")


def test_the_fold_is_edited() -> None:
    moment = dt.datetime(2020, 10, 25, 2, 30)  # noqa: DTZ001

    assert loaded(moment, "", "2020-10-25 02:30:00 fold=1").fold == 1
    assert loaded(moment.replace(fold=1), "", "2020-10-25 02:30:00").fold == 0
    with pytest.raises(EncodeError, match="fold=1 is only kept since protocol 4"):
        loaded(moment, "", "2020-10-25 02:30:00 fold=1", 3)


def test_a_shared_object_changes_here_or_everywhere() -> None:
    shared = decimal.Decimal("1.5")
    value = value_of([shared, shared])

    here = value.edit(ReplaceNode("[1]", Written("2")), CancelToken())
    everywhere = value.edit(ReplaceNode("[1]", Written("2"), everywhere=True), CancelToken())

    assert pickle.loads(here) == [decimal.Decimal("1.5"), decimal.Decimal(2)]
    one, other = pickle.loads(everywhere)
    assert one is other
    assert one == decimal.Decimal(2)


def test_another_type_is_taken_when_it_is_asked_for() -> None:
    value = value_of([decimal.Decimal("1.5")])

    changed = value.edit(ReplaceNode("[0]", Written("[2]"), any_type=True), CancelToken())

    assert pickle.loads(changed) == [[2]]


WRONG = [
    (MOMENT, "2026-13-02 00:00", "There is no such date or time: month must be in 1..12."),
    (MOMENT, "tomorrow", "tomorrow is not a date and time; write it as 2026-01-31 23:59:01.5+01:00."),
    (MOMENT, "2026-01-02 1", "1 is no time; write it as 13:45 or 13:45:00."),
    (
        MOMENT,
        "2026-01-02 00:00 CET",
        "CET is no time zone that can be made; write +01:00 or [Europe/Berlin], or keep the old.",
    ),
    (MOMENT, "2026-01-02 00:00[../etc/passwd]", "The key of a time zone must be a name such as 'Europe/Berlin'."),
    (
        MOMENT,
        "Decimal('1')",
        "A datetime.datetime stands here, and a decimal.Decimal is written; ask for another type if that is meant.",
    ),
    (dt.date(2026, 1, 2), "2026-02-30", "There is no such date: day is out of range for month."),
    (dt.time(1), "25:00", "There is no such time: hour must be in 0..23."),
    (dt.timedelta(1), "P", "P is not a duration; write it as 1 day, 2:03:04.5 or P1DT2H3M4.5S."),
    (dt.timedelta(1), "9999999999 days", "The duration is longer than 999,999,999 days."),
    (decimal.Decimal(1), "one", "one is not a decimal number; write it as -1.50, 1E+3, NaN or Infinity."),
    (fractions.Fraction(1), "1/0", "The denominator of a fraction must not be 0."),
    (uuid.UUID(int=5), "5", "5 is not a UUID; write it as 12345678-1234-5678-1234-567812345678."),
    (pathlib.PurePosixPath("a"), r"'a\0'", "A path has no NUL in it."),
    (ipaddress.ip_address("1.2.3.4"), "1.2.3", "That is no ipaddress.IPv4Address: Expected 4 octets in '1.2.3'."),
    (range(5), "range(0, 1, 0)", "The step of a range must not be 0."),
    (range(5), "5", "5 is not a range; write it as range(0, 10, 2)."),
]


@pytest.mark.parametrize(("thing", "text", "message"), WRONG, ids=lambda case: str(case)[:40])
def test_a_wrong_text_is_one_sentence(thing: object, text: str, message: str) -> None:
    with pytest.raises(EncodeError) as raised:
        value_of(thing).replace("", text)

    assert raised.value.message == message


def test_elements_of_an_array_are_rows_and_edited() -> None:
    value = value_of({"a": np.arange(6).reshape(2, 3)})
    row = value.find("['a']")

    rows = value.rows(row.node, 3, 2)

    assert [(each.step, each.label, each.type, each.text, each.editor) for each in rows] == [
        ("[1, 0]", "1, 0", "int64", "3", "element"),
        ("[1, 1]", "1, 1", "int64", "4", "element"),
    ]
    assert len({each.node for each in value.rows(row.node, 0, 6)}) == 6
    assert value.rows(row.node, 6, 5) == value.rows(row.node, 6, 100)[:5]
    assert row.count == 6 + len(value.rows(row.node, 6, 100))
    assert value.find("['a'][1, 1]") == rows[1]
    assert value.text(100, "['a'][1, 1]") == "4"
    assert "".join(value.plain(CancelToken(), "['a'][1, 1]")) == "4"
    assert pickle.loads(value.replace("['a'][1, 1]", "40"))["a"].tolist() == [[0, 1, 2], [3, 40, 5]]
    assert sum(a != b for a, b in zip(value.replace("['a'][1, 1]", "40"), value.data, strict=True)) == 1


_LOAD = """
import base64, json, pickle, sys
answers = []
for before, after in json.load(sys.stdin):
    loaded = [pickle.loads(base64.b64decode(data)) for data in (before, after)]
    answers.append([[str(value) for value in loaded], [type(value).__name__ for value in loaded]])
print(json.dumps(answers))
"""
_PYTHON2 = [
    ("datetime.datetime(2026, 1, 2)", "2027-03-04 05:06:07.000008", "2027-03-04 05:06:07.000008"),
    ("datetime.date(2026, 1, 2)", "2027-03-04", "2027-03-04"),
    ("datetime.time(1, 2)", "03:04", "03:04:00"),
    ("datetime.timedelta(1)", "2 days, 0:00:01", "2 days, 0:00:01"),
    ("decimal.Decimal('1.5')", "2.50", "2.50"),
    ("fractions.Fraction(1, 3)", "2/3", "2/3"),
    ("uuid.UUID(int=5)", "ffffffff-ffff-ffff-ffff-ffffffffffff", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ("xrange(5)", "xrange(1, 4)", "xrange(1, 4)"),
    ("slice(5)", "slice(1, 5, 2)", "slice(1, 5, 2)"),
]
_DUMP = """
import base64, json, pickle, sys, datetime, decimal, fractions, uuid
print(json.dumps([base64.b64encode(pickle.dumps(eval(source), protocol)) for source, protocol in json.load(sys.stdin)]))
"""


def test_python2_loads_what_was_edited() -> None:
    wanted = [(source, protocol) for protocol in range(3) for source, _, _ in _PYTHON2]
    texts = [case[1:] for _ in range(3) for case in _PYTHON2]
    before = [interpreters.unpacked(data) for data in interpreters.run("2.7", _DUMP, wanted)]

    after = [PickleValue(data, CancelToken()).replace("", text) for data, (text, _) in zip(before, texts, strict=True)]

    pairs = [(interpreters.packed(old), interpreters.packed(new)) for old, new in zip(before, after, strict=True)]
    for (shown, types), (_, expected) in zip(interpreters.run("2.7", _LOAD, pairs), texts, strict=True):
        assert shown[1] == expected
        assert types[0] == types[1]


def test_python2_has_no_zone_for_an_offset() -> None:
    data = b"\x80\x02cdatetime\ndatetime\nU\n\x07\xe4\x01\x02\x03\x04\x05\x00\x00\xff\x85R."

    with pytest.raises(EncodeError, match="Python 2, which has no such class"):
        PickleValue(data, CancelToken()).replace("", "2020-01-02 03:04:05+01:00")
