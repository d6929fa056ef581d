"""Writing files of bare values: one after another, whose places in the row are their keys."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from app.backends.base import Backend, Match, ValueEnd
from app.backends.numbered_values import NumberedRecords, all_values, is_one_value
from app.backends.records import Records, batches
from app.backends.writer import CreateOptions, ImageWriter, Refusal, refuse_unknown
from app.cancel import CancelToken
from app.errors import KeyRejected

Opener = Callable[[Match, ValueEnd], Backend]


class ValueFileWriter(ImageWriter):
    """Writes values in a row; ``value_end`` must find each one's end again."""

    file_name: ClassVar[str]
    """What a person calls such a file, after *a*."""
    no_value: ClassVar[str]
    """Why bytes are not what the file consists of."""
    holds_duplicates = True
    """A number that an entry had is free once the entries before it are fewer: `renumbered` looks at that."""

    def __init__(self, opener: Opener, value_end: ValueEnd, options: CreateOptions | None = None) -> None:
        refuse_unknown(options or CreateOptions(), self.format_id)
        self._opener = opener
        self._value_end = value_end

    def refusals(self, records: Records, token: CancelToken) -> Iterator[Refusal]:
        row = number = 0
        for chunk in records.chunks():
            for place in range(len(chunk)):
                token.advance(row, len(records))
                key = chunk.key(place)
                why_not_next = "" if records.numbers_values else self._why_not_next(key, number)
                reason = why_not_next or self._why_no_value(records, row)
                if reason:
                    yield Refusal(row, key, reason)
                row, number = row + 1, number + (not reason)

    def under_new_keys(self, records: Records) -> Records:
        return NumberedRecords(records) if records.numbers_values else records

    def _why_not_next(self, key: bytes, number: int) -> str:
        if key == b"%d" % number:
            return ""
        return f"a {self.file_name} numbers its values and keeps no other keys, and the next number is {number}"

    def _why_no_value(self, records: Records, row: int) -> str:
        return "" if is_one_value(records.value(row), self._value_end) else self.no_value

    def why_refused(self, key: bytes, value_size: int) -> str:
        return "" if value_size else self.no_value

    def images(self, records: Records, token: CancelToken) -> tuple[Iterable[bytes], ...]:
        if not len(records):
            message = f"A {self.file_name} cannot be empty: it needs at least one entry. Nothing was written."
            raise KeyRejected(message)
        return (batches(all_values(records, token)),)

    def open(self, base: Path) -> Backend:
        match = Match(self.format_id, self.file_name.capitalize(), "It was written as one.", base, base, (base,))
        return self._opener(match, self._value_end)
