"""The parts of a dump of joblib as its own bytes have them: opcodes, and the pickles of its arrays of objects."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from app.cancel import CancelToken
from app.codecs.findings import Audit
from app.codecs.paths import step_texts
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.joblib_memory import Mixed, RawArray, wrappers
from app.codecs.pickle.value import PickleValue
from app.errors import PathError


class OfDump(PickleValue):
    """A pickle that is part of a dump, in which wrappers of arrays are followed or told of by the dump itself."""

    def _told_of_joblib(self, found: Audit, graphs: Sequence[Graph], token: CancelToken) -> Audit:
        return found

    def target_at(self, path: str) -> int:
        """Return the slot of the object at a path of the first pickle.

        Raises:
            PathError: there is no such place.
        """
        maker, child = self._find_node(path)
        return maker.graph.target(child.slot)


class Memory(NamedTuple):
    """An array, its path, and where its bytes start and end in the dump; ``start`` is behind those of alignment."""

    array: RawArray
    path: str
    start: int
    end: int


class DumpParts:
    """The opcodes of a dump without the memories, as ``opcodes``, and where all of that stands in the dump."""

    def __init__(self, mixed: Mixed, token: CancelToken) -> None:
        self.mixed = mixed
        self.opcodes = OfDump(mixed.opcodes, token)
        self._ends = [array.at for array in mixed.arrays]
        sizes = (array.skipped + len(array.memory) for array in mixed.arrays)
        self._shifts = list(accumulate(sizes, initial=0))

    def offset(self, pos: int) -> int:
        """Return where an opcode stands in the dump."""
        return pos + self._shifts[bisect_right(self._ends, pos)]

    def memories(self) -> Iterator[Memory]:
        """Yield the arrays in the order of the dump."""
        slots = dict(wrappers(self.opcodes.graph))
        for number, array in enumerate(self.mixed.arrays):
            start = array.at + self._shifts[number] + array.skipped
            path = self.opcodes.path_around(slots[array.at]) if array.at in slots else ""
            yield Memory(array, path, start, start + len(array.memory))


class ShownPaths:
    """Paths of a dump's opcodes as far as they lead in the value that is shown, where arrays are no wrappers."""

    def __init__(self, shown: OfDump) -> None:
        self._shown = shown
        self._known: dict[str, tuple[str, int]] = {}

    def nearest(self, path: str) -> str:
        """Return the path of the innermost place around another that is shown."""
        return self._found(path)[0]

    def node(self, path: str) -> int:
        """Return the row handle of the innermost place around a path that is shown."""
        return self._found(path)[1]

    def _found(self, path: str) -> tuple[str, int]:
        found = self._known.get(path)
        if found is None:
            found = self._known[path] = self._looked_up(path)
        return found

    def _looked_up(self, path: str) -> tuple[str, int]:
        steps = step_texts(path)
        while steps:
            near = "".join(steps)
            try:
                return near, self._shown.target_at(near)
            except PathError:
                steps.pop()
        return "", self._shown.graph.root
