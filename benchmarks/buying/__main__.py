"""`python -m benchmarks.buying FOLDER`: every policy over every set of answers in a folder of folders.

FOLDER holds sets as `crowd-hitl replay` takes them; those without truth or of another kind are left out. Prints one
line for each set and policy (difference to Dawid–Skene with all answers, in points, with the 95% bounds of a paired
bootstrap over the tasks), then the means over the sets. With `--calibration` it prints instead, for each set, how
well confidence is calibrated with so many gold labels drawn at random, judged on the rest.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.buying.judging import Judged, judge
from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.playing import POLICIES, Asked, Games, play_full, play_policy
from crowd_hitl.cli.recorded import Recorded, read_folder
from crowd_hitl.domain.errors import CrowdError

# docs/decisions/009: the numbers in the code were chosen on these, fixed before the first run.
CHOOSING = ("cf", "barzan", "rte", "trec2011_seq", "product_text", "hitspam_cf", "trec", "relevance")
PRICE_MICROS = 50_000


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.buying", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", help="These sets alone.")
    parser.add_argument("--policies", nargs="*", default=["fixed-2", "fixed-3", *POLICIES])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--calibration", type=int, metavar="GOLD", help="Judge confidence with so many gold labels.")
    parser.add_argument("--answers", type=int, help="For --calibration: use the first so many answers of each task.")
    wanted = parser.parse_args()
    sets = [path for path in sorted(wanted.folder.iterdir()) if path.is_dir()]
    sets = [path for path in sets if not wanted.only or path.name in wanted.only]
    if wanted.calibration:
        print_calibration(sets, gold=wanted.calibration, answers=wanted.answers, seeds=wanted.seeds)
    else:
        print_buying(sets, policies=wanted.policies, seeds=wanted.seeds)


def print_buying(sets: Sequence[Path], *, policies: Sequence[str], seeds: int) -> None:
    """Print each set's figures as soon as they are known, then the means."""
    plugins = find_plugins()
    found: dict[str, list[tuple[str, float, float, float]]] = {name: [] for name in policies}
    for path in sets:
        recorded = usable(path)
        if recorded is None:
            continue
        asked = Asked(price_micros=PRICE_MICROS, confidence=0.95, budget_micros=None, seeds=range(max(2, seeds)))
        games = Games(recorded, asked)
        full = play_full(games, plugins)
        for name in policies:
            row = play_policy(name, games, plugins, full.full, lambda: None).row()
            found[name].append((path.name, row["share"], row["difference"], row["high"]))
            print(
                f"{path.name:14}{name:10} share {row['share']:.3f} ±{row['share_sd']:.3f}"
                f"  difference {row['difference']:+.2f} ±{100 * row['accuracy_sd']:.2f}"
                f"  bounds {row['low']:+.2f} … {row['high']:+.2f}",
                flush=True,
            )
    for kind, wanted in (("choosing", True), ("held out", False), ("all", None)):
        for name, rows in found.items():
            some = np.array([row[1:] for row in rows if wanted is None or (row[0] in CHOOSING) == wanted])
            if len(some):
                share, difference, _ = some.mean(axis=0)
                print(
                    f"mean of {len(some):2} {kind:9}{name:10} share {share:.3f}  difference {difference:+.2f}"
                    f"  lowest upper bound {some[:, 2].min():+.2f}"
                )


def print_calibration(sets: Sequence[Path], *, gold: int, answers: int | None, seeds: int) -> None:
    """Print, for each set, calibration error and what is claimed and kept at .95: raw, gold-free, and fitted."""
    found: dict[tuple[str, str], list[Judged]] = {}
    for path in sets:
        recorded = usable(path)
        if recorded is None or recorded.truth is None or np.count_nonzero(recorded.truth != -1) < 2 * gold:
            continue
        kind = "choosing" if path.name in CHOOSING else "held out"
        for name, one in judge(recorded, recorded.truth, gold=gold, answers=answers, seeds=seeds).items():
            found.setdefault((kind, name), []).append(one)
            kept = "    –" if one.kept is None else f"{one.kept:.3f}"
            print(f"{path.name:14}{name:10} ece {one.ece:.3f}  claimed {one.claimed:.3f}  kept {kept}", flush=True)
    for (kind, name), rows in sorted(found.items()):
        claims = sum(one.claimed for one in rows)
        kept = sum(one.claimed * (one.kept or 0.0) for one in rows) / max(claims, 1e-12)
        each = [one.kept for one in rows if one.kept is not None]
        print(
            f"mean of {len(rows):2} {kind:9}{name:10} ece {np.mean([one.ece for one in rows]):.3f}"
            f"  claimed {claims / len(rows):.3f}  kept {kept:.3f} of all claims, {np.mean(each):.3f} as the sets' mean"
        )


def usable(path: Path) -> Recorded | None:
    """Read a set; None for one that cannot be replayed or whose truth is not known."""
    try:
        recorded = read_folder(path)
    except CrowdError:
        return None
    return recorded if recorded.truth is not None and (recorded.truth != -1).any() else None


if __name__ == "__main__":
    main()
