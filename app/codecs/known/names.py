"""Names of builtins that pickles and literals hold, in Python 2 and 3."""

import builtins

EXCEPTIONS = tuple(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException) and value.__name__ == name
)
"""Builtin exceptions of Python 3, without aliases such as ``IOError``."""

FACTORIES = frozenset(
    {
        "bool",
        "bytearray",
        "bytes",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "object",
        "set",
        "str",
        "tuple",
    }
)
"""Builtin classes that stand in a literal without a call, as the factory of a defaultdict."""

PYTHON2_FACTORIES = (FACTORIES - {"bytes"}) | {"long", "unicode"}

_NEW_EXCEPTIONS = {
    "BaseExceptionGroup",
    "BlockingIOError",
    "BrokenPipeError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "EncodingWarning",
    "ExceptionGroup",
    "FileExistsError",
    "FileNotFoundError",
    "InterruptedError",
    "IsADirectoryError",
    "ModuleNotFoundError",
    "NotADirectoryError",
    "PermissionError",
    "ProcessLookupError",
    "PythonFinalizationError",
    "RecursionError",
    "ResourceWarning",
    "StopAsyncIteration",
    "TimeoutError",
}
PYTHON2_EXCEPTIONS = frozenset(EXCEPTIONS) - _NEW_EXCEPTIONS
"""Builtin exceptions that Python 2 has too."""
