"""Through all of a tree in order, without recursion; a path is joined only where somebody asks for it."""

from collections.abc import Callable, Iterator

from app.cancel import CancelToken
from app.codecs.trees.children import Child

Inside = Callable[[Child], Iterator[Child] | None]
"""Return the children of a node, None where they are not gone through."""


def walk(root: Child, inside: Inside, token: CancelToken) -> Iterator[tuple[Child, list[str]]]:
    """Yield every node with the steps that lead to it, which are good until the next is asked for.

    Raises:
        Cancelled: by ``token``.
    """
    steps: list[str] = []
    waiting: list[Iterator[Child]] = [iter((root,))]
    while waiting:
        token.check()
        child = next(waiting[-1], None)
        if child is None:
            waiting.pop()
            if steps:
                steps.pop()
            continue
        steps.append(child.step)
        yield child, steps
        children = inside(child)
        if children is None:
            steps.pop()
        else:
            waiting.append(children)
