"""How many keys of a dict, or elements of a set, Python would hold for one."""

from app.cancel import CancelToken
from app.codecs.marshal.graph import MarshalGraph
from app.codecs.marshal.models import model_of
from app.codecs.model_keys import identity
from app.codecs.nodes import Kind

_CHECKED = 4096


def count_repeated(graph: MarshalGraph, target: int, token: CancelToken) -> int:
    """Return how many keys or elements of a container are there already where they stand.

    Raises:
        EncodeError: one can be no key.
    """
    kids = graph.elements(target)
    keys = kids[::2] if graph.kind(target) is Kind.DICT else kids
    found = set()
    for number, slot in enumerate(keys):
        if number % _CHECKED == 0:
            token.check()
        found.add(identity(model_of(graph, slot, token)))
    return len(keys) - len(found)
