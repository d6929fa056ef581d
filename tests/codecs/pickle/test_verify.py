"""What is compared of an edited pickle is enough: comparing each opcode of it finds nothing else."""

import pickle
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cancel import CancelToken
from app.codecs.edits import ReplaceNode, Written
from app.codecs.model import Atom
from app.codecs.nodes import Kind
from app.codecs.pickle import loop
from app.codecs.pickle.editing import engine
from app.codecs.pickle.editing.assemble import Assembler
from app.codecs.pickle.editing.draft import Draft
from app.codecs.pickle.editing.program import Code, Gap, Kept, Piece
from app.codecs.pickle.editing.verify import Verifier, require
from app.codecs.pickle.graph import parse
from app.codecs.pickle.walk import offsets_of
from app.errors import EncodeError
from tests.codecs.pickle.editing import decode
from tests.codecs.pickle.strategies import PROTOCOLS, VALUES
from tests.codecs.pickle.test_random_edits import change, trees

TOKEN = CancelToken()
CODES = st.sampled_from([b"N", b"N0", b"K\x07", b"0", b"1", b"(", b"(1", b"2", b"h\0", b"q\0", b"a", b"e", b"]"])


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
        require(len(new) == kept + self._records_in_codes())

    def _check_logs(self) -> None:
        exempt = {target for target, _ in self._intent.contents} | self._intent.objects.keys()
        for target, log in self._old.logs.items():
            now = self._moves(target)
            require(now < 0 or target in exempt or self._new.logs.get(now, []) == self._moves.all(log))


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


@pytest.mark.parametrize("data", [b"\x80\x02K\x012\x86.", b"\x80\x02]2\x86."])
def test_what_stands_in_two_places_by_dup_is_not_changed_in_both(data: bytes) -> None:
    with pytest.raises(EncodeError, match="cannot be changed safely"):
        decode(data).edit(ReplaceNode("[0]", Written("7"), any_type=True), TOKEN)
