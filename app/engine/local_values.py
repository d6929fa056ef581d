"""Calls about values, answered in this process."""

from abc import abstractmethod
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from app import limits
from app.cancel import CancelToken
from app.codecs import registry as codecs
from app.codecs.base import DecodedValue, NodeRow
from app.codecs.edits import Edit, New
from app.codecs.findings import Audit, OpcodeRow
from app.codecs.literals.writing import literal_of
from app.codecs.model import Style
from app.engine.decoded_values import Decoded, DecodedValues
from app.engine.stepwise import Stepwise
from app.engine.value_calls import DecodeReport, Source, ValueCalls, ValueInfo


class LocalValueCalls(ValueCalls):
    """Decodes what `value` returns, and keeps the last decoded values as long as the files look as they did."""

    def __init__(self) -> None:
        self._decoded = DecodedValues()

    @abstractmethod
    def value(self, source: Source) -> bytes:
        """Return all bytes of a value."""

    @abstractmethod
    def signature(self) -> tuple[tuple[int, int, int], ...]:
        """Return what `Engine.signature` does."""

    def _value(self, source: Source, token: CancelToken) -> Decoded:
        """Return what is shown of a value: all of it, unless its beginning was asked for first."""
        self._forget_stale(source)
        return self._decoded.shown(source) or self._whole(source, token)

    def _forget_stale(self, source: Source) -> None:
        """Drop stored values that may be others by now; bytes that are not saved yet ask nothing of the files."""
        if not isinstance(source, bytes):
            self._decoded.forget_unless(self.signature())

    def _whole(self, source: Source, token: CancelToken) -> Decoded:
        kept = self._decoded.get(source)
        if kept is None:
            data = self.value(source)
            self._decoded.make_room(len(data))
            kept = codecs.decode(data, token)
            self._decoded.keep(source, kept)
        return kept

    def decoded(self, source: Source, token: CancelToken) -> DecodedValue:
        """Return the decoded value itself; for callers in this process."""
        return self._value(source, token)[0]

    def decode(self, source: Source, token: CancelToken) -> ValueInfo:
        self._forget_stale(source)
        return _info(self._whole(source, token))

    def decoding(self, source: Source, token: CancelToken) -> Iterator[DecodeReport]:
        before = () if isinstance(source, bytes) else self.signature()
        self._forget_stale(source)
        kept = self._decoded.get(source)
        if kept is None:
            data = self.value(source)
            self._decoded.make_room(len(data))
            first = codecs.first_part(data, token)
            if first is not None:
                self._decoded.keep_first(source, first)
                yield DecodeReport(0, len(data), _info(first))
            work = Stepwise(lambda inner: codecs.decode(data, inner), token)
            for done, total in work.steps():
                yield DecodeReport(done, total)
            kept = work.result
            if isinstance(source, bytes) or self.signature() == before:
                self._decoded.keep(source, kept)
        size = len(kept[0].data)
        yield DecodeReport(size, size, _info(kept), finished=True)

    def rows(self, source: Source, node: int, start: int, count: int, token: CancelToken) -> list[NodeRow]:
        return self.decoded(source, token).rows(node, start, count)

    def find(self, source: Source, path: str, token: CancelToken) -> NodeRow:
        return self.decoded(source, token).find(path)

    def text(self, source: Source, limit: int, token: CancelToken, path: str = "") -> str:
        return self.decoded(source, token).text(limit, path)

    def edit_text(self, source: Source, path: str, token: CancelToken) -> str:
        return self.decoded(source, token).edit_text(path)

    def replace(self, source: Source, path: str, literal: str, token: CancelToken) -> bytes:
        return self.decoded(source, token).replace(path, literal)

    def tree(self, source: Source, path: str, limit: int, token: CancelToken) -> dict[str, Any]:
        return self.decoded(source, token).tree(limit, path)

    def plain(self, source: Source, path: str, token: CancelToken) -> str:
        return "".join(self.decoded(source, token).plain(token, path))

    def typed(self, source: Source, path: str, token: CancelToken) -> str:
        return "".join(self.decoded(source, token).typed(token, path))

    def python(self, source: Source, path: str, limit: int, token: CancelToken) -> str:
        value = self.decoded(source, token)
        style = codecs.style_of((value.data[: limits.SUMMARY_PREFIX],))
        return literal_of(value.model(path, token), limit, style)

    def digest(self, source: Source, token: CancelToken) -> bytes:
        return sha256(self.value(source)).digest()

    def edit(self, source: Source, edit: Edit, token: CancelToken) -> bytes:
        return self.decoded(source, token).edit(edit, token)

    def encode_new(self, new: New, style: Style, token: CancelToken) -> bytes:
        return codecs.encode_new(new, style, token)

    def audit(self, source: Source, token: CancelToken) -> Audit:
        return codecs.audit(self.decoded(source, token), token)

    def opcodes(self, source: Source, start: int, count: int, token: CancelToken) -> list[OpcodeRow]:
        return self.decoded(source, token).opcodes(start, count, token)


def _info(decoded: Decoded) -> ValueInfo:
    value, reason = decoded
    damage_met = value.damage_met  # first, as the row of the root previews parts that nobody asked for
    return ValueInfo(
        value.codec,
        reason,
        value.root,
        len(value.data),
        value.problems,
        value.is_damaged,
        value.why_cut,
        damage_met,
    )
