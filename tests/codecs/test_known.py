"""Known types say what Python itself says of the object; a wrong shape leaves the object as the pickle builds it."""

import array
import collections
import datetime as dt
import decimal
import fractions
import ipaddress
import pathlib
import pickle
import re
import uuid
import warnings
import zoneinfo
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.codecs.known.registry import describe, object_type, preview
from app.codecs.screen import escape_text
from tests import corpus
from tests.codecs.reading import known, nodes_of, plain

PROTOCOLS = st.integers(0, pickle.HIGHEST_PROTOCOL)
FIXED_ZONES = st.builds(dt.timezone, st.timedeltas(dt.timedelta(hours=-23), dt.timedelta(hours=23))) | st.just(dt.UTC)


@given(st.datetimes(timezones=st.none() | FIXED_ZONES), PROTOCOLS)
def test_datetimes_are_their_iso_text(value: dt.datetime, protocol: int) -> None:
    found = known(pickle.dumps(value, protocol))

    assert found is not None
    assert found.type == "datetime.datetime"
    assert found.text.removesuffix(" fold=1") == str(value)
    assert plain(pickle.dumps(value, protocol)) == value.isoformat()


@given(st.dates() | st.times(timezones=st.none() | FIXED_ZONES), PROTOCOLS)
def test_dates_and_times_are_their_iso_text(value: dt.date | dt.time, protocol: int) -> None:
    assert plain(pickle.dumps(value, protocol)) == value.isoformat()


def test_the_second_of_two_equal_wall_times_is_told_apart() -> None:
    value = dt.datetime(2020, 10, 25, 2, 30, fold=1)  # noqa: DTZ001

    for protocol in (4, 5):
        found = known(pickle.dumps(value, protocol))
        assert found is not None
        assert found.text == "2020-10-25 02:30:00 fold=1"


def test_a_zone_of_the_time_zone_database_is_named() -> None:
    value = dt.datetime(2020, 7, 1, 12, tzinfo=zoneinfo.ZoneInfo("UTC"))

    assert plain(pickle.dumps(value)) == "2020-07-01T12:00:00[UTC]"
    assert plain(pickle.dumps(value.tzinfo)) == "UTC"


def test_zones_of_pytz_and_unknown_classes_are_tolerated() -> None:
    state = b"(C\n\x07\xe4\x01\x02\x03\x04\x05\x00\x00\x00"
    pytz = (
        b"\x80\x03cdatetime\ndatetime\n"
        + state
        + b"cpytz\n_p\n(X\x06\x00\x00\x00Z/ZonaM\x10\x0eK\x00X\x01\x00\x00\x00ZtRtR."
    )
    other = b"\x80\x03cdatetime\ndatetime\n" + state + b"cacme\nZone\n)RtR."

    assert plain(pytz) == "2020-01-02T03:04:05+01:00[Z/Zona]"
    assert plain(other) == "2020-01-02T03:04:05[acme.Zone]"


@given(st.timedeltas(), PROTOCOLS)
def test_timedeltas_are_iso_durations(value: dt.timedelta, protocol: int) -> None:
    found = known(pickle.dumps(value, protocol))

    assert found is not None
    assert found.text == str(value)
    assert _seconds(plain(pickle.dumps(value, protocol))) == decimal.Decimal(value // dt.timedelta(microseconds=1))


def _seconds(duration: str) -> decimal.Decimal:
    """Return the microseconds of an ISO 8601 duration."""
    match = re.fullmatch(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:([\d.]+)S)?)?", duration)
    assert match, duration
    sign, *numbers = match.groups()
    days, hours, minutes, seconds = (decimal.Decimal(number or 0) for number in numbers)
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    return (-total if sign else total) * 1_000_000


@given(
    st.decimals()
    | st.fractions()
    | st.uuids()
    | st.ip_addresses()
    | st.builds(pathlib.PurePosixPath, st.text(st.characters(exclude_characters="\0"))),
    PROTOCOLS,
)
def test_numbers_identifiers_and_paths_are_their_text(value: Any, protocol: int) -> None:
    assert plain(pickle.dumps(value, protocol)) == str(value)


@given(
    st.sampled_from([collections.OrderedDict, collections.Counter]),
    st.dictionaries(st.text(), st.integers()),
    PROTOCOLS,
)
def test_dicts_of_collections_are_objects(made: Any, items: dict[str, int], protocol: int) -> None:
    found = known(pickle.dumps(made(items), protocol))

    assert found is not None
    assert found.type == f"collections.{made.__name__}"
    assert plain(pickle.dumps(made(items), protocol)) == items


@given(st.lists(st.integers()), st.none() | st.integers(0, 9), PROTOCOLS)
def test_deques_are_arrays(items: list[int], maxlen: int | None, protocol: int) -> None:
    value = collections.deque(items, maxlen)

    assert plain(pickle.dumps(value, protocol)) == list(value)


@given(st.sampled_from("bBhHiIlLqQfd"), st.lists(st.integers(0, 100), max_size=40), PROTOCOLS)
def test_arrays_are_arrays(code: str, items: list[int], protocol: int) -> None:
    assert plain(pickle.dumps(array.array(code, items), protocol)) == items


def with_note(error: Exception) -> Exception:
    error.__dict__["note"] = "why"
    return error


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (collections.OrderedDict(a=1, b="x"), "collections.OrderedDict", "OrderedDict({'a': 1, 'b': 'x'})"),
        (collections.defaultdict(list, a=[1]), "collections.defaultdict", "defaultdict(list, {'a': [1]})"),
        (collections.deque([1, 2], 5), "collections.deque", "deque([1, 2], maxlen=5)"),
        (decimal.Decimal("-0.50"), "decimal.Decimal", "-0.50"),
        (fractions.Fraction(3), "fractions.Fraction", "3"),
        (uuid.UUID(int=5), "uuid.UUID", "00000000-0000-0000-0000-000000000005"),
        (pathlib.PureWindowsPath("c:/a/b"), "pathlib.PureWindowsPath", r"'c:\\a\\b'"),
        (ipaddress.ip_network("10.0.0.0/8"), "ipaddress.IPv4Network", "10.0.0.0/8"),
        (re.compile("a+", re.IGNORECASE), "re.Pattern", "re.compile('a+', re.IGNORECASE|re.UNICODE)"),
        (slice(1, None, 2), "slice", "slice(1, None, 2)"),
        (ValueError("no", 3), "ValueError", "ValueError('no', 3)"),
        (with_note(ValueError("no")), "ValueError", "ValueError('no', note='why')"),
        (array.array("d", [0.5, 1.5]), "array.array", "array('d', [0.5, 1.5])"),
        (dt.timedelta(-1, 5), "datetime.timedelta", "-1 day, 0:00:05"),
        (np.float64(0.5), "numpy.float64", "0.5"),
        (np.arange(6, dtype="i4").reshape(2, 3), "numpy.ndarray", "int32 (2, 3): [0, 1, 2, 3, 4, 5]"),
        (np.dtype("f8"), "numpy.dtype", "dtype(f8)"),
    ],
)
def test_type_and_text(value: object, type_: str, text: str, protocol: int) -> None:
    found = known(pickle.dumps(value, protocol))

    assert found is not None
    assert (found.type, found.text) == (type_, text)


def test_characters_of_an_array_are_a_text() -> None:
    data = pickle.dumps(array.array("u", "hé"))
    found = known(data)

    assert found is not None
    assert found.text == "array('u', 'hé')"
    assert plain(data) == "hé"


def test_ranges_are_ranges() -> None:
    texts = [
        preview(nodes, nodes.root) for nodes in map(nodes_of, (pickle.dumps(range(3, 9), 2), pickle.dumps(range(9))))
    ]

    assert texts == ["xrange(3, 9)", "range(0, 9)"]


PYTHON2 = {
    "OrderedDict({'b': 1, 'a': 2})": (
        b"\x80\x02ccollections\nOrderedDict\nq\x00]q\x01(]q\x02(U\x01bq\x03K\x01e]q\x04(U\x01aq\x05K\x02ee\x85q\x06Rq\x07.",
        b"ccollections\nOrderedDict\np0\n((lp1\n(lp2\nS'b'\np3\naI1\naa(lp4\nS'a'\np5\naI2\naatp6\nRp7\n.",
    ),
    "defaultdict(list, {'k': [1]})": (
        b"\x80\x02ccollections\ndefaultdict\nq\x00c__builtin__\nlist\nq\x01\x85q\x02Rq\x03U\x01kq\x04]q\x05K\x01as.",
    ),
    "Counter({'a': 2})": (b"ccollections\nCounter\np0\n((dp1\nS'a'\np2\nI2\nstp3\nRp4\n.",),
    "deque([1, 2], maxlen=5)": (b"ccollections\ndeque\np0\n((lp1\nI1\naI2\naI5\ntp2\nRp3\n.",),
    "1.50": (b"\x80\x02cdecimal\nDecimal\nq\x00U\x041.50q\x01\x85q\x02Rq\x03.",),
    "1/3": (b"cfractions\nFraction\np0\n(S'1/3'\np1\ntp2\nRp3\n.",),
    "00000000-0000-0000-0000-000000000005": (
        b"ccopy_reg\n_reconstructor\np0\n(cuuid\nUUID\np1\nc__builtin__\nobject\np2\nNtp3\nRp4\n(dp5\nS'int'\np6\nI5\nsb.",
        b"\x80\x02cuuid\nUUID\nq\x00)\x81q\x01}q\x02U\x03intq\x03K\x05sb.",
    ),
    "re.compile('a+', re.IGNORECASE)": (b"cre\n_compile\np0\n(S'a+'\np1\nI2\ntp2\nRp3\n.",),
    "ValueError('no')": (b"\x80\x02cexceptions\nValueError\nq\x00U\x02noq\x01\x85q\x02Rq\x03.",),
    "01:02:03.000004": (b"cdatetime\ntime\np0\n(S'\\x01\\x02\\x03\\x00\\x00\\x04'\np1\ntp2\nRp3\n.",),
    "2020-01-02 03:04:05.000255": (
        b"\x80\x02cdatetime\ndatetime\nq\x00U\n\x07\xe4\x01\x02\x03\x04\x05\x00\x00\xffq\x01\x85q\x02Rq\x03.",
        "\x80\x02cdatetime\ndatetime\nX\x0c\x00\x00\x00\x07\xe4\x01\x02\x03\x04\x05\x00\x00\xff\x85R.".encode("latin-1")
        .replace(b"\xe4", b"\xc3\xa4")
        .replace(b"\x00\xff\x85", b"\x00\xc3\xbf\x85"),
    ),
}


@pytest.mark.parametrize("text", PYTHON2)
def test_what_python2_wrote_reads_alike(text: str) -> None:
    for data in PYTHON2[text]:
        found = known(data)

        assert found is not None, data
        assert found.text == text


@pytest.mark.parametrize(
    "case", [case for case in corpus.values("benign") if case.name.startswith("datetime__")], ids=corpus.name_of
)
def test_datetimes_of_every_python(case: corpus.ValueCase) -> None:
    expected = [str(value) for value in pickle.loads(case.read(), encoding="latin-1")]
    nodes = nodes_of(case.read())

    texts = [found.text for slot in nodes.items(nodes.root) if (found := describe(nodes, slot))]

    assert texts == expected


@pytest.mark.parametrize(
    "case", [case for case in corpus.values("benign") if case.name.startswith("np_")], ids=corpus.name_of
)
def test_arrays_of_every_numpy(case: corpus.ValueCase) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old names of numpy's modules
        expected = pickle.loads(case.read(), encoding="latin-1")
    nodes = nodes_of(case.read())

    assert object_type(nodes, nodes.root) == "numpy.ndarray"
    assert plain(case.read()) == _as_json(expected.tolist(), expected.dtype.names)


def _as_json(items: Any, names: tuple[str, ...] | None) -> Any:
    match items:
        case bytes():
            return items.decode()
        case tuple() if names:
            return {name: _as_json(item, None) for name, item in zip(names, items, strict=True)}
        case list():
            return [_as_json(item, names) for item in items]
        case _:
            return items


@pytest.mark.parametrize(
    "values",
    [
        np.arange(24).reshape(2, 3, 4),
        np.asfortranarray(np.arange(24).reshape(2, 3, 4)),
        np.arange(4, dtype=">u2"),
        np.array(7.5),
        np.zeros((3, 0)),
        np.array([True, False]),
        np.array(["é", "abc"]),
        np.array([[1, "a"], [None, [2]]], dtype=object),
        np.array([1.5, 2.5], dtype="f2"),
    ],
    ids=lambda values: f"{values.dtype}{values.shape}",
)
@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_any_shape_are_nested_arrays(values: Any, protocol: int) -> None:
    expected = values.tolist() if values.size else []

    assert plain(pickle.dumps(values, protocol)) == expected


def test_moments_of_numpy_are_iso_text() -> None:
    days = np.array(["2020-02-29", "NaT"], dtype="M8[D]")
    nanoseconds = np.array(["1969-12-31T23:59:59.000000001"], dtype="M8[ns]")

    assert plain(pickle.dumps(days)) == ["2020-02-29", "NaT"]
    assert plain(pickle.dumps(nanoseconds)) == ["1969-12-31T23:59:59.000000001"]
    assert plain(pickle.dumps(np.array([5], dtype="m8[s]"))) == ["5 s"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pd_ts__np313_p4", "[2020-01-01 00:00:00+00:00, NaT]"),
        ("pd_ts__np38_p5", "[2020-01-01 00:00:00+00:00, NaT]"),
        ("pd_series__np313_p5", "2 rows: 'i', 'j' = float64 [1.0, nan]"),
        ("pd_series__np38_p4", "2 rows: 'i', 'j' = float64 [1.0, nan]"),
        ("pd_cat__np313_p2", "3 rows: 0, 1, 2 = category ['a', 'b', 'a']"),
    ],
)
def test_pandas_tells_how_many_rows_there_are(name: str, text: str) -> None:
    nodes = nodes_of(corpus.value(name).read())

    assert preview(nodes, nodes.root) == text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("namedtuple__py313_p4", "[Point(1, 2), Point('a', [1])]"),
        ("enum__py311_p4", "[Color(1), Color('g'), Perm(6)]"),
        ("inner_class__py36_p0", "Inner(a=1)"),
        ("newargs_ex__py313_p2", "NewArgsEx(1, b='x', a=1, b='x')"),
        ("slots_dict__py27_p2", "SlotsAndDict(a=1, s=2)"),
        ("ext_7__py311_p2", "[object(a=1), <extension 7>]"),
        ("persid__py27_p2", "[<persistent id 'plain-1'>, {'k': <persistent id 'plain-two'>}]"),
    ],
)
def test_objects_of_unknown_classes_are_shown_as_they_are_built(name: str, text: str) -> None:
    nodes = nodes_of(corpus.value(name).read())

    assert preview(nodes, nodes.root) == text


@pytest.mark.parametrize(
    "data",
    [
        b"cdatetime\ndatetime\n(I1\ntR.",
        b"cdatetime\ndatetime\n(S'\\x07\\xe4\\x0d\\x02\\x03\\x04\\x05\\x00\\x00\\x00'\ntR.",
        b"cdatetime\ndatetime\n(S'short'\ntR.",
        b"cdatetime\ntimedelta\n(I99999999999\ntR.",
        b"cdatetime\ntimezone\n(I1\ntR.",
        b"cdecimal\nDecimal\n(S'one'\ntR.",
        b"cfractions\nFraction\n(I1\nI0\ntR.",
        b"cuuid\nUUID\n(tR(dS'int'\nI-1\nsb.",
        b"ccollections\nOrderedDict\n((lI1\natR.",
        b"ccollections\ndeque\n(I1\ntR.",
        b"carray\n_array_reconstructor\n(carray\narray\nS'i'\nI8\nS'abc'\ntR.",
        b"carray\n_array_reconstructor\n(carray\narray\nS'i'\nI99\nS''\ntR.",
        b"cre\n_compile\n(S'a'\nS'b'\ntR.",
        b"cipaddress\nIPv4Address\n(I-1\ntR.",
        b"cpandas\nSeries\n(tR(dS'_mgr'\nI1\nsb.",
        b"cnumpy.core.multiarray\nscalar\n(I1\nS'abc'\ntR.",
        b"cpathlib\nPath\n(I1\ntR.",
        b"c__builtin__\nxrange\n(S'a'\ntR.",
    ],
)
def test_a_wrong_shape_is_no_known_type(data: bytes) -> None:
    assert known(data) is None
    assert plain(data)["__class__"]


def test_an_array_that_claims_more_than_its_memory_is_no_array() -> None:
    data = pickle.dumps(np.zeros(3), 2).replace(b"K\x03\x85", b"K\x04\x85")

    assert known(data) is None


def test_an_array_of_nothing_but_length_is_bounded() -> None:
    data = pickle.dumps(np.zeros((1, 0)), 4).replace(b"K\x01K\x00\x86", b"J\xff\xff\xff\x7fK\x00\x86")

    assert plain(data) == []


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps([list(range(10_000)) for _ in range(100)]),
        pickle.dumps({"k" * 10_000: list(range(10_000))}),
        pickle.dumps(collections.OrderedDict(a=list(range(10_000)))),
        pickle.dumps([2**100_000] * 50),
        b"]" * 100_000 + b"a" * 99_999 + b".",
        b"N" + b"Q" * 100_000 + b".",
        b"c__builtin__\ngetattr\n" * 5_000 + b"S'a'\n" + b"\x86R" * 5_000 + b".",
    ],
    ids=["lists", "key", "ordered", "integers", "deep", "persistent ids", "getattr"],
)
def test_a_preview_is_bounded_whatever_the_value(data: bytes) -> None:
    nodes = nodes_of(data)

    assert 0 < len(preview(nodes, nodes.root)) <= limits.CELL_CHARS


@pytest.mark.parametrize("case", corpus.values("hostile"), ids=corpus.name_of)
def test_hostile_values_have_a_preview_that_is_safe_to_show(case: corpus.ValueCase) -> None:
    nodes = nodes_of(case.read())

    shown = preview(nodes, nodes.root)

    assert escape_text(shown) == shown
    assert len(shown) <= limits.CELL_CHARS


def test_a_cell_names_the_size_of_a_huge_integer() -> None:
    nodes = nodes_of(pickle.dumps(1 << 80_000))

    assert preview(nodes, nodes.root) == "<10,001-byte integer>"
