"""New scalars in the family of opcodes of the ones they replace, and those that old protocols write as calls."""

import struct

from app.codecs.model import Atom, Value
from app.codecs.nodes import SCALARS, Kind, Scalar
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.encode import encode_scalar
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.longs import has_python2_longs
from app.codecs.pickle.opcodes import CODE
from app.errors import CodecError, EncodeError

_AS_CALLS = frozenset({Kind.NONE, Kind.COMPLEX})
_TEXTS = frozenset({Kind.STR, Kind.STR2})


def scalar_code(draft: Draft, slot: int, value: Value) -> bytes:
    """Return the opcodes of a scalar written as the one at ``slot`` is, empty where it must be written afresh."""
    graph = draft.graph
    if not isinstance(value, Atom) or value.kind in _AS_CALLS:
        return b""
    kind = graph.kind(slot)
    if kind is not value.kind and not (kind is Kind.STR2 and value.kind is Kind.STR and draft.style.protocol):
        return b""
    op = draft.stream.data[graph.target(slot)]
    if op == CODE["REDUCE"]:
        return b""
    like = graph.int_like(op) if value.kind is Kind.INT else op
    is_python2 = graph.is_python2 or (value.kind is Kind.INT and has_python2_longs(graph.stream))
    return encode_scalar(value.value, value.kind, like, draft.style.protocol, is_python2=is_python2)


def parts_of_call(draft: Draft, slot: int, value: Value) -> list[tuple[int, Atom]]:
    """Return the arguments to be replaced where a scalar is written as a call of its own; empty where it is not."""
    graph = draft.graph
    if not isinstance(value, Atom) or value.kind is not graph.kind(slot) or not _is_call_of_its_own(draft, slot):
        return []
    if isinstance(value.value, complex):
        return _parts_of_complex(graph, slot, value.value)
    inside = graph.argument_of(slot)
    if inside < 0 or not isinstance(value.value, bytes):
        return []
    if graph.kind(inside) is Kind.STR:
        return [(inside, Atom(Kind.STR, value.value.decode("latin-1")))]
    content = Atom(Kind.BYTES, value.value)
    return (parts_of_call(draft, inside, content) or [(inside, content)]) if graph.kind(inside) is Kind.BYTES else []


def _is_call_of_its_own(draft: Draft, slot: int) -> bool:
    """Tell whether a REDUCE makes what stands at a slot, and nothing else refers to it."""
    is_made_here = draft.stream.data[slot] == CODE["REDUCE"]
    return is_made_here and draft.links.fetched.isdisjoint(draft.links.indexes(slot))


def _parts_of_complex(graph: Graph, target: int, value: complex) -> list[tuple[int, Atom]]:
    args = graph.reduction(target).args
    wanted = (value.real, value.imag)
    return [
        (slot, Atom(Kind.FLOAT, part))
        for slot, part in zip(args, wanted, strict=True)
        if not is_same_scalar(part, graph.scalar(slot))
    ]


def is_unchanged(graph: Graph, slot: int, value: Value) -> bool:
    """Tell whether the scalar at ``slot`` is that value already."""
    kind = graph.kind(slot)
    if not isinstance(value, Atom) or kind is not value.kind or kind not in SCALARS:
        return False
    try:
        now = graph.integer(slot) if kind in (Kind.INT, Kind.LONG) else graph.scalar(slot)
    except CodecError:
        return False
    return is_same_scalar(value.value, now)


def is_same_scalar(one: Scalar, other: Scalar) -> bool:
    """Tell whether two scalars are one to the bit; all nans are one."""
    if isinstance(one, float) and isinstance(other, float):
        return struct.pack("<d", one) == struct.pack("<d", other) or (one != one and other != other)  # noqa: PLR0124 - nan
    if isinstance(one, complex) and isinstance(other, complex):
        return is_same_scalar(one.real, other.real) and is_same_scalar(one.imag, other.imag)
    return type(one) is type(other) and one == other


def persistent_place(graph: Graph, slot: int) -> int:
    """Return the slot of the PERSID whose text ``slot`` is, or -1."""
    return slot - 1 if slot - 1 in graph.stream.persids else -1


def check_is_text(value: Value) -> None:
    """Refuse an attribute's name that is no text.

    Raises:
        EncodeError: it is none.
    """
    if not isinstance(value, Atom) or value.kind not in _TEXTS:
        raise EncodeError("The name of an attribute must be a text.")
