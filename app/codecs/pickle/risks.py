"""What importing and calling the classes and functions that pickles name could do.

This informs; nothing is ever decided by it, as looking at a value calls none of them.
"""

from typing import Final

from app.codecs.findings import Risk
from app.codecs.known.registry import is_known_class

_PROCESS: Final = "It starts programs or ends them."
_FILES: Final = "It reads, writes or removes files."
_NETWORK: Final = "It speaks to other machines."
_IMPORTS: Final = "It imports modules, which runs their code."
_CODE: Final = "It runs code that it is given."
_ATTRIBUTES: Final = "It reads or sets any attribute by its name, which leads to every function there is."
_PICKLES: Final = "It unpickles what it is given, which can call anything."
_MEMORY: Final = "It reads and writes memory and calls machine code."
_TOOLS: Final = "It belongs to a tool that runs programs or code that it is given."

_MODULES: Final = {
    **dict.fromkeys(
        ("os", "posix", "nt", "subprocess", "_posixsubprocess", "pty", "commands", "popen2", "signal"), _PROCESS
    ),
    **dict.fromkeys(
        ("multiprocessing", "_multiprocessing", "concurrent", "asyncio", "threading", "_thread", "thread"), _PROCESS
    ),
    **dict.fromkeys(
        ("sched", "_winapi", "msvcrt", "_winreg", "winreg", "platform", "webbrowser", "antigravity"), _PROCESS
    ),
    **dict.fromkeys(("shutil", "tempfile", "fileinput", "glob", "io", "_io", "codecs", "linecache", "mmap"), _FILES),
    **dict.fromkeys(
        ("zipfile", "tarfile", "gzip", "bz2", "lzma", "dbm", "gdbm", "sqlite3", "_sqlite3", "filecmp"), _FILES
    ),
    **dict.fromkeys(("socket", "_socket", "ssl", "_ssl", "http", "httplib", "urllib", "urllib2", "urllib3"), _NETWORK),
    **dict.fromkeys(("requests", "aiohttp", "httpx", "ftplib", "smtplib", "poplib", "imaplib", "telnetlib"), _NETWORK),
    **dict.fromkeys(("nntplib", "xmlrpc", "xmlrpclib", "socketserver", "SocketServer", "paramiko", "select"), _NETWORK),
    **dict.fromkeys(
        ("importlib", "_frozen_importlib", "_frozen_importlib_external", "imp", "_imp", "pkgutil"), _IMPORTS
    ),
    **dict.fromkeys(("zipimport", "runpy", "site", "modulefinder", "pkg_resources", "ensurepip", "pip"), _IMPORTS),
    **dict.fromkeys(("code", "codeop", "timeit", "trace", "profile", "cProfile", "pdb", "bdb", "doctest"), _CODE),
    **dict.fromkeys(("sys", "gc", "inspect", "types", "new", "ast", "dis", "symtable", "faulthandler"), _CODE),
    **dict.fromkeys(("pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"), _PICKLES),
    **dict.fromkeys(("ctypes", "_ctypes", "cffi", "_cffi_backend"), _MEMORY),
    **dict.fromkeys(("pydoc", "venv", "distutils", "setuptools", "lib2to3", "idlelib", "test", "unittest"), _TOOLS),
    **dict.fromkeys(("logging.config", "cgitb", "torch.jit", "torch.serialization", "torch.hub", "turtle"), _TOOLS),
    **dict.fromkeys(("numpy.testing", "numpy.f2py", "numpy.distutils", "pytest", "py", "nose", "cgi"), _TOOLS),
    **dict.fromkeys(("IPython", "wsgiref", "pyclbr", "compileall", "py_compile", "uuid._get_command_stdout"), _TOOLS),
}
"""Modules by name; what stands below them is judged alike unless `_KNOWN_HARMLESS` names it."""

_NAMES: Final = {
    **dict.fromkeys(("eval", "exec", "execfile", "compile", "breakpoint", "input", "raw_input", "apply"), _CODE),
    **dict.fromkeys(("__import__", "reload", "help"), _IMPORTS),
    **dict.fromkeys(("open", "file"), _FILES),
    **dict.fromkeys(("getattr", "setattr", "delattr", "vars", "globals", "locals"), _ATTRIBUTES),
    **dict.fromkeys(("map", "filter", "reduce"), _CODE),
    **dict.fromkeys(("exit", "quit"), _PROCESS),
}
"""Builtins."""

_BUILTINS: Final = frozenset({"builtins", "__builtin__", "__builtins__", "exceptions"})

_SINGLE: Final = {
    **dict.fromkeys(("operator.attrgetter", "operator.methodcaller", "operator.itemgetter"), _ATTRIBUTES),
    **dict.fromkeys(("_operator.attrgetter", "_operator.methodcaller", "_operator.itemgetter"), _ATTRIBUTES),
    **dict.fromkeys(("functools.reduce", "_functools.reduce", "itertools.starmap"), _CODE),
    **dict.fromkeys(("numpy.load", "numpy.loadtxt", "numpy.fromfile", "numpy.memmap", "numpy.save"), _FILES),
    **dict.fromkeys(("numpy.core.multiarray.fromfile", "numpy._core.multiarray.fromfile"), _FILES),
    **dict.fromkeys(("pandas.read_pickle", "pandas.io.pickle.read_pickle", "torch.load"), _PICKLES),
    **dict.fromkeys(("pathlib.Path.open", "pathlib.Path.unlink", "pathlib.Path.write_text"), _FILES),
    **dict.fromkeys(("copyreg.add_extension", "copy_reg.add_extension", "copyreg.pickle", "copy_reg.pickle"), _CODE),
    **dict.fromkeys(("atexit.register", "weakref.finalize", "contextlib.ExitStack"), _CODE),
    **dict.fromkeys(("StringIO.open", "cStringIO.open"), _FILES),
    **dict.fromkeys(("string.Formatter", "string.Template"), _ATTRIBUTES),
}

_HARMLESS_BUILTINS: Final = frozenset(
    {
        *("bool", "int", "long", "float", "complex", "str", "unicode", "bytes", "bytearray", "object", "NoneType"),
        *("list", "tuple", "dict", "set", "frozenset", "range", "xrange", "slice", "Ellipsis", "NotImplemented"),
        *("enumerate", "zip", "reversed", "memoryview"),
    }
)
COPYREG: Final = frozenset(
    f"{module}.{name}"
    for module in ("copyreg", "copy_reg")
    for name in ("_reconstructor", "__newobj__", "__newobj_ex__")
)
"""They make an object of the class that is their first argument, without calling its initializer."""

_KNOWN_HARMLESS: Final = {
    **dict.fromkeys(("_codecs.encode", "codecs.encode"), "It turns a text into bytes, as old protocols write them."),
    **dict.fromkeys(COPYREG, "It makes an object without calling its initializer."),
    **dict.fromkeys(
        (
            *("numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct", "numpy.ndarray"),
            *("numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar", "numpy.dtype"),
            *("numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer"),
        ),
        "It makes an array or number of numpy.",
    ),
    "joblib.numpy_pickle.NumpyArrayWrapper": "It stands for an array; what joblib reads behind it is told too.",
    **dict.fromkeys(
        (
            *("pandas.CategoricalDtype", "pandas.core.dtypes.dtypes.CategoricalDtype", "pandas.StringDtype"),
            *("pandas.core.internals.managers.SingleBlockManager", "pandas.core.internals.managers.BlockManager"),
        ),
        "It makes a part of a table of pandas.",
    ),
}
_LATER: Final = {
    **dict.fromkeys(
        ("functools.partial", "_functools.partial"),
        "It keeps a function and its arguments; whoever uses the object calls that.",
    )
}
_KNOWN_TYPE: Final = "It is a constructor of a type of the standard library or of numpy or pandas that is known."
_BUILTIN_TYPE: Final = "It is a constructor of a builtin type."
_UNKNOWN: Final = "What it does is known to the program that wrote it alone."


def judged(name: str) -> tuple[Risk, str]:
    """Return the risk of a class or function that is called, and one sentence on why; ``name`` is ``module.name``."""
    module, _, attribute = name.rpartition(".")
    if module in _BUILTINS and attribute in _HARMLESS_BUILTINS:
        return Risk.HARMLESS, _BUILTIN_TYPE
    if name in _KNOWN_HARMLESS:
        return Risk.HARMLESS, _KNOWN_HARMLESS[name]
    if why := _danger(name):
        return Risk.DANGEROUS, why
    if name in _LATER:
        return Risk.UNKNOWN, _LATER[name]
    if module == "exceptions" or is_known_class(name):
        return Risk.HARMLESS, _KNOWN_TYPE
    return Risk.UNKNOWN, _UNKNOWN if name else "Which function it is, is computed when the value is loaded."


def _danger(name: str) -> str:
    module, _, attribute = name.rpartition(".")
    if module in _BUILTINS:
        return _NAMES.get(attribute, "")
    if is_known_class(name) and name not in _SINGLE:
        return ""
    while name:
        why = _SINGLE.get(name) or _MODULES.get(name)
        if why:
            return why
        name = name.rpartition(".")[0]
    return ""
