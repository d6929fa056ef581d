"""What all wrappers have in common: a tree of one row, and nothing of their own beside the value inside."""

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

from app.cancel import CancelToken
from app.codecs.base import Codec, DecodedValue, NodeRow, Summary
from app.codecs.findings import Hit, Query
from app.codecs.nodes import Kind
from app.codecs.plain.scalars import base64_json
from app.codecs.screen import escape_text, shorten
from app.errors import PathError

ValueEnd = Callable[[bytes, int], int | None]
"""Where the pickle ends that begins at an offset, None when none does."""

Begins = Callable[[bytes], bool]
"""Whether bytes that are cut are surely the beginning of a pickle."""

_SHOWN_CHARS = 60
"""Characters of a wrong path that are told."""


class WrapperValue(DecodedValue):
    """A value that is nothing without what is inside of it."""

    is_wrapper = True

    @property
    @abstractmethod
    def _what_there_is(self) -> str:
        """What a path can lead to, for the sentence on one that leads nowhere."""

    def _check_path(self, path: str) -> None:
        if path:
            raise PathError(f"{escape_text(shorten(path, _SHOWN_CHARS))} leads nowhere: {self._what_there_is}.")

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        return []

    def find(self, path: str) -> NodeRow:
        self._check_path(path)
        return self.root

    def search(self, query: Query, token: CancelToken) -> Iterator[Hit]:
        return iter(())  # there is nothing of the value's own; what is inside is searched for itself

    def tree(self, limit: int, path: str = "") -> dict[str, Any]:
        self._check_path(path)
        return {"t": Kind.BYTES.value, "hex": self.data.hex(), "n": len(self.data), "wrapper": self.codec}

    def plain(self, token: CancelToken, path: str = "") -> Iterator[str]:
        self._check_path(path)
        yield base64_json(self.data)


class PickleSeeker(Codec):
    """A codec that believes in a wrapper only where it finds a value inside."""

    def __init__(self, value_end: ValueEnd, begins: Begins, inner: Callable[[bytes, int], Summary]) -> None:
        self._value_end = value_end
        self._begins = begins
        self._inner = inner
