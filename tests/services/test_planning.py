"""A project's own answers as a pilot: what is read, how much of it, at which price; and the job that plans from it."""

from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import BadInput, Conflict, NotFound
from crowd_hitl.domain.money import micros
from crowd_hitl.inference.planning import FIXED
from crowd_hitl.services.forecasting import pace_of
from crowd_hitl.services.jobbing import Hold, Progress, cancel_job, claim_job, finish_job, note_progress
from crowd_hitl.services.piloting import LivePilot, outset, read_pilot, whole_items
from crowd_hitl.services.planning import PlanWish, ask_for_plan, choice_of, plan_jobs, publish_command, work_out
from crowd_hitl.services.publishing import BatchRequest, close_batch, quote_batch
from crowd_hitl.store.account_rows import AccountRow
from crowd_hitl.store.job_rows import JobRow
from crowd_hitl.store.project_rows import GoldRow, QuestionVersionRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, OfferRow
from tests.services.published import NOON, PRICE, Site, a_batch, a_site, answer, later

ITEMS = 24
PLUGINS = find_plugins()
QUICK = PlanWish(models=("pooled",), resamples=3)


def a_pilot(
    uow: UnitOfWork, *, items: int = ITEMS, gold: int = 0, each: int = 3, **terms: Any
) -> tuple[Site, BatchRow]:
    """Publish a batch and let four workers of 85% answer it whole, one answer a minute."""
    site = a_site(uow, items=items, gold=gold)
    batch = a_batch(site, overlap_min=each, overlap_max=each, gold_rate=0.5 if gold else 0.0, **terms)
    draw, minute, found = Random(5), 0, True
    while found:
        found = False
        for worker in site.workers:
            minute += 1
            said = "cat" if draw.random() < 0.85 else "dog"
            found = answer(site, batch, worker, said, at=NOON + timedelta(minutes=minute)) is not None or found
    return site, batch


def read(site: Site, *, at: float = 36_000, **other: Any) -> LivePilot:
    asked = {"project_id": site.project_id, "questions": PLUGINS.questions, "now": later(at), **other}
    return site.uow.read(read_pilot, **asked)


def ask(site: Site, wish: PlanWish = QUICK, at: float = 36_000) -> JobRow:
    return site.uow.run(
        ask_for_plan,
        project_id=site.project_id,
        account_id=site.uow.run(_account, organisation_id=site.organisation_id),
        wish=wish,
        plugins=PLUGINS,
        now=later(at),
    )


def _account(session: Session, *, organisation_id: int) -> int:
    found = session.scalars(select(AccountRow)).first()
    if found is not None:
        return found.id
    row = AccountRow(
        organisation_id=organisation_id, login="rita", name="Rita", role="requester", state="active", created_at=NOON
    )
    session.add(row)
    session.flush()
    return row.id


def test_standing_answers_are_read_with_the_terms_and_pace_of_their_batch(unit_of_work: UnitOfWork) -> None:
    site, batch = a_pilot(unit_of_work)
    found = read(site)
    table = found.pilot.answers
    assert (found.items, found.answers, len(table.tasks), table.n_tasks) == (ITEMS, 3 * ITEMS, 3 * ITEMS, ITEMS)
    assert (table.n_workers, table.n_labels, found.is_sampled) == (4, 2, False)
    assert (found.batch.id, found.batch.price_micros, found.batch.channel) == (batch.id, PRICE, "inhouse")
    assert found.pace == unit_of_work.read(pace_of, batch_id=batch.id, until=later(36_000))
    assert (found.waiting, found.is_chosen) == (0, False)
    unit_of_work.run(lambda session: session.execute(update(BatchRow).values(purpose="doubtful")))
    assert read(site).is_chosen


def test_the_pace_of_a_closed_batch_ends_with_its_last_answer(unit_of_work: UnitOfWork) -> None:
    site, batch = a_pilot(unit_of_work)
    running, closed = read(site, at=900_000).pace, None
    unit_of_work.run(close_batch, batch_id=batch.id, now=later(900_000))
    closed = read(site, at=900_000).pace
    assert running is not None and closed is not None
    assert running[0] == closed[0] == 3 * ITEMS
    assert closed[1] < 36_000 < running[1]


def test_rejected_and_removed_answers_are_not_read(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work)

    def turn_down(session: Session) -> None:
        first = select(AnswerRow.assignment_id).order_by(AnswerRow.id).limit(5)
        session.execute(update(AssignmentRow).where(AssignmentRow.id.in_(first)).values(state="soft_rejected"))

    unit_of_work.run(turn_down)
    assert len(read(site).pilot.answers.tasks) == 3 * ITEMS - 5


def test_many_answers_are_sampled_by_whole_items(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work, items=60)
    found = read(site, most=90)
    table = found.pilot.answers
    assert (found.items, found.answers, found.is_sampled) == (60, 180, True)
    assert 81 <= len(table.tasks) <= 90
    assert {int((table.tasks == task).sum()) for task in range(table.n_tasks)} == {3}
    again = read(site, most=90).pilot.answers
    assert (again.tasks.tolist(), again.workers.tolist()) == (table.tasks.tolist(), table.workers.tolist())


def test_an_item_that_does_not_fit_in_whole_is_left_out() -> None:
    rows = [(item, worker, "cat") for item in range(4) for worker in range(3)]
    assert whole_items(iter(rows), most=7) == rows[:6]
    assert whole_items(iter(rows), most=12) == rows
    assert whole_items(iter(rows), most=2) == rows[:3]


def test_gold_from_outside_measures_and_what_the_crowd_settled_does_not(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work, items=48, gold=24)
    measured = work_out(read(site), QUICK, name="pets", plugins=PLUGINS)
    assert (measured["known"], measured["score"]) == (24, "accuracy")
    unit_of_work.run(lambda session: session.execute(update(GoldRow).values(source="bought")))
    guessed = work_out(read(site), QUICK, name="pets", plugins=PLUGINS)
    assert (guessed["known"], guessed["score"]) == (0, "estimated accuracy")


def test_costs_are_those_of_the_quote_with_the_channels_fee(unit_of_work: UnitOfWork) -> None:
    site, batch = a_pilot(unit_of_work)
    unit_of_work.run(lambda session: session.execute(update(OfferRow).values(channel="mturk")))
    planned = work_out(read(site), replace(QUICK, items=20), name="pets", plugins=PLUGINS)
    three = next(place for place, one in enumerate(planned["points"]) if (one["policy"], one["overlap"]) == (FIXED, 3))
    choice = choice_of(planned, three)

    def quoted(session: Session) -> int:
        request = BatchRequest(name="", channel="mturk", **{**vars(choice), "items": site.items[:20]})
        return quote_batch(session, project_id=site.project_id, request=request, now=later(0)).reserve_micros

    assert (planned["price"], planned["fee"]) == ("0.05", "0.01")
    assert planned["points"][three]["cost"] == planned["points"][three]["cost_low"] == "3.60"  # 60 × 0.06
    assert micros(planned["points"][three]["reserve"]) == unit_of_work.read(quoted) == 3_600_000 + 2 * 60_000
    assert choice.budget_id == site.budget_id
    assert publish_command("pets", choice) == (
        "crowd-hitl batch publish pets --price 0.05 --overlap-min 3 --overlap-max 3 --confidence 0.95 "
        f"--policy fixed --aggregator pooled --limit 20 --budget {site.budget_id}"
    )
    assert batch.fee_micros == 0


def test_a_policys_line_is_published_with_the_bounds_it_was_played_with(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work)
    wish = replace(QUICK, overlap_min=1, overlap_max=5, confidence=0.9, policies=("margin",))
    planned = work_out(read(site), wish, name="pets", plugins=PLUGINS)
    assert {one["policy"] for one in planned["points"]} == {FIXED, "posterior", "margin"}
    place = next(place for place, one in enumerate(planned["points"]) if one["policy"] == "margin")
    choice = choice_of(planned, place)
    assert (choice.overlap_min, choice.overlap_max, choice.confidence_target) == (1, 5, 0.9)
    assert (choice.overlap_policy, choice.aggregator, choice.limit) == ("margin", "pooled", ITEMS)


def test_a_plan_is_one_job_of_its_project_and_its_result_is_kept(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work)
    job = ask(site)
    assert ask(site).id == job.id
    with pytest.raises(Conflict, match=f"job {job.id}"):
        ask(site, replace(QUICK, confidence=0.9))
    state = unit_of_work.read(plan_jobs, project_id=site.project_id)
    assert (state.is_active, state.plan) == (True, None)
    unit_of_work.run(claim_job, job_id=job.id, hold=Hold("x", 30), now=later(36_000))
    unit_of_work.run(note_progress, holder="x", progress=Progress(3, 3, {"plan": {"items": 5}}))
    unit_of_work.run(finish_job, holder="x", now=later(36_001))
    newer = ask(site, replace(QUICK, confidence=0.9))
    unit_of_work.run(cancel_job, job_id=newer.id, now=later(36_002))
    state = unit_of_work.read(plan_jobs, project_id=site.project_id)
    assert (state.is_active, state.newest and state.newest.id, state.plan) == (False, newer.id, {"items": 5})


def test_what_cannot_be_planned_is_refused_before_it_is_a_job(unit_of_work: UnitOfWork) -> None:
    site, _ = a_pilot(unit_of_work, items=6)
    with pytest.raises(BadInput, match="10 answered items or more, found 6"):
        ask(site)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"models": ("tarot",)}, "one of"),
        ({"models": ()}, "models"),
        ({"policies": ("fixed",)}, "policy"),
        ({"overlap_max": 50}, "overlap_max"),
        ({"overlap_max": 1}, "overlap_max"),
        ({"confidence": 2.0}, "confidence"),
        ({"items": 0}, "items"),
        ({"price_micros": 0}, "price"),
        ({"resamples": 1}, "resamples"),
    ]
    for change, said in wrong:
        with pytest.raises(BadInput, match=said):
            ask(site, replace(QUICK, **change))
    assert unit_of_work.read(plan_jobs, project_id=site.project_id).newest is None


def test_answers_that_are_no_class_are_said_so(unit_of_work: UnitOfWork) -> None:
    site, batch = a_pilot(unit_of_work, items=12)
    unit_of_work.run(lambda session: session.execute(update(QuestionVersionRow).values(kind="number")))
    found = unit_of_work.read(outset, project_id=site.project_id, questions=PLUGINS.questions)
    assert (found.kind, found.is_class, found.is_enough) == ("number", False, False)
    with pytest.raises(BadInput, match=r"kind 'number'.*crowd-hitl batch forecast"):
        ask(site)
    with pytest.raises(BadInput, match="kind 'number'"):
        read(site, batch_id=batch.id)


def test_one_batch_is_planned_from_alone_and_one_without_answers_is_not_there(unit_of_work: UnitOfWork) -> None:
    site, batch = a_pilot(unit_of_work, items=14, limit=10)
    assert read(site, batch_id=batch.id).items == 10
    later_batch = a_batch(site)
    assert read(site).batch.id == batch.id
    with pytest.raises(NotFound, match=f"no batch {later_batch.id} with answers"):
        read(site, batch_id=later_batch.id)
    empty = unit_of_work.read(outset, project_id=site.project_id, questions=PLUGINS.questions)
    assert (empty.answered, empty.waiting, [one.id for one in empty.batches]) == (10, 0, [batch.id])
