"""A shelf as Python 2.7 would have left it, its opcodes written by hand: no Python 3 writes 8-bit strings."""

from collections.abc import Iterator

Entry = tuple[bytes, bytes]


def entries() -> Iterator[Entry]:
    """Yield keys and pickles."""
    yield b"catalogue", CATALOGUE
    yield b"caf\xe9 table", CAFE_TABLE
    yield b"customer", CUSTOMER
    yield b"visited", VISITED
    yield b"greeting", b"S'Welcome back!'\np0\n."
    yield b"counter", b"I1041\n."
    yield b"big", b"L123456789012345678901234567890L\n."
    yield b"flags", b"(lp0\nI01\naI00\naNa."
    yield b"mixed", MIXED


CATALOGUE = b"".join([
    b"(dp0\n",
    b"S'title'\np1\nVGr\\u00fc\\u00dfe aus Wien\np2\ns",
    b"S'author'\np3\nS'M\\xfcller'\np4\ns",  # Latin-1 in an 8-bit string, as forms sent it
    b"S'price'\np5\nF12.5\ns",
    b"S'isbn'\np6\nL9783150000014L\ns",
    b"S'pages'\np7\n(I12\nI57\nI230\ntp8\ns",
    b"S'related'\np9\n(lp10\ng2\nag4\nas",  # the two texts again, shared
    b".",
])  # fmt: skip
"""Protocol 0: STRING, UNICODE, LONG and GET."""

CAFE_TABLE = b"".join([
    b"\x80\x02}q\x00(",
    b"U\x05seatsq\x01K\x04",
    b"U\x04nameq\x02X\x0b\x00\x00\x00Caf\xc3\xa9 tableq\x03",
    b"U\x04noteq\x04T\x2c\x01\x00\x00" + b"reserved " * 33 + b"ok!" + b"q\x05",
    b"U\x05emptyq\x06)",
    b"u.",
])  # fmt: skip
"""Protocol 2: SHORT_BINSTRING, BINUNICODE and BINSTRING."""

CUSTOMER = b"".join([
    b"(iaccounts\nCustomer\np0\n(dp1\n",
    b"S'login'\np2\nS'ada'\np3\ns",
    b"S'visits'\np4\nI17\ns",
    b"S'self'\np5\ng0\ns",  # leads back to itself
    b"b.",
])  # fmt: skip
"""Protocol 0: an old-style instance of a class that does not exist."""

VISITED = b"\x80\x02cdatetime\ndatetime\nq\x00U\x0a\x07\xda\x0b\x17\x0e\x1e\x05\x00\x00\x00q\x01\x85q\x02Rq\x03."
"""Protocol 2: 2010-11-23 14:30:05, the ten bytes of its state in an 8-bit string."""

MIXED = b"".join([
    b"\x80\x02ccopy_reg\n_reconstructor\nq\x00",
    b"caccounts\nBasket\nq\x01c__builtin__\nobject\nq\x02N\x87q\x03Rq\x04}q\x05(",
    b"U\x05itemsq\x06]q\x07(U\x01aq\x08X\x01\x00\x00\x00aq\x09e",  # 'a' and u'a': two kinds
    b"U\x05totalq\x0aG@)\x00\x00\x00\x00\x00\x00",
    b"ub.",
])  # fmt: skip
"""Protocol 2: a new-style instance as ``copy_reg`` made it."""
