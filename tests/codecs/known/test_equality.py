"""Known objects as keys: two that Python takes for one are never made of two."""

import datetime as dt
import pickle
from collections.abc import Hashable
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.known.equality import compared_as
from app.codecs.pickle.graph import NEVER, parse
from app.codecs.pickle.value import PickleValue
from app.errors import EncodeError

ZONES = st.none() | st.builds(lambda hours: dt.timezone(dt.timedelta(hours=hours)), st.integers(-2, 2))
DAY = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
KEYS = st.one_of(
    st.decimals(-3, 3, places=1),
    st.decimals(allow_nan=False),
    st.fractions(-3, 3, max_denominator=4),
    st.builds(np.float64, st.integers(-3, 3)),
    st.builds(np.int16, st.integers(-3, 3)),
    st.builds(lambda hour, zone: dt.datetime(2020, 1, 1, hour, tzinfo=zone), st.integers(0, 5), ZONES),
    st.integers(0, 5).map(lambda hour: dt.time(hour, tzinfo=dt.timezone(dt.timedelta(hours=hour - 5)))),
    st.timedeltas(dt.timedelta(0), dt.timedelta(0, 3)),
    st.sampled_from([PurePosixPath("a"), PurePosixPath("A"), PureWindowsPath("a"), PureWindowsPath("A")]),
    st.builds(range, st.integers(0, 2), st.integers(0, 4), st.integers(1, 3)),
)


def identity(key: object) -> Hashable:
    nodes = parse(pickle.dumps(key), 0, NEVER)
    found = compared_as(nodes, nodes.root)
    assert found is not None
    return found


def are_one(one: Any, other: Any) -> bool:
    """Tell whether a dict takes two keys for one; a Decimal and an int of numpy cannot even be compared."""
    try:
        return len(dict.fromkeys((one, other))) == 1
    except TypeError:
        return float(one) == float(other)


@given(KEYS, KEYS)
def test_keys_are_one_when_python_takes_them_for_one(one: Any, other: Any) -> None:
    assert (identity(one) == identity(other)) == are_one(one, other)


@pytest.mark.parametrize(
    ("keys", "path", "text"),
    [
        ([Decimal(1), Decimal(2)], "[#0]<key>", "2.0"),
        ([Decimal(1), 7], "[#0]<key>", "7.00"),
        ([Fraction(1, 3), 0.5], "[#0]<key>", "1/2"),
        ([7, Decimal(1)], "[#0]<key>", "1"),
        ([dt.timedelta(1), dt.timedelta(2)], "[#0]<key>", "48:00:00"),
        ([DAY, DAY.replace(day=2)], "[#0]<key>", "2020-01-02 05:00+05:00"),
    ],
    ids=str,
)
def test_a_key_that_equals_another_is_refused(keys: list[Any], path: str, text: str) -> None:
    value = PickleValue(pickle.dumps(dict.fromkeys(keys)), CancelToken())

    with pytest.raises(EncodeError, match="There is such a key"):
        value.replace(path, text)
