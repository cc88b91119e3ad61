"""The read side adds up what the services wrote, page by page, and never mixes projects."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.domain.money import micros
from crowd_hitl.services.answering import Receipt
from crowd_hitl.services.paying import reject
from crowd_hitl.services.reporting.batches import batch_of_answer, confidence_buckets, list_batches, one_batch
from crowd_hitl.services.reporting.disagreements import count_undecided, disagreements, list_undecided
from crowd_hitl.services.reporting.intervals import Share
from crowd_hitl.services.reporting.items import item_history
from crowd_hitl.services.reporting.labels import LabelFilter, count_labels, list_labels
from crowd_hitl.services.reporting.ledger import list_transfers
from crowd_hitl.services.reporting.overview import overview
from crowd_hitl.services.reporting.projects import ProjectHead, list_projects, project_head
from crowd_hitl.services.reporting.rounds import list_certificates, list_rounds, loop_state
from crowd_hitl.services.reporting.workers import crowd, list_workers
from crowd_hitl.services.reporting.working import bench_of, list_rejections, simulated_among
from crowd_hitl.store.money_rows import BudgetRow, TransferRow
from crowd_hitl.store.project_rows import ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import BatchRow
from tests import builders, loop_builders
from tests.builders import NOON


def head(session: Session, project: ProjectRow) -> ProjectHead:
    return project_head(session, organisation_id=project.organisation_id, slug=project.slug)


def a_labelled_batch(session: Session) -> tuple[ProjectRow, BatchRow, list[Receipt]]:
    """Three items, two answers each at 0.05; all labelled, the first below the target."""
    project = builders.a_project(session, simulated=True)
    items = builders.some_items(session, project, count=3)
    workers = builders.some_workers(session, count=3)
    batch = builders.a_batch(session, project, builders.a_budget(session), overlap_max=2)
    receipts = [
        builders.an_answer(session, batch, worker, value=value, seconds=seconds)
        for worker, value, seconds in (
            (workers[0], "positive", 4.0),
            (workers[0], "positive", 6.0),
            (workers[0], "positive", 11.0),
            (workers[1], "negative", 5.0),
            (workers[1], "positive", 5.0),
            (workers[2], "positive", 9.0),
        )
    ]
    for item, confidence in zip(items, (0.6, 0.97, 0.99), strict=True):
        builders.a_label(session, item, confidence=confidence, batch=batch)
    return project, batch, receipts


def test_wilsons_interval_is_the_published_one() -> None:
    share = Share(right=405, seen=500)

    assert (round(share.low, 4), round(share.high, 4)) == (0.7733, 0.8420)
    assert Share(right=0, seen=0).value is None
    assert Share(right=5, seen=5).high == 1.0


def test_the_overview_counts_each_item_once_and_all_the_money(unit_of_work: UnitOfWork) -> None:
    project, _, _ = unit_of_work.run(a_labelled_batch)
    unit_of_work.run(builders.an_item, project=project, key="later", now=NOON)

    with unit_of_work.reading() as session:
        seen = overview(session, project=head(session, project), now=NOON)

    assert (seen.items.labelled, seen.items.being_asked, seen.items.waiting) == (3, 0, 1)
    assert (seen.answers.all, seen.answers.today, seen.answers.items) == (6, 6, 3)
    assert seen.labels.by_source == {"consensus": 3}
    assert (seen.labels.agreed, seen.labels.doubtful) == (2, 1)
    assert seen.spent_micros == micros("0.30")
    assert seen.per_agreed_label_micros == micros("0.15")
    (budget,) = seen.budgets
    assert budget.topped_up_micros == budget.spent_micros + budget.reserved_micros + budget.available_micros
    assert seen.model is None and seen.loop is None


def test_an_empty_project_has_an_overview_without_figures(unit_of_work: UnitOfWork) -> None:
    project = unit_of_work.run(builders.a_project)

    with unit_of_work.reading() as session:
        seen = overview(session, project=head(session, project), now=NOON)

    assert seen.per_agreed_label_micros is None
    assert seen.budgets == [] and seen.days == []


def test_a_project_of_another_organisation_is_not_found(unit_of_work: UnitOfWork) -> None:
    project = unit_of_work.run(builders.a_project)

    with pytest.raises(NotFound):
        unit_of_work.read(project_head, organisation_id=project.organisation_id + 1, slug=project.slug)


def test_projects_are_listed_the_newest_first_a_page_at_a_time(unit_of_work: UnitOfWork) -> None:
    project = unit_of_work.run(builders.a_project, slug="one")
    unit_of_work.run(builders.a_project, slug="two")
    of = project.organisation_id

    first = unit_of_work.read(list_projects, organisation_id=of, limit=1)
    second = unit_of_work.read(list_projects, organisation_id=of, limit=1, after=first.after)

    assert [one.slug for one in first.rows] == ["two"]
    assert [one.slug for one in second.rows] == ["one"] and second.after is None


def test_a_batch_shows_places_money_and_quote(unit_of_work: UnitOfWork) -> None:
    project, batch, _ = unit_of_work.run(a_labelled_batch)

    line = unit_of_work.read(one_batch, project_id=project.id, batch_id=batch.id)

    assert (line.progress.tasks, line.progress.places_filled, line.progress.places_open) == (3, 6, 0)
    assert line.money.spent_micros == micros("0.30")
    assert line.quoted_per_label_micros == micros("0.10")
    with pytest.raises(NotFound):
        unit_of_work.read(one_batch, project_id=project.id + 1, batch_id=batch.id)


def test_batches_are_listed_the_newest_first(unit_of_work: UnitOfWork) -> None:
    project, batch, _ = unit_of_work.run(a_labelled_batch)

    page = unit_of_work.read(list_batches, project_id=project.id)

    assert [line.id for line in page.rows] == [batch.id] and page.after is None


def test_confidence_is_counted_in_steps(unit_of_work: UnitOfWork) -> None:
    _, batch, _ = unit_of_work.run(a_labelled_batch)

    buckets = unit_of_work.read(confidence_buckets, batch_id=batch.id)

    assert sum(bucket.agreed + bucket.others for bucket in buckets) == 3
    assert buckets[12].others == 1 and buckets[19].others == 2


def test_disagreements_come_least_sure_first_with_votes_in_order_of_arrival(unit_of_work: UnitOfWork) -> None:
    project, batch, _ = unit_of_work.run(a_labelled_batch)

    with unit_of_work.reading() as session:
        found = disagreements(session, project=head(session, project), batch_id=batch.id, below=0.95)

    (one,) = found
    assert one.confidence == 0.6
    assert [vote.answer_id for vote in one.votes] == sorted(vote.answer_id for vote in one.votes)
    assert one.cost_micros == micros("0.10")
    assert all(vote.simulated for vote in one.votes)


def test_labels_are_filtered_and_paged_by_either_order(unit_of_work: UnitOfWork) -> None:
    project, batch, _ = unit_of_work.run(a_labelled_batch)

    with unit_of_work.reading() as session:
        of = head(session, project)
        for wanted in (LabelFilter(), LabelFilter(unsure_first=True)):
            seen, after = [], None
            while True:
                page = list_labels(session, project=of, wanted=wanted, after=after, limit=1)
                seen += [line.confidence for line in page.rows]
                after = page.after
                if after is None:
                    break
            assert seen == [0.6, 0.97, 0.99]
        assert count_labels(session, project=of, wanted=LabelFilter(below=0.95)) == 1
        assert count_labels(session, project=of, wanted=LabelFilter(source="model")) == 0
        assert count_labels(session, project=of, wanted=LabelFilter(words="NUMBER 2")) == 1
        assert count_labels(session, project=of, wanted=LabelFilter(words="%")) == 0
        assert count_labels(session, project=of, wanted=LabelFilter(batch_id=batch.id)) == 3
        with pytest.raises(BadInput):
            list_labels(session, project=of, wanted=LabelFilter(source="nobody"))
        with pytest.raises(BadInput):
            list_labels(session, project=of, wanted=LabelFilter(), after="x")


def test_an_items_history_runs_from_import_to_label_and_adds_up_its_cost(unit_of_work: UnitOfWork) -> None:
    project, _, _ = unit_of_work.run(a_labelled_batch)

    with unit_of_work.reading() as session:
        of = head(session, project)
        (line, *_) = list_labels(session, project=of, wanted=LabelFilter(), limit=1).rows
        item = item_history(session, project=of, item_id=line.item_id)
        with pytest.raises(NotFound):
            item_history(session, project=of, item_id=10**9)

    assert [event.kind for event in item.events] == ["imported", "asked", "answered", "answered", "labelled"]
    assert item.cost_micros == item.events[-1].so_far_micros == micros("0.10")
    assert item.label is not None and item.label.value == "positive"
    assert item.before_id is None and item.after_id is not None


def test_workers_are_listed_the_busiest_first_with_agreement_pace_and_pay(unit_of_work: UnitOfWork) -> None:
    project, batch, _ = unit_of_work.run(a_labelled_batch)

    with unit_of_work.reading() as session:
        of = head(session, project)
        first = list_workers(session, project=of, batch_id=batch.id, limit=2)
        rest = list_workers(session, project=of, limit=2, after=first.after)
        everyone = crowd(session, project=of)

    assert [(one.answers, one.median_seconds, one.earned_micros) for one in first.rows] == [
        (3, 6.0, micros("0.15")),
        (2, 5.0, micros("0.10")),
    ]
    assert [one.agrees.right for one in first.rows] == [3, 1]
    assert [one.answers for one in rest.rows] == [1]
    assert (everyone.workers, everyone.answers, everyone.simulated) == (3, 6, 3)
    assert everyone.agrees == Share(right=5, seen=6)


def test_the_ledger_lists_every_transfer_of_the_project_once(unit_of_work: UnitOfWork) -> None:
    project, _, _ = unit_of_work.run(a_labelled_batch)

    with unit_of_work.reading() as session:
        seen, after = [], None
        while True:
            page = list_transfers(session, project_id=project.id, after=after, limit=3)
            seen += list(page.rows)
            after = page.after
            if after is None:
                break
        everything = session.scalar(select(func.count()).select_from(TransferRow))
        pays = list_transfers(session, project_id=project.id, kind="pay").rows
        with pytest.raises(BadInput):
            list_transfers(session, project_id=project.id, kind="gift")

    assert len(seen) == everything and [one.id for one in seen] == sorted((one.id for one in seen), reverse=True)
    assert {one.kind for one in seen} == {"top_up", "reserve", "pay"}
    assert len(pays) == 6 and all(one.target.simulated and one.target.name for one in pays)


def test_rounds_carry_their_model_and_what_the_ledger_says(unit_of_work: UnitOfWork) -> None:
    def write(session: Session) -> ProjectRow:
        project, batch, _ = a_labelled_batch(session)
        budget = session.get_one(BudgetRow, batch.budget_id)
        loop = loop_builders.a_loop(session, project, budget)
        first = loop_builders.a_round(session, loop, number=0, human_labels=3)
        loop_builders.a_round(session, loop, number=1, human_labels=0, state="asking")
        session.get_one(BatchRow, batch.id).round_id = first.id
        loop_builders.a_certificate(session, loop_builders.a_model(session, first), kept=False)
        return project

    project = unit_of_work.run(write)

    with unit_of_work.reading() as session:
        first, second = list_rounds(session, project_id=project.id)
        (certificate,) = list_certificates(session, project_id=project.id)
        loop = loop_state(session, project_id=project.id)

    assert (first.answers, first.spent_micros, first.per_label_micros) == (6, micros("0.30"), micros("0.10"))
    assert first.gold == Share(right=18, seen=20)
    assert second.spent_so_far_micros == micros("0.30") and second.per_label_micros is None
    assert not certificate.kept and certificate.round_number == 0
    assert loop is not None and loop.state == "running"


def test_what_waits_for_a_decision_is_listed_and_a_rejection_reaches_its_worker(unit_of_work: UnitOfWork) -> None:
    def write(session: Session) -> tuple[ProjectRow, BatchRow, int, int, int]:
        project = builders.a_project(session, simulated=True)
        builders.some_items(session, project, count=2)
        worker, _ = builders.some_workers(session, count=2)
        boss = builders.an_account(session)
        batch = builders.a_batch(session, project, builders.a_budget(session), approval="manual")
        answers = [builders.an_answer(session, batch, worker).answer_id for _ in range(2)]
        later = NOON + timedelta(minutes=5)
        reject(session, answer_id=answers[0], reason="It says the opposite.", decided_by=boss.id, now=later)
        return project, batch, worker.id, answers[0], answers[1]

    project, batch, worker_id, rejected, waiting = unit_of_work.run(write)

    with unit_of_work.reading() as session:
        of = head(session, project)
        page = list_undecided(session, project=of, batch_id=batch.id)
        (rejection,) = list_rejections(session, worker_id=worker_id)
        bench = bench_of(session, batch_id=batch.id, worker_id=worker_id)

        assert [one.answer_id for one in page.rows] == [waiting]
        assert count_undecided(session, batch_id=batch.id) == 1
        assert (rejection.answer_id, rejection.reason) == (rejected, "It says the opposite.")
        assert (bench.done, bench.held, bench.simulated) == (2, 0, True)
        assert batch_of_answer(session, project_id=of.id, answer_id=waiting) == batch.id
        assert batch_of_answer(session, project_id=of.id + 1, answer_id=waiting) is None
        assert simulated_among(session, batch_ids=[batch.id]) == {project.slug}
        assert overview(session, project=of, now=NOON).answers.to_approve == 1
