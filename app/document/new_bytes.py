"""The bytes of a new value: a pickle where the database is a shelf, else a text or bytes as they are."""

from collections.abc import Callable

from app.cancel import CancelToken
from app.codecs.edits import Copied, New, RawBytes, Written
from app.codecs.literals.scalars import parse_raw
from app.codecs.model import Style
from app.engine.base import Engine
from app.errors import EncodeError

_PICKLE = "pickle"

FileBytes = bytes
"""A value that is given as its bytes: those of a file, or of another entry."""


def new_bytes(
    engine: Engine, name: str, new: New | FileBytes, token: CancelToken, *, as_pickle: bool | None = None
) -> bytes:
    """Return the bytes of a new value; ``as_pickle`` None: as other values of the database are.

    Raises:
        EncodeError: it is wrong, or what it stands for cannot be stored outside of shelves.
    """
    return new if isinstance(new, bytes) else maker(engine, name, token, as_pickle=as_pickle)(new)


def maker(engine: Engine, name: str, token: CancelToken, *, as_pickle: bool | None = None) -> Callable[[New], bytes]:
    """Return what makes the bytes of many new values, as `new_bytes` does of one."""
    style = engine.style(token)
    if as_pickle is None and style.codec != _PICKLE:  # a file of values that are no pickles
        return lambda new: engine.encode_new(new, style, token)
    if engine.is_shelf(token) if as_pickle is None else as_pickle:
        pickled = style if style.codec == _PICKLE else Style()
        return lambda new: engine.encode_new(new, pickled, token)
    return lambda new: _unpickled(name, new)


def _unpickled(name: str, new: New) -> bytes:
    if isinstance(new, RawBytes) or (isinstance(new, Copied) and not new.path):
        return new.data
    if not isinstance(new, Written) or new.form != "python":
        raise EncodeError(f"{name} is no shelf: give a text, bytes or a file, or choose to store this as a pickle.")
    value = _text_or_bytes(new.text, name)
    return value if isinstance(value, bytes) else value.encode()


def _text_or_bytes(text: str, name: str) -> str | bytes:
    try:
        return parse_raw(text)
    except EncodeError as error:
        reason = error.message.rstrip(".")
        raise EncodeError(f"{reason}, or choose to store this as a pickle: {name} is no shelf.") from error
