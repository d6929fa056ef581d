"""Nodes on the clipboard: in a form of our own that loses nothing, and as text for everything else."""

import atexit
import json
from functools import cache

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

from app.document.nodes import CopiedNodes

MIME = "application/x-shelfscope-nodes"
_MOST_BYTES = 1 << 28
_MOST_NODES = 10_000


def put_nodes(nodes: CopiedNodes) -> None:
    """Put nodes on the clipboard."""
    heading = json.dumps({"paths": nodes.paths, "keys": nodes.keys})
    mime = QMimeData()
    mime.setData(MIME, heading.encode() + b"\n" + nodes.data)
    mime.setText(nodes.text)
    QGuiApplication.clipboard().setMimeData(mime)
    _leave_text_at_exit()


@cache
def _leave_text_at_exit() -> None:
    """Let the text alone stay on the clipboard: Qt would crash on what Python made when both come to their end."""
    atexit.register(_leave_text)


def _leave_text() -> None:
    if QGuiApplication.instance() is not None and QGuiApplication.clipboard().ownsClipboard():
        put_text(taken_text())


def put_text(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def taken_text() -> str:
    return QGuiApplication.clipboard().text()


def taken_nodes() -> CopiedNodes | None:
    """Return the nodes on the clipboard; None where there are none. Any program may have put them there."""
    mime: QMimeData | None = QGuiApplication.clipboard().mimeData()  # the stubs do not know of None
    if mime is None or not mime.hasFormat(MIME):
        return None
    content = bytes(mime.data(MIME).data())
    heading, mark, data = content.partition(b"\n")
    if not mark or len(content) > _MOST_BYTES:
        return None
    try:
        said = json.loads(heading)
        paths, keys = tuple(map(str, said["paths"])), tuple(map(str, said["keys"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = 0 < len(paths) <= _MOST_NODES and len(keys) == len(paths)
    return CopiedNodes(data, paths, mime.text(), keys) if fits else None
