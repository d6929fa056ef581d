"""The bytes of a new value: a pickle where the database is a shelf, else a text or bytes as they are."""

from app.cancel import CancelToken
from app.codecs.edits import Copied, New, RawBytes, Written
from app.codecs.literal import parse_raw
from app.engine.base import Engine
from app.errors import EncodeError

FileBytes = bytes
"""A value that is given as its bytes: those of a file, or of another entry."""


def new_bytes(
    engine: Engine, name: str, new: New | FileBytes, token: CancelToken, *, as_pickle: bool | None = None
) -> bytes:
    """Return the bytes of a new value; ``as_pickle`` None: as other values of the database are.

    Raises:
        EncodeError: it is wrong, or what it stands for cannot be stored outside of shelves.
    """
    if isinstance(new, bytes):
        return new
    if engine.is_shelf(token) if as_pickle is None else as_pickle:
        return engine.encode_new(new, engine.style(token), token)
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
