"""Looking through a marshal value: for text in its scalars and keys, and for what holds values of its own."""

from collections.abc import Iterator
from dataclasses import replace

from app.cancel import CancelToken
from app.codecs.findings import Hit, Query
from app.codecs.marshal.children import Children
from app.codecs.matching import Matcher
from app.codecs.nodes import SCALARS
from app.codecs.trees.children import Child, Pairs, Role
from app.codecs.trees.matches import shown_match
from app.codecs.trees.path_budget import PathBudget
from app.codecs.trees.walk import walk


def hits(children: Children, query: Query, token: CancelToken) -> Iterator[Hit]:
    """Yield the places that match, in the order of the tree; a scalar key counts as the place of its value.

    Raises:
        EncodeError: the regular expression is wrong.
        LimitExceeded: the paths are too long together.
        Cancelled: by ``token``.
    """
    matcher = Matcher(query)
    graph = children.graph
    budget = PathBudget()
    for child, steps in nodes_of(children, token):
        shown = shown_match(graph, graph.target(child.slot), matcher)
        if shown:
            yield Hit(budget.take("".join(steps)), shown)


def nodes_of(children: Children, token: CancelToken) -> Iterator[tuple[Child, list[str]]]:
    """Yield the nodes with the steps to them, what is shared at its first place; a scalar key has its value's step."""
    graph = children.graph
    seen: set[int] = set()

    def inside(child: Child) -> Iterator[Child] | None:
        target = graph.target(child.slot)
        if target in seen or graph.kind(target) in SCALARS:
            return None
        seen.add(target)
        return _inside(children, target)

    yield from walk(children.root, inside, token)


def _inside(children: Children, target: int) -> Iterator[Child]:
    """Yield the children of a node, keys too."""
    group = children.group(target)
    if group is None:
        return
    for place in range(len(group.slots)):
        child = group.child_at(place)
        is_pair = isinstance(group, Pairs) and child.role is Role.KEY and place + 1 < len(group.slots)
        if is_pair and children.graph.kind(child.slot) in SCALARS:
            child = replace(child, step=group.child_at(place + 1).step)
        yield child
