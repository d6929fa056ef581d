"""What can still be found in a damaged file of marshal values."""

import contextlib
from collections.abc import Iterator

from app.backends.binary import MappedFile
from app.backends.salvage import Found, Salvage


def salvage_marshal_file(salvage: Salvage) -> Iterator[Found]:
    """Yield the values from the start under their numbers; behind damage there is no mark by which to find others."""
    with contextlib.closing(MappedFile(salvage.path)) as file:
        start = number = 0
        while start < file.size:
            salvage.token.advance(start, file.size)
            file.check_not_cut()
            end = salvage.marshal_end(file.buffer, start)
            if end is None or not start < end <= file.size:
                what = "no whole marshal value begins here, and nothing tells where those behind it begin"
                salvage.report(f"{file.path.name}: {what}.", start)
                return
            yield Found(b"%d" % number, file.slice(start, end - start), start)
            start, number = end, number + 1
