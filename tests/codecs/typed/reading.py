"""What a document of typed JSON is, as we and as jsonpickle read it."""

import pickle
from typing import Any

import jsonpickle  # type: ignore[import-untyped]  # it has no annotations

from app.cancel import CancelToken
from app.codecs.model import Style
from app.codecs.pickle.emit import emit_pickle
from app.codecs.typed.reading import typed_value


def loaded(text: str, protocol: int = 4) -> Any:
    """Return the object that Python loads of what we read."""
    style = Style(protocol)
    return pickle.loads(emit_pickle(typed_value(text, style, CancelToken()), style))


def decoded(text: str) -> Any:
    """Return the object that jsonpickle reads."""
    return jsonpickle.decode(text, keys=True)
