"""Requirements and caps: who is handed places, how many, what they are told; exact under racing claims."""

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import STANDING
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.requirements import meets
from crowd_hitl.services import answering, assigning
from crowd_hitl.services.answering import Receipt, Submission
from crowd_hitl.services.assigning import expire, release
from crowd_hitl.services.blocking import Placed, block
from crowd_hitl.services.eligible import requirement_in_sql
from crowd_hitl.services.gating import Because, Refusal, standing_of, why_not
from crowd_hitl.services.settling_tasks import retire_unreachable
from crowd_hitl.services.showing import Offered
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow
from tests.services.gated import claimed, has, is_skilled
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, answer, later, problems
from tests.services.test_interleavings import at_once

DAY = 24 * 3600


def submitted(site: Site, assignment_id: int, *, worker: int = 0, next_count: int = 0, seconds: float = 0) -> Receipt:
    """Submit over the road that HTTP takes: at once, else in a transaction."""
    submission = Submission(value={"label": "cat"}, client_key=f"k{assignment_id}", next_count=next_count)
    return site.uow.run_short(
        answering.submit_at_once,
        otherwise=answering.submit,
        assignment_id=assignment_id,
        worker_id=site.workers[worker],
        submission=submission,
        questions=QUESTIONS,
        now=later(seconds),
    )


def claimed_at_once(site: Site, batch: BatchRow, *, worker: int = 0, count: int = 1) -> list[Offered]:
    return site.uow.run_short(
        assigning.claim_at_once,
        otherwise=assigning.claim,
        batch_id=batch.id,
        worker_id=site.workers[worker],
        count=count,
        now=NOON,
    )


def told(site: Site, batch: BatchRow, *, worker: int = 0, seconds: float = 0) -> Refusal | None:
    return site.uow.read(why_not, batch=batch, worker_id=site.workers[worker], now=later(seconds))


def standing(site: Site, *, worker: int = 0) -> int:
    def read(session: Session) -> int:
        states = [state.value for state in STANDING]
        mine = select(func.count()).where(
            AssignmentRow.worker_id == site.workers[worker], AssignmentRow.state.in_(states)
        )
        return session.scalar(mine) or 0

    return site.uow.read(read)


def test_only_those_who_meet_the_requirement_are_handed_places(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    has(site, "spanish", worker=0, value=80)
    has(site, "spanish", worker=1, value=40)
    is_skilled(site, worker=2, accuracy=0.95, answers=60)
    requirement = {"any": [{"has": "spanish", "min": 70}, {"skill_min": 0.9, "answers_min": 50}]}
    batch = a_batch(site, requirement=requirement)

    assert batch.is_special
    assert [len(claimed(site, batch, worker)) for worker in range(4)] == [1, 0, 1, 0]
    found = told(site, batch, worker=1)
    assert found is not None and found.because == Because.REQUIREMENT and found.hides
    assert told(site, batch, worker=0) is None
    assert problems(site) == []


def test_a_cap_counts_what_stands_and_what_is_let_go_frees_it(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, cap_answers=3, lease_seconds=60)

    first = claimed(site, batch, count=2)
    assert len(claimed(site, batch, count=5)) == 3  # two are held already
    assert claimed_at_once(site, batch, count=5) == claimed(site, batch, count=5)
    site.uow.run(release, assignment_id=first[0].assignment_id, worker_id=site.workers[0], now=NOON)
    receipt = submitted(site, first[1].assignment_id, next_count=5)
    assert len(receipt.next) == 1
    found = told(site, batch)
    assert found is not None and not found.hides
    assert found.words == "You have done your 3, the most that one person may do here."
    assert len(claimed(site, batch, 1)) == 1
    assert problems(site) == []


def test_an_answer_after_the_lease_does_not_pass_the_cap(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=6)
    batch = a_batch(site, cap_answers=1, lease_seconds=60)
    (old,) = claimed(site, batch)
    site.uow.run(expire, now=later(61))
    (new,) = claimed(site, batch, at=later(62))

    late = submitted(site, old.assignment_id, seconds=63)
    assert late.late, "kept and paid, and not counted"
    submitted(site, new.assignment_id, seconds=64)
    assert standing(site) == 1


def test_a_share_is_of_the_tasks_without_gold_and_at_least_one(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10, gold=5)
    batch = a_batch(site, cap_share=0.29, gold_rate=0.5)
    least = a_batch(site, name="small", cap_share=0.01, items=site.items[:1])

    assert len(claimed(site, batch, count=10)) == 2
    assert len(claimed(site, least, 1, count=10)) == 1


def test_a_day_counts_from_midnight_utc_and_what_is_let_go_not_at_all(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=9)
    batch = a_batch(site, cap_per_day=2)

    for _ in range(2):
        answer(site, batch, site.workers[0])
    assert claimed(site, batch, count=5) == []
    found = told(site, batch)
    assert found is not None and found.until == later(DAY / 2)
    assert found.words == "You have done your 2 for today. There may be more tomorrow, from 00:00 UTC."
    assert claimed(site, batch, count=5, at=later(DAY / 2 - 1)) == []
    tomorrow = claimed(site, batch, count=5, at=later(DAY / 2))
    assert len(tomorrow) == 2
    site.uow.run(release, assignment_id=tomorrow[0].assignment_id, worker_id=site.workers[0], now=later(DAY / 2))
    assert told(site, batch, seconds=DAY / 2) is None


@pytest.mark.parametrize("cap", [{"cap_answers": 7}, {"cap_share": 0.35}, {"cap_per_day": 7}])
def test_no_cap_is_passed_by_one_worker_who_claims_many_times_at_once(
    unit_of_work: UnitOfWork, cap: dict[str, Any]
) -> None:
    site = a_site(unit_of_work, items=20)
    batch = a_batch(site, **cap)
    held = claimed(site, batch, count=2)

    calls: list[Callable[[], object]] = [partial(claimed_at_once, site, batch, count=1 + n % 5) for n in range(6)]
    calls += [partial(submitted, site, one.assignment_id, next_count=5) for one in held]
    found = at_once(*calls)

    assert [e for e in found if isinstance(e, Exception)] == []
    assert claimed_at_once(site, batch, count=10) and standing(site) == 7
    assert problems(site) == []


def test_two_workers_on_capped_batches_do_not_wait_for_each_other(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=12)
    batch = a_batch(site, cap_answers=6, lease_seconds=60)
    held = [claimed(site, batch, worker, count=2) for worker in range(4)]

    calls: list[Callable[[], object]] = [partial(claimed_at_once, site, batch, worker=w, count=3) for w in range(4)]
    calls += [
        partial(submitted, site, one.assignment_id, worker=w, next_count=3, seconds=50)
        for w, mine in enumerate(held)
        for one in mine
    ]
    assert [e for e in at_once(*calls) if isinstance(e, Exception)] == []
    assert all(standing(site, worker=w) <= 6 for w in range(4))
    assert problems(site) == []


def test_a_block_of_a_batch_or_project_closes_its_gate_there_only(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    first, second = a_batch(site, cap_answers=5), a_batch(site, name="second", cap_answers=5, items=site.items)
    placed = Placed(worker_id=site.workers[0], kind="pause", reason="Too fast.", batch_id=first.id, ends_at=later(60))
    site.uow.run(block, placed=placed, now=NOON)

    assert (claimed(site, first), len(claimed(site, second))) == ([], 1)
    found = told(site, first)
    assert found is not None and found.because == Because.BLOCKED
    assert len(claimed(site, first, at=later(60))) == 1


def test_terms_that_nobody_could_use_are_refused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work)
    has(site, "spanish", worker=0)
    has(site, "spanish", worker=1)
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"cap_answers": 0}, "cap_answers: expected 1 to"),
        ({"cap_per_day": -1}, "cap_per_day: expected 1 to"),
        ({"cap_share": 1.5}, "cap_share: expected above 0, at most 1"),
        ({"requirement": {"knows": "spanish"}}, "requirement: expected {"),
        ({"requirement": {"has": "french"}}, "requirement: expected one of spanish, found 'french'"),
        (
            {"requirement": {"has": "spanish"}, "overlap_min": 3, "overlap_max": 3},
            "only 2 of 4 active workers meet this requirement (spanish), found 3",
        ),
        ({"overlap_min": 5, "overlap_max": 5}, "at most 4, the number of active workers"),
    ]
    for terms, said in wrong:
        with pytest.raises(BadInput) as caught:
            a_batch(site, **terms)
        assert said in str(caught.value)
    assert not a_batch(site, requirement={}).is_special


def test_those_who_are_blocked_are_not_counted_on(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, workers=3)
    batch = a_batch(site, overlap_min=1, overlap_max=1, items=site.items[:1])
    answer(site, batch, site.workers[0])
    for worker_id in site.workers[1:]:
        placed = Placed(worker_id=worker_id, kind="block", reason="Too fast.", project_id=site.project_id)
        site.uow.run(block, placed=placed, now=NOON)

    with pytest.raises(BadInput, match="at most 1, the number of active workers"):
        a_batch(site, name="two", overlap_min=2, overlap_max=2, items=site.items)
    again = a_batch(site, name="again", overlap_min=1, overlap_max=1, items=site.items)
    # its only worker has answered the first item before, and the others are blocked
    assert site.uow.run(retire_unreachable, batch_id=again.id, now=NOON) == 1
    assert problems(site) == []


def test_tasks_wait_for_those_who_are_only_paused(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, workers=2)
    batch = a_batch(site, overlap_min=2, overlap_max=2)
    answer(site, batch, site.workers[0])
    site.uow.run(block, placed=Placed(worker_id=site.workers[1], kind="pause", reason="We look at it."), now=NOON)
    assert site.uow.run(retire_unreachable, batch_id=batch.id, now=NOON) == 0

    site.uow.run(block, placed=Placed(worker_id=site.workers[1], kind="block", reason="We looked."), now=NOON)
    assert site.uow.run(retire_unreachable, batch_id=batch.id, now=NOON) == 1
    assert problems(site) == []


def test_what_sql_counts_is_what_each_worker_is_told(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, workers=12)
    draw = random.Random(3)
    for worker in range(12):
        for name in ("spanish", "legal", "adult"):
            if draw.random() < 0.6:
                has(site, name, worker=worker, value=draw.choice([None, 40.0, 70.0, 90.0]))
        if draw.random() < 0.7:
            is_skilled(site, worker=worker, accuracy=draw.choice([0.6, 0.8, 0.9]), answers=draw.choice([5, 50]))
        if draw.random() < 0.2:
            is_skilled(site, worker=worker, accuracy=0.85, answers=50, field="second")

    def compare(session: Session) -> None:
        for _ in range(60):
            requirement = a_requirement(draw)
            found = set(
                session.scalars(select(WorkerRow.id).where(requirement_in_sql(requirement, project_id=site.project_id)))
            )
            expected = {
                worker_id
                for worker_id in site.workers
                if meets(standing_of(session, worker_id=worker_id, project_id=site.project_id), requirement)
            }
            assert found == expected, requirement

    site.uow.read(compare)


def a_requirement(draw: random.Random, *, depth: int = 0) -> dict[str, Any]:
    kind = draw.choice(["has", "min", "skill"] if depth > 2 else ["has", "min", "skill", "all", "any", "not"])
    name = draw.choice(["spanish", "legal", "adult"])
    if kind == "has":
        return {"has": name}
    if kind == "min":
        return {"has": name, "min": draw.choice([40, 69.5, 90])}
    if kind == "skill":
        least = {"skill_min": draw.choice([0.7, 0.8, 0.95])}
        return least if draw.random() < 0.5 else {**least, "answers_min": draw.choice([0, 5, 50])}
    if kind == "not":
        return {"not": a_requirement(draw, depth=depth + 1)}
    return {kind: [a_requirement(draw, depth=depth + 1) for _ in range(draw.randint(1, 3))]}
