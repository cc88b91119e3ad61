"""Taking a worker's answers out does what the preview said, and keeps the books right."""

from typing import Any

import pytest
from sqlalchemy import select

from crowd_hitl.domain.errors import BadInput, BudgetTooSmall, Conflict, NotFound
from crowd_hitl.domain.removals import Removal
from crowd_hitl.services import replacing
from crowd_hitl.services.balances import batch_balance, budget_balance
from crowd_hitl.services.paying import approve
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.services.removing import plan_removal
from crowd_hitl.store.removal_rows import RemovalRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow
from tests.services.published import NOON, PRICE, a_batch, a_site, answer, problems, standing_answers
from tests.services.removed import a_liar, answered, asked, labels, preview, remove, settle_labels, states, tasks


def test_the_preview_says_what_flips_what_is_asked_again_and_what_it_costs(unit_of_work: UnitOfWork) -> None:
    site, batch, liar = a_liar(unit_of_work)
    before = (labels(site), tasks(site), unit_of_work.read(budget_balance, budget_id=site.budget_id))

    found = preview(site, asked(site, liar))

    assert (found.answers, found.flips, found.reissued, found.withdrawn) == (4, 2, 4, 0)
    assert dict(found.costs) == {"USD": 4 * PRICE}
    assert found.sentence("W3") == "Blocking W3 flips 2 labels, reissues 4 answers, costs 0.20 USD"
    assert [(one.before, one.after) for one in found.examples] == [("dog", "cat")] * 2
    assert found.affordable
    assert before == (labels(site), tasks(site), unit_of_work.read(budget_balance, budget_id=site.budget_id))
    assert unit_of_work.read(batch_balance, batch_id=batch.id).held_micros == 0


def test_answers_are_paid_taken_out_weighed_no_more_and_asked_again(unit_of_work: UnitOfWork) -> None:
    site, batch, liar = a_liar(unit_of_work)

    done = remove(site, asked(site, liar))

    assert (done.removed, done.reissued, done.flips, done.left, done.costs) == (4, 4, 2, 0, {"USD": 4 * PRICE})
    assert set(labels(site).values()) == {"cat"}
    assert tasks(site) == [("open", 3, 1, 2)] * 4
    assert states(site, liar) == {"removed"}
    money = unit_of_work.read(batch_balance, batch_id=batch.id)
    assert (money.paid_micros, money.held_micros) == (12 * PRICE, 4 * PRICE)
    assert problems(site) == []

    assert answer(site, batch, liar) is None  # never again for the same item
    answered(site, batch, {site.workers[3]: ["cat"] * 4})
    settle_labels(site)
    assert sorted(standing_answers(site).values()) == [3] * 4
    assert sorted(labels(site).values()) == ["cat"] * 4
    assert problems(site) == []


def test_without_replacement_the_overlap_is_lowered_and_nothing_is_spent(unit_of_work: UnitOfWork) -> None:
    site, _, liar = a_liar(unit_of_work)

    found = preview(site, asked(site, liar, replaced=False))
    done = remove(site, asked(site, liar, replaced=False))

    assert (found.flips, found.reissued, found.not_reissued, dict(found.costs)) == (2, 0, 4, {})
    assert (done.flips, done.reissued, done.costs) == (2, 0, {"USD": 0})
    assert tasks(site) == [("retired", 2, 0, 2)] * 4
    assert problems(site) == []


def test_tasks_that_wait_for_others_are_not_stuck_below_their_overlap(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=2, overlap_max=2)
    first, second = site.workers[:2]
    answered(site, batch, {first: ["cat", "dog"]})

    remove(site, asked(site, first, replaced=False))
    assert tasks(site) == [("open", 1, 1, 0)] * 2
    assert problems(site) == []
    answered(site, batch, {second: ["cat", "dog"]})
    settle_labels(site)

    assert tasks(site) == [("retired", 1, 0, 1)] * 2
    assert sorted(labels(site).values()) == ["cat", "dog"]
    assert problems(site) == []


def test_labels_that_nobody_else_stands_behind_are_withdrawn(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, overlap_min=1, overlap_max=1)
    answered(site, batch, {site.workers[0]: ["cat", "dog"]})
    settle_labels(site)

    found = preview(site, asked(site, site.workers[0], replaced=False))
    done = remove(site, asked(site, site.workers[0], replaced=False))

    assert (found.withdrawn, done.withdrawn, found.flips) == (2, 2, 0)
    assert [one.after for one in found.examples] == [None, None]
    settle_labels(site)
    assert labels(site) == {}
    assert tasks(site) == [("retired", 0, 0, 0)] * 2
    assert problems(site) == []


def test_nothing_is_changed_when_the_budget_lacks_the_money(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, money=4 * PRICE + 30_000)
    batch = a_batch(site, overlap_min=2, overlap_max=2)
    answered(site, batch, {worker: ["cat", "cat"] for worker in site.workers[:2]})
    settle_labels(site)
    before = (labels(site), tasks(site))

    found = preview(site, asked(site, site.workers[0]))
    with pytest.raises(BudgetTooSmall, match=r"Top it up by 0\.07") as refused:
        remove(site, asked(site, site.workers[0]))

    assert (found.affordable, found.budgets[0].missing_micros) == (False, 70_000)
    assert refused.value.missing_micros == 70_000
    assert (labels(site), tasks(site)) == before
    assert remove(site, asked(site, site.workers[0], replaced=False)).removed == 2
    assert problems(site) == []


def test_undecided_answers_are_paid_first_or_rejected_as_the_requester_says(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site, approval="manual")
    paid, refused = site.workers[:2]
    answered(site, batch, {paid: ["cat", "cat"], refused: ["dog", "dog"]})
    approved = unit_of_work.read(lambda session: session.scalars(select(AnswerRow.id).order_by(AnswerRow.id)).first())
    unit_of_work.run(approve, answer_id=approved, decided_by=None)

    first = preview(site, asked(site, paid))
    assert (first.answers, first.undecided, dict(first.costs)) == (2, 1, {"USD": 2 * PRICE})
    assert remove(site, asked(site, paid)).removed == 2
    money = unit_of_work.read(batch_balance, batch_id=batch.id)
    assert (money.paid_micros, money.held_micros) == (2 * PRICE, 4 * PRICE)
    assert problems(site) == []

    second = preview(site, asked(site, refused, reject_undecided=True))
    assert (second.reissued, dict(second.costs)) == (2, {})
    done = remove(site, asked(site, refused, reject_undecided=True))
    assert (done.rejected, done.removed, done.reissued) == (2, 0, 2)
    assert states(site, refused) == {"rejected"}
    assert tasks(site) == [("open", 2, 2, 0)] * 2
    assert problems(site) == []


def test_one_batch_can_be_cleared_and_the_others_left(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    first, second = a_batch(site, limit=2), a_batch(site, limit=2, name="second")
    worker = site.workers[0]
    answered(site, first, {worker: ["cat", "cat"]})
    answered(site, second, {worker: ["cat", "cat"]})

    assert preview(site, asked(site, worker, batch_id=second.id)).answers == 2
    assert remove(site, asked(site, worker, batch_id=second.id)).removed == 2

    assert [answers for *_, answers in tasks(site)] == [1, 1, 0, 0]
    assert problems(site) == []


def test_what_was_closed_on_purpose_is_not_asked_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site)
    answered(site, batch, {site.workers[0]: ["cat", "cat"]})
    unit_of_work.run(close_batch, batch_id=batch.id, now=NOON)
    settle_labels(site)

    found = preview(site, asked(site, site.workers[0]))

    assert (found.reissued, found.not_reissued, found.withdrawn) == (0, 2, 2)
    remove(site, asked(site, site.workers[0]))
    assert tasks(site) == [("retired", 0, 0, 0)] * 2
    assert problems(site) == []


def test_gold_answers_are_taken_out_and_not_bought_again(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, gold=2)
    batch = a_batch(site, gold_rate=0.5, overlap_min=1, overlap_max=1)
    while answer(site, batch, site.workers[0], "cat"):
        pass
    settle_labels(site)

    found = preview(site, asked(site, site.workers[0]))

    assert found.answers == found.reissued + found.not_reissued
    assert found.reissued == 2
    remove(site, asked(site, site.workers[0]))
    assert problems(site) == []


def test_what_changed_meanwhile_is_planned_again(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    site = a_site(unit_of_work, items=2)
    batch = a_batch(site)
    answered(site, batch, {site.workers[0]: ["cat", "cat"]})
    planned = plan_removal
    calls: list[int] = []

    def plan_then_answer(*args: Any, **other: Any) -> Any:
        plans = planned(*args, **other)
        if not calls:
            answer(site, batch, site.workers[1], "cat")
        calls.append(1)
        return plans

    monkeypatch.setattr(replacing, "plan_removal", plan_then_answer)
    done = remove(site, asked(site, site.workers[0]))

    assert (done.removed, done.left, len(calls)) == (2, 0, 2)
    assert problems(site) == []


def test_many_answers_go_in_several_transactions_of_one_removal(
    unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replacing, "ANSWERS_AT_ONCE", 2)
    site = a_site(unit_of_work, items=5)
    batch = a_batch(site)
    answered(site, batch, {site.workers[0]: ["cat"] * 5})

    assert remove(site, asked(site, site.workers[0])).removed == 5
    assert len(unit_of_work.read(lambda session: session.scalars(select(RemovalRow.id)).all())) == 1
    assert problems(site) == []


def test_who_has_nothing_here_and_a_reason_too_short_are_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    a_batch(site)

    with pytest.raises(Conflict, match="nothing to take out"):
        remove(site, asked(site, site.workers[0]))
    with pytest.raises(BadInput, match="reason"):
        remove(site, Removal(worker_id=site.workers[0], project_id=site.project_id, reason="bad"))
    with pytest.raises(NotFound):
        preview(site, asked(site, 999))
    assert preview(site, asked(site, site.workers[0])).answers == 0
