"""The names of classes and functions as each protocol writes them.

References:
    CPython's Lib/pickle.py, ``_Pickler.save_global`` and ``_Unpickler.find_class``, and Lib/_compat_pickle.py.
"""

from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING, REVERSE_IMPORT_MAPPING, REVERSE_NAME_MAPPING

from app.codecs.model import GlobalName
from app.codecs.screen import escape_text
from app.errors import EncodeError

_FIRST_WITHOUT_PYTHON2 = 3
"""The protocol from which on names are Python 3's: below, Python 3 writes and reads those of Python 2."""


def names_for(value: GlobalName, protocol: int) -> tuple[str, str]:
    """Return module and name as a pickle of ``protocol`` writes them; those copied from its like stay as they are."""
    names = value.module, value.name
    is_python2s = value.written_in is not None and value.written_in < _FIRST_WITHOUT_PYTHON2
    if protocol < _FIRST_WITHOUT_PYTHON2 and not is_python2s:
        return REVERSE_NAME_MAPPING.get(names) or (REVERSE_IMPORT_MAPPING.get(names[0], names[0]), names[1])
    if protocol >= _FIRST_WITHOUT_PYTHON2 and is_python2s:
        return NAME_MAPPING.get(names) or (IMPORT_MAPPING.get(names[0], names[0]), names[1])
    return names


def global_line(value: GlobalName, protocol: int) -> bytes:
    """Return the two lines that GLOBAL and INST have behind them in protocols 0 to 3.

    Raises:
        EncodeError: no line can hold the names.
    """
    module, name = names_for(value, protocol)
    try:
        is_python3s = protocol >= _FIRST_WITHOUT_PYTHON2 or value.written_in is not None
        lines = [text.encode("utf-8" if is_python3s else "ascii") for text in (module, name)]
    except UnicodeEncodeError as error:
        raise _unwritable(value, protocol) from error
    if any(b"\n" in line for line in lines):
        raise _unwritable(value, protocol)
    return b"%b\n%b\n" % tuple(lines)


def _unwritable(value: GlobalName, protocol: int) -> EncodeError:
    shown = escape_text(f"{value.module}.{value.name}")
    return EncodeError(f"Protocol {protocol} cannot write the name {shown}; protocol 4 can.")


def is_nested(value: GlobalName, protocol: int) -> bool:
    """Tell whether the class must be got from the one around it: below protocol 4 no name has dots."""
    is_copied = value.written_in is not None and value.written_in < 4
    return protocol < 4 and "." in value.name and not is_copied
