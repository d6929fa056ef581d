"""Values that are to be written: what a literal, JSON or a copied node stands for, before it has any bytes.

Nothing here is an object of the class it stands for. Two places that hold the same item are the same object
(``a is b``), and an item may hold itself; so whoever goes through them keeps a set of those seen, and never recurses.
"""

from dataclasses import dataclass, field

from app.codecs.nodes import Kind, Scalar


@dataclass(eq=False, slots=True)
class Atom:
    """A scalar of a kind of `nodes.SCALARS`; STR2, BYTES and BYTEARRAY hold bytes, INT and LONG an int of any size."""

    kind: Kind
    value: Scalar


@dataclass(eq=False, slots=True)
class Items:
    """A LIST, TUPLE, SET or FROZENSET in order."""

    kind: Kind
    items: list["Value"] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class Pairs:
    """A dict in order; a key may come twice, as in a pickle."""

    pairs: list[tuple["Value", "Value"]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class GlobalName:
    """A class or function by its names: ``module`` and ``name`` (dotted when nested).

    ``written_in`` is the protocol of the pickle that the names are copied from. Without one they are Python 3's own,
    and are written below protocol 3 as Python 2 knows them.
    """

    module: str
    name: str
    written_in: int | None = None


@dataclass(eq=False, slots=True)
class Built:
    """An object that its class or callable makes: ``cls(*args, **kwargs)``, then states, items and pairs in turn.

    ``args`` is a TUPLE of `Items` or whatever else stood there. ``is_call`` tells REDUCE from NEWOBJ, as `ObjectParts`.
    ``is_old_style`` says that INST or OBJ makes it, as they make instances of Python 2's old-style classes.
    ``setters`` are functions that are called with the object and a state at the end; what they return is thrown away.
    """

    cls: "Value"
    args: "Value"
    kwargs: Pairs | None = None
    is_call: bool = False
    states: list["Value"] = field(default_factory=list)
    listitems: list["Value"] = field(default_factory=list)
    dictitems: list[tuple["Value", "Value"]] = field(default_factory=list)
    is_old_style: bool = False
    setters: list[tuple["Value", "Value"]] = field(default_factory=list)


@dataclass(eq=False, slots=True)
class PersistentId:
    """An object outside of the pickle, by its id; ``is_text``: as PERSID writes it, in a line of text."""

    id: "Value"
    is_text: bool = False


@dataclass(eq=False, slots=True)
class Extension:
    """A class or function by its code in the registry of ``copyreg``."""

    code: int


@dataclass(eq=False, slots=True)
class OutOfBand:
    """The next buffer that is handed over beside the pickle."""

    is_read_only: bool = False


Value = Atom | Items | Pairs | GlobalName | Built | PersistentId | Extension | OutOfBand


@dataclass(frozen=True, slots=True)
class Style:
    """How the bytes around a new value are written, so that it is written alike.

    ``is_python2``: texts are of the two kinds of Python 2, and class names are its own (``__builtin__``).
    ``codec`` is that of whole new values, ``pickle`` or ``marshal``; of the second ``protocol`` is the version.
    ``numpy_module`` is what numpy's arrays and scalars beside it name: ``numpy.core`` of numpy 1, which numpy 2 loads
    too, ``numpy._core`` of numpy 2; empty where there are none.
    """

    protocol: int = 4
    is_python2: bool = False
    codec: str = "pickle"
    numpy_module: str = ""
