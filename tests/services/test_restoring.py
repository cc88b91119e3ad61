"""Removals are undone, previews come true for random crowds, and faults in removed answers are found."""

from random import Random
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState
from crowd_hitl.domain.errors import Conflict
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.restoring import Restored
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, answer, problems
from tests.services.removed import (
    PLUGINS,
    a_liar,
    asked,
    labels,
    preview,
    remove,
    restore,
    settle_labels,
    states,
    tasks,
)


def test_a_removal_is_undone_while_its_places_are_open_and_the_money_returns(unit_of_work: UnitOfWork) -> None:
    site, batch, liar = a_liar(unit_of_work)
    balance = unit_of_work.read(budget_balance, budget_id=site.budget_id).available_micros
    remove(site, asked(site, liar))
    answer(site, batch, site.workers[3], "cat")
    unit_of_work.run(claim, batch_id=batch.id, worker_id=site.workers[4], count=1, now=NOON)

    done = restore(site, liar)

    # one place was filled and one is held: those answers stay out
    assert (done.restored, done.left, done.returned) == (2, 2, {"USD": 2 * PRICE})
    assert unit_of_work.read(budget_balance, budget_id=site.budget_id).available_micros == balance - 2 * PRICE
    assert problems(site) == []
    settle_labels(site)
    assert states(site, liar) == {"approved", "removed"}
    assert problems(site) == []


def test_a_removal_without_replacement_is_undone_whole(unit_of_work: UnitOfWork) -> None:
    site, _, liar = a_liar(unit_of_work)
    before = (labels(site), tasks(site))
    remove(site, asked(site, liar, replaced=False))

    assert restore(site, liar) == Restored(restored=4, left=0, returned={})
    settle_labels(site)
    assert (labels(site), tasks(site)) == before
    assert problems(site) == []
    with pytest.raises(Conflict, match="nothing to put back"):
        restore(site, liar)
    assert remove(site, asked(site, liar)).removed == 4
    assert problems(site) == []


FAULTS = [
    ("removal", "UPDATE removed_answer SET restored_at = '2026-11-22 12:00:00+00' WHERE id = 1"),
    ("removal", "UPDATE removal SET worker_id = 1"),
    ("removal", "UPDATE transfer SET kind = 'reserve' WHERE kind = 'extend'"),
    ("removal", "UPDATE assignment SET state = 'removed' WHERE state = 'approved'"),
    ("overlap", "UPDATE task SET overlap = overlap + 1 WHERE state = 'open'"),
    ("overlap", "UPDATE assignment SET state = 'approved' WHERE state = 'removed'"),
    ("reservation", "UPDATE transfer SET amount_micros = amount_micros - 1 WHERE kind = 'extend'"),
    ("payment", "UPDATE assignment SET state = 'rejected' WHERE state = 'removed'"),
]


@pytest.mark.parametrize(("rule", "fault"), FAULTS, ids=[f"{rule}-{n}" for n, (rule, _) in enumerate(FAULTS)])
def test_a_fault_in_removed_answers_is_found(unit_of_work: UnitOfWork, rule: str, fault: str) -> None:
    site, _, liar = a_liar(unit_of_work)
    remove(site, asked(site, liar))
    assert problems(site) == []

    def break_it(session: Session) -> None:
        session.execute(text(fault))

    unit_of_work.run(break_it)

    assert any(f"rule='{rule}'" in problem for problem in problems(site))


def a_crowd(site: Site, random: Random, *, aggregator: str) -> None:
    """Let a random crowd answer two batches, some of it agreed on, some of it finished."""
    overlap = random.choice([1, 2])
    for name in ("first", "second"):
        terms: dict[str, Any] = {"overlap_min": overlap, "overlap_max": 4, "aggregator": aggregator, "name": name}
        batch = a_batch(site, limit=6, gold_rate=random.choice([0.0, 0.2]), **terms)
        for _ in range(random.randint(10, 40)):
            answer(site, batch, random.choice(site.workers), random.choice(["cat", "cat", "dog"]))
            if random.random() < 0.2:
                agree(site.uow, batch_id=batch.id, plugins=PLUGINS)
    settle_labels(site)


@pytest.mark.parametrize("aggregator", ["majority_vote", "pooled"])
@pytest.mark.parametrize("seed", range(4))
def test_what_the_preview_says_is_what_is_done(unit_of_work: UnitOfWork, seed: int, aggregator: str) -> None:
    random = Random(seed)
    site = a_site(unit_of_work, items=12, workers=6, gold=2)
    a_crowd(site, random, aggregator=aggregator)
    worker = random.choice([worker for worker in site.workers if "approved" in states(site, worker)])
    removal = asked(site, worker, replaced=random.random() < 0.8)
    found = preview(site, removal)
    before, available = labels(site), unit_of_work.read(budget_balance, budget_id=site.budget_id).available_micros

    done = remove(site, removal)

    after = labels(site)
    assert sum(item in after and after[item] != value for item, value in before.items()) == found.flips == done.flips
    assert len(before.keys() - after.keys()) == found.withdrawn == done.withdrawn
    assert (done.removed, done.reissued, done.left) == (found.answers, found.reissued, 0)
    spent = available - unit_of_work.read(budget_balance, budget_id=site.budget_id).available_micros
    assert spent == found.costs.get("USD", 0) == done.costs["USD"]
    assert problems(site) == []
    settle_labels(site)
    settled = labels(site)
    assert {item: settled[item] for item in settled.keys() & after.keys()} == after
    assert AssignmentState.APPROVED not in states(site, worker)
    assert problems(site) == []


@pytest.mark.parametrize("seed", range(4))
def test_after_a_removal_and_its_undoing_the_books_are_right(unit_of_work: UnitOfWork, seed: int) -> None:
    random = Random(100 + seed)
    site = a_site(unit_of_work, items=8, workers=5, gold=1)
    a_crowd(site, random, aggregator="majority_vote")
    worker = random.choice([worker for worker in site.workers if "approved" in states(site, worker)])
    removed = remove(site, asked(site, worker, replaced=random.random() < 0.7)).removed
    for batch_id in site.uow.read(lambda session: session.scalars(select(BatchRow.id)).all()):
        batch = site.uow.read(the_batch, batch_id=batch_id)
        for _ in range(random.randint(0, 4)):
            answer(site, batch, random.choice(site.workers), "cat")
    settle_labels(site)

    restored = restore(site, worker)

    assert restored.restored + restored.left == removed
    settle_labels(site)
    assert problems(site) == []


def the_batch(session: Session, *, batch_id: int) -> BatchRow:
    return session.get_one(BatchRow, batch_id)
