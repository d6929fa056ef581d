"""Which keys contain a text: as you type, in slices, over any number of keys."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from app.backends.key_index import IndexChunk
from app.cancel import CancelToken

_SLICE = 256 * 1024


class KeyFilter:
    """Matches keys that contain ``text``, as UTF-8; ASCII letters match in either case."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._pattern = re.compile(re.escape(text.encode("utf-8", "surrogateescape")), re.IGNORECASE)

    def matches(self, key: bytes) -> bool:
        """Tell whether one key contains the text."""
        return self._pattern.search(key) is not None

    def rows(self, chunk: IndexChunk, token: CancelToken) -> Iterator[int]:
        """Yield the row numbers within ``chunk`` whose keys match, in order."""
        keys, ends = chunk.keys, chunk.ends
        position, row = 0, -1
        while position < len(keys):
            token.check()
            match = self._pattern.search(keys, position, min(position + _SLICE + len(self.text) * 4, len(keys)))
            if match is None:
                position += _SLICE
                continue
            row = bisect_right(ends, match.start(), max(row, 0))
            if match.end() <= ends[row]:
                yield row
                position = ends[row]  # a key counts once
            else:
                position = match.start() + 1  # the text would run over into the next key


def matching_entries(key_filter: KeyFilter, chunks: Sequence[IndexChunk], token: CancelToken) -> Iterator[list[int]]:
    """Yield the entry ids of matches, one list for each chunk of the index."""
    first = 0
    for chunk in chunks:
        yield [first + row for row in key_filter.rows(chunk, token)]
        first += len(chunk)
