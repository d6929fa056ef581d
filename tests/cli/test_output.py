"""What reaches standard output and standard error."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.failures import sentence_of
from app.cli.output import Output, complain
from app.errors import AppError

DECEIVING = "\u202e\u2028\x7f\x9b\u200b\U000e0041\u2066"


def test_text_is_utf8_whatever_the_locale(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    output = Output()

    output.line("café \udcff")
    output.flush()

    assert capsysbinary.readouterr().out == "café \\udcff\n".encode()


class Terminal(Output):
    """Keeps what a terminal would get."""

    def __init__(self) -> None:
        super().__init__()
        self.is_terminal = True
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


@given(st.text() | st.just(DECEIVING))
def test_json_for_a_terminal_means_the_same(text: str) -> None:
    terminal = Terminal()

    terminal.json(json.dumps({text: text}, ensure_ascii=False))

    shown = terminal.written.decode()
    assert json.loads(shown) == {text: text}
    assert not set(DECEIVING) & set(shown)


def test_json_for_a_pipe_stays_as_it_is(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    output = Output()

    output.json(f'"{DECEIVING}"')
    output.flush()

    assert capsysbinary.readouterr().out.decode() == f'"{DECEIVING}"'


class Sip(io.BytesIO):
    """Takes some bytes at a time, as a raw stream may (``python -u``)."""

    def write(self, data: Any) -> int:
        return super().write(memoryview(data)[:7])


def test_a_stream_that_takes_little_gets_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sip = Sip()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(sip))
    output = Output()
    data = bytes(range(256)) * 1000

    output.write(data[:100])
    output.write(data[100:])
    output.flush()

    assert sip.getvalue() == data


def test_a_complaint_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a\nb\x1b[31m\u202e.")

    assert capsys.readouterr().err == "shelfscope: a\\nb\\x1b[31m\\u202e.\n"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AppError("people.db is locked.", path=Path("x/people.db")), "people.db is locked."),
        (AppError("It is locked.", path=Path("x/people.db")), f"{Path('x/people.db')}: It is locked."),
        (AppError("The path leads nowhere."), "given.db: The path leads nowhere."),
    ],
)
def test_every_error_names_its_file(error: AppError, expected: str) -> None:
    assert sentence_of(error, "given.db") == expected
