"""Copies of intact cases with damage that hypothesis chooses."""

from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from tests.corpus import DatabaseCase


def with_one_byte_changed(case: DatabaseCase, folder: Path, data: st.DataObject, *, magic_end: int) -> Path:
    """Change a byte behind the magic, which ends at ``magic_end``."""
    path = case.copy_to(folder)
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(magic_end, len(content) - 1), label="place")
    content[place] ^= data.draw(st.integers(1, 255), label="change")
    path.write_bytes(content)
    return path


def cut_anywhere(case: DatabaseCase, folder: Path, data: st.DataObject) -> Path:
    """Cut the file behind its first 512 bytes."""
    path = case.copy_to(folder)
    content = path.read_bytes()
    path.write_bytes(content[: data.draw(st.integers(512, len(content) - 1), label="length")])
    return path


def with_noise(case: DatabaseCase, folder: Path, data: st.DataObject) -> Path:
    """Overwrite eight runs of 16 bytes."""
    path = case.copy_to(folder)
    content = bytearray(path.read_bytes())
    for _ in range(8):
        place = data.draw(st.integers(16, len(content) - 16), label="place")
        content[place : place + 16] = data.draw(st.binary(min_size=16, max_size=16), label="noise")
    path.write_bytes(content)
    return path


def damaged_somehow(cases: Sequence[DatabaseCase], folder: Path, data: st.DataObject, *, magic_end: int) -> Path:
    """Take a case, and overwrite runs of it or change one byte behind the magic."""
    case = data.draw(st.sampled_from(cases), label="case")
    if data.draw(st.booleans(), label="noise"):
        return with_noise(case, folder, data)
    return with_one_byte_changed(case, folder, data, magic_end=magic_end)
