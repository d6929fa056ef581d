"""How the rest of the program reads a parsed pickle: kinds, scalars, items and objects of slots.

A *slot* is the byte offset of the opcode that pushed a value at one place; its *target* is the
object that stands there. Two slots with one target are the same object (``a is b``).
Known encodings are seen through: `_codecs.encode` of Latin-1 text has kind BYTES, the sets and
bytearrays of old protocols SET, FROZENSET, BYTEARRAY, ``complex`` calls COMPLEX.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a node is; the values are the ``t`` of node JSON."""

    NONE = "none"
    BOOL = "bool"
    INT = "int"
    LONG = "long"
    FLOAT = "float"
    COMPLEX = "complex"
    STR = "str"
    STR2 = "str2"
    BYTES = "bytes"
    BYTEARRAY = "bytearray"
    LIST = "list"
    TUPLE = "tuple"
    DICT = "dict"
    SET = "set"
    FROZENSET = "frozenset"
    GLOBAL = "global"
    OBJECT = "object"
    PERSID = "persid"
    EXT = "ext"
    BUFFER = "buffer"
    CODE = "code"
    DAMAGED = "damaged"


SCALARS = frozenset(
    {
        Kind.NONE,
        Kind.BOOL,
        Kind.INT,
        Kind.LONG,
        Kind.FLOAT,
        Kind.COMPLEX,
        Kind.STR,
        Kind.STR2,
        Kind.BYTES,
        Kind.BYTEARRAY,
    }
)
CONTAINERS = frozenset({Kind.LIST, Kind.TUPLE, Kind.DICT, Kind.SET, Kind.FROZENSET})

Scalar = None | bool | int | float | complex | str | bytes


@dataclass(frozen=True, slots=True)
class ObjectParts:
    """What the pickle says of an object that only its class could build. Slots throughout.

    ``cls`` is the slot of the class or callable. ``args`` and ``kwargs`` are the slots given to it;
    ``args_slot`` is the slot of the argument tuple itself or -1. ``states`` are the arguments of BUILD in order
    (usually none or one). ``is_call`` is true for REDUCE (a callable was called), false for NEWOBJ, OBJ and INST.
    """

    cls: int
    args: tuple[int, ...]
    kwargs: tuple[tuple[int, int], ...] = ()
    states: tuple[int, ...] = ()
    listitems: tuple[int, ...] = ()
    dictitems: tuple[tuple[int, int], ...] = ()
    args_slot: int = -1
    is_call: bool = False


class PickleNodes(ABC):
    """Read access to one parsed pickle. Nothing recurses; every method is bounded by what it returns."""

    damage_met = ""
    """The first sentence that stands where a part could not be written, as `written_as_damaged` was told."""

    def written_as_damaged(self, why: str) -> str:
        """Return why a part cannot be shown, noted: who wrote a value must know that not all of it is there."""
        self.damage_met = self.damage_met or why
        return why

    @property
    @abstractmethod
    def root(self) -> int:
        """The slot of the value that STOP returned, or of what stood on the stack where the damage is."""

    @property
    @abstractmethod
    def is_python2(self) -> bool:
        """Whether the pickle holds STRING, BINSTRING or SHORT_BINSTRING."""

    @abstractmethod
    def target(self, slot: int) -> int:
        """Return the identity of the object at ``slot``."""

    @abstractmethod
    def kind(self, slot: int) -> Kind: ...

    @abstractmethod
    def scalar(self, slot: int) -> Scalar:
        """Return the Python value of a scalar; STR2 as bytes, BYTEARRAY as bytes.

        Raises:
            LimitExceeded: an integer of more than `limits.INT_BYTES` bytes or `limits.INT_DIGITS` digits of text.
            DecodeError: the argument is malformed (bad float text, bad UTF-8…).
        """

    @abstractmethod
    def integer(self, slot: int) -> int:
        """Return an INT or LONG of any size, whatever it costs; raises DecodeError when malformed."""

    @abstractmethod
    def length(self, slot: int) -> int:
        """Return bytes of a BYTES, BYTEARRAY, STR2, STR, INT or LONG argument, items of a container, else 0.

        Raises:
            DecodeError: the argument is malformed.
        """

    @abstractmethod
    def prefix(self, slot: int, limit: int) -> str | bytes:
        """Return at most ``limit`` leading characters or bytes of a text or bytes scalar, never decoding more."""

    def view(self, slot: int) -> memoryview:
        """Return the bytes of a BYTES, BYTEARRAY or STR2 scalar, without a copy where they stand there as they are."""
        content = self.scalar(slot)
        return memoryview(content if isinstance(content, bytes) else b"")

    def written(self, slot: int) -> bytes | None:
        """Return the bytes that a scalar is written in, for one that cannot be read; None where they are not known."""
        return None

    @abstractmethod
    def items(self, slot: int, start: int = 0, count: int | None = None) -> list[int]:
        """Return item slots of a list, tuple, set or frozenset."""

    @abstractmethod
    def pairs(self, slot: int, start: int = 0, count: int | None = None) -> list[tuple[int, int]]:
        """Return key and value slots of a dict in the order of the stream, repeated keys included."""

    @abstractmethod
    def global_name(self, slot: int) -> str:
        """Return ``module.name`` as the pickle writes it when the slot is a GLOBAL, else an empty string."""

    @abstractmethod
    def parts(self, slot: int) -> ObjectParts:
        """Return the parts of an OBJECT."""

    @abstractmethod
    def inner(self, slot: int) -> int:
        """Return the persistent id's slot of a PERSID, the code of an EXT, the index of a BUFFER."""

    def fields(self, slot: int) -> Sequence[tuple[str, int]]:
        """Return the names (``co_consts``…) and slots of the parts of a CODE, which no pickle has."""
        return ()

    @abstractmethod
    def damage(self, slot: int) -> str:
        """Return why a DAMAGED node is damaged, as a sentence."""
