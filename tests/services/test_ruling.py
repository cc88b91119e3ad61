"""Behaviour rules hit whom they should, once for the same evidence, and what they do can be looked at and undone."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import AlreadyDone, Conflict
from crowd_hitl.domain.rules import PRESETS, Rule, check_rule
from crowd_hitl.services import ruling
from crowd_hitl.services.agreeing import agree
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim, release
from crowd_hitl.services.collecting import Field
from crowd_hitl.services.paying import create_budget
from crowd_hitl.services.ruling import add_rule, apply_rules, lift_hit, mark_seen, switch, try_rule
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.review_rows import RuleHitRow, RuleRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, answer, later, problems

PLUGINS = find_plugins()
FAST: dict[str, Any] = {"op": ">=", "threshold": 0.5, "answers_min": 3, "last": 10, "seconds": 2}
PAUSE: dict[str, Any] = {"do": "pause", "scope": "project", "hours": 24}


def here(site: Site, *, everywhere: bool = False) -> Field:
    return Field(organisation_id=site.organisation_id, project_id=None if everywhere else site.project_id)


def ruled(site: Site, collector: str, *, action: Any = None, everywhere: bool = False, **condition: Any) -> RuleRow:
    wanted = {"answers_min": 3, **condition}
    rule = check_rule(
        name=collector, collector=collector, condition=wanted, action=action or {"do": "flag"}, everywhere=everywhere
    )
    return site.uow.run(add_rule, field=here(site, everywhere=everywhere), rule=rule, created_by=None, now=NOON)


def answers(site: Site, batch: BatchRow, worker_id: int, *values: str, seconds: float = 6.0) -> None:
    for value in values:
        (offer,) = site.uow.run(claim, batch_id=batch.id, worker_id=worker_id, count=1, now=NOON)
        submission = Submission(value={"label": value}, client_key=f"{offer.assignment_id}", seconds=seconds)
        site.uow.run(
            submit,
            assignment_id=offer.assignment_id,
            worker_id=worker_id,
            submission=submission,
            questions=QUESTIONS,
            now=NOON,
        )


def hits(site: Site) -> list[RuleHitRow]:
    return list(site.uow.read(lambda session: session.scalars(select(RuleHitRow).order_by(RuleHitRow.id)).all()))


def blocks(site: Site) -> list[WorkerBlockRow]:
    return list(site.uow.read(lambda session: session.scalars(select(WorkerBlockRow)).all()))


def test_who_is_too_fast_is_paused_and_sees_why(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, overlap_min=2, overlap_max=2)
    ruled(site, "fast_answers", action=PAUSE, **FAST)
    fast, slow = site.workers[:2]
    answers(site, batch, fast, "cat", "dog", "cat", "dog", seconds=0.5)
    answers(site, batch, slow, "cat", "dog", "cat", "dog")

    assert apply_rules(unit_of_work) == 1

    (hit,), (placed,) = hits(site), blocks(site)
    assert (hit.worker_id, hit.measured, hit.action, hit.block_id) == (fast, 1.0, "pause", placed.id)
    assert len(hit.evidence["answers"]) == 4
    assert (placed.kind, placed.project_id, placed.rule_id) == ("pause", site.project_id, hit.rule_id)
    assert placed.ends_at == placed.starts_at + timedelta(hours=24)
    assert placed.reason.startswith("100% of the last 4 answers took less than 2 s; the rule 'fast_answers' acts")


def test_a_rule_acts_again_only_on_new_evidence(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site)
    ruled(site, "fast_answers", **FAST)
    answers(site, batch, site.workers[0], *["cat"] * 3, seconds=0.5)
    assert apply_rules(unit_of_work) == 1
    assert apply_rules(unit_of_work) == 0

    answers(site, batch, site.workers[0], *["cat"] * 2, seconds=0.5)
    assert apply_rules(unit_of_work) == 0  # too little that is new
    answers(site, batch, site.workers[0], "cat", seconds=0.5)
    assert apply_rules(unit_of_work) == 1
    assert [hit.evidence["count"] for hit in hits(site)] == [3, 3]


def test_a_rule_that_is_off_sees_nothing_and_does_not_catch_up(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=8)
    batch = a_batch(site)
    rule = ruled(site, "fast_answers", **FAST)
    unit_of_work.run(switch, rule_id=rule.id, on=False, now=NOON)
    answers(site, batch, site.workers[0], *["cat"] * 4, seconds=0.5)

    assert apply_rules(unit_of_work) == 0
    unit_of_work.run(switch, rule_id=rule.id, on=True, now=NOON)
    assert apply_rules(unit_of_work) == 0
    answers(site, batch, site.workers[0], "cat", seconds=0.5)
    assert apply_rules(unit_of_work) == 1


def test_workers_beyond_one_look_are_judged_too(unit_of_work: UnitOfWork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ruling, "WORKERS_AT_ONCE", 2)
    site = a_site(unit_of_work, items=3, workers=5)
    batch = a_batch(site, overlap_min=5, overlap_max=5)
    ruled(site, "fast_answers", **FAST)
    for worker_id in site.workers:
        answers(site, batch, worker_id, *["cat"] * 3, seconds=0.5)

    assert apply_rules(unit_of_work) == 5
    assert apply_rules(unit_of_work) == 0
    assert sorted(hit.worker_id for hit in hits(site)) == site.workers


def test_a_dry_run_says_whom_it_would_hit_and_writes_nothing(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    answers(site, batch, site.workers[0], *["cat"] * 4, seconds=0.5)
    rule = Rule("r", "fast_answers", FAST, {"do": "block", "scope": "project", "hours": None})

    found = unit_of_work.read(try_rule, rule=rule, field=here(site))

    assert [(one.worker_id, one.measured) for one in found] == [(site.workers[0], 1.0)]
    assert (hits(site), blocks(site)) == ([], [])


@pytest.mark.parametrize("collector", ["same_answer_share", "against_majority"])
def test_who_says_one_thing_whatever_is_asked_is_found_and_the_others_are_not(
    unit_of_work: UnitOfWork, collector: str
) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, overlap_min=4, overlap_max=4, aggregator="majority_vote")
    ruled(site, collector, op=">", threshold=0.4, answers_min=5)
    truth = ["cat", "dog", "dog", "dog", "cat", "dog"]
    for worker_id in site.workers[:3]:
        answers(site, batch, worker_id, *truth)
    answers(site, batch, site.workers[3], *["cat"] * 6)
    agree(unit_of_work, batch_id=batch.id, plugins=PLUGINS)

    assert apply_rules(unit_of_work) == 1
    (hit,) = hits(site)
    assert hit.worker_id == site.workers[3]
    assert hit.measured == pytest.approx(4 / 6)


def test_gold_is_measured_by_gold_answers_only(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4, gold=4)
    batch = a_batch(site, gold_rate=0.5, overlap_min=1, overlap_max=1)
    ruled(site, "gold_accuracy", op="<", threshold=0.5, answers_min=2)
    while answer(site, batch, site.workers[0], "dog"):
        pass

    assert apply_rules(unit_of_work) == 1
    assert hits(site)[0].measured == 0


def test_a_day_is_hit_once_and_money_is_counted_by_currency(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site)
    ruled(site, "income_per_day", op=">=", threshold=150_000, answers_min=1, currency="USD")
    ruled(site, "answers_per_day", op=">=", threshold=4, answers_min=1)
    unit_of_work.run(create_budget, organisation_id=site.organisation_id, name="euros", currency="EUR", now=NOON)
    answers(site, batch, site.workers[0], *["cat"] * 3)

    assert apply_rules(unit_of_work) == 1
    answers(site, batch, site.workers[0], *["cat"] * 2)
    assert apply_rules(unit_of_work) == 1  # of answers; the income of this day was hit before
    assert [(hit.measured, hit.evidence["day"]) for hit in hits(site)] == [(150_000, "2026-11-22"), (5, "2026-11-22")]
    assert hits(site)[0].evidence["currency"] == "USD"


def test_tasks_let_go_in_a_row_are_counted_without_an_answer(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site)
    ruled(site, "skipped_in_row", op=">=", threshold=3)
    skipper, leaver = site.workers[:2]
    for turn in range(3):
        at = later(10 * turn)
        (offer,) = unit_of_work.run(claim, batch_id=batch.id, worker_id=skipper, count=1, now=at)
        unit_of_work.run(release, assignment_id=offer.assignment_id, worker_id=skipper, now=at)
    # leaving the page gives all back at once
    for offer in unit_of_work.run(claim, batch_id=batch.id, worker_id=leaver, count=5, now=NOON):
        unit_of_work.run(release, assignment_id=offer.assignment_id, worker_id=leaver, now=NOON)

    assert apply_rules(unit_of_work) == 1
    assert apply_rules(unit_of_work) == 0
    assert [(hit.worker_id, hit.measured) for hit in hits(site)] == [(skipper, 3)]


def test_a_rule_of_all_projects_blocks_everywhere_and_lifting_lets_the_worker_in_again(
    unit_of_work: UnitOfWork,
) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    ruled(site, "answers_in_row_same", op=">=", threshold=4, action={"do": "block"}, everywhere=True)
    answers(site, batch, site.workers[0], *["cat"] * 4)
    assert apply_rules(unit_of_work) == 1

    assert _state(site, site.workers[0]) == "blocked"
    unit_of_work.run(lift_hit, hit_id=hits(site)[0].id, lifted_by=None)
    assert _state(site, site.workers[0]) == "active"
    assert hits(site)[0].seen_at is not None
    with pytest.raises(AlreadyDone):
        unit_of_work.run(lift_hit, hit_id=hits(site)[0].id, lifted_by=None)
    assert problems(site) == []


def test_a_flag_is_looked_at_and_has_nothing_to_lift(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    ruled(site, "fast_answers", **FAST)
    answers(site, batch, site.workers[0], *["cat"] * 3, seconds=0.5)
    apply_rules(unit_of_work)

    unit_of_work.run(mark_seen, hit_id=hits(site)[0].id, seen_by=None, now=NOON)
    unit_of_work.run(mark_seen, hit_id=hits(site)[0].id, seen_by=None, now=NOON + timedelta(hours=1))

    assert hits(site)[0].seen_at == NOON
    with pytest.raises(AlreadyDone, match="only flagged"):
        unit_of_work.run(lift_hit, hit_id=hits(site)[0].id, lifted_by=None)


def test_two_who_looked_at_once_act_once(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    rule = ruled(site, "fast_answers", action=PAUSE, **FAST)
    answers(site, batch, site.workers[0], *["cat"] * 3, seconds=0.5)
    looks = [unit_of_work.read(ruling.look_at, rule_id=rule.id, until_id=None, after=0) for _ in range(2)]

    assert [unit_of_work.run(ruling.write_hits, rule_id=rule.id, look=look) for look in looks] == [1, 0]
    assert len(blocks(site)) == 1


def test_a_second_rule_of_the_same_name_is_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    rule = PRESETS["too-fast"]
    unit_of_work.run(add_rule, field=here(site), rule=rule, created_by=None)

    with pytest.raises(Conflict, match="There is a rule 'Too fast' already"):
        unit_of_work.run(add_rule, field=here(site), rule=rule, created_by=None)


def test_a_label_of_the_model_accuses_nobody(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=4)
    batch = a_batch(site)
    ruled(site, "against_majority", op=">", threshold=0.4)
    answers(site, batch, site.workers[0], *["cat"] * 4)

    def predict(session: Session) -> None:
        session.add_all(
            LabelRow(
                project_id=site.project_id,
                item_id=item_id,
                field="label",
                version=1,
                state="current",
                value="dog",
                confidence=0.9,
                source="model",
                votes=0,
                created_at=NOON,
            )
            for item_id in site.items
        )

    unit_of_work.run(predict)
    assert apply_rules(unit_of_work) == 0


def _state(site: Site, worker_id: int) -> str:
    def read(session: Session) -> str:
        return session.get_one(WorkerRow, worker_id).state

    return site.uow.read(read)
