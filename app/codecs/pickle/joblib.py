"""Dumps of joblib: pickles that have the raw bytes of arrays between their opcodes.

An object ``NumpyArrayWrapper`` tells shape and dtype, and the memory of the array follows its last opcode. To be
looked at and edited, each such wrapper is taken off the stack again and the array put there, as numpy pickles it;
an edit is made in that and written back with the arrays where they were.

References:
    joblib/numpy_pickle.py (NumpyArrayWrapper.write_array, read_array; bytes of alignment since 1.1).
"""

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from app import limits
from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, Holder, Inside, NodeRow, Summary
from app.codecs.edits import Edit
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.model import Value
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.joblib_memory import Mixed, is_wrapper, with_memories
from app.codecs.pickle.recognise import Sliceable, value_end
from app.codecs.pickle.summary import summarise
from app.codecs.pickle.value import PickleValue
from app.codecs.trees.children import Child
from app.errors import CodecError, DecodeError, EncodeError

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


class _ShownPickle(PickleValue):
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
        self.problems = self._pickle.problems
        self.why_cut = self._pickle.why_cut

    @property
    def is_damaged(self) -> bool:
        return self._pickle.is_damaged

    @property
    def root(self) -> NodeRow:
        return self._pickle.root

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        return self._pickle.rows(node, start, count)

    def find(self, path: str) -> NodeRow:
        return self._pickle.find(path)

    def insides(self, node: int) -> Sequence[Inside]:
        return self._pickle.insides(node)

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        return self._pickle.holders(token)

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        return self._written_back(self._pickle.with_inside(path, step, data, token), token)

    def edit_text(self, path: str) -> str:
        return self._pickle.edit_text(path)

    def replace(self, path: str, literal: str) -> bytes:
        return self._written_back(self._pickle.replace(path, literal), CancelToken())

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        return self._written_back(self._pickle.edit(edit, token), token)

    def _written_back(self, shown: bytes, token: CancelToken) -> bytes:
        """Return the dump that is shown as ``shown``.

        Raises:
            EncodeError: joblib would not find its arrays again.
        """
        if shown == self._pickle.data:
            return self.data
        opcodes, memories, dump = with_memories(shown, self._mixed.arrays, token)
        again = Mixed(dump, token)
        if again.opcodes != opcodes or [array.memory for array in again.arrays] != memories:
            raise EncodeError(
                "With that change joblib would not find the bytes of its arrays again; it was left alone."
            )
        return dump

    def model(self, path: str, token: CancelToken) -> Value:
        return self._pickle.model(path, token)

    def audit(self, token: CancelToken) -> Audit:
        return self._pickle.audit(token)

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        return self._pickle.opcodes(start, count, token)

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        return self._pickle.search(query, token)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._pickle.typed(token, path)

    def text(self, limit: int, path: str = "") -> str:
        return self._pickle.text(limit, path)

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        return self._pickle.tree(limit, path)

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        return self._pickle.plain(token, path)


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
