"""What a known type says of an object: its type, its text, and how plain JSON writes it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from app.codecs.known.shape import Shape
from app.codecs.model import Style, Value
from app.codecs.nodes import PickleNodes
from app.errors import EncodeError

Preview = Callable[[int], str]
"""Return the short text of a node, safe for the screen."""


@dataclass(frozen=True, slots=True)
class PlainText:
    """A JSON string of this text."""

    text: str


@dataclass(frozen=True, slots=True)
class PlainArray:
    """A JSON array of these slots."""

    slots: Sequence[int]


@dataclass(frozen=True, slots=True)
class PlainPairs:
    """A dict of these key and value slots."""

    pairs: Sequence[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class PlainParts:
    """Pieces of JSON text, and slots of nodes to be written where they stand. Read once."""

    parts: Callable[[], Iterator[str | int]]


Plain = PlainText | PlainArray | PlainPairs | PlainParts


@dataclass(frozen=True, slots=True)
class Known:
    """A recognised object. ``text`` is safe for the screen; ``plain`` is None where plain JSON shows the object.

    ``lines`` are those of a table, safe for the screen, for what is better read as one.
    """

    type: str
    text: str
    plain: Plain | None = None
    lines: Callable[[], Iterator[str]] | None = None


Patches = Mapping[int, Value]
"""What is to be put at which slots of an object, so that it becomes another; all its other opcodes stay."""


class KnownType(ABC):
    """Recognises the objects of a few classes by the names in the pickle, shows them and edits them as text."""

    names: ClassVar[tuple[str, ...]]
    """``module.name`` of the classes and callables, as pickles of all Pythons write them."""

    editor: ClassVar[str] = ""
    """What `literal` writes, for a window to choose how it is edited (``datetime``, ``uuid``…); empty when nothing."""

    @abstractmethod
    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        """Return what the object is, or None when it is not built as that class builds it.

        The work is bounded by what a tree row may cost, but for ``plain``. May raise CodecError.
        """

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        """Return the whole text of an object that `describe` knows, to be edited; None when it has none.

        It is what a row shows of it, without cuts. May raise CodecError.
        """
        return None

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return what makes the object the one that ``text`` says, with nothing where it is that already.

        Asked only for objects that have a `literal`.

        Raises:
            EncodeError: the text is wrong, or this object has no place for what it says; the message says why.
        """
        raise EncodeError(f"A {type_name(shape.name)} cannot be edited as text.")


def type_name(name: str) -> str:
    """Return ``module.Class`` as a person writes it: builtins bare, private modules left out."""
    module, _, attribute = name.rpartition(".")
    if module in _BARE_MODULES:
        return attribute
    return f"{_PUBLIC_MODULES.get(module, module)}.{attribute}" if module else attribute


_BARE_MODULES = ("builtins", "__builtin__", "exceptions")
_PUBLIC_MODULES = {"pathlib._local": "pathlib", "pathlib._abc": "pathlib", "numpy.matrixlib.defmatrix": "numpy"}
