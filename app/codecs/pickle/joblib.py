"""Dumps of joblib: pickles that have the raw bytes of arrays between their opcodes.

An object ``NumpyArrayWrapper`` tells shape and dtype, and the memory of the array follows its last opcode. To be
looked at and edited, each such wrapper is taken off the stack again and the array put there, as numpy pickles it;
an edit is made in that and written back with the arrays where they were.

References:
    joblib/numpy_pickle.py (NumpyArrayWrapper.write_array, read_array; bytes of alignment since 1.1).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Holder, Inside, NodeRow, Summary
from app.codecs.edits import ChangeProtocol, DeleteNodes, Edit, RenameGlobal, RenameKey, ReplaceNode, Written
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.holding import AFTER
from app.codecs.model import Value
from app.codecs.paths import step_texts
from app.codecs.pickle.editing.renames import names_global
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.joblib_audit import audit_of_dump
from app.codecs.pickle.joblib_memory import Mixed, RawArray, is_wrapper, with_memories
from app.codecs.pickle.joblib_opcodes import DumpOpcodes
from app.codecs.pickle.joblib_parts import DumpParts, OfDump
from app.codecs.pickle.joblib_view import joined_up
from app.codecs.pickle.recognise import Sliceable, value_end
from app.codecs.pickle.summary import summarise
from app.codecs.trees.children import Child
from app.errors import CodecError, DecodeError, EncodeError, PathError

_MODULE = b"joblib.numpy_pickle"
_NAME = b"NumpyArrayWrapper"
_PROTO = b"\x80"
_LOOKED_INTO = 1 << 16
"""Bytes of a file in which the first wrapper must stand."""

_LONGEST = 1 << 30
"""Bytes of the longest dump in a file of several values."""


def dump_end(buffer: Sliceable, offset: int) -> int | None:
    """Return where the pickle that starts at ``offset`` ends, be it one of joblib's; None when there is none."""
    end = value_end(buffer, offset)
    head = bytes(buffer[offset : offset + 2])
    if not head.startswith(_PROTO) or not _names_wrapper(bytes(buffer[offset : end or offset + _LOOKED_INTO])):
        return end
    data = bytes(buffer[offset : offset + _LONGEST])
    mixed = Mixed(data, CancelToken())
    stop = value_end(mixed.opcodes, 0) if mixed.arrays else None
    return end if stop is None else offset + len(data) - len(mixed.opcodes) + stop


class _ShownPickle(OfDump):
    """The pickle that is shown: that wrappers are thrown away in it is our own doing."""

    def _make_extras(self, graph: Graph) -> list[Child]:
        return [extra for extra in super()._make_extras(graph) if not _is_wrapper(graph, extra)]


def _is_wrapper(graph: Graph, extra: Child) -> bool:
    return extra.step.startswith("<popped") and is_wrapper(graph, extra.slot)


class JoblibValue(DecodedValue):
    """A dump of joblib, shown as the pickle that it would be without joblib."""

    codec: ClassVar[str] = "joblib"

    def __init__(self, data: bytes, token: CancelToken) -> None:
        """Raises DecodeError where no array is found in it."""
        super().__init__(data)
        self._mixed = Mixed(data, token)
        if not self._mixed.arrays:
            raise DecodeError("No array of joblib was found between the opcodes.")
        self._pickle = _ShownPickle(self._mixed.shown, token)
        self._view, self._joined = self._viewed(token)
        self._opcodes: DumpOpcodes | None = None
        self.why_cut = self._pickle.why_cut

    def _viewed(self, token: CancelToken) -> "tuple[_ShownPickle, dict[int, int]]":
        """Return the pickle that is looked at, and its arrays of objects by their slots in the one that is edited."""
        data, joined = joined_up(self._mixed, token)
        view = _ShownPickle(data, token) if joined else self._pickle
        if view.is_damaged or self._pickle.is_damaged:
            return self._pickle, {}
        slots = self._mixed.slots_shown()
        return view, {slots[number]: number for number in joined}

    @property
    def problems(self) -> tuple[str, ...]:
        return self._pickle.problems

    @property
    def is_damaged(self) -> bool:
        return self._pickle.is_damaged

    @property
    def damage_met(self) -> str:
        return self._view.damage_met

    @property
    def root(self) -> NodeRow:
        return self._view.root

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        return self._view.rows(node, start, count)

    def find(self, path: str) -> NodeRow:
        return self._view.find(path)

    def insides(self, node: int) -> Sequence[Inside]:
        return self._view.insides(node)

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        return self._view.holders(token)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        number, within = (-1, path) if step == AFTER else self._array_at(path)
        if number >= 0:
            changed = self._inner(number, token).with_inside(within, step, data, token)
            return self._with_pickles({number: changed}, token)
        return self._written_back(self._pickle.with_inside(path, step, data, token), self._mixed.arrays, token)

    def edit_text(self, path: str) -> str:
        return self._view.edit_text(path)

    def replace(self, path: str, literal: str) -> bytes:
        self._view.find(path)  # this adds nothing new
        return self.edit(ReplaceNode(path, Written(literal)), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        if isinstance(edit, RenameGlobal):
            return self._renamed(edit, token)
        if not isinstance(edit, ChangeProtocol):
            paths = edit.paths if isinstance(edit, DeleteNodes) else (edit.path,)
            places = [self._array_at(path) for path in paths]
            is_around = isinstance(edit, (DeleteNodes, RenameKey)) and not all(within for _, within in places)
            numbers = {number for number, _ in places}
            if not is_around and numbers and numbers != {-1}:
                return self._edited_inside(edit, places, token)
        return self._written_back(self._pickle.edit(edit, token), self._mixed.arrays, token)

    def _edited_inside(self, edit: Edit, places: list[tuple[int, str]], token: CancelToken) -> bytes:
        """Return the dump with an edit made within an array of objects."""
        number = places[0][0]
        if any(other != number for other, _ in places):
            raise EncodeError("Only nodes of one parent can be deleted at once.")
        inner = self._inner(number, token)
        if isinstance(edit, DeleteNodes):
            changed = inner.edit(DeleteNodes(tuple(within for _, within in places)), token)
        elif isinstance(edit, RenameGlobal | ChangeProtocol):
            changed = inner.edit(edit, token)
        else:
            changed = inner.edit(replace(edit, path=places[0][1]), token)
        kind = inner.root.type
        if OfDump(changed, token).root.type != kind:
            raise EncodeError(f"With that change joblib would find no {kind} there; change what is in it instead.")
        return self._with_pickles({number: changed}, token)

    def _array_at(self, path: str) -> tuple[int, str]:
        """Return the number of the array of objects that a path leads into, and the path there; -1 where it does not.

        Raises:
            PathError: the path is none.
        """
        steps = step_texts(path) if self._joined else []
        for count in range(len(steps) + 1 if self._joined else 0):
            try:
                number = self._joined.get(self._pickle.target_at("".join(steps[:count])), -1)
            except PathError:
                break
            if number >= 0:
                return number, "".join(steps[count:])
        return -1, path

    def _inner(self, number: int, token: CancelToken) -> OfDump:
        return OfDump(self._mixed.arrays[number].memory, token)

    def _renamed(self, edit: RenameGlobal, token: CancelToken) -> bytes:
        """Return the dump with a class or function named otherwise, in its arrays of objects too."""
        changed: dict[int, bytes] = {}
        for number in self._joined.values():
            inner = self._inner(number, token)
            if names_global(inner.graph, edit.old):
                changed[number] = inner.edit(edit, token)
        if changed and not names_global(self._pickle.graph, edit.old):
            return self._with_pickles(changed, token)
        arrays = self._arrays_with(changed)
        shown = OfDump(self._mixed.shown_with(arrays), token).edit(edit, token)
        return self._written_back(shown, arrays, token)

    def _with_pickles(self, changed: dict[int, bytes], token: CancelToken) -> bytes:
        """Return the dump with other pickles of some arrays of objects."""
        arrays = self._arrays_with(changed)
        return self._written_back(self._mixed.shown_with(arrays), arrays, token)

    def _arrays_with(self, changed: dict[int, bytes]) -> list[RawArray]:
        return [
            array.with_pickle(changed[number]) if number in changed else array
            for number, array in enumerate(self._mixed.arrays)
        ]

    def _written_back(self, shown: bytes, arrays: Sequence[RawArray], token: CancelToken) -> bytes:
        """Return the dump that is shown as ``shown``.

        Raises:
            EncodeError: joblib would not find its arrays again.
        """
        if shown == self._pickle.data:
            return self.data
        opcodes, memories, dump = with_memories(shown, arrays, token)
        again = Mixed(dump, token)
        if again.opcodes != opcodes or [array.memory for array in again.arrays] != memories:
            raise EncodeError(
                "With that change joblib would not find the bytes of its arrays again; it was left alone."
            )
        return dump

    def model(self, path: str, token: CancelToken) -> Value:
        return self._view.model(path, token)

    def audit(self, token: CancelToken) -> Audit:
        return audit_of_dump(self.data, self._parts(token), self._view, token)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        if self._opcodes is None:
            self._opcodes = DumpOpcodes(self._parts(token), self._view, token)
        return self._opcodes.rows(start, count, token)

    def _parts(self, token: CancelToken) -> DumpParts:
        return DumpParts(self._mixed, token)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        return self._view.search(query, token)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._view.typed(token, path)

    def text(self, limit: int, path: str = "") -> str:
        return self._view.text(limit, path)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        return self._view.tree(limit, path)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._view.plain(token, path)


class JoblibCodec(Codec):
    """Recognises a pickle that names the wrapper of joblib."""

    name: ClassVar[str] = "joblib"

    def sniff(self, data: bytes, *, whole: bool) -> str:
        return "It is a pickle of joblib, with arrays between its opcodes." if _names_wrapper(data) else ""

    def decode(self, data: bytes, token: CancelToken) -> JoblibValue:
        return JoblibValue(data, token)

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        reason = self.sniff(data, whole=True)
        return (JoblibValue(data, token), reason) if reason else None

    def summary(self, prefix: bytes, size: int) -> Summary:
        return self.claimed_summary(prefix, size) or Summary(self.name, "joblib", "")

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        if not _names_wrapper(prefix):
            return None
        try:
            root = JoblibValue(prefix, CancelToken()).root
        except CodecError:
            begun = summarise(prefix, size)
            return Summary(self.name, begun.type, begun.text)
        return Summary(self.name, root.type, root.text[: limits.SUMMARY_CHARS])


def _names_wrapper(data: bytes) -> bool:
    return data.startswith(_PROTO) and _NAME in data and _MODULE in data
