"""What can be done to a value, as plain data that crosses processes. Paths are those of DESIGN section 4."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Written:
    """A new value as text: a Python literal, JSON, or typed JSON (DESIGN section 6)."""

    text: str
    form: Literal["python", "json", "typed"] = "python"


@dataclass(frozen=True, slots=True)
class Copied:
    """A new value that is a copy of the node at ``path`` in another value, which ``data`` are the bytes of."""

    data: bytes
    path: str = ""
    codec: str | None = None
    """The codec that reads ``data``; the best one when None."""


@dataclass(frozen=True, slots=True)
class RawBytes:
    """A new value that is these bytes: as bytes, bytearray or 8-bit string, whichever stands there."""

    data: bytes


New = Written | Copied | RawBytes


@dataclass(frozen=True, slots=True)
class ReplaceNode:
    """Put another value at ``path``; a path to a new key, attribute or the index behind the last adds it.

    A scalar that replaces a scalar must be of its type unless ``any_type``.
    ``everywhere``: in all places that hold the same object, else only in this one.
    """

    path: str
    new: New
    any_type: bool = False
    everywhere: bool = False


@dataclass(frozen=True, slots=True)
class InsertItem:
    """Put a value before item ``index`` of the list, tuple, arguments or list items at ``path``; at the end when equal.

    A set or frozenset takes it as another element wherever its order has it.
    """

    path: str
    index: int
    new: New


@dataclass(frozen=True, slots=True)
class AddPair:
    """Add a key and its value at the end of the dict, state, keywords or dict items at ``path``; it must be new."""

    path: str
    key: New
    new: New


@dataclass(frozen=True, slots=True)
class DeleteNodes:
    """Take items, pairs, elements, attributes or arguments out; all of them have one parent."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reorder:
    """Put the items, pairs or elements at ``path`` in another order: ``order`` has each old position once."""

    path: str
    order: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RenameKey:
    """Give the pair whose value is at ``path`` another key; its place in the order stays."""

    path: str
    key: New


@dataclass(frozen=True, slots=True)
class RenameGlobal:
    """Name a class or function ``new`` wherever the value names it ``old``: ``module.name`` as `GLOBAL` rows show it.

    Where the dots of module and name could be taken for each other, a colon parts them: ``package.module:Outer.Inner``.
    """

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class ChangeProtocol:
    """Write the whole value anew in another protocol of pickle or version of marshal."""

    protocol: int


Edit = ReplaceNode | InsertItem | AddPair | DeleteNodes | Reorder | RenameKey | RenameGlobal | ChangeProtocol
