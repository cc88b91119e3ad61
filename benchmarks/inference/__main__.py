"""`python -m benchmarks.inference`: our models against crowd-kit's in one run; one JSON object a line.

`fit`: from codes in memory. `file`: from a CSV file to a file of labels, each a command of its own with its start-up.
`growth`: ours at several sizes. `accuracy`: every model on a folder of recorded sets. The crowd is simulated.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.inference.accuracy import accuracies
from benchmarks.inference.crowd import simulate, write_csv
from benchmarks.inference.one import CROWD_KIT
from crowd_hitl.domain.ports import AnswerTable

WHO = ("ours", "crowd-kit", "crowd-kit from text")
ALL = [
    "majority_vote", "wawa", "zero_based_skill", "one_coin_dawid_skene", "dawid_skene", "glad", "mace", "mace_mended",
    "kos", "mmsr", "pooled",
]  # fmt: skip


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inference", description=__doc__)
    parser.add_argument("part", choices=("fit", "file", "growth", "accuracy"))
    parser.add_argument("--answers", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--models", nargs="+", default=["dawid_skene"])
    parser.add_argument("--folders", type=Path, help="Where the recorded sets are.")
    parser.add_argument(
        "--best", type=float, default=0.8, help="The best worker's share of right answers: EM is longer with less."
    )
    parser.add_argument("--ours-only", action="store_true")
    wanted = parser.parse_args()
    if wanted.part == "accuracy":
        for row in accuracies(wanted.folders, wanted.models if wanted.models != ["dawid_skene"] else ALL):
            show(row)
        return
    for answers in wanted.answers:
        if wanted.part == "fit":
            for model in wanted.models:
                compare_fits(model, answers, best=wanted.best, ours_only=wanted.ours_only)
        else:
            ours_only = wanted.ours_only or wanted.part == "growth"
            compare_files(wanted.models, simulate(answers, best=wanted.best), ours_only=ours_only)


def compare_fits(model: str, answers: int, *, best: float, ours_only: bool) -> None:
    """Fit from codes, ours and crowd-kit's, each in a process of its own."""
    both = {}
    for who in ("ours",) if ours_only or model not in CROWD_KIT else WHO:
        command = [sys.executable, "-m", "benchmarks.inference.one", "fit", who, model, str(answers), str(best)]
        both[who] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    show({"part": "fit", "model": model, "answers": answers, **both, **ratios(both, ("cpu_s", "extra_mb"))})


def compare_files(models: list[str], table: AnswerTable, *, ours_only: bool) -> None:
    """From a CSV file to a file of labels, ours and crowd-kit's, start-up and all."""
    with tempfile.TemporaryDirectory(prefix="crowd-hitl-inference-") as folder:
        path = Path(folder) / "answers.csv"
        write_csv(table, path)
        for model in models:
            out = str(path.with_name("labels.csv"))
            ours = [sys.executable, "-m", "crowd_hitl", "aggregate", str(path), "--method", model, "--out", out]
            both = {"ours": measured(ours)}
            if not ours_only and model in CROWD_KIT:
                both["crowd-kit"] = measured(
                    [sys.executable, "-m", "benchmarks.inference.one", "file", model, str(path)]
                )
            show(
                {
                    "part": "file",
                    "model": model,
                    "answers": len(table.tasks),
                    **both,
                    **ratios(both, ("cpu_s", "peak_mb")),
                }
            )


def measured(command: list[str]) -> dict[str, Any]:
    """Run a command; its CPU seconds and the peak of its memory."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or process.stderr is None:
        raise RuntimeError(f"{command} failed")
    process.stderr.close()
    return {"cpu_s": round(used.ru_utime + used.ru_stime, 2), "peak_mb": round(used.ru_maxrss / 1024)}


def ratios(both: dict[str, dict[str, Any]], names: tuple[str, ...]) -> dict[str, float]:
    """Say how many times as much crowd-kit takes."""
    return {
        f"{name} of {who}": round(both[who][name] / max(both["ours"][name], 1e-3), 1)
        for who in both
        for name in names
        if who != "ours"
    }


def show(row: dict[str, Any]) -> None:
    print(json.dumps({**row, "load": round(os.getloadavg()[0], 1)}), flush=True)


if __name__ == "__main__":
    main()
