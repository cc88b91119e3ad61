"""`crowd-hitl replay`: what each policy would have bought of a folder of real answers, and how right it would be."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.cli.frame import AsJson, DataFolder, put, say
from crowd_hitl.cli.live_replay import Terms, play
from crowd_hitl.cli.recorded import Recorded, read_folder
from crowd_hitl.cli.tables import progress_bar, show_table
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.money import micros, units
from crowd_hitl.domain.ports import Floats, Plugins
from crowd_hitl.domain.quotes import LARGEST_OVERLAP
from crowd_hitl.domain.tasks import OverlapRule
from crowd_hitl.inference.replaying import Recording, record, replay_fixed, replay_policy
from crowd_hitl.inference.ties import accuracy

# Above this many answers the domain's rules are played on arrays; a test shows that both decide alike.
LIVE_ANSWERS = 10_000
MOST_FIXED = 7
OVERLAP_MIN = 2
FEWEST_OPTIONS, MOST_OPTIONS, LONGEST_OPTION = 2, 1000, 200


@dataclass(frozen=True)
class Game:
    """What is played: the recorded set, its answers in playing order, the rule and the price."""

    recorded: Recorded
    recording: Recording
    rule: OverlapRule
    price_micros: int
    seed: int

    @property
    def is_live(self) -> bool:
        """Say whether the full services play it: not too large, and with labels a question can have as options."""
        labels = self.recorded.answers.labels
        fits = FEWEST_OPTIONS <= len(labels) <= MOST_OPTIONS and max(map(len, labels)) <= LONGEST_OPTION
        return fits and len(self.recorded.answers.table.tasks) <= LIVE_ANSWERS

    def row(self, policy: str, posteriors: Floats, *, answers: int, by: str) -> dict[str, Any]:
        """Return one policy's line."""
        truth = self.recorded.truth
        share = float("nan") if truth is None else accuracy(posteriors, truth)
        items = len(self.recorded.answers.tasks)
        return {
            "policy": policy,
            "accuracy": None if isnan(share) else round(share, 6),
            "answers": answers,
            "answers_per_item": round(answers / items, 4),
            "cost": units(answers * self.price_micros),
            "by": by,
        }


def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="With answers.csv[.gz], and truth.csv[.gz] if known.")],
    price: Annotated[str, typer.Option(help="What one answer costs.")] = "0.05",
    confidence: Annotated[float, typer.Option(help="Policy `default` asks no further above it.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Decides in which order the answers of an item come.")] = 0,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Play a folder of real answers: accuracy, answers and cost of all, of K each, and of asking where unsure."""
    started = perf_counter()
    price_micros = micros(price, field="price")
    if price_micros == 0:
        raise bad_field("price", expected="an amount above 0", found=price)
    if not 0 < confidence <= 1:
        raise bad_field("confidence", expected="above 0, at most 1", found=confidence)
    recorded = read_folder(folder)
    game = make_game(recorded, price_micros=price_micros, confidence=confidence, seed=seed)
    if recorded.answers.repeats:
        say(f"{recorded.answers.repeats} answers repeat a worker's answer to the same item: only 'full' counts them.")
    rows = []
    with progress_bar() as bar:
        step = bar.add_task(f"Replaying {recorded.name}", total=None)
        for row in run(game, find_plugins(), lambda answers: bar.update(step, completed=answers)):
            rows.append(row)
            bar.update(step, description=f"{recorded.name}: {row['policy']} is done; answers given live")
    payload = {
        "dataset": recorded.name,
        "items": len(recorded.answers.tasks),
        "policies": rows,
        "seed": seed,
        "seconds": round(perf_counter() - started, 3),
    }
    if as_json:
        put(payload)
    else:
        show_table(rows, title=f"{recorded.name}: {payload['items']} items")


def make_game(recorded: Recorded, *, price_micros: int, confidence: float, seed: int) -> Game:
    """Put the answers in playing order; nobody is asked the same thing twice."""
    recording = record(recorded.answers.with_one_voice().table, seed=seed)
    most = min(int(recording.recorded.max()), LARGEST_OVERLAP)
    rule = OverlapRule(overlap_min=min(OVERLAP_MIN, most), overlap_max=most, confidence_target=confidence)
    return Game(recorded=recorded, recording=recording, rule=rule, price_micros=price_micros, seed=seed)


def run(game: Game, plugins: Plugins, progress: Callable[[int], None]) -> Iterator[dict[str, Any]]:
    """Yield each policy's line as it is known: `full`, `fixed-1` …, `default`; live answers are told to `progress`."""
    table = game.recorded.answers.table
    everything = plugins.aggregators["dawid_skene"].aggregate(table, seed=game.seed)
    yield game.row("full", everything.posteriors, answers=len(table.tasks), by="dawid-skene")
    pooled = plugins.aggregators["pooled"]
    for overlap in range(1, min(MOST_FIXED, game.rule.overlap_max) + 1):
        fixed = replay_fixed(game.recording, overlap=overlap, aggregator=pooled, seed=game.seed)
        yield game.row(f"fixed-{overlap}", fixed.consensus.posteriors, answers=fixed.answers, by="pooled")
    yield default_live(game, progress) if game.is_live else default_on_arrays(game, plugins)


def default_live(game: Game, progress: Callable[[int], None]) -> dict[str, Any]:
    """Play the default policy through the full services."""
    terms = Terms(rule=game.rule, price_micros=game.price_micros, seed=game.seed, progress=progress)
    played = play(game.recording, game.recorded.answers, terms)
    chosen = np.zeros((len(played.labels), len(game.recorded.answers.labels)))
    labelled = np.flatnonzero(played.labels >= 0)
    chosen[labelled, played.labels[labelled]] = 1.0
    row = game.row("default", chosen, answers=int(played.bought.sum()), by="pooled, through the services")
    return {**row, "cost": units(played.spent_micros)}


def default_on_arrays(game: Game, plugins: Plugins) -> dict[str, Any]:
    """Play the default policy by the domain's rules on arrays."""
    played = replay_policy(
        game.recording,
        rule=game.rule,
        aggregator=plugins.aggregators["pooled"],
        policy=plugins.policies["posterior"],
        seed=game.seed,
    )
    return game.row("default", played.consensus.posteriors, answers=played.answers, by="pooled, on arrays")
