"""The clipboard: text for everybody, and beside it data in a form of our own."""

import atexit
from functools import cache

from PySide6.QtCore import QMimeData
from PySide6.QtGui import QGuiApplication

_MOST_BYTES = (1 << 28) + (1 << 24)
"""Bytes that are taken from another program: those that we put there at most, and what is said about them."""


def put_data(name: str, data: bytes, text: str) -> None:
    """Put data under a MIME type, and a text that says the same; no text at all where that is empty."""
    mime = QMimeData()
    mime.setData(name, data)
    if text:
        mime.setText(text)
    QGuiApplication.clipboard().setMimeData(mime)
    _leave_text_at_exit()


def put_text(text: str) -> None:
    QGuiApplication.clipboard().setText(text)


def taken_data(name: str) -> bytes | None:
    """Return the data of a MIME type; None where there is none. Any program may have put it there."""
    mime: QMimeData | None = QGuiApplication.clipboard().mimeData()  # the stubs do not know of None
    if mime is None or not mime.hasFormat(name):
        return None
    content = bytes(mime.data(name).data())
    return content if len(content) <= _MOST_BYTES else None


def taken_text() -> str:
    return QGuiApplication.clipboard().text()


@cache
def _leave_text_at_exit() -> None:
    """Let the text alone stay on the clipboard: Qt would crash on what Python made when both come to their end."""
    atexit.register(_leave_text)


def _leave_text() -> None:
    if QGuiApplication.instance() is not None and QGuiApplication.clipboard().ownsClipboard():
        put_text(taken_text())
