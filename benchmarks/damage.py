"""What damage costs: over all damaged databases of the corpus, pairs that came out wrong, and whether we said so.

A wrong pair is undetected when neither listing and reading the entries nor ``check`` says anything about its file.
"""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tests import corpus
from tests.backends.measured_damage import Damage, examine

HEADING = f"{'':<52} {'right':>6} {'wrong':>6} {'undetected':>10}"


class Row(NamedTuple):
    """Sums over some files."""

    files: int
    right: int
    wrong: int
    undetected: int

    def plus(self, found: Damage) -> "Row":
        return Row(
            self.files + 1, self.right + found.right, self.wrong + found.wrong, self.undetected + found.undetected
        )


def main() -> None:
    totals: dict[str, Row] = defaultdict(lambda: Row(0, 0, 0, 0))
    print(f"{HEADING}  listing  check")
    for case in corpus.databases(corrupt=True):
        if case.format is None:  # no database, damaged or not
            continue
        with tempfile.TemporaryDirectory() as folder:
            found = examine(case, case.copy_to(Path(folder)))
        said = "  ".join(f"{'says so' if count else 'SILENT':<7}" for count in (found.said_listing, found.said_check))
        print(f"{case.name:<52} {found.right:>6} {found.wrong:>6} {found.undetected:>10}  {said}")
        totals[case.format] = totals[case.format].plus(found)
        totals["all"] = totals["all"].plus(found)
    print(f"\n{HEADING}  by format")
    for format_id, row in sorted(totals.items(), key=lambda total: (total[0] == "all", total[0])):
        print(f"{f'{format_id}, {row.files} files':<52} {row.right:>6} {row.wrong:>6} {row.undetected:>10}")


if __name__ == "__main__":
    main()
