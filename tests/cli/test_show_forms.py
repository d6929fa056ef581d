"""``show`` in every form, of every benign value: what is printed is what the form promises."""

import json
from pathlib import Path

import pytest

from app.cancel import CancelToken
from app.codecs import registry
from tests import corpus
from tests.cli.conftest import Run
from tests.cli.shelves import make_dumb

BENIGN = corpus.values("benign", "marshal")
EVERY = 5
"""Of the values, one in so many is shown in all forms when not all tests run."""

CASES = [
    case if number % EVERY == 0 else pytest.param(case, marks=pytest.mark.slow) for number, case in enumerate(BENIGN)
]


def hex_of(text: str) -> bytes:
    """Return the bytes that the columns of a hex dump show."""
    return b"".join(bytes.fromhex(line[10:58].replace(" ", "")) for line in text.splitlines())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in BENIGN])
def test_a_benign_value_is_shown_in_every_form(cli: Run, tmp_path: Path, case: corpus.ValueCase) -> None:
    data = case.read()
    path = make_dumb(tmp_path / "values", {b"value": data})

    shown = {
        form: cli("show", path, "value", "--as", form)
        for form in ("text", "tree", "json", "typed", "hex", "opcodes", "raw")
    }

    assert {form: (outcome.code, outcome.err) for form, outcome in shown.items()} == dict.fromkeys(shown, (0, ""))
    assert shown["raw"].out == data
    assert hex_of(shown["hex"].text) == data
    assert shown["text"].text.strip()
    assert "t" in json.loads(shown["tree"].text)
    assert json.loads(shown["json"].text) is not ...
    assert json.loads(shown["typed"].text) is not ...
    listed = len(registry.decode(data, CancelToken())[0].opcodes(0, 1 << 30, CancelToken()))
    assert len(shown["opcodes"].text.splitlines()) >= listed
