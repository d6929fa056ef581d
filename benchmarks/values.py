"""Values against ``pickle.loads`` of the same bytes: the machine, small values, the guard, edits, memory."""

import json
import pickle
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from app.cancel import CancelToken
from app.codecs.edits import DeleteNodes, Edit, ReplaceNode, Written
from app.codecs.findings import Query
from app.codecs.matching import Matcher
from app.codecs.pickle.admission import plain_pushes
from app.codecs.pickle.bulk import Misses, plain_json
from app.codecs.pickle.guard import inert_value, plain_value
from app.codecs.pickle.machine import run
from app.codecs.pickle.value import PickleValue
from app.codecs.registry import decode
from tools import ratios

compare = partial(ratios.compare, clock=time.process_time)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TOKEN = CancelToken()
SMALL = 40_000
RECORDS = 100_000


def floats() -> object:
    return [number / 7 for number in range(1_000_000)]


def integers() -> object:
    return [number * 37 % 1_000_003 for number in range(1_000_000)]


def texts() -> object:
    return [f"text {number}" for number in range(500_000)]


def records(count: int = RECORDS) -> object:
    return [
        {
            "id": number,
            "name": f"customer {number}",
            "paid": number % 3 == 0,
            "total": number * 1.19,
            "tags": ["a", "b"],
        }
        for number in range(count)
    ]


def datetimes() -> object:
    return [NOON + timedelta(minutes=number) for number in range(100_000)]


def tuples() -> object:
    return [(number, number + 1) for number in range(900_000)]


def octets() -> object:
    return bytes(range(256)) * 200_000


def small(number: int) -> object:
    return {"name": f"Ada {number}", "born": 1815, "tags": ["poetry", "engines"], "paid": True, "total": 12.5}


def varied(number: int) -> object:
    """Return a record as `small` does, with texts of so many lengths that hardly two have the same layout."""
    name, tag = "Ada Lovelace" * 3, "poetry" * 4
    tags = [tag[: 1 + number * 7 % 23], tag[: 1 + number * 11 % 19]]
    return {"name": name[: 1 + number * 13 % 31], "born": 1815, "tags": tags, "paid": True, "total": 12.5}


MACHINE: list[tuple[str, Callable[[], object], str]] = [
    ("1M floats", floats, "1.5"),
    ("50 MB of bytes", octets, "1.5"),
    ("1M ints", integers, ""),
    ("500k texts", texts, ""),
    ("100k record dicts", records, "6"),
    ("100k datetimes", datetimes, ""),
    ("900k tuples", tuples, "10"),
]
"""Name, maker and the ratio that is to be reached."""


def main() -> None:
    print(f"Python {sys.version.partition(' ')[0]}; reference: pickle.loads; best of each, in milliseconds of CPU time")
    print(ratios.HEADER)
    for name, make, most in MACHINE:
        value = make()
        for protocol in (4, 2):
            data = pickle.dumps(value, protocol)
            _show(f"machine: {name}, protocol {protocol}", partial(run, data, 0, TOKEN), data, most)
    for protocol in (4, 2):
        _show_small("small values", [pickle.dumps(small(number), protocol) for number in range(SMALL)], protocol)
    _show_small("of many layouts", [pickle.dumps(varied(number), 4) for number in range(SMALL)], 4, is_aim=False)
    _show_edits()
    _show_memory()


def _show(name: str, ours: Callable[[], object], data: bytes, most: str = "") -> None:
    print(compare(name, ours, partial(pickle.loads, data)), f"(at most {most}x)" if most else "", flush=True)


def _show_small(what: str, values: Sequence[bytes], protocol: int, *, is_aim: bool = True) -> None:
    query = Query("not there")
    misses = Misses(query, Matcher(query), unpickles=True)
    ways: list[tuple[str, Callable[[bytes], object], str]] = [
        ("machine", lambda data: run(data, 0, TOKEN), "3"),
        ("guard, told from its bytes", misses.surely, "2"),
        ("admission, and loads", lambda data: plain_pushes(data) and pickle.loads(data), "2"),
        ("guard", plain_value, ""),
        ("guard and JSON", plain_json, ""),
        ("decoded", lambda data: decode(data, TOKEN), ""),
        ("decoded, JSON", lambda data: "".join(decode(data, TOKEN)[0].plain(TOKEN)), ""),
    ]
    for name, way, most in ways:
        ratio = compare(f"{name}: 40k {what}, protocol {protocol}", _each(way, values), _each(pickle.loads, values))
        print(ratio, f"(at most {most}x)" if most and is_aim else "", flush=True)
    guard = compare(f"guard, against its unpickler: {protocol}", _each(plain_value, values), _each(inert_value, values))
    print(guard, "(at most 2x)" if is_aim else "", flush=True)
    reference = _each(lambda data: json.dumps(pickle.loads(data)), values)
    print(compare(f"guard and JSON, against loads and dumps, {protocol}", _each(plain_json, values), reference))


def _each(way: Callable[[bytes], object], values: Sequence[bytes]) -> Callable[[], None]:
    def work() -> None:
        for data in values:
            way(data)

    return work


EDITS: list[tuple[str, Callable[[], object], Edit]] = [
    ("a small value", partial(small, 1), ReplaceNode("['born']", Written("1816"))),
    ("10k record dicts", partial(records, 10_000), ReplaceNode("[5000]['id']", Written("1816"))),
    ("a text in 100k record dicts", records, ReplaceNode("[0]['name']", Written("'Ada'"))),
    ("the first of 100k record dicts taken out", records, DeleteNodes(("[0]",))),
    ("one of 100k record dicts taken out", records, DeleteNodes(("[50000]",))),
]
"""Name, maker and edit: values that are there all the time would change when the collector of objects runs."""


def _show_edits() -> None:
    """Time an edit against parsing the value anew."""
    for name, make, edit in EDITS:
        data = pickle.dumps(make())
        work = partial(PickleValue(data, TOKEN).edit, edit, TOKEN)
        calls = 200 if len(data) < 1000 else 1
        print(compare(f"edit: {name}", work, partial(PickleValue, data, TOKEN), calls), "(at most 2x)", flush=True)


def _show_memory() -> None:
    data = pickle.dumps(records())
    print(f"memory of 100k record dicts, {len(data) / 1e6:.0f} MB:", end=" ", flush=True)
    print(f"machine {_held(lambda: run(data, 0, TOKEN)):.0f} MB, loads {_held(lambda: pickle.loads(data)):.0f} MB")


def _held(work: Callable[[], object]) -> float:
    """Return how many megabytes the result takes."""
    tracemalloc.start()
    kept = work()
    held, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return held / 1e6


if __name__ == "__main__":
    main()
