"""Values as the Python literals that a person types: read without running anything and without recursion.

Beside what Python itself takes for a literal there are calls of known types, such as ``datetime.date(2026, 1, 2)``.
"""

import math
import re
from dataclasses import dataclass, field

from app.cancel import CancelToken
from app.codecs.known.construct import constant, construct
from app.codecs.literals.builtin_calls import builtin_call
from app.codecs.literals.scalars import MAX_CHARS, parse_literal
from app.codecs.literals.tokens import SHOWN_CHARS, Word, Words
from app.codecs.model import Atom, GlobalName, Items, Pairs, Style, Value
from app.codecs.model_keys import identity
from app.codecs.nodes import Kind
from app.codecs.screen import shorten
from app.errors import EncodeError

MAX_DEPTH = 10_000
"""Brackets in each other."""

_CHUNK = 4096
"""Values between two looks at the token."""

_CLOSING = {"[": "]", "(": ")", "{": "}"}
_PYTHON2_INTS = range(-(1 << 63), 1 << 63)
_WORDS = {"None": (Kind.NONE, None), "True": (Kind.BOOL, True), "False": (Kind.BOOL, False)}
_GLOBALS = ("Ellipsis", "NotImplemented")
_FLOATS = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_IMAGINARY = ("nanj", "infj")
_LEADING_ZERO = re.compile(r"0[0-9_]*[1-9][0-9_]*[lL]?\Z")
_BYTES_PREFIX = re.compile("[rR]?[bB]")
_TEXT_PREFIX = re.compile("[uU]")
_PLAIN_TEXT = re.compile(r"""(['"])(?!\1\1)[^\\\0]*\Z""")
_FORMAT_PREFIX = re.compile("[rR]?[fFtT]")


@dataclass(slots=True)
class _Open:
    """A bracket that is not closed yet: ``bracket`` as written, ``name`` before it when it is a call.

    ``place`` is where the key, item or argument begins that was read last, ``met`` the keys or elements before.
    """

    bracket: str
    start: int
    name: str = ""
    items: list[Value] = field(default_factory=list)
    pairs: list[tuple[Value, Value]] = field(default_factory=list)
    named: dict[str, Value] = field(default_factory=dict)
    key: Value | None = None
    keyword: str = ""
    has_comma: bool = False
    place: int = 0
    met: set[object] = field(default_factory=set)


def parse_value(text: str, style: Style, token: CancelToken) -> Value:
    """Return what a Python literal stands for; in the style of Python 2 ``'…'`` is an 8-bit string.

    Raises:
        EncodeError: it is no literal; the sentence tells line and column.
        Cancelled: by ``token``.
    """
    if len(text) > MAX_CHARS:
        raise EncodeError(f"The text is {len(text):,} characters long; at most {MAX_CHARS:,} are taken.")
    return _Parser(Words(text), style, token).parse()


class _Parser:
    """One literal. The open brackets are a list, so nesting costs no recursion."""

    def __init__(self, words: Words, style: Style, token: CancelToken) -> None:
        self._words = words
        self._style = style
        self._token = token
        self._open: list[_Open] = []
        self._count = 0

    def parse(self) -> Value:
        while True:
            value = self._opened_or_value()
            while value is not None:
                if not self._open:
                    self._expect_end()
                    return value
                value = self._put(value)

    def _expect_end(self) -> None:
        if self._words.next.sort != "end":
            word = self._words.next
            raise self._words.at(word.start, f"{word.shown} stands behind the value; nothing may follow it.")

    def _opened_or_value(self) -> Value | None:
        """Read one scalar, or one opening bracket with what closes it at once; None where a bracket stays open."""
        self._count += 1
        if self._count % _CHUNK == 0:
            self._token.check()
        word = self._words.take()
        if self._open:
            self._open[-1].place = word.start
        if word.sort == "name" and self._words.takes("("):
            return self._start(_Open("(", word.start, word.text))
        if word.sort == "mark" and word.text in _CLOSING:
            return self._start(_Open(word.text, word.start))
        return self._scalar(word)

    def _start(self, opened: _Open) -> Value | None:
        if len(self._open) == MAX_DEPTH:
            raise self._words.at(opened.start, f"More than {MAX_DEPTH:,} brackets are open here.")
        self._open.append(opened)
        if self._words.takes(_CLOSING[opened.bracket]):
            return self._close()
        self._read_keyword()
        return None

    def _read_keyword(self) -> None:
        """Read the name of a keyword argument, if one stands here."""
        opened = self._open[-1]
        opened.keyword = ""
        if not opened.name or self._words.next.sort != "name":
            return
        words = self._words
        word = words.next
        if not words.is_followed_by("="):
            return
        words.take()
        words.take()
        if word.text in opened.named:
            raise words.at(word.start, f"The keyword {word.text} is given twice.")
        opened.keyword = word.text

    def _put(self, value: Value) -> Value | None:
        """Put a value into the innermost bracket; return that bracket's own value where it is closed behind it."""
        opened, words = self._open[-1], self._words
        if opened.bracket == "{" and opened.key is None and words.takes(":"):
            self._check_dict_or_set(opened, is_dict=True)
            self._check_new(opened, value, "key")
            opened.key = value
            return None
        self._add(opened, value)
        if words.takes(","):
            opened.has_comma = True
            if words.takes(_CLOSING[opened.bracket]):
                return self._close()
            self._read_keyword()
            return None
        if words.takes(_CLOSING[opened.bracket]):
            return self._close()
        raise words.unexpected(words.next, f"a comma or {_CLOSING[opened.bracket]}")

    def _check_dict_or_set(self, opened: _Open, *, is_dict: bool) -> None:
        if opened.items if is_dict else opened.pairs:
            raise self._words.at(opened.start, "These brackets mix a dict and a set.")

    def _add(self, opened: _Open, value: Value) -> None:
        if opened.keyword:
            opened.named[opened.keyword] = value
        elif opened.key is not None:
            opened.pairs.append((opened.key, value))
            opened.key = None
        else:
            if opened.named:
                raise self._words.at(
                    self._words.next.start, "An argument without a name stands behind one with a name."
                )
            if opened.bracket == "{":
                self._check_dict_or_set(opened, is_dict=False)
                self._check_new(opened, value, "element")
            opened.items.append(value)

    def _check_new(self, opened: _Open, key: Value, role: str) -> None:
        try:
            known = identity(key)
        except EncodeError as error:
            raise self._words.at(opened.place, error.message) from error
        if known in opened.met:
            raise self._words.at(opened.place, f"This {role} stands here for the second time; leave it out.")
        opened.met.add(known)

    def _close(self) -> Value:
        opened = self._open.pop()
        if opened.name:
            return self._call(opened)
        match opened.bracket:
            case "[":
                return Items(Kind.LIST, opened.items)
            case "{":
                return Items(Kind.SET, opened.items) if opened.items else Pairs(opened.pairs)
        is_tuple = opened.has_comma or not opened.items
        return Items(Kind.TUPLE, opened.items) if is_tuple else opened.items[0]

    def _call(self, opened: _Open) -> Value:
        try:
            value = builtin_call(opened.name, opened.items, opened.named, self._style)
            if value is None:
                value = construct(opened.name, opened.items, opened.named, self._style)
        except EncodeError as error:
            raise self._words.at(opened.start, error.message) from error
        if value is None:
            sentence = f"{shorten(opened.name, SHOWN_CHARS)} is no type that can be written as a literal."
            raise self._words.at(opened.start, sentence)
        return value

    def _scalar(self, word: Word) -> Value:
        try:
            match word.sort:
                case "string":
                    return self._strings(word)
                case "number":
                    return self._number("", word)
                case "name":
                    return self._name("", word)
                case "mark" if word.text in ("+", "-"):
                    return self._signed(word)
        except EncodeError as error:
            raise self._words.placed(word.start, error) from error
        if word.text == "...":
            return GlobalName("builtins", "Ellipsis")
        raise self._words.unexpected(word, "a value")

    def _strings(self, word: Word) -> Atom:
        """Read a text or bytes, and those that follow it, as Python joins them."""
        first = self._string(word)
        if self._words.next.sort != "string":
            return first
        contents = [first.value]
        while self._words.next.sort == "string":
            following = self._words.take()
            atom = self._string(following)
            if atom.kind is not first.kind:
                raise self._words.at(following.start, "Text and bytes cannot be joined.")
            contents.append(atom.value)
        if isinstance(first.value, bytes):
            return Atom(first.kind, b"".join(part for part in contents if isinstance(part, bytes)))
        return Atom(first.kind, "".join(part for part in contents if isinstance(part, str)))

    def _string(self, word: Word) -> Atom:
        if _FORMAT_PREFIX.match(word.text):
            raise self._words.at(word.start, "A text with braces to be filled in is code; write the text itself.")
        is_python2 = self._style.is_python2
        if not is_python2 and _PLAIN_TEXT.match(word.text):  # what most literals have most of
            return Atom(Kind.STR, word.text[1:-1])
        if _BYTES_PREFIX.match(word.text):
            kind = Kind.STR2 if is_python2 else Kind.BYTES
        else:
            kind = Kind.STR2 if is_python2 and not _TEXT_PREFIX.match(word.text) else Kind.STR
        return Atom(kind, parse_literal(word.text, kind, is_python2=is_python2))

    def _signed(self, sign: Word) -> Value:
        word = self._words.take()
        if word.sort == "number":
            return self._number(sign.text, word)
        if word.sort == "name":
            return self._name(sign.text, word)
        raise self._words.unexpected(word, "a number")

    def _name(self, sign: str, word: Word) -> Value:
        name = word.text
        if name in _FLOATS:
            return self._sum(Atom(Kind.FLOAT, -_FLOATS[name] if sign == "-" else _FLOATS[name]), sign + name)
        if name in _IMAGINARY:
            return Atom(Kind.COMPLEX, complex(sign + name))
        if not sign and name in _WORDS:
            return Atom(*_WORDS[name])
        if not sign and name in _GLOBALS:
            return GlobalName("builtins", name)
        value = None if sign else constant(name, self._style)
        if value is None:
            raise EncodeError(f"{word.shown} is no value; write a text in quotes.")
        return value

    def _number(self, sign: str, word: Word) -> Atom:
        text = word.text
        if text[-1] in "jJ" and text[:2].lower() != "0x":
            return Atom(Kind.COMPLEX, parse_literal(sign + text, Kind.COMPLEX))
        is_long = text[-1] in "lL"
        if is_long and not self._style.is_python2:
            raise self._words.at(word.start, f"{text} is a number of Python 2; write it without the L.")
        if _LEADING_ZERO.match(text):
            raise self._words.at(word.start, f"{word.shown} begins with a zero; write an octal number as 0o17.")
        is_float = text[:2].lower() not in ("0x", "0o", "0b") and not text.rstrip("lL").replace("_", "").isdigit()
        kind = Kind.LONG if is_long else Kind.FLOAT if is_float else Kind.INT
        value = parse_literal(sign + text, kind)
        if kind is Kind.INT and self._style.is_python2 and value not in _PYTHON2_INTS:
            kind = Kind.LONG
        return self._sum(Atom(kind, value), sign + text)

    def _sum(self, real: Atom, text: str) -> Atom:
        """Return the complex number where an imaginary one is added to a real one, else the real one."""
        sign = self._words.next
        if sign.sort != "mark" or sign.text not in ("+", "-"):
            return real
        self._words.take()
        word = self._words.take()
        is_imaginary = word.text in _IMAGINARY or (word.sort == "number" and word.text[-1] in "jJ")
        if not is_imaginary:
            raise self._words.unexpected(word, "the imaginary part of a complex number")
        return Atom(Kind.COMPLEX, parse_literal(f"{text}{sign.text}{word.text}", Kind.COMPLEX))
