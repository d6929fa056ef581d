"""What is compared of an edited pickle is enough: comparing each opcode of it finds nothing else."""

import pickle
from collections import OrderedDict
from fractions import Fraction
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.edits import ReplaceNode, Written
from app.codecs.model import Atom, Items, Value
from app.codecs.nodes import Kind
from app.codecs.pickle import loop
from app.codecs.pickle.editing import engine
from app.codecs.pickle.editing.assemble import Assembler
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.intent import Part
from app.codecs.pickle.editing.program import Code, Gap, Kept, Piece
from app.codecs.pickle.editing.verify import Verifier, require
from app.codecs.pickle.graph import parse
from app.codecs.pickle.walk import offsets_of
from app.errors import EncodeError
from tests.codecs.pickle.editing import decode
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.test_random_edits import change, trees

TOKEN = CancelToken()
CODES = st.sampled_from(
    b"N N0 K\x07 0 1 ( (1 2 h\0 q\0 a e ] h\1 ]Na ]Na0 Na h\0Na0 h\1Nb0 h\1NNs0 h\2(Ne0".split(b" ")
)


class EachOpcode(Verifier):
    """Compares what each opcode takes and what changes each object, wherever it went."""

    def _check_records(self) -> None:
        new, changed, kept = self._new.records, self._changed_records(), 0
        for start, end, now in self._moves.segments:
            for pos, kids in self._old.records.items():
                if start <= pos < end:
                    kept += 1
                    require(pos + now - start in new)
                    if pos not in changed:
                        self._check_places(kids, new[pos + now - start])
        require(len(new) == kept + len(self._taking_in_codes(list(new))))

    def _check_logs(self) -> None:
        for target, log in self._old.logs.items():
            if target not in self._exempt and self._moves(target) < 0:
                require(all(self._moves(pos) < 0 for pos in log))

    def _check_changes(self) -> None:
        stream = self._old
        pushed = {*chain.from_iterable(stream.records.values()), *stream.records, *stream.logs, stream.root}
        for target in {stream.target(slot) for slot in (*pushed, *stream.left, *stream.popped)} - self._exempt:
            if self._moves(target) >= 0:
                require(self._new.logs.get(self._moves(target), []) == self._moves.all(stream.logs.get(target, [])))


def verdicts(draft: Draft, pieces: list[Piece]) -> tuple[bool, bool, bool]:
    """Return what all three say of the pieces as the result of a draft: quick, beside the original, thorough."""
    changed, moves = Assembler(draft.stream).assemble(pieces)
    again = parse(changed, draft.stream.start, TOKEN)
    quick, thorough = Verifier(draft, again, moves).is_as_meant(), EachOpcode(draft, again, moves).is_as_meant()
    return quick, engine._read_beside(draft, changed, moves) is not None, thorough


@st.composite
def wrong_pieces(draw: st.DrawFn, data: bytes) -> tuple[Draft, list[Piece]]:
    """Draw a pickle cut into pieces of which some are left out, moved, or have other opcodes between them."""
    draft = Draft(parse(data, 0, TOKEN), TOKEN)
    offsets = list(offsets_of(draft.stream, TOKEN))
    body = [pos for pos in offsets if pos >= (11 if draft.stream.frames else 2 if data[0] == 0x80 else 0)]
    cuts = sorted(draw(st.sets(st.sampled_from(body), min_size=1, max_size=4)))
    taken = set(chain.from_iterable(draft.stream.records.values()))
    pieces: list[Piece] = []
    for start, end in zip(cuts, [*cuts[1:], body[-1]], strict=True):
        kind = draw(st.sampled_from(["kept", "kept", "gone", "after code", "replaced", "early"]))
        code = Code(draw(CODES), is_value=True)
        kept = Kept(start, end, is_bare=kind == "early")
        match kind:
            case "gone":
                pieces.append(Gap(start, end))
            case "replaced":
                pieces += [code, Gap(start, end)]
                if start in taken:
                    draft.intent.places[start] = Atom(Kind.INT, 7)
            case "early":
                pieces.insert(0, kept)
            case "after code":
                pieces += [code, kept]
            case _:
                pieces.append(kept)
    return draft, [Kept(0, cuts[0]), *pieces, Kept(body[-1], draft.stream.stop)]


@given(value=VALUES, protocol=PROTOCOLS, data=st.data())
def test_the_verdict_on_wrong_results_is_that_of_comparing_each_opcode(
    value: object, protocol: int, data: st.DataObject
) -> None:
    draft, pieces = data.draw(wrong_pieces(pickle.dumps(value, protocol)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "_CHUNK", data.draw(st.integers(1, 20)))
        quick, beside, thorough = verdicts(draft, pieces)

    assert quick == beside == thorough


@given(tree=trees(), protocol=PROTOCOLS, data=st.data())
def test_edits_are_believed_by_all(tree: list[object], protocol: int, data: st.DataObject) -> None:
    pickled = pickle.dumps(tree, protocol)
    edit = data.draw(st.composite(change)(tree))
    results: list[bytes | str | None] = []

    for verifier, large in ((Verifier, 1 << 20), (EachOpcode, 1 << 20), (Verifier, 0)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(engine, "Verifier", verifier)
            patch.setattr(engine, "_LARGE", large)
            patch.setattr(loop, "_CHUNK", 5)
            try:
                results.append(decode(pickled).edit(edit, TOKEN) if edit is not None else None)
            except EncodeError as error:
                results.append(error.message)

    assert results[0] == results[1] == results[2]


KEPT = [[1], [], {"a": 1}, {}, {1}, set(), ("a", "b"), Fraction(1, 3), OrderedDict(a=1), b"bytes", "text"]
CHANGING = {"APPEND": b"K\x07a", "APPENDS": b"(K\x07e", "SETITEM": b"K\x07Ns", "BUILD": b"Nb", "ADDITEMS": b"(N\x90"}
FRESH = [b"", b"]K\x07a0", b"}Nb0", b"%0", b"]%a0", b"}%Ns0"]


def in_all_chunks(draft: Draft, pieces: list[Piece]) -> set[bool]:
    """Return all that is said of the pieces, with the result beside the original read in chunks of several sizes."""
    found: set[bool] = set()
    for chunk in (1, 5, 8192):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(loop, "_CHUNK", chunk)
            found.update(verdicts(draft, pieces))
    return found


def verdict_with(sneaky: bytes, kept: object, protocol: int, *, is_exempt: bool = False) -> set[bool]:
    """Return what is said of the last item put anew, with other opcodes before it; ``%`` is the kept object."""
    draft = Draft(parse(pickle.dumps([kept, kept, [2, 3], 5], protocol), 0, TOKEN), TOKEN)
    target, last = draft.stream.target(draft.graph.items(draft.graph.root)[0]), draft.graph.items(draft.graph.root)[-1]
    index = draft.links.indexes(target)[0]
    draft.intent.places[last] = Atom(Kind.INT, 7)
    if is_exempt:
        draft.intent.contents[target, Part.ITEMS] = [*draft.graph.items(target), Atom(Kind.INT, 7)]
    new = sneaky.replace(b"%", b"h" + bytes([index])) + b"K\x07"
    return in_all_chunks(draft, [Kept(0, last), Code(new), Gap(last, last + 2), Kept(last + 2, draft.stream.stop)])


@pytest.mark.parametrize("protocol", [1, 2, 4])
@pytest.mark.parametrize("changing", CHANGING)
@pytest.mark.parametrize("kept", KEPT, ids=repr)
def test_new_opcodes_that_change_a_kept_object_are_found(kept: object, changing: str, protocol: int) -> None:
    assert verdict_with(b"%" + CHANGING[changing] + b"0", kept, protocol) == {False}


@pytest.mark.parametrize("protocol", [1, 2, 4])
@pytest.mark.parametrize("new", FRESH, ids=repr)
@pytest.mark.parametrize("kept", KEPT, ids=repr)
def test_new_opcodes_that_change_what_they_made_themselves_are_believed(
    kept: object, new: bytes, protocol: int
) -> None:
    assert verdict_with(new, kept, protocol) == {True}


@pytest.mark.parametrize("kept", [[], [1], [1, 2]])
def test_new_opcodes_that_change_an_object_as_it_is_meant_to_be_are_believed(kept: list[int]) -> None:
    assert verdict_with(b"%K\x07a0", kept, 2, is_exempt=True) == {True}
    assert verdict_with(b"%K\x08a0", kept, 2, is_exempt=True) == {False}
    assert verdict_with(b"%K\x07aK\x07a0", kept, 2, is_exempt=True) == {False}


def test_an_opcode_whose_object_is_gone_must_not_change_another() -> None:
    """The second list was cut out, and what appended to it appends to the first, which had nothing."""
    data = b"\x80\x02(]q\x00]q\x01K\x05at."
    draft = Draft(parse(data, 0, TOKEN), TOKEN)
    second = data.index(b"]q\x01")
    draft.intent.places[second] = Items(Kind.LIST, [Atom(Kind.INT, 5)])

    found = in_all_chunks(
        draft, [Kept(0, second), Code(b"h\x00"), Gap(second, second + 3), Kept(second + 3, len(data))]
    )

    assert found == {False}


@pytest.mark.parametrize("large", [0, 1 << 20])
@pytest.mark.parametrize("changing", CHANGING)
def test_an_edit_whose_code_changes_an_old_object_is_refused(
    changing: str, large: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "_LARGE", large)
    make = Draft.code

    def wrong(draft: Draft, value: Value, at: int) -> bytes:
        return b"h\x01" + CHANGING[changing] + b"0" + make(draft, value, at)

    monkeypatch.setattr(Draft, "code", wrong)
    value = decode(pickle.dumps([[1, 2], 5], 2))

    with pytest.raises(EncodeError, match="cannot be changed safely"):
        value.edit(ReplaceNode("[1]", Written("'seven'"), any_type=True), TOKEN)


@pytest.mark.parametrize("data", [b"\x80\x02K\x012\x86.", b"\x80\x02]2\x86."])
def test_what_stands_in_two_places_by_dup_is_not_changed_in_both(data: bytes) -> None:
    with pytest.raises(EncodeError, match="cannot be changed safely"):
        decode(data).edit(ReplaceNode("[0]", Written("7"), any_type=True), TOKEN)
