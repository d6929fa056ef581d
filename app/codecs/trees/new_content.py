"""What replaces a scalar when the value within it has changed."""

from app.codecs.edits import New, RawBytes, Written
from app.codecs.literals.scalars import format_literal
from app.codecs.nodes import Kind
from app.errors import EncodeError


def new_content(data: bytes, *, is_text: bool) -> New:
    """Return what replaces a scalar whose content is ``data`` now.

    Raises:
        EncodeError: a text cannot hold it.
    """
    if not is_text:
        return RawBytes(data)
    try:
        return Written(format_literal(data.decode("utf-8"), Kind.STR))
    except UnicodeDecodeError as error:
        raise EncodeError("A text stands here, and the new content is no UTF-8.") from error
