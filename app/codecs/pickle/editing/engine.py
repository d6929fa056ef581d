"""An edit of one pickle from its path to bytes that were read back and found to be as meant."""

from collections.abc import Sequence

from app.cancel import CancelToken
from app.codecs.collector import CollectorPaused
from app.codecs.edits import ChangeProtocol, DeleteNodes, Edit
from app.codecs.known.registry import describe
from app.codecs.model import Style
from app.codecs.nodes import Kind
from app.codecs.paths import Step
from app.codecs.pickle.editing.aliases import Hashed, changed_from_afar, hashed_slots
from app.codecs.pickle.editing.assemble import Assembler, check_frames
from app.codecs.pickle.editing.beside import Beside, BesideVerifier
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.hashing import Work, check_keys
from app.codecs.pickle.editing.intent import Part, part_of
from app.codecs.pickle.editing.planner import Planner, may_change_types
from app.codecs.pickle.editing.program import Moves, Splice
from app.codecs.pickle.editing.relink import Relinker
from app.codecs.pickle.editing.same_value import is_same_value
from app.codecs.pickle.editing.verify import Different, Verifier
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import Graph, parse
from app.codecs.pickle.locate import Locator
from app.codecs.pickle.model_of import model_of
from app.codecs.pickle.styles import style_of_graph
from app.codecs.trees.children import Child, Role
from app.errors import EncodeError

_LAST_OF_PYTHON2 = 2
_LARGE = 4 << 20
"""Bytes of a result from which on it is read beside its original."""

_TOO_LARGE = "This value is too large to be changed: reading the result back takes more memory than there is."

Place = tuple[Child, Sequence[Step]]
"""Where a path begins, and its steps from there."""


def edited(graph: Graph, locator: Locator, places: Sequence[Place], edit: Edit, token: CancelToken) -> bytes:
    """Return the bytes of the pickle with an edit made; ``places`` are those that the edit names.

    Raises:
        EncodeError: the new value is wrong, or the place cannot be edited safely; says why.
        PathError: no such place.
        Cancelled: by ``token``.
    """
    if graph.stream.error:
        raise EncodeError(f"The pickle is damaged, so it is read-only. {graph.stream.error}")
    if isinstance(edit, ChangeProtocol):
        return _written_anew(graph, edit.protocol, token)
    check_frames(graph.stream)
    with CollectorPaused():
        draft = Draft(graph, token)
        root, steps = places[0] if places else (Child(graph.root, "", "", Role.ROOT), ())
        planner = Planner(draft, locator, root)
        if isinstance(edit, DeleteNodes):
            planner.delete(places)
        else:
            planner.plan(edit, steps)
        if not draft.splices:
            return _own_bytes(graph)
        again, moves = _carried_out(draft)
        around = planner.around
        if draft.copies >= 0:
            around = around[:-1]
            draft = _copy_changed(draft, again, moves)
            again, moves = _carried_out(draft)
        _check_hashed(draft, changed_from_afar(draft, around), again, moves)
        if not may_change_types(edit):
            _check_known_types(graph, planner.around, again, moves)
    return _own_bytes(again)


def _own_bytes(graph: Graph) -> bytes:
    return graph.stream.data[graph.stream.start : graph.stream.stop]


def _carried_out(draft: Draft) -> tuple[Graph, Moves]:
    """Return the result of a draft, read back and found to be as meant; the old value stays in it only if need be."""
    for splices in filter(None, (draft.splices, draft.last_resort)):
        found = _tried(draft, splices)
        if found is not None:
            return found
    raise EncodeError("This place cannot be changed safely: the result would not read back as meant.")


def _copy_changed(draft: Draft, again: Graph, moves: Moves) -> Draft:
    """Return the draft that puts a changed object in one place only: the original, with a copy of the result there."""
    target = draft.graph.target(draft.copies)
    value = model_of(again, moves(target), draft.token)
    copy = Draft(draft.graph, draft.token)
    copy.hashed = draft.hashed
    copy.put_place(draft.copies, value)
    return copy


def _tried(draft: Draft, splices: Sequence[Splice]) -> tuple[Graph, Moves] | None:
    ordered = sorted(splices, key=lambda splice: (splice.start, splice.end))
    relinker = Relinker(draft, ordered)
    changed, moves = Assembler(draft.stream).assemble(relinker.pieces(draft.token))
    read_back = _read_beside if len(changed) >= _LARGE else _read_apart
    again = read_back(draft, changed, moves)
    return None if again is None else (again, moves)


def _read_apart(draft: Draft, changed: bytes, moves: Moves) -> Graph | None:
    """Return a result if it is as meant."""
    again = parse(changed, draft.stream.start, draft.token)
    _check_not_cut(again)
    return again if Verifier(draft, again, moves).is_as_meant() else None


def _read_beside(draft: Draft, changed: bytes, moves: Moves) -> Graph | None:
    """Return a large result if it is as meant; what it has in common with the original is not held twice."""
    beside = Beside(draft, moves)
    try:
        again = parse(changed, draft.stream.start, draft.stage(1), settler=beside)
        _check_not_cut(again)
        return again if BesideVerifier(draft, again, moves, beside).is_as_meant() else None
    except Different:
        return None
    except MemoryError as error:
        raise EncodeError(_TOO_LARGE) from error


def _check_not_cut(again: Graph) -> None:
    """Refuse a result of which only the beginning can be held beside the original: it cannot be compared."""
    if again.stream.is_full:
        raise EncodeError(_TOO_LARGE)


def _written_anew(graph: Graph, protocol: int, token: CancelToken) -> bytes:
    """Return the pickle written in another protocol, sharing and recursion kept."""
    is_python2 = style_of_graph(graph).is_python2 and protocol <= _LAST_OF_PYTHON2
    style = Style(protocol, is_python2=is_python2)
    value = model_of(graph, graph.root, token)
    written = emit_pickle(value, style)
    again = parse(written, 0, token)
    _check_not_cut(again)
    if again.stream.error or not is_same_value(value, model_of(again, again.root, token), style, token):
        raise EncodeError(f"This value cannot be written in protocol {protocol}: it would not read back as it is.")
    return written


def _check_hashed(draft: Draft, from_afar: Sequence[Hashed], again: Graph, moves: Moves) -> None:
    """Refuse keys and elements that became equal to others or that cannot be hashed."""
    work = Work(again, draft.token)
    for target, part, index in draft.hashed:
        step = 2 if part is Part.PAIRS else 1
        slots = part_of(again.stream, moves(target), part) if moves(target) >= 0 else []
        if index % step == 0 and index < len(slots):
            check_keys(again, slots[::step], index // step, work)
    for target, at in from_afar:
        keys = hashed_slots(again, moves(target)) if moves(target) >= 0 else ()
        if at < len(keys):
            check_keys(again, keys, at, work)


def _check_known_types(before: Graph, around: Sequence[Child], after: Graph, moves: Moves) -> None:
    """Refuse an edit after which an object around it is no longer what it was: a date of month 13, a cut array."""
    for child in around:
        known = describe(before, child.slot) if before.kind(child.slot) is Kind.OBJECT else None
        if known is None:
            continue
        found = describe(after, moves(before.target(child.slot)))
        if found is None or found.type != known.type:
            raise EncodeError(f"With that value the {known.type} around it could not be read any more.")
