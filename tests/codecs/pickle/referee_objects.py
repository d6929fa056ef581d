"""For the real Pythons that judge edits: loading what names classes that are not there, and comparing objects."""

SCRIPT = r'''
import base64, io, itertools, json, pickle, sys, threading
try:
    import copyreg
except ImportError:
    import copy_reg as copyreg
try:
    import cPickle
except ImportError:
    cPickle = None

IS_PYTHON2 = sys.version_info[0] == 2
TEXT = type(u"")
NUMBERS = itertools.count()  # tells keys of dicts apart that have no order
PROTOCOLS = [2]
REDUCED = {}  # what objects say they are made of, by id; kept, so that no id is given twice


# ---- classes that are not there


class Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return stand_in(cls.__module__, cls.full + "." + name)


def new_stub(cls, *args, **kwargs):
    if args and isinstance(args[0], Stub) and cls.full.startswith("set_"):
        args[0].states.append(("set by", cls, args[1:]))
    made = object.__new__(cls)
    made.args, made.kwargs, made.states, made.listed, made.paired = args, kwargs, [], [], []
    made.number = next(NUMBERS)
    return made


class Base(object):
    __slots__ = ("args", "kwargs", "states", "listed", "paired", "number", "__dict__", "__weakref__")


Stub = Meta("Stub", (Base,), {
    "__slots__": (),
    "full": "",
    "__new__": new_stub,
    "__init__": lambda self, *args, **kwargs: None,
    "append": lambda self, item: self.listed.append(item),
    "extend": lambda self, items: self.listed.extend(items),
    "__setitem__": lambda self, key, value: self.paired.append((key, value)),
})
Keeping = Meta("Keeping", (Stub,), {
    "__slots__": (), "__setstate__": lambda self, state: self.states.append(state),
})
WITH_ATTRIBUTES = ("shelfzoo", "__main__")
WITH_SETSTATE = ("GetState", "StateSetter")
known = {}


def stand_in(module, name):
    """Return a class under a name that cannot be imported: with attributes, or keeping the states it is given."""
    if (module, name) not in known:
        plain = module in WITH_ATTRIBUTES and name not in WITH_SETSTATE or module == "renamed"
        made = Meta(str(name.replace(".", "_")), (Stub if plain else Keeping,), {"__slots__": (), "full": name})
        made.__module__ = module
        known[module, name] = made
    return known[module, name]


def recreate(cls, base, state):
    return cls.__new__(cls, *(() if base is object else (state,)))


def find_class(find_real, module, name):
    if name == "_reconstructor" and module in ("copy_reg", "copyreg"):
        return recreate
    try:
        return find_real(module, name)
    except (ImportError, AttributeError, KeyError):
        return stand_in(module, name)


def find_python2(module, name):
    __import__(module)
    return getattr(sys.modules[module], name)


class Unpickler(pickle.Unpickler):
    if not IS_PYTHON2:
        def find_class(self, module, name):
            return find_class(super(Unpickler, self).find_class, module, name)

        def persistent_load(self, key):
            return ("persistent", key)


def load(data, buffers=None):
    if IS_PYTHON2:
        unpickler = cPickle.Unpickler(io.BytesIO(data))
        unpickler.find_global = lambda module, name: find_class(find_python2, module, name)
        unpickler.persistent_load = lambda key: ("persistent", key)
        return unpickler.load()
    if buffers is not None:
        return Unpickler(io.BytesIO(data), buffers=[bytearray(each) for each in buffers]).load()
    return Unpickler(io.BytesIO(data), encoding="latin-1").load()


# ---- values of the request


def from_wire(wire):
    sort, value = wire
    if sort in ("list", "tuple", "set", "frozenset"):
        return {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}[sort](map(from_wire, value))
    if sort == "dict":
        made = {}
        for key, each in value:
            made[from_wire(key)] = from_wire(each)
        return made
    if sort in ("bytes", "bytearray", "str2"):
        value = base64.b64decode(value)
        if sort == "bytearray":
            return bytearray(value)
        return value if IS_PYTHON2 or sort == "bytes" else value.decode("latin-1")
    if sort == "call":
        names = {}
        exec("import datetime" if IS_PYTHON2 else "import datetime, pathlib", names)
        return eval(value, names)
    if sort in ("int", "long"):
        number = int(value, 16)
        return type(10 ** 30)(number) if sort == "long" else number
    if sort == "float":
        return float.fromhex(value)
    if sort == "complex":
        return complex(*map(float.fromhex, value))
    return value  # none, bool, str


# ---- parts of objects


SCALARS = (bool, int, float, complex, str, bytes, TEXT, type(10 ** 30), type(None))


def is_single(value):
    return isinstance(value, SCALARS) or isinstance(value, (type, type(len), type(load)))


def is_real(value):
    """Tell whether an object is of a class of the standard library, which is asked what it is made of."""
    return not (is_single(value) or isinstance(value, (Stub, list, tuple, set, frozenset, dict, bytearray)))


def reduction(value):
    """Return the callable and the arguments that an object is made of, those of before at the second time."""
    if id(value) not in REDUCED:
        func, args = value.__reduce_ex__(PROTOCOLS[-1])[:2]
        REDUCED[id(value)] = [value, func, list(args)]
    return REDUCED[id(value)][1:]


def made_anew(value):
    func, args = reduction(value)
    made = func(*args)
    if hasattr(made, "__dict__"):
        vars(made).update(vars(value))
    return made


def contents(value):
    """Return (step, part) for all parts of an object."""
    if is_single(value):
        return []
    found = []
    if isinstance(value, Stub):
        found += [(("arg", at), part) for at, part in enumerate(value.args)]
        found += [(("kwarg", key), part) for key, part in in_order(value.kwargs.items())]
        found += [(("state", at), part) for at, part in enumerate(value.states)]
        found += [(("listitem", at), part) for at, part in enumerate(value.listed)]
        for at, (key, part) in enumerate(value.paired):
            found += [(("dictitem key", at), key), (("dictitem", at), part)]
    elif isinstance(value, (list, tuple)):
        found += [(("item", at), part) for at, part in enumerate(value)]
    elif isinstance(value, (set, frozenset)):
        found += [(("member", part), part) for part in sorted(value, key=key_text)]
    elif isinstance(value, dict):
        for key, part in in_order(value.items()):
            found += [(("key", key), key), (("value", key), part)]
    elif not isinstance(value, bytearray):
        func, args = reduction(value)
        found += [(("call", 0), func)] + [(("arg", at), part) for at, part in enumerate(args)]
    if hasattr(value, "__dict__"):
        found += [(("attribute", name), part) for name, part in in_order(vars(value).items())]
    return found


def in_order(pairs):
    return sorted(pairs, key=lambda pair: key_text(pair[0])) if IS_PYTHON2 else list(pairs)


def key_text(key, depth=0):
    """Return a text that tells keys apart, equal for equal ones."""
    if is_single(key) or depth > 20:
        return "%s %r" % (type(key).__name__, key)
    return "%s(%s)" % (type(key).__name__, ",".join(key_text(part, depth + 1) for _, part in contents(key)))


def difference(one, other):
    """Return where two objects differ in types, scalars, order, sharing or recursion; empty when they are alike."""
    partners, taken, waiting = {}, {}, [(one, other, "")]
    while waiting:
        one, other, path = waiting.pop()
        if type(one) is not type(other):
            return "%s: %s and %s" % (path, type(one).__name__, type(other).__name__)
        if has_identity(one) or has_identity(other):
            if id(one) in partners or id(other) in taken:
                if partners.get(id(one)) != id(other) or taken.get(id(other)) != id(one):
                    return "%s: shared otherwise: %.100r" % (path, one)
                continue
            partners[id(one)], taken[id(other)] = id(other), id(one)
        if isinstance(one, SCALARS) or isinstance(one, bytearray):
            if repr(one) != repr(other):
                return "%s: %.100r and %.100r" % (path, one, other)
            continue
        if is_single(one):
            if one is not other:
                return "%s: %r and %r" % (path, one, other)
            continue
        parts, others = contents(one), contents(other)
        if len(parts) != len(others) or [step[0] for step, _ in parts] != [step[0] for step, _ in others]:
            return "%s: %d and %d parts of %s" % (path, len(parts), len(others), type(one).__name__)
        for (step, part), (_, again) in zip(parts, others):
            waiting.append((part, again, path + "/%s %.50r" % (step[0], step[1] if step[0] != "key" else "")))
    return ""


def has_identity(value):
    """Tell whether it can be seen that an object stands in two places: Python shares small constants itself."""
    if isinstance(value, (bytes, str, TEXT)):
        return len(value) > 1
    return not is_single(value) and not (isinstance(value, (tuple, frozenset)) and not value)


'''
