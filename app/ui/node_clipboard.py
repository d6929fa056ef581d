"""Nodes on the clipboard: in a form of our own that loses nothing, and as text for everything else."""

import json

from app.document.nodes import CopiedNodes
from app.ui.clipboard import put_data, taken_data, taken_text

MIME = "application/x-shelfscope-nodes"
_MOST_NODES = 10_000


def put_nodes(nodes: CopiedNodes) -> None:
    """Put nodes on the clipboard."""
    heading = json.dumps({"paths": nodes.paths, "keys": nodes.keys})
    put_data(MIME, heading.encode() + b"\n" + nodes.data, nodes.text)


def taken_nodes() -> CopiedNodes | None:
    """Return the nodes on the clipboard; None where there are none. Any program may have put them there."""
    heading, mark, data = (taken_data(MIME) or b"").partition(b"\n")
    if not mark:
        return None
    try:
        said = json.loads(heading)
        paths, keys = tuple(map(str, said["paths"])), tuple(map(str, said["keys"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = 0 < len(paths) <= _MOST_NODES and len(keys) == len(paths)
    return CopiedNodes(data, paths, taken_text(), keys) if fits else None
