"""Parts that are read by their places, so that none can be added, taken out or moved: numpy's, and a single argument.

numpy checks little of them: where one is missing it says nothing, gives another type or reads memory that it must not.

References:
    numpy: arraydescr_setstate in descriptor.c, array__reconstruct in multiarraymodule.c, _mareconstruct in ma/core.py.
"""

from collections.abc import Sequence

from app.codecs.known.ndarrays import Dtypes, MaskedArrays, NdArrays, NumpyScalars
from app.codecs.known.shape import shape_of
from app.codecs.nodes import Kind
from app.codecs.pickle.graph import Graph
from app.codecs.pickle.opcodes import CODE
from app.codecs.trees.children import Child, Role
from app.errors import EncodeError

_RECONSTRUCTORS = ("copy_reg._reconstructor", "copyreg._reconstructor")
_STATE_SIZES = dict.fromkeys(NdArrays.names, 5) | dict.fromkeys(MaskedArrays.names, 7)
"""Parts of the state of an array by what makes it; classes of others may have states of their own."""

_SIZES = range(5, 8)
"""Which parts of the state of a dtype are the bytes of an element, its alignment and its flags."""

_METADATA = 8
"""Which part of the state of a dtype is a dict of the user's own, or a pair of that and the unit of a date."""


def check_takes_more_or_fewer(graph: Graph, slot: int) -> None:
    """Refuse another number of arguments for an object that ``copyreg._reconstructor`` makes, or numpy.

    Raises:
        EncodeError: one of them makes it.
    """
    target = graph.target(slot)
    if (
        graph.stream.data[target] == CODE["REDUCE"]
        and graph.global_name(graph.stream.records[target][0]) in _RECONSTRUCTORS
    ):
        raise EncodeError("Protocols 0 and 1 make this object of exactly one argument; change that one.")
    is_object = graph.kind(slot) is Kind.OBJECT  # and not the tuple of its arguments
    if is_object and shape_of(graph, slot).name in (*Dtypes.names, *NumpyScalars.names, *_STATE_SIZES):
        raise EncodeError(_sentence("these arguments"))


def check_has_no_places(graph: Graph, trail: Sequence[Child]) -> None:
    """Refuse another number or order of the parts of the node at the end of a trail, where numpy reads them by place.

    Raises:
        EncodeError: they are parts of an array or dtype.
    """
    at = max((number for number, child in enumerate(trail) if graph.kind(child.slot) is Kind.OBJECT), default=-1)
    inner = trail[at + 1 :]
    if at < 0 or not inner:
        return
    shape = shape_of(graph, trail[at].slot)
    is_argument = inner[0].slot == shape.args_slot or inner[0].role in (Role.ARGUMENT, Role.CALL_ARGUMENT)
    if len(inner) == 1 and inner[0].slot == shape.args_slot:
        check_takes_more_or_fewer(graph, trail[at].slot)
    if is_argument and shape.name in _STATE_SIZES and not shape.name.endswith("_frombuffer"):
        raise EncodeError(_sentence("the arguments of an array"))
    if inner[0].role is Role.STATE and shape.name in Dtypes.names and not _is_metadata(graph, inner):
        raise EncodeError(_sentence("the parts of a dtype"))
    if inner[0].role is Role.STATE and len(inner) == 1 and _is_state_of_array(graph, shape.name, inner[0].slot):
        raise EncodeError(_sentence("the parts of an array"))


def check_is_no_size(graph: Graph, trail: Sequence[Child]) -> None:
    """Refuse another value for what numpy takes from the state of a dtype without a look: its sizes and its flags.

    Raises:
        EncodeError: it is one of them, or the whole state.
    """
    for depth in (1, 2):
        above, inner = trail[:-depth], trail[-depth:]
        if not above or inner[0].role is not Role.STATE or graph.kind(above[-1].slot) is not Kind.OBJECT:
            continue
        state = inner[0].slot
        sizes = graph.items(state, _SIZES.start, len(_SIZES)) if graph.kind(state) is Kind.TUPLE else []
        is_trusted = depth == 1 or inner[1].slot in sizes
        if is_trusted and shape_of(graph, above[-1].slot).name in Dtypes.names:
            raise EncodeError(
                "numpy takes the sizes and flags of a dtype without a look at them, and may crash; replace the whole"
                " dtype instead."
            )


def _is_state_of_array(graph: Graph, name: str, slot: int) -> bool:
    return graph.kind(slot) is Kind.TUPLE and graph.length(slot) == _STATE_SIZES.get(name)


def _is_metadata(graph: Graph, inner: Sequence[Child]) -> bool:
    """Tell whether a way down from a dtype leads into the dict that its maker put beside it."""
    if len(inner) == 1 or graph.kind(inner[0].slot) is not Kind.TUPLE:
        return False
    is_last = graph.items(inner[0].slot, _METADATA, 1) == [inner[1].slot]
    return is_last and any(graph.kind(child.slot) is Kind.DICT for child in inner[1:3])


def _sentence(what: str) -> str:
    return f"numpy reads {what} by their places, so none can be added, taken out or moved; replace the whole instead."
