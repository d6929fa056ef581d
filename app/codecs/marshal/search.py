"""Looking for text in the scalars and keys of a marshal value."""

from collections.abc import Iterator
from dataclasses import replace

from app.cancel import CancelToken
from app.codecs.findings import Hit, Query
from app.codecs.known.registry import node_text
from app.codecs.marshal.children import Children
from app.codecs.matching import Matcher
from app.codecs.nodes import SCALARS
from app.codecs.trees.children import Child
from app.errors import CodecError


def hits(children: Children, query: Query, token: CancelToken) -> Iterator[Hit]:
    """Yield the places whose scalar or key matches, in the order of the tree; what is shared is looked at once."""
    matcher = Matcher(query)
    graph = children.graph
    seen: set[int] = set()
    waiting: list[tuple[str, Iterator[Child]]] = [("", iter((children.root,)))]
    while waiting:
        token.check()
        child = next(waiting[-1][1], None)
        if child is None:
            waiting.pop()
            continue
        target = graph.target(child.slot)
        if graph.kind(target) in SCALARS:
            if hit := _hit(children, target, matcher):
                # Paths are joined only here: those of deep values are long.
                yield replace(hit, path="".join(step for step, _ in waiting) + child.step)
        elif target not in seen:
            seen.add(target)
            waiting.append((child.step, _inside(children, target)))


def _inside(children: Children, target: int) -> Iterator[Child]:
    """Yield the children of a node, scalar keys too."""
    group = children.group(target)
    if group is None:
        return
    for place in range(len(group.slots)):
        yield group.child_at(place)


def _hit(children: Children, target: int, matcher: Matcher) -> Hit | None:
    graph = children.graph
    try:
        value = graph.scalar(target)
    except CodecError:
        return None
    if isinstance(value, bytes):
        return matcher.hits_bytes("", value)
    return matcher.hits_text("", value if isinstance(value, str) else node_text(graph, target))
