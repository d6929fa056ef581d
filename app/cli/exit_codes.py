"""What the shell learns."""

from enum import IntEnum

from app.errors import AppError, CannotOpen, OptionRejected


class ExitCode(IntEnum):
    """DESIGN section 8; an interrupt by another signal than SIGINT is 128 plus its number, as everywhere."""

    DONE = 0
    FINDING = 1
    USAGE = 2
    CANNOT_OPEN = 3
    NOT_DONE = 4
    OUR_BUG = 70
    INTERRUPTED = 130
    PIPE_CLOSED = 141
    """What a program that SIGPIPE ended looks like in a shell."""


def code_of(error: AppError) -> ExitCode:
    """Return how a command ends that failed with ``error``."""
    match error:
        case CannotOpen():
            return ExitCode.CANNOT_OPEN
        case OptionRejected():
            return ExitCode.USAGE
        case _:
            return ExitCode.NOT_DONE
