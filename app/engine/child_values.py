"""Calls about values, answered by the process at the other end of a pipe."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from app.cancel import CancelToken
from app.codecs.base import NodeRow, Summary
from app.codecs.edits import Edit, New
from app.codecs.findings import Audit, OpcodeRow
from app.codecs.model import Style
from app.engine.child_process import ChildProcess
from app.engine.value_calls import Source, Stored, ValueCalls, ValueInfo


class ChildValueCalls(ChildProcess, ValueCalls):
    """A child process that is asked about values."""

    @abstractmethod
    def _place(self, source: Source) -> Stored | bytes:
        """Return the source so that a process without the index, or a new one, understands it."""

    def read(self, source: Source, start: int, length: int, token: CancelToken) -> bytes:
        return bytes(self._call("read", [self._place(source), start, length], token))

    def read_all(self, sources: Sequence[Source], token: CancelToken) -> list[bytes]:
        return list(self._call("read_all", [[self._place(source) for source in sources]], token))

    def summaries(self, sources: Sequence[Source], token: CancelToken) -> list[Summary]:
        return list(self._call("summaries", [[self._place(source) for source in sources]], token))

    def decode(self, source: Source, token: CancelToken) -> ValueInfo:
        value: ValueInfo = self._call("decode", [self._place(source)], token)
        return value

    def rows(self, source: Source, node: int, start: int, count: int, token: CancelToken) -> list[NodeRow]:
        return list(self._call("rows", [self._place(source), node, start, count], token))

    def find(self, source: Source, path: str, token: CancelToken) -> NodeRow:
        row: NodeRow = self._call("find", [self._place(source), path], token)
        return row

    def text(self, source: Source, limit: int, token: CancelToken, path: str = "") -> str:
        return str(self._call("text", [self._place(source), limit], token, path=path))

    def edit_text(self, source: Source, path: str, token: CancelToken) -> str:
        return str(self._call("edit_text", [self._place(source), path], token))

    def replace(self, source: Source, path: str, literal: str, token: CancelToken) -> bytes:
        return bytes(self._call("replace", [self._place(source), path, literal], token))

    def tree(self, source: Source, path: str, limit: int, token: CancelToken) -> dict[str, Any]:
        return dict(self._call("tree", [self._place(source), path, limit], token))

    def plain(self, source: Source, path: str, token: CancelToken) -> str:
        return str(self._call("plain", [self._place(source), path], token))

    def digest(self, source: Source, token: CancelToken) -> bytes:
        return bytes(self._call("digest", [self._place(source)], token))

    def typed(self, source: Source, path: str, token: CancelToken) -> str:
        return str(self._call("typed", [self._place(source), path], token))

    def python(self, source: Source, path: str, limit: int, token: CancelToken) -> str:
        return str(self._call("python", [self._place(source), path, limit], token))

    def edit(self, source: Source, edit: Edit, token: CancelToken) -> bytes:
        return bytes(self._call("edit", [self._place(source), edit], token))

    def encode_new(self, new: New, style: Style, token: CancelToken) -> bytes:
        return bytes(self._call("encode_new", [new, style], token))

    def audit(self, source: Source, token: CancelToken) -> Audit:
        found: Audit = self._call("audit", [self._place(source)], token)
        return found

    def opcodes(self, source: Source, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        return list(self._call("opcodes", [self._place(source), start, count], token))
