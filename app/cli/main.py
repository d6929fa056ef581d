"""From arguments to an exit code: finds the command, runs it, and turns every failure into one sentence."""

import gc
from collections.abc import Sequence
from importlib import import_module

import click

from app.cli.exit_codes import ExitCode, code_of
from app.cli.failures import report_bug, sentence_of, usage_sentence
from app.cli.interrupts import Interrupted
from app.cli.output import Output, OutputClosed, complain
from app.cli.session import OpenWindow, Session
from app.cli.window_command import COMMANDS, window
from app.errors import AppError

_NOT_YET = frozenset({"import", "diff"})
"""Commands to come: no file of such a name is opened without ``./``, so that no script changes its meaning."""

_ALLOCATIONS_A_COLLECTION = 100_000
"""A command builds many small containers and ends: at the default of 700, collecting is half of the time of a tree."""

_TAKE_VALUES = frozenset({"--screenshot", "--select"})
"""The window's options that are followed by a value."""


def main(arguments: Sequence[str], open_window: OpenWindow) -> int:
    """Run one command, or the window where no command is named, and return its exit code."""
    gc.set_threshold(_ALLOCATIONS_A_COLLECTION)
    output = Output()
    try:
        return _run(list(arguments), Session(output, open_window))
    except OutputClosed:
        return ExitCode.PIPE_CLOSED
    except Interrupted as interrupt:
        output.abandon()
        return 128 + interrupt.signal_number
    except KeyboardInterrupt:
        output.abandon()
        return ExitCode.INTERRUPTED


def _run(arguments: list[str], session: Session) -> int:
    context: click.Context | None = None
    try:
        command, name, rest = _find_command(arguments)
        with command.make_context(name, rest, obj=session) as context:
            code: int = command.invoke(context)
        session.output.flush()
    except click.exceptions.Exit as done:
        session.output.flush()
        return done.exit_code
    except click.ClickException as error:
        complain(usage_sentence(error))
        return ExitCode.USAGE
    except AppError as error:
        complain(sentence_of(error, _file_of(context)))
        return code_of(error)
    except MemoryError:
        complain(f"{_file_of(context)} needs more memory than there is; show a part of it with --at or --limit.")
        return ExitCode.NOT_DONE
    except (OutputClosed, Interrupted):
        raise
    except Exception as error:  # noqa: BLE001 - the last net: a bug of ours ends in a report, not in a traceback
        complain(report_bug(error))
        return ExitCode.OUR_BUG
    return code


def _file_of(context: click.Context | None) -> str:
    file = context.params.get("file") if context else None
    return file or ""


def _find_command(arguments: list[str]) -> tuple[click.Command, str, list[str]]:
    """Return the command, what it is called in its messages, and its own arguments.

    Raises:
        click.UsageError: the command is to come, or something stands before it.
    """
    position = _first_word(arguments)
    name, before = "".join(arguments[position : position + 1]), set(arguments[:position]) - {"--"}
    if name in _NOT_YET:
        raise click.UsageError(f"The command {name} is not there yet, and a file of that name is ./{name}")
    if name not in COMMANDS or before & {"--help", "--version"}:
        return window, "shelfscope", arguments
    if before:
        raise click.UsageError(f"{min(before)} cannot stand before the command {name}")
    module, _colon, function = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(import_module(f"app.cli.{module}"), function)
    return command, f"shelfscope {name}", arguments[position + 1 :]


def _first_word(arguments: list[str]) -> int:
    """Return the position of the first argument that is neither an option of the window nor the value of one."""
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            return position + 1
        if not argument.startswith("-"):
            return position
        position += 2 if argument in _TAKE_VALUES else 1
    return position
