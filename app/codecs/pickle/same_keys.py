"""Python 2's two kinds of text become one in Python 3: two keys of a dict must not."""

from app.codecs.model import Atom, Pairs, Style
from app.codecs.nodes import Kind
from app.codecs.screen import quote_text, shorten
from app.errors import EncodeError

_SHOWN = 60


def check_families(value: Pairs, style: Style) -> None:
    """Refuse a dict in which an 8-bit key and another of equal text would become one.

    Raises:
        EncodeError: there is such a key.
    """
    keys = [key for key, _ in value.pairs if isinstance(key, Atom)]
    eight_bit = {key.value for key in keys if key.kind is Kind.STR2 and isinstance(key.value, bytes)}
    if not eight_bit or style.is_python2:
        return
    for key in keys:
        content = key.value.encode("utf-8", "surrogatepass") if isinstance(key.value, str) else key.value
        if key.kind in (Kind.STR, Kind.BYTES) and content in eight_bit and _becomes(content, key.kind):
            shown = quote_text(shorten(content.decode("latin-1"), _SHOWN))
            raise EncodeError(f"The keys {shown} and u{shown} of a Python 2 dict would be one key here.")


def _becomes(content: object, kind: Kind) -> bool:
    """Tell whether an 8-bit string of this content is written as that kind in Python 3: ASCII as text."""
    return isinstance(content, bytes) and content.isascii() == (kind is Kind.STR)
