"""What is typed into bytes is what is handed over, whatever is put in, taken out and typed over, in any order."""

from hypothesis import given
from hypothesis import strategies as st

from app.document.nodes import Splice, spliced
from app.ui.editors.typed_bytes import Cell, TypedBytes

STEPS = st.lists(st.tuples(st.sampled_from(["overwrite", "put in", "delete"]), st.integers(0, 40), st.integers(0, 255)))


def shown(typed: TypedBytes, data: bytes, start: int, end: int) -> bytes:
    cells = typed.cells(start, end, is_last=end == len(data))
    return bytes(typed.byte(cell, data[cell.offset] if cell.offset < len(data) else 0) for cell in cells)


@given(st.binary(min_size=2, max_size=30), STEPS)
def test_steps_have_the_outcome_that_they_have_on_a_bytearray(data: bytes, steps: list[tuple[str, int, int]]) -> None:
    typed, expected = TypedBytes(), bytearray(data)

    for name, place, new in steps:
        cells = typed.cells(0, len(data), is_last=True)
        if name == "put in":
            typed.put_in([*cells, Cell(len(data))][min(place, len(cells))], new)
            expected.insert(place, new)
        elif place < len(cells) and name == "delete":
            typed.delete(cells[place])
            del expected[place]
        elif place < len(cells):
            cell = cells[place]
            typed.overwrite(cell, new, data[cell.offset] if cell.offset < len(data) else 0)
            expected[place] = new

    assert shown(typed, data, 0, len(data)) == expected
    assert spliced(data, typed.splices()) == expected
    half = len(data) // 2
    assert shown(typed, data, 0, half) + shown(typed, data, half, len(data)) == expected
    assert typed.shift(half) == len(shown(typed, data, 0, half)) - half


def test_typing_what_is_stored_is_no_change() -> None:
    typed = TypedBytes()

    typed.overwrite(Cell(1), 0x10, 0x61)
    typed.overwrite(Cell(1), 0x61, 0x61)

    assert not typed
    assert typed.splices() == ()


def test_a_byte_put_in_and_taken_out_again_is_no_change() -> None:
    typed = TypedBytes()

    typed.put_in(Cell(1), 0x10)
    typed.delete(typed.cells(0, 3, is_last=True)[1])

    assert not typed


def test_splices_are_in_the_order_of_offsets() -> None:
    typed = TypedBytes()

    typed.put_in(Cell(3), 9)
    typed.delete(Cell(1))
    typed.overwrite(Cell(3), 8, 0)

    assert typed.splices() == (Splice(1, 1, b""), Splice(3, 1, bytes((9, 8))))
