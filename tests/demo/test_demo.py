"""The main job, as a user starts it: it keeps to its budget, repeats itself, and meets the issue's bars."""

from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.money import units
from crowd_hitl.store.engine import open_engine, sqlite_url
from crowd_hitl.store.money_rows import TransferRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from tests.demo.playing import Played, play

SMALL = "12.00"
FIXED_OVERLAP, PRICE, ITEMS = 5, Decimal("0.05"), 1797
SHAPE = {
    "seed": int,
    "project": str,
    "items": int,
    "labels": int,
    "label_accuracy": float,
    "answers": int,
    "spent": str,
    "currency": str,
    "fixed_overlap_cost": str,
    "promise": dict,
    "stopped": str,
    "rounds": list,
    "seconds": float,
}
ROUND_KEYS = {"round", "answers", "human_labels", "model_labels", "model_accuracy", "spent"}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Play with a budget that is far too small."""
    return play(tmp_path_factory.mktemp("small"), "--budget", SMALL, "--seed", "7")


def test_too_small_a_budget_ends_the_demo_with_everything_kept(small: Played) -> None:
    assert small.code == 3
    assert small.result["stopped"] == "budget"
    spent = Decimal(small.result["spent"])
    assert Decimal(SMALL) - 2 * PRICE < spent <= Decimal(SMALL)
    assert spent == ledger(small) == small.result["answers"] * PRICE
    labels = small.labels()
    assert len(labels) == small.result["labels"] > 0
    assert sum(Decimal(label["cost"]) for label in labels) <= spent
    assert small.check() == {"ok": True, "problems": []}


def test_the_result_is_one_object_of_the_promised_shape(small: Played) -> None:
    result = small.result
    assert {key: type(result[key]) for key in SHAPE} == SHAPE
    assert {"max_error", "delta", "kept"} <= result["promise"].keys() and result["promise"]["kept"] is False
    assert all(line.keys() >= ROUND_KEYS for line in result["rounds"])
    assert (result["seed"], result["items"], result["currency"]) == (7, ITEMS, "USD")
    assert Decimal(result["fixed_overlap_cost"]) == FIXED_OVERLAP * PRICE * ITEMS


def test_a_seed_decides_everything(small: Played, tmp_path: Path) -> None:
    again = play(tmp_path, "--budget", SMALL, "--seed", "7")

    assert told(again.result) == told(small.result)
    assert decided(again) == decided(small)


def test_the_whole_demo_meets_the_bars_of_its_issue(tmp_path: Path) -> None:
    whole = play(tmp_path, "--seed", "11")

    assert whole.code == 0, whole.result
    labels = {label["key"]: label for label in whole.labels()}
    truth = hidden_truth()
    assert labels.keys() == truth.keys() and len(truth) == ITEMS
    right = sum(labels[key]["value"] == value for key, value in truth.items())
    assert right / ITEMS >= 0.97
    assert ledger(whole) <= Decimal("0.45") * FIXED_OVERLAP * PRICE * ITEMS
    assert ledger(whole) == Decimal(whole.result["spent"])
    assert whole.result["label_accuracy"] == pytest.approx(right / ITEMS, abs=1e-4)
    assert whole.result["stopped"] == "promise" and whole.result["promise"]["kept"] is True
    assert whole.check() == {"ok": True, "problems": []}


def told(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out how long it took."""
    return {key: value for key, value in result.items() if key != "seconds"}


def decided(played: Played) -> list[tuple[Any, ...]]:
    """Show what the seed decides of every label."""
    keys = ("key", "field", "value", "confidence", "source", "cost", "votes")
    return [tuple(label[key] for key in keys) for label in played.labels()]


def ledger(played: Played) -> Decimal:
    """Add up what the ledger says was paid."""

    def paid(session: Session) -> str:
        kinds = TransferRow.kind.in_(["pay", "fee"])
        return units(int(session.scalar(select(func.sum(TransferRow.amount_micros)).where(kinds)) or 0))

    engine = open_engine(sqlite_url(played.data))
    try:
        return Decimal(UnitOfWork(engine).read(paid))
    finally:
        engine.dispose()


def hidden_truth() -> dict[str, str]:
    """Read scikit-learn's digits, independently of the demo."""
    digits: Any = import_module("sklearn.datasets").load_digits()
    return {f"digit-{number:04d}": str(digit) for number, digit in enumerate(digits.target)}
