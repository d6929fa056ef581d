"""What a codec must offer: bytes to a tree that is looked at by pages, and back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from app.cancel import CancelToken
from app.codecs.edits import Edit
from app.codecs.findings import Audit, Hit, OpcodeRow, Query
from app.codecs.matching import Matcher
from app.codecs.model import Value
from app.codecs.row_search import row_hits
from app.codecs.typed.writing import typed_pieces, typed_whole
from app.errors import EncodeError, PathError


@dataclass(frozen=True, slots=True)
class Summary:
    """What a table cell shows of a value: plain text, safe to paint, already escaped.

    ``type`` is the type of the root (``dict``, ``shop.models.Order``), ``problem`` a sentence when
    the value is damaged as far as it was looked at. ``key`` is what the entry's key says where that is a pickle or
    marshal itself.
    """

    codec: str
    type: str
    text: str
    problem: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class NodeRow:
    """One row of a value tree, plain text already escaped for the screen.

    ``node`` is a handle (non-negative, below 2**63) that `DecodedValue.rows` takes; valid for this decoded value only.
    ``step`` is what the row adds to its parent's path; empty for the root.
    ``label`` is what a person reads in its place (``name``, ``0``, ``.title``).
    ``count`` is the number of child rows. ``flags`` are words of `FLAGS`; ``note`` explains them in a sentence.
    ``editor`` names what `DecodedValue.replace` accepts here (``int``, ``str``… as literals, ``datetime``, ``element``…
    as texts); empty when the row cannot be edited, and then ``note`` says why.
    ``first`` is the path of the first place of an object that stands here again, from the root of the pickle or other
    value that the row is in; None where this is the first place, or that has no row.
    """

    node: int
    step: str
    label: str
    type: str
    text: str
    count: int = 0
    flags: tuple[str, ...] = ()
    note: str = ""
    editor: str = ""
    first: str | None = None


FLAGS = ("shared", "recursive", "unknown-class", "call", "damaged", "read-only", "truncated")


@dataclass(frozen=True, slots=True)
class Inside:
    """Bytes within a value that are a value themselves, or may be one.

    ``step`` is what a path takes to them (``<content>``, ``<before>``, ``<after>``), ``size`` how many they are;
    ``read`` returns the first of them, or all for None. ``is_certain``: they are shown as whatever they are, else
    only where a codec knows them surely. ``why_read_only`` is a sentence where they cannot be replaced.
    """

    step: str
    size: int
    read: Callable[[int | None], bytes]
    is_certain: bool = False
    why_read_only: str = ""


Holder = tuple[int, Callable[[], str]]
"""A node that has insides, and what returns its path; to be asked before the next one is taken."""


class DecodedValue(ABC):
    """A value's bytes made into a tree. Building it imported, called and evaluated nothing.

    Paths are text as DESIGN section 4 defines them; the root's path is empty.
    """

    is_wrapper: ClassVar[bool] = False
    """Whether the value is nothing without its ``<content>``: then text, JSON, opcodes and the like are of that."""

    @property
    @abstractmethod
    def codec(self) -> str:
        """The name of the codec that reads such values; a class variable will do."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.why_cut = ""
        """A sentence where only the beginning of the value is shown, as there is no room for more; also a problem."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences on what is wrong with the value as a whole (truncated, data after STOP…).

        They are looked for when they are asked for first: whoever goes through many values asks for none.
        """
        return ()

    @property
    @abstractmethod
    def root(self) -> NodeRow:
        """The row of the whole value."""

    @abstractmethod
    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        """Return at most ``count`` child rows of a node from child ``start`` on."""

    @abstractmethod
    def find(self, path: str) -> NodeRow:
        """Return the row that ``path`` names; its ``step`` is the last step.

        Raises:
            PathError: the path does not parse or leads nowhere; the message names the part that failed.
        """

    def edit_text(self, path: str) -> str:
        """Return the whole scalar at ``path`` as a Python literal, for an editor to start from."""
        raise PathError(f"There is nothing to edit at {path or 'the root'}.")

    def replace(self, path: str, literal: str) -> bytes:
        r"""Return the value's bytes with the scalar at ``path`` replaced, same type, all other bytes kept.

        ``literal`` is a Python literal (``12``, ``'text'``, ``b'\x00'``, ``u'…'``).

        Raises:
            EncodeError: the literal is wrong or of another type, or the place cannot be edited safely; says why.
            PathError: no such place.
        """
        raise EncodeError(f"{self.codec} values cannot be edited yet.")

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        """Return the value's bytes with an edit made; whatever it does not name keeps its bytes.

        Raises:
            EncodeError: the new value is wrong, or the place cannot be edited safely; says why.
            PathError: no such place.
            Cancelled: by ``token``.
        """
        raise EncodeError(f"{self.codec} values cannot be edited in this way.")

    def insides(self, node: int) -> Sequence[Inside]:
        """Return what may be values of their own within a node, cheap to ask for every row; their steps differ."""
        return ()

    def holders(self, token: CancelToken) -> Iterator[Holder]:
        """Yield all nodes that have `insides`, in the order of the tree."""
        if self.insides(self.root.node):
            yield self.root.node, str

    def with_inside(self, path: str, step: str, data: bytes, token: CancelToken) -> bytes:
        """Return the value's bytes with those that the node at ``path`` has inside under ``step`` replaced.

        Raises: as `edit`.
        """
        raise EncodeError(f"What is inside of {self.codec} values cannot be replaced.")

    def model(self, path: str, token: CancelToken) -> Value:
        """Return the node at ``path`` as a value to be written elsewhere.

        Raises:
            EncodeError: it is damaged, or nothing else could hold it; says why.
            PathError: no such place.
        """
        raise EncodeError(f"{self.codec} values cannot be copied from.")

    def audit(self, token: CancelToken) -> Audit:
        """Return what a real decoder would import and call; nothing for a format that can do neither."""
        return Audit()

    def opcodes(self, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        """Return at most ``count`` opcodes from opcode number ``start`` on; nothing where there are none."""
        return []

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        """Yield the places whose scalar, key or class matches, in the order of the tree.

        Raises:
            EncodeError: the regular expression is wrong.
            Cancelled: by ``token``.
        """
        return row_hits(self, Matcher(query), token)

    def typed(self, token: CancelToken, path: str = "") -> Iterator[str]:
        """Yield the typed JSON of DESIGN section 6 in pieces; joined they are one document without a line break.

        Raises: as `model`, for a place within the value; a whole one that nothing else could hold is given as bytes.
        """
        if path:
            yield from typed_pieces(self.model(path, token), token)
        else:
            yield from typed_whole(lambda: self.model("", token), self.data, token)

    @abstractmethod
    def text(self, limit: int, path: str = "") -> str:
        """Return the value at ``path`` pretty-printed as plain text, escaped for the screen.

        It has at most some ``limit`` characters.
        """

    @abstractmethod
    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        """Return the node JSON of DESIGN section 4 with at most ``limit`` nodes."""

    @abstractmethod
    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        """Yield the plain JSON of DESIGN section 6 in pieces; joined they are one JSON value without a line break."""

    @property
    def is_damaged(self) -> bool:
        """Whether the value cannot be shown whole (plain JSON is then ``__damaged__``)."""
        return False

    @property
    def damage_met(self) -> str:
        """Why a part was not written as it is, by the texts, trees and JSON that were asked for so far; else empty."""
        return ""


class Codec(ABC):
    """One value format."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called; a class variable will do."""

    @abstractmethod
    def sniff(self, data: bytes, *, whole: bool) -> str:
        """Return why ``data`` looks like this format, or an empty string.

        ``whole`` is false when ``data`` is only a prefix of the value. Bounded in time by the caller's prefix.
        """

    @abstractmethod
    def decode(self, data: bytes, token: CancelToken) -> DecodedValue:
        """Return the decoded value; damage is part of it, not an error.

        Raises:
            LimitExceeded: a cap of `app.limits` was reached.
            Cancelled: by ``token``.
        """

    @abstractmethod
    def summary(self, prefix: bytes, size: int) -> Summary:
        """Return what a table cell shows, from at most `limits.SUMMARY_PREFIX` bytes of a value of ``size`` bytes."""

    def first_part(self, data: bytes, token: CancelToken) -> DecodedValue | None:
        """Return a value that shows the beginning of what `decode` would, at once; None where it is no sooner.

        Only for what is large; it says in ``why_cut`` how far it goes.

        Raises:
            Cancelled: by ``token``.
        """
        return None

    def claimed_value(self, data: bytes, token: CancelToken) -> tuple[DecodedValue, str] | None:
        """Return the value and why it looks like this format, None when it does not: `sniff` and `decode` at once.

        Raises: as `decode`.
        """
        reason = self.sniff(data, whole=True)
        return (self.decode(data, token), reason) if reason else None

    def claimed_summary(self, prefix: bytes, size: int) -> Summary | None:
        """Return the summary of a value that looks like this format, else None: `sniff` and `summary` at once."""
        return self.summary(prefix, size) if self.sniff(prefix, whole=len(prefix) >= size) else None
