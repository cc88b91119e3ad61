"""Half-way through recorded crowds, where they are at hand, the forecast is near the final cost."""

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from crowd_hitl.inference.forecasting import Rule, Standing, further_answers

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
CROWDS = ("bluebird", "rte", "sp_text", "zencrowd_us", "hitspam_cf", "adult", "trec", "relevance")
RULE = Rule(least=2, most=5, confidence=0.95)
# taken for every worker: the rule that ends a task must not learn from what is still to come
ACCURACY = 0.8
MOST_TASKS = 1_500
# Half of the answers of adult are a first one to every task and a second to a third of them: little to learn from yet.
WIDER = {"adult": 0.13}


def recorded(name: str) -> tuple[list[list[int]], int]:
    """Read each task's answers as numbers, in a random order; only tasks with answers enough for the rule."""
    with gzip.open(SHARED / name / "answers.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = [(row["task"], row["label"]) for row in csv.DictReader(file)]
    codes = {label: code for code, label in enumerate(sorted({label for _, label in rows}))}
    tasks: dict[str, list[int]] = {}
    for task, label in rows:
        tasks.setdefault(task, []).append(codes[label])
    chance = np.random.default_rng(7)
    kept = [answers for answers in tasks.values() if len(answers) >= RULE.most]
    order = chance.permutation(len(kept))[:MOST_TASKS]
    return [[int(one) for one in chance.permutation(kept[index])] for index in order], len(codes)


def play(tasks: list[list[int]], labels: int, *, stop_at: int | None) -> Standing:
    """Let each task take its recorded answers until the rule has enough; stop after so many in all."""
    votes = np.zeros((len(tasks), labels), dtype=np.int64)
    overlap = np.full(len(tasks), RULE.least)
    done = np.zeros(len(tasks), dtype=np.bool_)
    given, gain = 0, np.log(ACCURACY * (labels - 1) / (1 - ACCURACY))
    while not done.all():
        for task in np.flatnonzero(~done):
            if stop_at is not None and given >= stop_at:
                return Standing(votes, overlap, done)
            count = int(votes[task].sum())
            votes[task, tasks[task][count]] += 1
            given, count = given + 1, count + 1
            if count < overlap[task]:
                continue
            belief = np.exp(votes[task] * gain - votes[task].max() * gain)
            done[task] = belief.max() / belief.sum() >= RULE.confidence or count >= RULE.most
            overlap[task] += not done[task]
    return Standing(votes, overlap, done)


@pytest.mark.parametrize("name", CROWDS)
def test_half_way_through_a_recorded_crowd_the_forecast_is_near(name: str) -> None:
    if not (SHARED / name).is_dir():
        return  # the recordings are not part of the repository
    tasks, labels = recorded(name)
    whole = int(play(tasks, labels, stop_at=None).votes.sum())
    half = play(tasks, labels, stop_at=whole // 2)

    further = further_answers(half, RULE, observed=True)

    off = (half.votes.sum() + further.mean - whole) / whole
    print(f"{name}: {len(tasks)} tasks, {whole} answers, forecast {off:+.1%}")  # noqa: T201 - shown with -s
    assert abs(off) <= WIDER.get(name, 0.10)
