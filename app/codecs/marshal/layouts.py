"""How Pythons write code objects into marshal: the numbers and the objects, in order.

References:
    CPython: Python/marshal.c (w_complex_object and r_object, TYPE_CODE) of 1.5.2 to 3.14.
"""

from dataclasses import dataclass

_OLD_OBJECTS = ("co_code", "co_consts", "co_names", "co_varnames")
_CELLS = ("co_freevars", "co_cellvars")
_PLACE = ("co_filename", "co_name")


@dataclass(frozen=True, slots=True)
class Layout:
    """A code object: ``numbers`` of ``width`` bytes each, then objects, with ``co_firstlineno`` before the ``tail``."""

    title: str
    numbers: tuple[str, ...]
    objects: tuple[str, ...]
    tail: tuple[str, ...]
    width: int = 4
    is_python2: bool = False

    @property
    def header_size(self) -> int:
        """Bytes of the numbers that come first."""
        return self.width * len(self.numbers)


LAYOUTS = (
    Layout(
        "3.11 and later",
        ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_stacksize", "co_flags"),
        ("co_code", "co_consts", "co_names", "co_localsplusnames", "co_localspluskinds", *_PLACE, "co_qualname"),
        ("co_linetable", "co_exceptiontable"),
    ),
    Layout(
        "3.8 to 3.10",
        ("co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_nlocals", "co_stacksize", "co_flags"),
        (*_OLD_OBJECTS, *_CELLS, *_PLACE),
        ("co_lnotab",),
    ),
    Layout(
        "3.0 to 3.7",
        ("co_argcount", "co_kwonlyargcount", "co_nlocals", "co_stacksize", "co_flags"),
        (*_OLD_OBJECTS, *_CELLS, *_PLACE),
        ("co_lnotab",),
    ),
    Layout(
        "2.3 to 2.7",
        ("co_argcount", "co_nlocals", "co_stacksize", "co_flags"),
        (*_OLD_OBJECTS, *_CELLS, *_PLACE),
        ("co_lnotab",),
        is_python2=True,
    ),
    Layout(
        "2.1 and 2.2",
        ("co_argcount", "co_nlocals", "co_stacksize", "co_flags"),
        (*_OLD_OBJECTS, *_CELLS, *_PLACE),
        ("co_lnotab",),
        width=2,
        is_python2=True,
    ),
    Layout(
        "1.5 to 2.0",
        ("co_argcount", "co_nlocals", "co_stacksize", "co_flags"),
        (*_OLD_OBJECTS, *_PLACE),
        ("co_lnotab",),
        width=2,
        is_python2=True,
    ),
)
"""The newest first: without a header, the first that fits is taken."""

STRINGS = frozenset({"co_code", "co_localspluskinds", "co_lnotab", "co_linetable", "co_exceptiontable"})
"""Fields that are bytes."""

NAMES = frozenset({"co_filename", "co_name", "co_qualname"})
"""Fields that are texts; all others are tuples."""


def layout_of(version: tuple[int, int]) -> Layout:
    """Return the layout that a Python of this version writes."""
    firsts = ((3, 11), (3, 8), (3, 0), (2, 3), (2, 1), (1, 5))
    return next((layout for first, layout in zip(firsts, LAYOUTS, strict=True) if version >= first), LAYOUTS[-1])
