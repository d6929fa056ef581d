"""Run as a script: tell what fickling and picklescan hold for dangerous in the files named on standard input.

A line of JSON for each file, as each may hang and is then killed by whoever started this.
"""

import io
import json
import sys
from pathlib import Path


def picklescan_names(data: bytes) -> list[str]:
    """Return the globals that picklescan calls dangerous."""
    from picklescan.scanner import SafetyLevel, scan_pickle_bytes  # type: ignore[import-untyped]  # noqa: PLC0415  # slow

    found = scan_pickle_bytes(io.BytesIO(data), "value")
    return [f"{each.module}.{each.name}" for each in found.globals if each.safety is SafetyLevel.Dangerous]


def fickling_words(data: bytes) -> list[str]:
    """Return what fickling says is overtly bad or worse."""
    from fickling.analysis import Severity, check_safety  # type: ignore[import-untyped]  # noqa: PLC0415  # slow
    from fickling.fickle import Pickled  # type: ignore[import-untyped]  # noqa: PLC0415

    results = check_safety(Pickled.load(io.BytesIO(data)))
    return [str(each) for each in results.results if each.severity >= Severity.LIKELY_OVERTLY_MALICIOUS]


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # the referees print
    for line in sys.stdin:
        data = Path(line.rstrip("\n")).read_bytes()
        told: dict[str, object] = {}
        for name, ask in (("picklescan", picklescan_names), ("fickling", fickling_words)):
            try:
                told[name] = ask(data)
            except Exception as error:  # noqa: BLE001  # a referee that fails has nothing to say
                told[name + " failed"] = repr(error)[:200]
        answers.write(json.dumps(told) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
