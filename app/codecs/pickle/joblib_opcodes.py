"""The opcodes of a dump of joblib in the order of its bytes, the memory of each array between them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.cancel import CancelToken
from app.codecs.findings import OpcodeRow
from app.codecs.pickle.joblib_parts import DumpParts, Memory, OfDump, ShownPaths
from app.codecs.pickle.opcodes import end_of

_MEMORY = "memory"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Rows of one source: ``first`` is the number of the first in the dump, ``own`` in the source, of ``count``.

    ``memory`` is the array that they are of, None for those of the dump itself.
    """

    first: int
    own: int
    count: int
    memory: Memory | None = None


class DumpOpcodes:
    """The listing; an array of objects is the opcodes of its pickle, any other one row."""

    def __init__(self, parts: DumpParts, shown: OfDump, token: CancelToken) -> None:
        self._parts = parts
        self._paths = ShownPaths(shown)
        self._stretches = list(_stretches(parts, token))
        self._inner: tuple[Memory, OfDump] | None = None

    def rows(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        """Return at most ``count`` rows from row number ``start`` on.

        Raises:
            Cancelled: by ``token``.
        """
        found: list[OpcodeRow] = []
        last = self._stretches[-1]
        for stretch in self._stretches:
            skipped = max(start - stretch.first, 0)
            wanted = count - len(found) if stretch is last else min(stretch.count - skipped, count - len(found))
            if wanted > 0:
                found += self._rows_of(stretch, stretch.own + skipped, wanted, token)
        return found

    def _rows_of(self, stretch: _Stretch, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        memory = stretch.memory
        if memory is None:
            rows = self._parts.opcodes.opcodes(start, count, token)
            return [self._shown(replace(row, offset=self._parts.offset(row.offset))) for row in rows]
        if not memory.array.is_pickle:
            return [self._memory_row(memory)]
        rows = self._opened(memory, token).opcodes(start, count, token)
        return [
            self._shown(replace(row, offset=memory.start + row.offset, path=memory.path + row.path)) for row in rows
        ]

    def _opened(self, memory: Memory, token: CancelToken) -> OfDump:
        """Return the pickle of an array of objects; the last one is kept."""
        if self._inner is None or self._inner[0] is not memory:
            self._inner = memory, OfDump(memory.array.memory, token)
        return self._inner[1]

    def _memory_row(self, memory: Memory) -> OpcodeRow:
        start = memory.start - memory.array.skipped
        path = self._paths.nearest(memory.path)
        argument = f"{len(memory.array.memory):,} bytes"
        builds = f"the elements of {path or 'the root'}"
        return OpcodeRow(start, memory.end - start, _MEMORY, argument, 0, builds, self._paths.node(path), path)

    def _shown(self, row: OpcodeRow) -> OpcodeRow:
        """Return a row with the place in the value that is shown."""
        if row.node < 0:
            return row
        return replace(row, node=self._paths.node(row.path), path=self._paths.nearest(row.path))


def _stretches(parts: DumpParts, token: CancelToken) -> Iterator[_Stretch]:
    data = parts.mixed.opcodes
    first = own = place = 0
    for memory in parts.memories():
        token.check()
        count, place = _counted(data, place, memory.array.at), memory.array.at
        yield _Stretch(first, own, count)
        first, own = first + count, own + count
        inner = memory.array.memory
        size = _counted(inner, 0, len(inner)) if memory.array.is_pickle else 1
        yield _Stretch(first, 0, size, memory)
        first += size
    yield _Stretch(first, own, 0)


def _counted(data: bytes, start: int, end: int) -> int:
    """Return how many opcodes there are between two offsets."""
    count = 0
    while 0 <= start < end:
        start = end_of(data, start)
        count += 1
    return count
