"""`python -m benchmarks.size --items 1000000 --database sqlite|postgresql`: one JSON object of figures a step.

Wall and CPU seconds of this process, of the database's processes where they are ours, and the peak of this process's
memory. Everything happens in folders of its own that are removed afterwards. PostgreSQL runs with fsync on.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.size.databases import opened
from benchmarks.size.steps import Steps


def main() -> None:
    """Run the steps one after another."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.size", description=__doc__)
    parser.add_argument("--items", type=int, default=1_000_000)
    parser.add_argument("--answers", type=int, help="How many answers are exported; 3 for every item if left out.")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--file-format", choices=("jsonl", "csv", "parquet"), default="jsonl")
    parser.add_argument("--folder", type=Path, help="Where the files are made; the system's temporary folder if not.")
    wanted = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(dir=wanted.folder, prefix="crowd-hitl-size-") as folder,
        opened(wanted.database, Path(folder)) as database,
    ):
        steps = Steps(database=database, folder=Path(folder), items=wanted.items, file_format=wanted.file_format)
        for figures in steps.run(answers=wanted.answers or 3 * wanted.items):
            print(json.dumps({"database": wanted.database, **figures}), flush=True)
            sys.stdout.flush()


if __name__ == "__main__":
    main()
