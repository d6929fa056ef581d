"""Decoding pickles, against ``pickle.loads`` of the same bytes: large and small values, and a cell's summary."""

import pickle
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from app import limits
from app.cancel import CancelToken
from app.codecs.registry import decode, summary
from tools.ratios import HEADER, compare

FLOATS = 100_000
RECORDS = 10_000
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def floats() -> object:
    return [number / 7 for number in range(FLOATS)]


def records() -> object:
    return [
        {
            "id": number,
            "name": f"customer {number}",
            "paid": number % 3 == 0,
            "total": number * 1.19,
            "tags": ["a", "b"],
        }
        for number in range(RECORDS)
    ]


def dated_records() -> object:
    return [{"id": number, "at": NOON + timedelta(minutes=number)} for number in range(RECORDS)]


def small() -> object:
    return {"name": "Ada", "born": 1815, "tags": ["poetry", "engines"], "paid": True, "total": 12.5}


VALUES: list[tuple[str, Callable[[], object], int]] = [
    (f"{FLOATS:,} floats", floats, 1),
    (f"{RECORDS:,} record dicts", records, 1),
    (f"{RECORDS:,} dicts with a datetime", dated_records, 1),
    ("one small dict", small, 1_000),
]


def main() -> None:
    print(f"Python {sys.version.partition(' ')[0]}; reference: pickle.loads; best of each, in milliseconds")
    print(HEADER)
    token = CancelToken()
    for name, make, calls in VALUES:
        for protocol in (4, 2):
            data = pickle.dumps(make(), protocol)
            label = f"{name}, protocol {protocol}"
            print(compare(label, partial(decode, data, token), partial(pickle.loads, data), calls))
    data = pickle.dumps(records(), 4)
    prefix = data[: limits.SUMMARY_PREFIX]
    print(compare("summary of the record dicts", partial(summary, prefix, len(data)), partial(pickle.loads, data)))


if __name__ == "__main__":
    main()
