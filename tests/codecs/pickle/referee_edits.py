"""For the real Pythons that judge edits: the edits, as they are made on objects."""

SCRIPT = r'''
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


'''
