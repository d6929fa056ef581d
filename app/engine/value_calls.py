"""What an engine is asked of one value: its bytes, its tree, edits of it, and what it would do."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from app.cancel import CancelToken
from app.codecs.base import NodeRow, Summary
from app.codecs.edits import Edit, New
from app.codecs.findings import Audit, OpcodeRow
from app.codecs.model import Style


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored value by what its index said of it, so that it can be read without the index."""

    key: bytes
    locator: int
    size: int


Source = int | Stored | bytes
"""Where a value is: the entry id of a stored one, its place, or the bytes of one that is not saved yet."""


@dataclass(frozen=True, slots=True)
class ValueInfo:
    """A decoded value: its codec and why, the root row, its size in bytes, sentences on what is wrong with it."""

    codec: str
    reason: str
    root: NodeRow
    size: int
    problems: tuple[str, ...] = ()
    is_damaged: bool = False
    why_cut: str = ""
    """A sentence where only the beginning of the value is shown; it is one of the problems too."""
    damage_met: str = ""
    """Why a part was not written as it is, by the texts, trees and JSON of it that were asked for before."""


@dataclass(frozen=True, slots=True)
class DecodeReport:
    """How many bytes of a value were followed.

    ``info`` is there when there is something to show: of the whole value in the last report, which is ``finished``,
    before that of its beginning.
    """

    done: int
    total: int
    info: ValueInfo | None = None
    finished: bool = False


class ValueCalls(ABC):
    """Calls about single values; each raises what `Engine` says, and `CodecError` where the value is the reason."""

    @abstractmethod
    def read(self, source: Source, start: int, length: int, token: CancelToken) -> bytes:
        """Return a range of a value's bytes."""

    @abstractmethod
    def read_all(self, sources: Sequence[Source], token: CancelToken) -> list[bytes]:
        """Return all bytes of some values; the caller sees to it that they are not too many for one message."""

    @abstractmethod
    def summaries(self, sources: Sequence[Source], token: CancelToken) -> list[Summary]:
        """Return what table cells show, one for each source, each from a prefix of its value."""

    @abstractmethod
    def decode(self, source: Source, token: CancelToken) -> ValueInfo:
        """Decode a value; the last few decoded values are kept."""

    @abstractmethod
    def decoding(self, source: Source, token: CancelToken) -> Iterator[DecodeReport]:
        """Decode a value as `decode` does, in slices of some milliseconds; other calls may be made between.

        Of a large one the beginning is there at once. Until the end, and when it is given up, all other calls about
        the value but `decode` answer from that, and it cannot be edited.
        """

    @abstractmethod
    def rows(self, source: Source, node: int, start: int, count: int, token: CancelToken) -> list[NodeRow]:
        """Return child rows of a node of a decoded value."""

    @abstractmethod
    def find(self, source: Source, path: str, token: CancelToken) -> NodeRow: ...

    @abstractmethod
    def text(self, source: Source, limit: int, token: CancelToken, path: str = "") -> str:
        """Return the value, or the node at ``path``, pretty-printed: at most some ``limit`` characters."""

    @abstractmethod
    def edit_text(self, source: Source, path: str, token: CancelToken) -> str:
        """Return the whole scalar at ``path`` as a Python literal."""

    @abstractmethod
    def replace(self, source: Source, path: str, literal: str, token: CancelToken) -> bytes:
        """Return the value's new bytes; nothing is saved."""

    @abstractmethod
    def tree(self, source: Source, path: str, limit: int, token: CancelToken) -> dict[str, Any]:
        """Return node JSON."""

    @abstractmethod
    def plain(self, source: Source, path: str, token: CancelToken) -> str:
        """Return the plain JSON of one value as text."""

    @abstractmethod
    def typed(self, source: Source, path: str, token: CancelToken) -> str:
        """Return the typed JSON of one value as text."""

    @abstractmethod
    def python(self, source: Source, path: str, limit: int, token: CancelToken) -> str:
        """Return the Python literal of the node at ``path``, which reads back to the same; in one line.

        Raises:
            EncodeError: it has none.
            LimitExceeded: it is longer than ``limit`` characters.
        """

    @abstractmethod
    def digest(self, source: Source, token: CancelToken) -> bytes:
        """Return the SHA-256 of a value's bytes."""

    @abstractmethod
    def edit(self, source: Source, edit: Edit, token: CancelToken) -> bytes:
        """Return the value's new bytes; nothing is saved."""

    @abstractmethod
    def encode_new(self, new: New, style: Style, token: CancelToken) -> bytes:
        """Return the bytes of a whole new value, as an entry of a shelf has them."""

    @abstractmethod
    def audit(self, source: Source, token: CancelToken) -> Audit:
        """Return what a real decoder of the value would import and call."""

    @abstractmethod
    def opcodes(self, source: Source, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        """Return at most ``count`` opcodes of a value from opcode number ``start`` on."""
