"""Gold that good workers contradict: found, counted for nobody, and what a person then says of it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import AlreadyDone, BadInput, Conflict
from crowd_hitl.services.agreeing import agree, due_batches
from crowd_hitl.services.answering import Submission, submit
from crowd_hitl.services.assigning import claim
from crowd_hitl.services.doubting import GOOD_WORKERS
from crowd_hitl.services.publishing import close_batch
from crowd_hitl.services.reporting.gold import GoldLine, count_gold, gold_left, list_gold
from crowd_hitl.services.reviewing import trusted_waiting
from crowd_hitl.services.vouching import Vouched, confirm_gold, correct_gold, retire_gold
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import GoldRevisionRow, GoldRow, ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AssignmentRow, BatchRow
from tests.services.published import NOON, QUESTIONS, Site, a_batch, a_site, problems

PLUGINS = find_plugins()
Say = Callable[[int, str], str]


def truth(item_id: int) -> str:
    return "dog" if item_id % 2 else "cat"


def work_through(site: Site, batch: BatchRow, say: Callable[[int, int], str], *, workers: int | None = None) -> None:
    """Let each worker answer all there is: `say(worker, item)`."""
    for number, worker_id in enumerate(site.workers[:workers]):
        while offers := site.uow.run(claim, batch_id=batch.id, worker_id=worker_id, count=10, now=NOON):
            for offer in offers:
                site.uow.run(
                    submit,
                    assignment_id=offer.assignment_id,
                    worker_id=worker_id,
                    submission=Submission({"label": say(number, offer.item_id)}, f"k{offer.assignment_id}"),
                    questions=QUESTIONS,
                    now=NOON,
                )


def a_wrong_gold(uow: UnitOfWork, *, workers: int = 6, **terms: Any) -> tuple[Site, BatchRow]:
    """Publish ten items and one gold item that is known to be a cat; all answers are in, and the gold is no cat."""
    site = a_site(uow, items=10, workers=workers, gold=1)
    batch = a_batch(site, overlap_min=workers, overlap_max=workers, gold_rate=0.1, **terms)
    known = uow.read(lambda session: session.scalars(select(GoldRow.item_id)).one())
    work_through(site, batch, lambda _, item_id: "dog" if item_id == known else truth(item_id))
    return site, batch


def gold(site: Site) -> GoldLine:
    (line,) = site.uow.read(list_gold, project_id=site.project_id, is_right=None).rows
    return line


def trust(site: Site) -> list[tuple[int, int]]:
    """List (right, seen) of gold, worker by worker."""
    rows = select(WorkerSkillRow.gold_right, WorkerSkillRow.gold_seen).order_by(WorkerSkillRow.worker_id)
    return [(right, seen) for right, seen in site.uow.read(lambda session: session.execute(rows).all())]


def passed(site: Site, batch: BatchRow) -> None:
    agree(site.uow, batch_id=batch.id, plugins=PLUGINS)


def ruled(site: Site, verb: Callable[..., Vouched], **said: Any) -> Vouched:
    return site.uow.run(verb, gold_id=gold(site).id, decided_by=None, plugins=PLUGINS, **said, now=NOON)


def available(session: Session) -> int:
    return session.scalars(select(BudgetRow.available_micros)).one()


def test_gold_that_good_workers_contradict_counts_for_nobody(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work)

    passed(site, batch)

    line = gold(site)
    assert (line.state, line.votes, line.right.right, line.right.seen) == ("suspect", [("dog", 6)], 0, 6)
    assert trust(site) == [(0, 0)] * 6
    assert problems(site) == []


def test_gold_is_not_suspect_for_few_workers_or_for_bad_ones(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work, workers=GOOD_WORKERS - 1)

    passed(site, batch)

    assert (gold(site).state, trust(site)) == ("in use", [(0, 1)] * 4)


def test_gold_that_bad_workers_contradict_stays_gold(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10, workers=6, gold=1)
    batch = a_batch(site, overlap_min=6, overlap_max=6, gold_rate=0.1)
    # each says anything: what they agree on is chance
    work_through(
        site, batch, lambda worker, item: "dog" if (item * 7 + worker * worker * 3 + worker) % 5 < 3 else "cat"
    )
    known = gold(site)
    assert known.right.seen == 6

    passed(site, batch)

    assert gold(site).state == "in use"


def test_a_worker_is_trusted_again_when_the_gold_is_suspect(unit_of_work: UnitOfWork) -> None:
    review = {"accuracy_min": 0.8, "gold_min": 1}
    site, batch = a_wrong_gold(unit_of_work, approval="by_gold", review=review)
    passed(site, batch)
    assert site.uow.read(trusted_waiting, batch_id=batch.id) == []  # nothing is known of them by gold

    done = ruled(site, correct_gold, value="dog")

    assert (done.recounted, trust(site)) == (6, [(1, 1)] * 6)
    assert site.uow.read(trusted_waiting, batch_id=batch.id) == site.workers


def test_what_is_confirmed_counts_again_and_is_never_suspected_any_more(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work)
    passed(site, batch)

    done = ruled(site, confirm_gold)
    passed(site, batch)

    assert (done.recounted, gold(site).state, trust(site)) == (6, "confirmed", [(0, 1)] * 6)
    with pytest.raises(AlreadyDone):
        ruled(site, confirm_gold)


def test_a_corrected_value_is_kept_beside_the_old_one_and_judges_what_was_answered(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work)
    passed(site, batch)

    ruled(site, correct_gold, value="dog")

    line = gold(site)
    assert (line.state, line.value, line.source, line.former) == ("confirmed", "dog", "corrected", ["cat"])
    old = site.uow.read(lambda session: session.scalars(select(GoldRevisionRow)).one())
    assert (old.value, old.source) == ("cat", "imported")
    labels = select(LabelRow).where(LabelRow.item_id == line.item_id, LabelRow.state == "current")
    label = site.uow.read(lambda session: session.scalars(labels).one())
    assert (label.value, label.source) == ("dog", "gold")
    assert site.uow.read(due_batches) == [batch.id]
    passed(site, batch)
    assert trust(site) == [(1, 1)] * 6
    assert problems(site) == []


def test_a_correction_is_checked_as_an_answer_is(unit_of_work: UnitOfWork) -> None:
    site, _ = a_wrong_gold(unit_of_work)

    with pytest.raises(BadInput, match="value: expected one of cat, dog, found 'cow'"):
        ruled(site, correct_gold, value="cow")
    with pytest.raises(Conflict, match="the known answer already"):
        ruled(site, correct_gold, value="cat")


def test_what_was_rejected_for_suspect_gold_is_listed_for_a_person(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work)
    passed(site, batch)
    turned_down = update(AssignmentRow).where(AssignmentRow.worker_id == site.workers[0])
    unit_of_work.run(lambda session: session.execute(turned_down.values(state="rejected")))

    assert len(gold(site).turned_down) == 1

    ruled(site, correct_gold, value="dog")
    assert len(gold(site).turned_down) == 1
    ruled(site, correct_gold, value="cat")
    assert gold(site).turned_down == []


def test_retired_gold_gives_its_open_places_back_and_is_asked_as_any_other(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=10, workers=6, gold=1)
    batch = a_batch(site, overlap_min=3, overlap_max=3, gold_rate=0.1)
    before = unit_of_work.read(available)

    done = ruled(site, retire_gold)

    assert (done.places, gold(site).state) == (3, "retired")
    assert unit_of_work.read(available) - before == 3 * batch.price_micros
    assert problems(site) == []
    work_through(site, batch, lambda _, item_id: truth(item_id), workers=3)
    passed(site, batch)
    again = a_batch(site, name="again", gold_rate=0.5)
    assert again.quote["tasks"] == 1
    assert again.quote["gold_places"] == 0
    with pytest.raises(AlreadyDone):
        ruled(site, confirm_gold)


def test_a_lease_on_retired_gold_may_be_finished(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=1, workers=2, gold=1)
    batch = a_batch(site, overlap_min=2, overlap_max=2, gold_rate=0.5)
    offers = unit_of_work.run(claim, batch_id=batch.id, worker_id=site.workers[0], count=5, now=NOON)

    assert ruled(site, retire_gold).places == 1
    for offer in offers:
        answer = Submission({"label": "cat"}, f"k{offer.assignment_id}")
        unit_of_work.run(
            submit,
            assignment_id=offer.assignment_id,
            worker_id=site.workers[0],
            submission=answer,
            questions=QUESTIONS,
            now=NOON,
        )
    assert problems(site) == []


def test_suspect_gold_is_put_in_no_new_batch(unit_of_work: UnitOfWork) -> None:
    site, batch = a_wrong_gold(unit_of_work)
    passed(site, batch)
    unit_of_work.run(close_batch, batch_id=batch.id, now=NOON)
    rows = [ItemRow(project_id=site.project_id, key=f"new{n}", text="n", data={}, created_at=NOON) for n in range(4)]
    unit_of_work.run(lambda session: session.add_all(rows))

    assert a_batch(site, name="more", gold_rate=0.5).quote["gold_places"] == 0
    counted = site.uow.read(count_gold, project_id=site.project_id)
    assert (counted.counts, counted.suspect, counted.retired) == (0, 1, 0)


def test_gold_left_is_what_a_worker_has_not_seen_and_may_be_shown(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=2, workers=3, gold=4)
    batch = a_batch(site, overlap_min=2, overlap_max=2, gold_rate=0.5)
    work_through(site, batch, lambda _, item_id: truth(item_id), workers=1)
    seen = unit_of_work.read(
        lambda session: session.scalars(
            select(func.count()).select_from(AssignmentRow).where(AssignmentRow.worker_id == site.workers[0])
        ).one()
    )
    assert seen == 3  # two items and one of four gold

    left = unit_of_work.read(gold_left, project_id=site.project_id, worker_ids=site.workers)

    assert [left[worker_id] for worker_id in site.workers] == [3, 4, 4]
    unit_of_work.run(lambda session: session.execute(update(GoldRow).values(views_max=2, views_reserved=2)))
    left = unit_of_work.read(gold_left, project_id=site.project_id, worker_ids=site.workers)
    assert [left[worker_id] for worker_id in site.workers] == [0, 1, 1]  # the batch has one open place of it
