"""How texts are stored as bytes: UTF-8, UTF-16 with a byte order mark or mostly of ASCII, or printable Latin-1."""

import codecs
from dataclasses import dataclass

from app.codecs.plain.scalars import readable
from app.codecs.screen import escape_text
from app.errors import EncodeError

_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_TITLES = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "latin-1": "Latin-1"}
_ASCII_SHARE = 0.75
"""Part of the characters that must be ASCII before bytes that are no UTF-8 are taken for Latin-1 or bare UTF-16."""

_FEWEST_BARE = 4
"""Characters of UTF-16 without a mark: fewer can be numbers as well."""

_LOOKED_AT = 4096
"""Bytes that tell whether the rest is worth decoding."""

_EVERY_SECOND = 64
"""Bytes among which there is a zero in any text of mostly ASCII in UTF-16."""

_HIGH_BYTES = bytes(range(0x80, 0x100))


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a text is stored: Python's name of the encoding, and the byte order mark before it."""

    name: str
    mark: bytes = b""

    @property
    def title(self) -> str:
        return _TITLES[self.name]

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a text.

        Raises:
            EncodeError: the encoding has no bytes for a character.
        """
        try:
            return self.mark + text.encode(self.name)
        except UnicodeEncodeError as error:
            wrong = escape_text(error.object[error.start : error.start + 1])
            raise EncodeError(f"The character {wrong} cannot be written in {self.title}.") from error


def decoded_text(data: bytes, *, whole: bool) -> tuple[str, Encoding] | None:
    """Return the text and its encoding; of a prefix the characters that are complete."""
    encoding = next((Encoding(name, mark) for mark, name in _MARKS if data.startswith(mark)), Encoding("utf-8"))
    text = _readable(data[len(encoding.mark) :], encoding.name, whole=whole)
    if text is not None:
        return text, encoding
    if encoding.mark:
        return None
    return _bare_utf16(data, whole=whole) if b"\0" in data[:_EVERY_SECOND] else _latin1(data)


def _readable(data: bytes, encoding: str, *, whole: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(data, final=whole)
    except UnicodeDecodeError:
        return None
    return readable(text)


def _bare_utf16(data: bytes, *, whole: bool) -> tuple[str, Encoding] | None:
    """Return a text in UTF-16 without a mark, told by the zeros that are every second byte of ASCII."""
    begin = data[:_LOOKED_AT]
    count = len(begin) // 2
    for name, zeros in (("utf-16-le", begin[1::2]), ("utf-16-be", begin[::2])):
        if count >= _FEWEST_BARE and zeros.count(0) >= _ASCII_SHARE * count:
            is_readable = _readable(begin, name, whole=False) is not None
            text = _readable(data, name, whole=whole) if is_readable else None
            return None if text is None else (text, Encoding(name))
    return None


def _latin1(data: bytes) -> tuple[str, Encoding] | None:
    text = readable(data.decode("latin-1"))
    if text is None or len(data.translate(None, _HIGH_BYTES)) < _ASCII_SHARE * len(data):
        return None
    return text, Encoding("latin-1")
