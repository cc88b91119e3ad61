"""Our models give crowd-kit's numbers, where it runs; and those of its documents, where it does not."""

import warnings
from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.answers import Answers, Floats
from crowd_hitl.inference.crowdkit import as_frame, mmsr_weights, quiet
from crowd_hitl.inference.dawid_skene import Stop, fit_dawid_skene
from crowd_hitl.inference.glad import GladSettings, fit_glad
from crowd_hitl.inference.kos import fit_kos
from crowd_hitl.inference.mace import MaceSettings, fit_mace
from crowd_hitl.inference.one_coin import fit_one_coin
from crowd_hitl.inference.votes import ZeroBasedSettings, fit_majority, fit_wawa, fit_zero_based

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
EXACT = 1e-9

Fit = Callable[[Answers], tuple[Floats, Floats]]
MODELS: dict[str, tuple[Fit, dict[str, Any]]] = {
    "MajorityVote": (lambda answers: fit_majority(answers, seed=0), {}),
    "DawidSkene": (lambda answers: fit_dawid_skene(answers, Stop()), {}),
    "OneCoinDawidSkene": (lambda answers: fit_one_coin(answers, Stop()), {}),
    "MACE": (
        lambda answers: fit_mace(answers, MaceSettings(crowd_kit_habits=True), seed=0),
        {"n_restarts": 1},  # its ten are one and the same
    ),
}


def a_table(rows: list[tuple[int, int, int]]) -> AnswerTable:
    columns = np.array(rows, dtype=np.int32)
    counts = (columns.max(axis=0) + 1).tolist()
    n_tasks, n_workers, n_labels = counts
    tasks, workers, labels = columns.T.copy()
    return AnswerTable(tasks, workers, labels, n_tasks=n_tasks, n_workers=n_workers, n_labels=n_labels)


def a_crowd(*, seed: int, labels: int, tasks: int = 120, workers: int = 15, most: int = 6) -> AnswerTable:
    """Answers of good, bad and lazy workers, one to `most` for each task, some of them repeated."""
    chance = np.random.default_rng(seed)
    good = chance.uniform(0.2, 1.0, workers)
    rows = []
    for task in range(tasks):
        truth = int(chance.integers(0, labels))
        for worker in chance.permutation(workers)[: chance.integers(1, most + 1)]:
            knows = chance.random() < good[worker]
            rows.append((task, int(worker), truth if knows else int(chance.integers(0, labels))))
    rows += rows[:5]
    return a_table(rows)


def recorded(name: str) -> AnswerTable | None:
    """Read a real set; None where there is none beside the checkout: the project passes without them."""
    path = SHARED / name / "answers.csv.gz"
    if not path.is_file():
        return None
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    codes = [pd.factorize(frame[column], sort=True) for column in ("task", "worker", "label")]
    tasks, workers, labels = (code.astype(np.int32) for code, _ in codes)
    n_tasks, n_workers, n_labels = (len(names) for _, names in codes)
    return AnswerTable(tasks, workers, labels, n_tasks=n_tasks, n_workers=n_workers, n_labels=n_labels)


def crowd_kit(model: str, answers: Answers, **settings: Any) -> Any:
    crowdkit = import_module("crowdkit.aggregation")
    with quiet(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return getattr(crowdkit, model)(**settings).fit(as_frame(answers))


def said(found: Any, answers: Answers) -> Floats:
    """Return crowd-kit's probabilities in the order of our codes."""
    posteriors = np.zeros((answers.n_tasks, answers.n_labels))
    posteriors[np.ix_(found.index, found.columns)] = found.to_numpy(dtype=np.float64)
    return posteriors


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("seed", "labels"), [(1, 2), (2, 3), (3, 7)])
def test_numbers_are_crowd_kits(model: str, seed: int, labels: int) -> None:
    fit, settings = MODELS[model]
    answers = a_crowd(seed=seed, labels=labels)

    posteriors, _ = fit(answers)

    np.testing.assert_allclose(posteriors, said(crowd_kit(model, answers, **settings).probas_, answers), atol=EXACT)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", ["bluebird", "zencrowd_us", "cf"])
def test_numbers_are_crowd_kits_on_real_crowds(model: str, name: str) -> None:
    answers = recorded(name)
    if answers is None:
        return
    fit, settings = MODELS[model]

    posteriors, _ = fit(answers)

    np.testing.assert_allclose(posteriors, said(crowd_kit(model, answers, **settings).probas_, answers), atol=EXACT)


def test_gold_bends_dawid_skene_as_crowd_kits() -> None:
    answers = a_crowd(seed=4, labels=3)
    gold = np.where(np.arange(answers.n_tasks) % 3 == 0, 1, -1).astype(np.int32)
    known = pd.Series(1, index=np.flatnonzero(gold == 1))
    with_gold = AnswerTable(
        answers.tasks, answers.workers, answers.labels, answers.n_tasks, answers.n_workers, answers.n_labels, gold
    )

    posteriors, _ = fit_dawid_skene(with_gold, Stop())

    model = import_module("crowdkit.aggregation").DawidSkene()
    with quiet():
        found = model.fit_predict_proba(as_frame(answers), known)
    np.testing.assert_allclose(posteriors, said(found, answers), atol=EXACT)


def test_kos_says_what_crowd_kits_says_and_ties_where_it_fails() -> None:
    answers = a_crowd(seed=5, labels=2)
    state = np.random.get_state()
    labels = crowd_kit("KOS", answers).labels_.sort_index().to_numpy()
    np.random.set_state(state)

    posteriors, _ = fit_kos(answers, iterations=100, seed=0)
    lonely, _ = fit_kos(a_table([(0, 0, 0), (1, 1, 1)]), iterations=100, seed=0)

    assert posteriors.argmax(axis=1).tolist() == labels.tolist()
    np.testing.assert_array_equal(lonely, 0.5)


def test_mmsr_weighs_as_crowd_kits() -> None:
    answers = a_crowd(seed=6, labels=3)

    weights = mmsr_weights(answers, seed=0)

    assert weights is not None
    np.testing.assert_allclose(weights, crowd_kit("MMSR", answers).skills_.sort_index().to_numpy(), atol=1e-6)


def test_wawa_is_what_its_documents_say() -> None:
    answers = a_crowd(seed=7, labels=3)

    posteriors, skills = fit_wawa(answers)

    expected = agreement(answers, weighted(answers, None))
    np.testing.assert_allclose(skills, expected, atol=EXACT)
    np.testing.assert_allclose(posteriors, weighted(answers, expected), atol=EXACT)


def test_zero_based_skill_is_what_its_documents_say() -> None:
    answers = a_crowd(seed=8, labels=3)
    expected, rate = [1 / 3 + 1e-5] * answers.n_workers, 1.0
    for step in range(1, 101):
        rate *= 0.5 if step % 20 == 0 else 1.0
        agreed = agreement(answers, weighted(answers, expected))
        expected = [old + rate * (new - old) for old, new in zip(expected, agreed, strict=True)]

    posteriors, skills = fit_zero_based(answers, ZeroBasedSettings())

    np.testing.assert_allclose(skills, expected, atol=EXACT)
    np.testing.assert_allclose(posteriors, weighted(answers, expected), atol=EXACT)


def weighted(answers: Answers, weights: list[float] | None) -> Floats:
    """Return each task's shares of the weights: crowd-kit's weighted majority vote, said plainly."""
    votes = np.zeros((answers.n_tasks, answers.n_labels))
    for task, worker, label in zip(answers.tasks, answers.workers, answers.labels, strict=True):
        votes[task, label] += 1.0 if weights is None else weights[worker]
    shares: Floats = votes / votes.sum(axis=1, keepdims=True)
    return shares


def agreement(answers: Answers, shares: Floats) -> list[float]:
    """Return each worker's share of different answers that equal the first of a task's best labels."""
    best = [int(np.flatnonzero(row >= row.max() - 1e-12)[0]) for row in shares]
    hits: dict[int, list[bool]] = defaultdict(list)
    for task, worker, label in sorted(set(zip(*(column.tolist() for column in columns(answers)), strict=True))):
        hits[worker].append(best[task] == label)
    return [float(np.mean(hits[worker])) for worker in range(answers.n_workers)]


def columns(answers: Answers) -> tuple[Any, Any, Any]:
    return answers.tasks, answers.workers, answers.labels


@pytest.mark.parametrize("seed", [9, 10])
def test_glad_finds_crowd_kits_labels(seed: int) -> None:
    """Its path depends on the last digit of every sum: crowd-kit's own moves by 0.02 when its rows are shuffled."""
    answers = a_crowd(seed=seed, labels=3, tasks=40)

    posteriors, _ = fit_glad(answers, GladSettings())

    expected = said(crowd_kit("GLAD", answers).probas_, answers)
    np.testing.assert_allclose(posteriors, expected, atol=0.03)
    assert (posteriors.argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.97
