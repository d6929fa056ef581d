"""JSON text of plain data of any depth."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.cli.json_text import json_pieces

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(PLAIN)
def test_it_reads_back(value: object) -> None:
    assert json.loads("".join(json_pieces(value))) == value


def test_depth_costs_no_stack() -> None:
    value: list[object] = []
    for _ in range(100_000):
        value = [{"a": value}]

    text = "".join(json_pieces(value))

    assert text == '[{"a": ' * 100_000 + "[]" + "}]" * 100_000
