"""What the opcodes of pickles push."""

from app.codecs.nodes import Kind
from app.codecs.pickle.opcodes import BYTES, MAKERS, STRINGS, TEXTS, TUPLES, codes


def _kinds() -> tuple[Kind | None, ...]:
    """Return the kind by opcode, None where it takes more than the opcode to tell."""
    groups = {
        Kind.NONE: codes("NONE"),
        Kind.BOOL: codes("NEWTRUE", "NEWFALSE"),
        Kind.INT: codes("BININT", "BININT1", "BININT2"),
        Kind.FLOAT: codes("FLOAT", "BINFLOAT"),
        Kind.STR: TEXTS,
        Kind.STR2: STRINGS,
        Kind.BYTES: BYTES,
        Kind.BYTEARRAY: codes("BYTEARRAY8"),
        Kind.LIST: codes("EMPTY_LIST", "LIST"),
        Kind.TUPLE: TUPLES | codes("MARK"),  # a MARK stands for a tuple under construction
        Kind.DICT: codes("EMPTY_DICT", "DICT"),
        Kind.SET: codes("EMPTY_SET"),
        Kind.FROZENSET: codes("FROZENSET"),
        Kind.OBJECT: MAKERS - codes("REDUCE"),
        Kind.PERSID: codes("PERSID", "BINPERSID"),
        Kind.EXT: codes("EXT1", "EXT2", "EXT4"),
        Kind.BUFFER: codes("NEXT_BUFFER"),
        Kind.GLOBAL: codes("GLOBAL"),
    }
    by_code = {code: kind for kind, members in groups.items() for code in members}
    return tuple(by_code.get(code) for code in range(256))


KIND_OF_OPCODE = _kinds()
"""The kind of what an opcode pushes, None where it takes more than the opcode to tell."""
