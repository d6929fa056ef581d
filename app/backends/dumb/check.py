"""What an index of ``dbm.dumb`` says of ``.dat`` that cannot be."""

from array import array
from collections.abc import Iterator, Sequence

from app.backends.base import Problem
from app.backends.changes import key_text
from app.backends.dumb.index import DumbFiles, DumbIndex, read_index_file
from app.backends.dumb.pack import BLOCK, next_block
from app.cancel import CancelToken


def check_dumb(files: DumbFiles, token: CancelToken) -> Iterator[Problem]:
    """Yield lines that repeat, values that share room, and values where ``dbm.dumb`` puts none.

    Blocks that no line names are no damage: that is where old values stay.
    """
    source = files.dir if files.dir.exists() else files.bak
    index = read_index_file(source, token)
    if index.repeated_lines:
        lines = "line names" if index.repeated_lines == 1 else "lines name"
        start = f"{index.repeated_lines:,} {lines} keys of {source.name} again"
        yield Problem(f"{start}: only the last line of a key counts, as when two programs wrote at once.")
    if packed_places(index, files.dat.stat().st_size if files.dat.exists() else 0):
        yield Problem(
            f"Values would fill {files.dat.name} exactly if they were packed: reorganize() of Python 3.15 packs them"
            f" and may not note that in {source.name}, so that values stand under wrong keys. Salvage finds both."
        )
    keys = list(index.rows)
    yield from _astray(index, keys, token)
    yield from _overlapping(index, keys, token)


def _astray(index: DumbIndex, keys: list[bytes], token: CancelToken) -> Iterator[Problem]:
    for row, position in enumerate(index.positions):
        token.check()
        if position % BLOCK:
            start = f"The value of {key_text(keys[row])} does not begin at a multiple of {BLOCK}"
            yield Problem(f"{start}: when Python's dbm.dumb overwrites it, that can reach into the next one.", position)


def _overlapping(index: DumbIndex, keys: list[bytes], token: CancelToken) -> Iterator[Problem]:
    end, last = 0, 0
    for row in sorted((row for row, size in enumerate(index.sizes) if size), key=index.positions.__getitem__):
        token.check()
        position = index.positions[row]
        if position < end:
            names = f"{key_text(keys[last])} and {key_text(keys[row])}"
            yield Problem(f"The values of {names} share bytes: at least one of them was written over.", position)
        if position + index.sizes[row] > end:
            end, last = position + index.sizes[row], row


def packed_places(index: DumbIndex, dat_size: int) -> Sequence[int]:
    """Return where each value lies (bytes) if ``.dat`` was packed and the index was not written then; else nothing.

    A file that was cut can have the same length by chance.

    References: cpython issue 155869, on `_Database.reorganize` in ``dbm/dumb.py`` of Python 3.15.
    """
    ends = (position + size for position, size in zip(index.positions, index.sizes, strict=True))
    if max(ends, default=0) <= dat_size:
        return ()
    places, start, end = array("q", index.positions), 0, 0
    for row in sorted(range(len(index)), key=index.positions.__getitem__):
        places[row] = start
        end = start + index.sizes[row]
        start = next_block(end)
        if start > dat_size + BLOCK:
            return ()
    return places if dat_size in (start, end) else ()
