"""`crowd-hitl replay`: what each policy would have bought of a folder of real answers, and how right it would be."""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.playing import POLICIES, Asked, Games, Line, play_full, play_policy
from crowd_hitl.cli.recorded import read_folder
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros

MOST_FIXED = 7
MOST_SEEDS = 100
SHOWN = ("policy", "accuracy", "difference", "low", "high", "answers", "share", "cost", "by")


def replay(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="With answers.csv[.gz] or .parquet, and truth likewise if known.")
    ],
    price: Annotated[str, typer.Option(help="What one answer costs.")] = "0.05",
    confidence: Annotated[float, typer.Option(help="No policy asks further above it.")] = 0.95,
    budget: Annotated[
        str | None, typer.Option(help="What policy `entropy` may spend; half of the price of all answers by default.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Decides in which order the answers of an item come.")] = 0,
    seeds: Annotated[
        int, typer.Option(min=1, max=MOST_SEEDS, help="Play that many orders: means, and their spread.")
    ] = 1,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Play a folder of real answers: accuracy, answers and cost of all, of K each, and of every policy."""
    started = perf_counter()
    asked = _asked(price=price, confidence=confidence, budget=budget, seeds=range(seed, seed + seeds))
    recorded = read_folder(folder)
    if recorded.answers.repeats:
        say(f"{recorded.answers.repeats} answers repeat a worker's answer to the same item: only 'full' counts them.")
    rows = [line.row() for line in run(Games(recorded, asked))]
    payload = {
        "dataset": recorded.name,
        "items": len(recorded.answers.tasks),
        "policies": rows,
        "seed": seed,
        "seeds": seeds,
        "seconds": round(perf_counter() - started, 3),
    }
    if as_json:
        put(payload)
        return
    columns = [*SHOWN, "accuracy_sd", "share_sd"] if seeds > 1 else SHOWN
    shown: list[dict[str, Any]] = [{name: row[name] for name in columns} for row in rows]
    show_table(shown, title=f"{recorded.name}: {payload['items']} items; difference to full in points, with 95% bounds")


def _asked(*, price: str, confidence: float, budget: str | None, seeds: range) -> Asked:
    price_micros = micros(price, field="price")
    if price_micros == 0:
        raise bad_field("price", expected="an amount above 0", found=price)
    if not 0 < confidence <= 1:
        raise bad_field("confidence", expected="above 0, at most 1", found=confidence)
    budget_micros = None if budget is None else micros(budget, field="budget")
    return Asked(price_micros=price_micros, confidence=confidence, budget_micros=budget_micros, seeds=seeds)


def run(games: Games) -> Iterator[Line]:
    """Yield each policy's line as it is known: `full`, `fixed-1` …, then the policies, `default` last."""
    plugins = find_plugins()
    names = [*(f"fixed-{overlap}" for overlap in range(1, min(MOST_FIXED, games.most) + 1)), *POLICIES]
    with progress_bar() as bar:
        step = bar.add_task(f"{games.recorded.name}: full", total=len(names) * len(games.asked.seeds))
        full = play_full(games, plugins)
        yield full
        for name in names:
            bar.update(step, description=f"{games.recorded.name}: {name}")
            yield play_policy(name, games, plugins, full.full, lambda: bar.update(step, advance=1))
