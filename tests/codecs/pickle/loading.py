"""What a real Python makes of pickles, told as text that is equal for equal objects, sharing and recursion."""

from collections.abc import Sequence

from tests.codecs.interpreters import packed, run

SCRIPT = r"""
import base64, functools, io, itertools, json, pickle, sys, threading
try:
    import copyreg
except ImportError:
    import copy_reg as copyreg

IS_PYTHON2 = sys.version_info[0] == 2


numbers = itertools.count()


class Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stub(cls.__module__, cls.full + "." + name)


def new(cls, *args, **kwargs):
    if args and isinstance(args[0], Stub):
        args[0].log.append(("given to", cls, args[1:], kwargs))
    made = object.__new__(cls)
    made.log = [(args, kwargs)]
    made.number = next(numbers)  # as hash: Python 2's dicts have the same order each time then
    return made


Stub = Meta("Stub", (object,), {
    "__new__": new,
    "__init__": lambda self, *args, **kwargs: None,
    "__hash__": lambda self: self.number,
    "__setstate__": lambda self, state: self.log.append(("state", state)),
    "append": lambda self, item: self.log.append(("item", item)),
    "extend": lambda self, items: [self.append(item) for item in items],
    "__setitem__": lambda self, key, value: self.log.append(("pair", key, value)),
})


known = {}


def stub(module, name):
    if (module, name) not in known:
        made = known[module, name] = Meta(str(name.replace(".", "_")), (Stub,), {"full": name})
        made.__module__ = module
    return known[module, name]


def recreate(cls, base, state):
    made = Stub()
    made.log = [("recreated", cls, base, state)]
    return made


class Lenient:
    def find_class(self, module, name):
        if name == "_reconstructor" and module in ("copy_reg", "copyreg"):
            return recreate
        try:
            return self.find_real(module, name)
        except (ImportError, AttributeError):
            return stub(module, name)

    def persistent_load(self, key):
        return ("persistent", key)


if IS_PYTHON2:
    class Unpickler(Lenient, pickle.Unpickler):
        find_real = pickle.Unpickler.__dict__["find_class"]
        def get_extension(self, code):
            self.append(stub("extension", "E%d" % code))
else:
    class Unpickler(Lenient, pickle.Unpickler):
        def find_real(self, module, name):
            return pickle.Unpickler.find_class(self, module, name)

    class Slow(Lenient, pickle._Unpickler):
        def find_real(self, module, name):
            return pickle._Unpickler.find_class(self, module, name)
        def get_extension(self, code):
            self.append(stub("extension", "E%d" % code))


def load(data, encoding):
    if IS_PYTHON2:
        unpickler = Unpickler(io.BytesIO(data))
        unpickler.persistent_load = lambda key: ("persistent", key)
        return unpickler.load()
    try:
        return Unpickler(io.BytesIO(data), encoding=encoding).load()
    except ValueError as error:
        if "extension" not in str(error):
            raise
        return Slow(io.BytesIO(data), encoding=encoding).load()


SCALARS = (bool, int, float, complex, str, bytes, type(u""), type(10 ** 30), type(None))


def name_of(value):
    for name in ("full", "__qualname__", "__name__"):
        if hasattr(value, name):
            return ["global", value.__module__ or "builtins", getattr(value, name)]


def told(value, seen, keep):
    def parts(values):
        return [told(part, seen, keep) for part in values]

    kind = type(value).__name__
    if isinstance(value, SCALARS):
        return [kind, repr(value)]
    if isinstance(value, type) or callable(value) and not isinstance(value, (Stub, functools.partial)):
        return name_of(value)
    if id(value) in seen and value != ():
        return ["again", seen[id(value)]]
    seen[id(value)] = len(seen)
    keep.append(value)
    if isinstance(value, Stub):
        return ["stub", kind, told(value.log, seen, keep)]
    if isinstance(value, (set, frozenset)):
        return [kind, sorted(parts(value), key=json.dumps)]
    if isinstance(value, dict):
        return [kind, parts(pair for pair in value.items()), told(getattr(value, "__dict__", None), seen, keep)]
    if isinstance(value, (list, tuple)):
        return [kind, parts(value)]
    if isinstance(value, functools.partial):
        return [kind, parts([value.func, value.args, value.keywords])]
    return [kind] if kind == "object" else [kind, repr(value)]


def main():
    sys.setrecursionlimit(100000)
    request = json.load(sys.stdin)
    found = []
    for text in request["pickles"]:
        globals()["numbers"] = itertools.count()
        try:
            found.append(told(load(base64.b64decode(text), request["encoding"]), {}, []))
        except Exception as error:
            found.append("%s: %s" % (type(error).__name__, error))
    print(json.dumps(found))


threading.stack_size(512 << 20)
worker = threading.Thread(target=main)
worker.start()
worker.join()
"""


def told(version: str, pickles: Sequence[bytes], encoding: str = "latin-1") -> list[object]:
    """Return what that Python makes of each pickle; a text where it refuses it. Unknown classes are stood in for."""
    request = {"pickles": [packed(data) for data in pickles], "encoding": encoding}
    found: list[object] = run(version, SCRIPT, request)
    return found
