"""A real Python as the judge of edits: it makes each edit on the loaded object and compares that with the result."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SECONDS = 500

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


# ---- edits


def real_key(holder, key):
    """Return the key itself that equals ``key``, as its identity counts."""
    for each in holder:
        if each == key and type(each) is type(key):
            return each
    raise KeyError(key)


def pair_key(holder, wire, position):
    if wire is not None:
        return real_key(holder, from_wire(wire))
    objects = [key for key in holder if isinstance(key, Stub)]
    return sorted(objects, key=lambda key: key.number)[position]


def resolved(holder, step):
    """Return a step of the request as `contents` gives it."""
    sort, rest = step[0], step[1:]
    if sort in ("value", "key"):
        return sort, pair_key(holder, *rest)
    if sort in ("member",):
        return sort, real_key(holder, from_wire(rest[0]))
    if sort in ("kwarg",):
        return sort, real_key(holder.kwargs, from_wire(rest[0]))
    if sort == "attribute" and isinstance(holder, Keeping):
        return "kept", rest[0]
    return sort, rest[0]


def is_set_by(state):
    return isinstance(state, tuple) and state[:1] == ("set by",)


def kept_state(holder, name):
    for state in holder.states:
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict) and name in part:
                return part
    raise AttributeError(name)


def get(holder, step):
    sort, at = resolved(holder, step)
    if sort == "kept":
        return kept_state(holder, at)[at]
    if sort == "element":
        return holder[at]
    for (each, where), part in contents(holder):
        if each == sort and (where is at or where == at):
            return part
    raise LookupError(step)


def with_item(items, at, new):
    return items[:at] + type(items)([new]) + items[at + 1:] if type(items) in (list, tuple) else None


def put(holder, step, new):
    """Put a part into an object; return the new object where the old one cannot be changed."""
    sort, at = step
    if sort == "kept":
        kept_state(holder, at)[at] = new
    elif sort == "attribute":
        setattr(holder, at, new)
    elif isinstance(holder, Stub):
        put_in_stub(holder, sort, at, new)
    elif sort == "element" or isinstance(holder, list):
        holder[at] = new
    elif isinstance(holder, tuple):
        return with_item(holder, at, new)
    elif sort == "value":
        holder[at] = new
    elif sort == "key":
        rekeyed(holder, at, new)
    elif sort == "member":
        if isinstance(holder, frozenset):
            return frozenset([new if each is at else each for each in holder])
        holder.remove(at)
        holder.add(new)
    elif sort == "arg":
        reduction(holder)[1][at] = new
        return made_anew(holder)
    else:
        raise TypeError(sort)


def put_in_stub(holder, sort, at, new):
    if sort == "arg":
        holder.args = with_item(holder.args, at, new)
    elif sort == "kwarg":
        holder.kwargs[at] = new
    elif sort == "state":
        holder.states[at] = new
    elif sort == "listitem":
        holder.listed[at] = new
    elif sort == "dictitem":
        holder.paired[at] = holder.paired[at][0], new
    elif sort == "dictitem key":
        holder.paired[at] = new, holder.paired[at][1]
    else:
        raise TypeError(sort)


def rekeyed(holder, old, new):
    pairs = [(new if key is old else key, value) for key, value in holder.items()]
    holder.clear()
    for key, value in pairs:
        holder[key] = value


def everything(root):
    waiting, seen = [root], {}
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, SCALARS):
            continue
        seen[id(value)] = value
        waiting.extend(part for _, part in contents(value))
    return list(seen.values())


def substituted(root, old, new):
    """Return the root with one object in the place of another everywhere; what cannot change is made anew."""
    waiting = [(old, new)]
    while waiting:
        old, new = waiting.pop()
        if root is old:
            root = new
        for holder in everything(root):
            made = holder
            for step, part in contents(holder):
                if part is old and step[0] != "call":
                    again = put(made, step, new)
                    made = made if again is None else again
            if made is not holder:
                waiting.append((holder, made))
    return root


def walked(root, steps):
    value = root
    for step in steps:
        value = get(value, step)
    return value


def stored(root, steps, new):
    """Return the root with something else at a place."""
    if not steps:
        return new
    holder = walked(root, steps[:-1])
    made = put(holder, resolved(holder, steps[-1]), new)
    return root if made is None else exchanged(root, steps[:-1], holder, made)


def exchanged(root, steps, old, new):
    """Return the root with an object made anew: everywhere, but for the empty ones that Python shares by itself."""
    if isinstance(old, (tuple, frozenset)) and not old:
        return stored(root, steps, new)
    return substituted(root, old, new)


def run_of(holder, sort):
    """Return the sequence that items are put into or taken out of."""
    if sort == "listitem":
        return holder.listed
    if sort == "arg":
        return list(holder.args) if isinstance(holder, Stub) else reduction(holder)[1]
    if sort == "dictitem":
        return holder.paired
    return list(holder)


def with_run(root, steps, holder, sort, run):
    """Return the root with another run of items in an object."""
    if sort in ("listitem", "dictitem"):
        return root
    if sort == "arg" and isinstance(holder, Stub):
        holder.args = tuple(run)
        return root
    if sort == "arg":
        return substituted(root, holder, made_anew(holder))
    if isinstance(holder, list):
        holder[:] = run
        return root
    return exchanged(root, steps, holder, type(holder)(run))


def edited(root, steps, op, new):
    """Return the root with the edit made; objects that only say what they are made of are made anew from that."""
    passed = [root]
    for step in steps[:-1] if op["op"] in ("put", "delete") else steps:
        passed.append(get(passed[-1], step))
    root = changed(root, steps, op, new)
    for value, inner in zip(passed[-2::-1], passed[:0:-1]):
        if is_real(value) and not is_real(inner):
            root = substituted(root, value, made_anew(value))
    return root


def changed(root, steps, op, new):
    kind = op["op"]
    if kind == "same":
        return root
    if kind == "rename global":
        return renamed(root, op["old"], op["name"])
    if kind == "put":
        return stored(root, steps, new)
    if kind == "everywhere":
        return substituted(root, walked(root, steps), new)
    if kind == "delete":
        return deleted(root, steps)
    holder = walked(root, steps)
    sort = op.get("sort", "item")
    if kind in ("insert", "reverse"):
        run = run_of(holder, sort)
        run.reverse() if kind == "reverse" else run.insert(op["at"], new)
        return with_run(root, steps, holder, sort, run)
    if kind == "order":
        run = run_of(holder, sort)
        run[:] = [run[at] for at in op["order"]]
        return with_run(root, steps, holder, sort, run)
    if kind == "add element":
        if isinstance(holder, frozenset):
            return exchanged(root, steps, holder, holder | frozenset([new]))
        holder.add(new)
    elif kind == "add attribute":
        name = from_wire(op["name"])
        if isinstance(holder, Keeping):
            own = [state for state in holder.states if not is_set_by(state)]
            if not own:
                holder.states.insert(0, {name: new})
            else:
                (own[0] if isinstance(own[0], dict) else own[0][1])[name] = new
        else:
            setattr(holder, name, new)
    elif kind == "add pair":
        holder[from_wire(op["key"])] = new
    elif kind == "add dictitem":
        holder.paired.append((from_wire(op["key"]), new))
    elif kind == "reverse pairs":
        pairs = list(holder.items())[::-1]
        holder.clear()
        for key, value in pairs:
            holder[key] = value
    else:
        raise TypeError(kind)
    return root


def deleted(root, steps):
    holder = walked(root, steps[:-1])
    sort, at = resolved(holder, steps[-1])
    if sort == "kept":
        del kept_state(holder, at)[at]
    elif sort == "attribute":
        delattr(holder, at)
    elif sort == "value":
        del holder[at]
    elif sort == "kwarg":
        del holder.kwargs[at]
    elif sort == "state":
        del holder.states[at]
    elif sort == "member":
        if isinstance(holder, frozenset):
            return exchanged(root, steps[:-1], holder, frozenset([each for each in holder if each is not at]))
        holder.remove(at)
    else:
        run = run_of(holder, sort)
        del run[at]
        return with_run(root, steps[:-1], holder, sort, run)
    return root


def renamed(root, old, new):
    """Return the root with a class under another name wherever it is named."""
    module, name = old
    for each in list(everything(root)):
        cls = each if isinstance(each, type) else type(each)
        if not isinstance(cls, Meta) or cls.__module__ != module:
            continue
        if cls.full == name or cls.full.startswith(name + "."):
            now = stand_in(new[0], new[1] + cls.full[len(name):])
            if isinstance(each, type):
                root = substituted(root, each, now)
            else:
                each.__class__ = now
    return root


def judge(trial):
    REDUCED.clear()
    after = base64.b64decode(trial["after"])
    buffers = [base64.b64decode(each) for each in trial["buffers"]] if "buffers" in trial else None
    try:
        before = base64.b64decode(trial["before"])
        PROTOCOLS[-1] = ord(before[1:2]) if before[:1] == b"\x80" else 1
        expected = edited(load(before, buffers), trial["steps"], trial["edit"], from_wire(trial["new"]))
    except Exception as error:
        if isinstance(error, (TypeError, ValueError)):  # as a class has it
            try:
                load(after, buffers)
            except (TypeError, ValueError):
                return "refused: %s: %s" % (type(error).__name__, error)
        return "cannot be made here: %s: %s" % (type(error).__name__, error)
    try:
        found = load(after, buffers)
    except Exception as error:
        return "does not load: %s: %s" % (type(error).__name__, error)
    REDUCED.clear()
    return difference(expected, found)


def main():
    sys.setrecursionlimit(100000)
    for code in range(1, 300):
        copyreg._inverted_registry.setdefault(code, ("extension", "E%d" % code))
    found = []
    for line in io.open(sys.argv[1], encoding="ascii"):
        found.append(judge(json.loads(line)))
    print(json.dumps(found))


threading.stack_size(512 << 20)
worker = threading.Thread(target=main)
worker.start()
worker.join()
'''


def judged(python: Path, trials: Sequence[dict[str, Any]], folder: Path) -> list[str]:
    """Return for each trial where the edited object and the edited pickle differ; empty texts where they agree.

    A trial has ``before`` and ``after`` (pickles in Base64), ``steps``, ``edit`` and ``new``, as the script reads them.
    """
    request = folder / "trials.jsonl"
    request.write_text("".join(json.dumps(trial) + "\n" for trial in trials), "ascii")
    done = subprocess.run([python, "-c", SCRIPT, request], capture_output=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: list[str] = json.loads(done.stdout)
    return found
