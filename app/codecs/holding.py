"""Where bytes may be a value of their own: the steps of paths that lead into them, and the first look at them."""

import re

from app.compression.registry import begun

CONTENT = "<content>"
BEFORE = "<before>"
AFTER = "<after>"
STEPS_INSIDE = frozenset({CONTENT, BEFORE, AFTER})
"""Steps from a node into the value that its bytes are."""

_PICKLE_START = re.compile(rb"\x80[\x02-\x05]|\([\x80-\xffIKMJSVXUTcidl(]|[\]})]q|c[\w.]+\n|\([dlt]p\d")
_JSON_START = re.compile(rb"\s*+(?:\{\s*+[\"}]|\[\s*+[\[\]{\"\d\-tfn])")
BASE64_START = re.compile(rb"gA[I-X][A-Za-z0-9+/_\-]{5}|H4sI|Qlpo|/Td6|eJ[w-z]|eN[o-r]|eA[EF]|KLUv")
"""Pickles that name their protocol and what is compressed, in base64."""


def may_hold(prefix: bytes, *, is_text: bool = False) -> bool:
    """Tell whether bytes that begin so may be a value of their own; cheap, and often wrong."""
    if _JSON_START.match(prefix) or BASE64_START.match(prefix):
        return True
    return not is_text and (_PICKLE_START.match(prefix) is not None or begun(prefix) is not None)
