"""What is said of a file that holds several databases, each under a name."""

from collections.abc import Sequence
from typing import Final

_NAMES_SHOWN: Final = 8
_CHARACTERS: Final = 80


def shown_name(name: bytes) -> str:
    """Return a name as text, or as a bytes literal where it is none."""
    text = name.decode("utf-8", "replace")
    is_text = text.isprintable() and "\N{REPLACEMENT CHARACTER}" not in text
    return (text if is_text else repr(name))[:_CHARACTERS]


def note_on_parts(names: Sequence[bytes]) -> str:
    """Return the sentence that tells which sub-databases are listed."""
    if not names:
        return "The file is made for sub-databases and has none."
    shown = ", ".join(map(shown_name, names[:_NAMES_SHOWN]))
    more = f" and {len(names) - _NAMES_SHOWN:,} more" if len(names) > _NAMES_SHOWN else ""
    what = f"{len(names):,} sub-databases are" if len(names) > 1 else "One sub-database is"
    return f"{what} listed, one after another; dump tells which one an entry is in: {shown}{more}."
