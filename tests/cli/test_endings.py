"""How a real process ends: exit codes, closed pipes, signals, limits of permission, bugs of ours."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import ROOT, Run, is_one_sentence, started
from tests.cli.shelves import make_dumb, pickled

LOAD = "import sys; from app.__main__ import main"

POSIX = pytest.mark.skipif(os.name != "posix", reason="Needs POSIX signals and descriptors.")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A database whose dump fills any pipe."""
    return make_dumb(tmp_path / "large", pickled({f"key{number:05}": "x" * 500 for number in range(2000)}))


@pytest.mark.parametrize("name", ["missing.db", "empty.db", "text.db", "folder.db"])
def test_what_cannot_be_opened_ends_with_3(cli: Run, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "text.db").write_text("This is no database of any kind.\n")
    (tmp_path / "folder.db").mkdir()

    for command in ("info", "keys", "dump", "show", "export"):
        outcome = cli(command, tmp_path / name)
        assert (outcome.code, outcome.out) == (3, b""), command
        assert is_one_sentence(outcome.err)
        assert name in outcome.err
    assert cli("set", tmp_path / name, "key", "1").code == 3


def test_a_process_ends_with_its_code(program: Run, tmp_path: Path) -> None:
    outcome = program("info", tmp_path / "missing.db")

    assert (outcome.code, outcome.out) == (3, b"")
    assert is_one_sentence(outcome.err)


def test_a_file_without_permission_ends_with_3(program: Run, tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "secret", {b"k": b"v"})
    for file in tmp_path.iterdir():
        file.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("This user may read everything; the next test runs as another one.")

    outcome = program("info", path)

    assert outcome.code == 3
    assert is_one_sentence(outcome.err)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="Only root can become somebody else.")
def test_another_user_without_permission_gets_3() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        path = make_dumb(folder / "secret", {b"k": b"v"})
        readable = make_dumb(folder / "open", {b"k": b"v"})
        for file in folder.glob("secret*"):
            file.chmod(0)
        # The other user may not be allowed to load our modules either, so they are used once before.
        become = "import os; os.setgid(65534); os.setuid(65534)"
        line = f"{LOAD}; main(['info', {str(readable)!r}]); {become}; sys.exit(main(['info', {str(path)!r}]))"
        done = subprocess.run(
            [sys.executable, "-c", line],
            cwd=ROOT,
            capture_output=True,
            check=False,
            text=True,
        )

    assert done.returncode == 3
    assert is_one_sentence(done.stderr)
    assert "secret" in done.stderr


@POSIX
@pytest.mark.parametrize("command", ["keys", "dump", "export", "show"])
def test_a_closed_pipe_ends_quietly(large: Path, command: str) -> None:
    with started(command, large) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()

        assert process.wait(30) == 141
        assert process.stderr.read() == b""


@POSIX
def test_a_reader_that_has_enough_ends_it_quietly(large: Path) -> None:
    line = f"{sys.executable} -m app dump {large} | head -n 1"

    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, check=True)

    assert json.loads(done.stdout)["k"]
    assert done.stderr == b""


@POSIX
@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["keys"], ["dump"], ["info", "--json"], ["export"]])
def test_a_closed_standard_output_is_no_news(large: Path, arguments: list[str]) -> None:
    before = large.read_bytes()
    line = " ".join([sys.executable, "-m", "app", *arguments, *([] if arguments[0][0] == "-" else [str(large)]), ">&-"])

    done = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (141, b"")
    assert large.read_bytes() == before


@POSIX
def test_a_full_disk_is_said(program: Run, large: Path) -> None:
    full_disk = Path("/dev/full")
    if not full_disk.exists():
        pytest.skip("There is no /dev/full here.")
    with full_disk.open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "app", "dump", large], cwd=ROOT, stdout=full, stderr=subprocess.PIPE, check=False
        )

    assert done.returncode == 4
    assert is_one_sentence(done.stderr.decode())


@POSIX
def test_ctrl_c_ends_a_stream_with_130(large: Path) -> None:
    with started("dump", large) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1000)  # it runs, and soon waits for a reader
        process.send_signal(signal.SIGINT)

        assert process.wait(30) == 130
        assert process.stderr.read() == b""


@POSIX
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_half_written_file(tmp_path: Path, number: signal.Signals) -> None:
    source = make_dumb(tmp_path / "large", pickled({f"key{number:05}": list(range(300)) for number in range(20_000)}))
    folder = tmp_path / "out"
    folder.mkdir()
    target = folder / "out.json"
    target.write_text("old")

    with started("export", source, "-o", target) as process:
        assert process.stderr is not None
        wait_until(lambda: len(list(folder.iterdir())) > 1, process)
        process.send_signal(number)

        assert process.wait(30) == 128 + number
        assert process.stderr.read() == b""
    assert [file.name for file in folder.iterdir()] == ["out.json"]
    assert target.read_text() == "old"


@POSIX
def test_ctrl_c_while_it_starts_shows_no_traceback(large: Path) -> None:
    finder = "type('Finder', (), {'find_spec': staticmethod(lambda *_: os.kill(os.getpid(), signal.SIGINT))})"
    line = f"{LOAD}; import os, signal; sys.meta_path.insert(0, {finder}); sys.exit(main(['keys', 'x']))"

    done = subprocess.run([sys.executable, "-c", line], cwd=ROOT, capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


def test_a_bug_of_ours_ends_in_a_report(tmp_path: Path) -> None:
    state = tmp_path / "state"
    line = f"{LOAD}; import app.cli.main as cli; cli._find_command = lambda _: 1 / 0; sys.exit(main(['keys', 'x']))"
    environment = {"PATH": "", "XDG_STATE_HOME": str(state), "LOCALAPPDATA": str(state), "HOME": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", line], cwd=ROOT, capture_output=True, check=False, text=True, env=environment
    )

    [report] = tmp_path.rglob("shelfscope-report-*.txt")
    assert done.returncode == 70
    assert is_one_sentence(done.stderr)
    assert str(report) in done.stderr
    assert "ZeroDivisionError" in report.read_text("utf-8")


@POSIX
@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_output_is_utf8_in_any_locale(program: Run, tmp_path: Path, locale: str) -> None:
    path = make_dumb(tmp_path / "names", pickled({"Zoë": "Ω"}))
    environment = {"LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PATH": ""}

    assert program("keys", path, env=environment).out == "Zoë\n".encode()
    assert "Ω".encode() in program("show", path, "Zoë".encode(), "--as", "json", env=environment).out


@POSIX
def test_a_terminal_gets_no_raw_bytes_and_no_acting_characters(tmp_path: Path) -> None:
    path = make_dumb(tmp_path / "names", pickled({"k": "\u202ecod.exe\x9b31m"}))

    assert on_terminal("show", path, "--as", "raw") == (2, b"")
    for command, *rest in (["show"], ["show", "--as", "json"], ["export"], ["export", "--as", "jsonl"]):
        code, shown = on_terminal(command, path, *rest)
        assert code == 0
        assert b"\\u202ecod.exe" in shown
        assert not {"\u202e", "\x9b"} & set(shown.decode())


def on_terminal(*arguments: str | Path) -> tuple[int, bytes]:
    """Run the program with a pseudo-terminal as standard output; return its exit code and what that got."""
    outer, inner = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "app", *arguments], cwd=ROOT, stdout=inner, stderr=subprocess.PIPE, check=False
        )
        os.set_blocking(outer, False)
        try:
            return done.returncode, os.read(outer, 65536)
        except BlockingIOError:
            return done.returncode, b""
    finally:
        os.close(outer)
        os.close(inner)


def wait_until(ready: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert process.poll() is None
