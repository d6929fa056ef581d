"""What a dump of joblib names and calls: by its opcodes, by its arrays of objects, and as pickle alone reads it.

``pickle.load`` and shelve know no arrays of joblib: the memory of one is opcodes to them, which can be made to call
anything.

References:
    joblib/numpy_pickle.py (NumpyArrayWrapper.read_array: an array of objects is a pickle of its own).
"""

from dataclasses import replace

from app.cancel import CancelToken
from app.codecs.findings import Audit, NamedGlobal, Risk
from app.codecs.pickle.joblib_loose import are_loose, with_gap
from app.codecs.pickle.joblib_parts import DumpParts, OfDump, ShownPaths
from app.codecs.pickle.unfollowed import COMPUTED

_BY_PICKLE = "Only pickle makes it, for which the bytes of an array are opcodes."


def audit_of_dump(data: bytes, parts: DumpParts, shown: OfDump, token: CancelToken) -> Audit:
    """Return what a dump names and would call, each with its offset in the dump and the place that is shown.

    Raises:
        Cancelled: by ``token``.
    """
    opcodes = parts.opcodes.audit(token)
    is_loose = not parts.mixed.gap and are_loose(parts.opcodes.graph, opcodes, token)
    found = [_moved(opcodes, parts)]
    for memory in parts.memories():
        if memory.array.is_pickle:
            inner = OfDump(memory.array.memory, token).audit(token)
            found.append(_shifted(inner.within(memory.path), memory.start))
    own = Audit.joined((*found, Audit(gaps=(parts.mixed.gap,) if parts.mixed.gap else ())))
    joined = Audit.joined((own, _only_by_pickle(data, own, token)))
    if is_loose or parts.mixed.gap:
        joined = with_gap(joined, data, Risk.DANGEROUS if is_loose else Risk.UNKNOWN, token)
    paths = ShownPaths(shown)
    return replace(
        joined,
        globals=tuple(replace(named, path=paths.nearest(named.path)) for named in joined.globals),
        calls=tuple(replace(call, path=paths.nearest(call.path)) for call in joined.calls),
    )


def _moved(found: Audit, parts: DumpParts) -> Audit:
    """Return an audit of the opcodes with the offsets that they have in the dump."""
    return replace(
        found,
        globals=tuple(replace(named, offset=parts.offset(named.offset)) for named in found.globals),
        calls=tuple(replace(call, offset=parts.offset(call.offset)) for call in found.calls),
        behind=tuple(replace(named, offset=parts.offset(named.offset)) for named in found.behind),
    )


def _shifted(found: Audit, start: int) -> Audit:
    return replace(
        found,
        globals=tuple(replace(named, offset=start + named.offset) for named in found.globals),
        calls=tuple(replace(call, offset=start + call.offset) for call in found.calls),
        behind=tuple(replace(named, offset=start + named.offset) for named in found.behind),
    )


def _only_by_pickle(data: bytes, own: Audit, token: CancelToken) -> Audit:
    """Return what pickle would name and call beside what is known.

    That it refuses the memory of most arrays is no gap. Of what stands behind there, only what is surely dangerous is
    told, as any bytes can read as some opcode that computes a name.
    """
    value = OfDump(data, token)
    found = value.audit(token)
    named = {(each.name, each.offset) for each in (*own.globals, *own.behind)}
    called = {(call.callable, call.offset) for call in own.calls}
    is_crossed = len(found.gaps) > value.is_damaged
    return Audit(
        tuple(each for each in found.globals if (each.name, each.offset) not in named),
        tuple(
            replace(call, why=f"{call.why} {_BY_PICKLE}")
            for call in found.calls
            if (call.callable, call.offset) not in called
        ),
        found.more,
        tuple(
            each
            for each in found.behind
            if (each.name, each.offset) not in named and (is_crossed or _is_surely_dangerous(each))
        ),
        (value.why_cut,) if value.why_cut else (),
    )


def _is_surely_dangerous(named: NamedGlobal) -> bool:
    return named.risk is Risk.DANGEROUS and named.name != COMPUTED
