"""Calls of unknown classes with one scalar, as those of Enum members are: the value is what a person edits."""

from typing import ClassVar

from app.codecs.known.base import Known, KnownType, Patches, Preview
from app.codecs.known.shape import Shape
from app.codecs.literals.scalars import format_literal, parse_literal
from app.codecs.model import Atom, Style
from app.codecs.nodes import SCALARS, Kind, PickleNodes

_VALUES = SCALARS - {Kind.NONE, Kind.COMPLEX, Kind.BYTEARRAY}


class ScalarCalls(KnownType):
    """Not in the registry: whether the class is an Enum is nowhere in the pickle, so a row shows the call as it is."""

    names: ClassVar[tuple[str, ...]] = ()
    editor: ClassVar[str] = "enum"

    def describe(self, nodes: PickleNodes, shape: Shape, preview: Preview) -> Known | None:
        return None

    def literal(self, nodes: PickleNodes, shape: Shape) -> str | None:
        if not shape.is_bare_call or len(shape.args) != 1 or (kind := nodes.kind(shape.args[0])) not in _VALUES:
            return None
        return format_literal(nodes.scalar(shape.args[0]), kind, is_python2=nodes.is_python2)

    def replaced(self, nodes: PickleNodes, shape: Shape, text: str, style: Style) -> Patches:
        """Return another value of the same type; the call may be written around it."""
        name = shape.name.rpartition(".")[2]
        given = text.strip()
        if given.startswith((f"{name}(", f"{shape.name}(")) and given.endswith(")"):
            given = given.partition("(")[2][:-1]
        kind = nodes.kind(shape.args[0])
        value = parse_literal(given, kind, is_python2=nodes.is_python2)
        if format_literal(value, kind, is_python2=nodes.is_python2) == self.literal(nodes, shape):
            return {}
        return {shape.args[0]: Atom(kind, value)}


SCALAR_CALLS = ScalarCalls()
