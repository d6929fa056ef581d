"""What can still be found in a damaged file of pickles."""

import contextlib
from collections.abc import Iterator

from app.backends.carving import ValueSearch
from app.backends.pickle_file.unpacked import open_values
from app.backends.salvage import Found, Salvage


def salvage_pickle_file(salvage: Salvage) -> Iterator[Found]:
    """Yield the pickles from the start under their numbers, and behind damage those that are found by their header."""
    with contextlib.closing(open_values(salvage.path, salvage.value_end, salvage.token, salvage.report)) as file:
        start = number = 0
        while start < file.size:
            salvage.token.advance(start, file.size)
            file.check_not_cut()
            end = salvage.value_end(file.buffer, start)
            if end is None or not start < end <= file.size:
                break
            yield Found(b"%d" % number, file.slice(start, end - start), start)
            start, number = end, number + 1
        if start < file.size:
            what = "no whole pickle begins here; only those behind it that name their protocol can be found"
            salvage.report(f"{file.path.name}: {what}.", start)
            yield from ValueSearch(salvage).carve(file.buffer, [(start, file.size)])
