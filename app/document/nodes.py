"""What is asked of places within a value, and edits of them that are one step of the history."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.cancel import CancelToken
from app.codecs.base import NodeRow
from app.codecs.edits import Copied, ReplaceNode
from app.codecs.edits import Edit as ValueEdit
from app.codecs.findings import OpcodeRow
from app.document.draft import Edited
from app.document.editing import EditableEntries
from app.document.job import Job, StreamJob
from app.document.opcodes import opcode_counts, opcode_of_node
from app.document.shared_places import changed_by
from app.document.shared_within import holds_shared
from app.engine.base import Engine
from app.engine.value_calls import Source, Stored
from app.errors import EncodeError, LimitExceeded

LITERAL_CHARS = 4 << 20
"""Characters of a Python literal that is made to be edited or copied."""
_PAGE = 10_000
_ROWS_SORTED = 1_000_000


@dataclass(frozen=True, slots=True)
class CopiedNodes:
    """Places of a value: its bytes, their paths, and a text that says the same as far as text can.

    ``keys`` are the literals of their keys, empty where a place has none.
    """

    data: bytes
    paths: tuple[str, ...]
    text: str = ""
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Splice:
    """``removed`` bytes are taken out at an offset and ``new`` ones put in their place."""

    offset: int
    removed: int
    new: bytes


class NodeEditing(EditableEntries):
    """Asks and edits by paths."""

    def python_job(self, source: Source, path: str) -> Job[str]:
        """Return a place as a Python literal in one line; fails where it has none."""
        return Job("Reading", lambda token: self._engine.python(source, path, LITERAL_CHARS, token))

    def typed_job(self, source: Source, path: str) -> Job[str]:
        """Return a place as typed JSON, which reads back to the same."""
        return Job("Reading", lambda token: self._engine.typed(source, path, token))

    def separates_job(self, source: Source, path: str, *, is_typed: bool) -> Job[bool]:
        """Tell whether a place written anew from its literal, or typed JSON, would be no longer the same objects."""
        return Job("Reading", lambda token: holds_shared(self._engine, source, path, token, keeps_own=is_typed))

    def plain_job(self, source: Source, path: str) -> Job[str]:
        """Return a place as plain JSON, for reading."""
        return Job("Reading", lambda token: self._engine.plain(source, path, token))

    def octets_job(self, source: Source, path: str) -> Job[bytes]:
        """Return what a place holds as bytes, none where it holds something else."""
        return Job("Reading", lambda token: bytes.fromhex(self._engine.tree(source, path, 1, token).get("hex", "")))

    def all_rows_job(self, source: Source, node: int, count: int) -> Job[list[NodeRow]]:
        """Return all ``count`` child rows of a node."""

        def work(token: CancelToken) -> list[NodeRow]:
            if count > _ROWS_SORTED:
                raise LimitExceeded(f"{count:,} rows are more than can be put in order at once.")
            rows: list[NodeRow] = []
            while len(rows) < count and (page := self._engine.rows(source, node, len(rows), _PAGE, token)):
                rows += page
                token.advance(len(rows), count)
            return rows

        return Job("Reading", work)

    # ---- opcodes

    def opcodes_job(self, source: Source, start: int, count: int) -> Job[list[OpcodeRow]]:
        return Job("Reading", lambda token: self._engine.opcodes(source, start, count, token))

    def opcode_counts_job(self, source: Source) -> StreamJob[int]:
        """Count the opcodes of a value; ``item`` gets how many are there at least, and at last all.

        It waits for the end of a decoding, which it would slow.
        """

        def steps(token: CancelToken) -> Iterator[int]:
            return opcode_counts(self._engine, source, token)

        return StreamJob("Counting opcodes", steps, lambda _count: None, can_wait=True)

    def opcode_of_node_job(self, source: Source, node: int, count: int) -> Job[int | None]:
        """Return the number of the opcode that makes a node, of ``count`` opcodes."""
        return Job("Reading opcodes", lambda token: opcode_of_node(self._engine, source, node, count, token))

    # ---- editing

    def edits_job(
        self, entry_id: int, edits: Sequence[ValueEdit], title: str, *, only_at: Sequence[str] = ()
    ) -> Job[Edited]:
        """Make edits of a value one after the other, to be undone as one; if one is refused, none is made.

        ``only_at``: the places, outer ones first, of objects around the edits that stand in other places too, and
        shall stay as they are there.
        """

        def make(source: Source, token: CancelToken) -> bytes:
            for edit in edits:
                source = self._edited(source, edit, only_at, token)
            return self._bytes(source, token)

        path = getattr(edits[0], "path", "") if edits else ""
        return self._value_job(entry_id, make, title, path=path)

    def _edited(self, source: Source, edit: ValueEdit, only_at: Sequence[str], token: CancelToken) -> bytes:
        """Return a value with an edit made; a copy of each object that it changes takes the place of the shared one."""
        edited = self._engine.edit(source, edit, token)
        for path in reversed(changed_by((edit,), only_at)):
            edited = self._engine.edit(source, ReplaceNode(path, Copied(edited, path), any_type=True), token)
        return edited

    def splices_job(self, entry_id: int, splices: Sequence[Splice]) -> Job[Edited]:
        """Put other bytes in the places of some of a value's; the splices are in order and do not overlap."""
        wanted = tuple(splices)

        def make(source: Source, token: CancelToken) -> bytes:
            return spliced(self._bytes(source, token), wanted)

        count = sum(max(splice.removed, len(splice.new)) for splice in wanted)
        return self._value_job(entry_id, make, f"Edit of {count:,} {'byte' if count == 1 else 'bytes'}")

    def copy_job(self, entry_id: int, paths: Sequence[str]) -> Job[CopiedNodes]:
        """Return places of a value to be put elsewhere, and the text of them."""
        source, size, wanted = self.source(entry_id), self.size(entry_id), tuple(paths)

        def work(token: CancelToken) -> CopiedNodes:
            data = self._engine.read(source, 0, size, token)
            return CopiedNodes(data, wanted, "\n".join(text_of(self._engine, source, path, token) for path in wanted))

        return Job("Copying", work)

    def _bytes(self, source: Source, token: CancelToken) -> bytes:
        if isinstance(source, bytes):
            return source
        size = source.size if isinstance(source, Stored) else self.index.size(source)
        return self._engine.read(source, 0, size, token)


def spliced(data: bytes, splices: Sequence[Splice]) -> bytes:
    """Return bytes with splices made, which are in order and do not overlap."""
    pieces: list[bytes] = []
    at = 0
    for splice in splices:
        pieces += (data[at : splice.offset], splice.new)
        at = splice.offset + splice.removed
    return b"".join((*pieces, data[at:]))


def text_of(engine: Engine, source: Source, path: str, token: CancelToken) -> str:
    """Return a place of a value as a Python literal, as plain JSON where it has none."""
    try:
        return engine.python(source, path, LITERAL_CHARS, token)
    except EncodeError:
        return engine.plain(source, path, token)
