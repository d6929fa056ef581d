"""Shows values, each in a process of its own that is limited in memory; loads the program once for all of them.

``python -m tests.cli.shows_in_forks BYTES FILE`` shows that harmless file, then reads a `Request` a line as JSON, and
answers each by the status in which its process ended, on a line. The request's report is written by then.
"""

import json
import os
import resource
import sys
import time
from pathlib import Path
from typing import TypedDict

from app.__main__ import main

FORMS = ("text", "tree", "json")


class Request(TypedDict):
    """The file to show, the environment's marker, and where what is said on standard error and measured goes."""

    file: str
    marker: str
    said: str
    report: str


class Report(TypedDict):
    """Exit code and seconds of the processor for each form, and the most bytes that were ever in memory."""

    outcomes: dict[str, tuple[int, float]]
    peak: int


def serve(limit: int, harmless: str) -> None:
    load_what_showing_needs(harmless)
    for line in sys.stdin:
        request: Request = json.loads(line)
        child = os.fork()
        if not child:
            show(request, limit)
            os._exit(0)
        sys.stdout.write(f"{os.waitpid(child, 0)[1]}\n")
        sys.stdout.flush()


def load_what_showing_needs(harmless: str) -> None:
    out = os.dup(1)
    redirect(1, os.devnull)
    for form in FORMS:
        assert main(["show", harmless, "--as", form]) == 0
    os.dup2(out, 1)


def show(request: Request, limit: int) -> None:
    redirect(1, os.devnull)
    redirect(2, request["said"])
    os.environ["PWNED_MARKER"] = request["marker"]
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    outcomes: dict[str, tuple[int, float]] = {}
    for form in FORMS:
        start = time.process_time()
        code = main(["show", request["file"], "--as", form])
        outcomes[form] = code, time.process_time() - start
    Path(request["report"]).write_text(json.dumps(Report(outcomes=outcomes, peak=peak())), "utf-8")


def redirect(descriptor: int, path: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    os.dup2(file, descriptor)
    os.close(file)


def peak() -> int:
    """Return the most bytes that this process ever had in memory."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux, where ru_maxrss begins with what the process that started this one had
        return int(status.read_text("ascii").partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    serve(int(sys.argv[1]), sys.argv[2])
