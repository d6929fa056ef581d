"""Wrappers of joblib that are had in another way than joblib writes them, so that what it reads is not known.

Whatever object is a wrapper once it is given its state, joblib reads a memory from the file behind that, and goes on
behind it: what are bytes here can be opcodes there. An object can become a wrapper by its ``__class__``, by a copy,
or by a function that is given the class.

References:
    joblib/numpy_pickle.py (NumpyUnpickler.load_build).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain, islice

from app import limits
from app.cancel import CancelToken
from app.codecs.findings import Audit, NamedGlobal, Risk
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.joblib_memory import NOT_FOLLOWED, WRAPPER, gap_of
from app.codecs.pickle.opcodes import ALIASES, CODE, MAKERS, STRINGS, TEXTS, codes
from app.codecs.pickle.risks import judged
from app.codecs.pickle.unfollowed import COMPUTED, names_in, opcodes_from
from app.codecs.pickle.walk import offsets_of
from app.codecs.screen import escape_text

_WRAPPERS = frozenset({"NumpyArrayWrapper", "NDArrayWrapper", "ZNDArrayWrapper"})
_CALLED = (WRAPPER, f"{WRAPPER}.__setstate__")
_IN_ALL = "ArrayWrapper"
_GLOBALS = codes("GLOBAL", "STACK_GLOBAL", "INST")
_STACK_GLOBAL, _INST = CODE["STACK_GLOBAL"], CODE["INST"]
_CALLERS = MAKERS - codes("INST")
_BEGINNINGS = codes("GLOBAL", "INST") | TEXTS | STRINGS
_OPCODES_OF_A_NAME = 8
"""Opcodes that may take part in a name: two texts, each put into the memo, and what joins them."""

_LOOKED_THROUGH = 1 << 22
"""Bytes in which names are looked for at every offset."""

_BETWEEN_CHECKS = 4096


def with_wrappers_told(found: Audit, graphs: Sequence[Graph], token: CancelToken) -> Audit:
    """Return an audit of pickles that tells as well where joblib would read something else than opcodes.

    Raises:
        Cancelled: by ``token``.
    """
    if any(map(gap_of, graphs)):  # and what is behind one can be the pickle of an honest array, which looks loose
        return with_gap(found, graphs[0].stream.data, Risk.UNKNOWN, token)
    if any(are_loose(graph, found, token) for graph in graphs):
        return with_gap(found, graphs[0].stream.data, Risk.DANGEROUS, token)
    return found


def with_gap(found: Audit, data: bytes, risk: Risk, token: CancelToken) -> Audit:
    """Return an audit where it is not known what joblib reads: with the risk of that, and names at any offset.

    Raises:
        Cancelled: by ``token``.
    """
    told = {named.name for named in (*found.globals, *found.behind)}
    hidden = {named.name: named for named in _dangerous_anywhere(data, token) if named.name not in told}
    return replace(
        found,
        globals=tuple(replace(each, risk=risk) if each.name == WRAPPER else each for each in found.globals),
        calls=tuple(replace(call, risk=risk) if call.callable in _CALLED else call for call in found.calls),
        behind=(*found.behind, *hidden.values()),
        gaps=found.gaps if NOT_FOLLOWED in found.gaps else (*found.gaps, NOT_FOLLOWED),
    )


def are_loose(graph: Graph, found: Audit, token: CancelToken) -> bool:
    """Tell whether a pickle has wrappers of joblib, or their classes, elsewhere than where joblib writes them.

    Raises:
        Cancelled: by ``token``.
    """
    stream = graph.stream
    is_named = found.more > 0 or any(_IN_ALL in named.name for named in found.globals)
    if not is_named and _IN_ALL.encode() not in stream.data:
        return False
    held = _Held(graph)
    if not held.find(token):
        return True
    ends = chain([stream.root], stream.left, stream.popped, *stream.pending.values())
    if any(held.is_loose(slot, len(stream.data)) for slot in ends):
        return True
    for number, (pos, kids) in enumerate(stream.records.items()):
        if number % _BETWEEN_CHECKS == 0:
            token.check()
        first = 1 if kids and stream.data[pos] in _CALLERS and held.is_class(kids[0]) else 0
        if any(held.is_loose(kid, pos) for kid in islice(kids, first, None)):
            return True
    return False


class _Held:
    """The slots at which a pickle makes wrappers and names their class."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._stream = graph.stream
        self._classes: set[int] = set()
        self._objects: set[int] = set()

    def find(self, token: CancelToken) -> bool:
        """Find all of them; false where one is named otherwise than joblib does, or its class is changed."""
        data = self._stream.data
        for pos in offsets_of(self._stream, token):
            if data[pos] in _GLOBALS and not self._note_name(pos):
                return False
            if data[pos] in _CALLERS and self.is_class(self._graph.made(pos).cls):
                self._objects.add(pos)
        return self._classes.isdisjoint(self._stream.logs)

    def _note_name(self, pos: int) -> bool:
        op = self._stream.data[pos]
        name = self._graph.global_name(pos + (op == _INST))
        if name == WRAPPER:
            (self._objects if op == _INST else self._classes).add(pos)
            return True
        is_hidden = op == _STACK_GLOBAL and not name
        return not is_hidden and _WRAPPERS.isdisjoint(name.split("."))

    def is_class(self, slot: int) -> bool:
        return self._target(slot) in self._classes

    def is_loose(self, slot: int, pos: int) -> bool:
        """Tell whether the opcode at an offset is given a class or a wrapper: what no state is given yet, or again.

        Joblib puts the array where the wrapper was that is given its state; the memo keeps the wrapper.
        """
        target = self._target(slot)
        if target not in self._objects:
            return target in self._classes
        log = self._stream.logs.get(target, ())
        return slot != target or not log or log[0] > pos

    def _target(self, slot: int) -> int:
        data = self._stream.data
        return self._stream.target(slot) if 0 <= slot < len(data) and data[slot] in ALIASES else slot


def _dangerous_anywhere(data: bytes, token: CancelToken) -> Iterator[NamedGlobal]:
    """Yield the dangerous names that opcodes have from any offset on, as it is not known at which one is read."""
    return islice(_all_dangerous(data, token), limits.AUDITED)


def _all_dangerous(data: bytes, token: CancelToken) -> Iterator[NamedGlobal]:
    for start in _beginnings(data[:_LOOKED_THROUGH], token):
        for pos, name in names_in(islice(opcodes_from(data, start), _OPCODES_OF_A_NAME), token):
            if name not in (COMPUTED, WRAPPER) and judged(name)[0] is Risk.DANGEROUS:
                yield NamedGlobal(escape_text(name), "", pos, Risk.DANGEROUS)


def _beginnings(data: bytes, token: CancelToken) -> Iterable[int]:
    for pos, code in enumerate(data):
        if pos % _BETWEEN_CHECKS == 0:
            token.check()
        if code in _BEGINNINGS:
            yield pos
