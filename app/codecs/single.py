"""Decoded values that are one node: texts and bytes that hold no tree."""

from abc import abstractmethod

from app.cancel import CancelToken
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.edits import Edit, ReplaceNode, Written
from app.codecs.screen import escape_text, shorten
from app.errors import PathError


class SingleValue(DecodedValue):
    """A value whose tree is its root alone."""

    def rows(self, node: int, start: int, count: int) -> list[NodeRow]:
        return []

    def find(self, path: str) -> NodeRow:
        self._check_path(path)
        return self.root

    def edit_text(self, path: str) -> str:
        self._check_path(path)
        return self._literal()

    def replace(self, path: str, literal: str) -> bytes:
        self._check_path(path)
        return self._encoded(literal)

    def edit(self, edit: Edit, token: CancelToken) -> bytes:
        match edit:
            case ReplaceNode(path, Written(text, "python")):
                return self.replace(path, text)
        return super().edit(edit, token)

    @abstractmethod
    def _literal(self) -> str:
        """Return the whole value as a Python literal."""

    @abstractmethod
    def _encoded(self, literal: str) -> bytes:
        """Return the bytes of a value that replaces this one; raises EncodeError."""

    def _check_path(self, path: str) -> None:
        if path:
            shown = escape_text(shorten(path, 60))
            raise PathError(f"There is nothing at {shown}: a {self.codec} value has no parts, and its path is empty.")
