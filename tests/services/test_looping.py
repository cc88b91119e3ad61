"""The loop's life on both databases: to the promise, to the end of the money, to the last item, and by hand."""

from math import ceil
from pathlib import Path

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import find_plugins
from crowd_hitl.domain.errors import Conflict, NotFound
from crowd_hitl.services.balances import budget_balance
from crowd_hitl.services.looping import running_loop, running_loops, start_loop, stop_loop
from crowd_hitl.services.reporting.overview import overview
from crowd_hitl.services.reporting.projects import project_head
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import CertificateRow, ChoiceRow, LoopRow, RoundRow
from crowd_hitl.store.project_rows import GoldRow, ItemRow, ProjectRow
from crowd_hitl.store.unit_of_work import UnitOfWork
from crowd_hitl.store.work_rows import AnswerRow, BatchRow, TaskRow
from tests.services.looped import POLICY, NotedLearner, a_circuit, truth_of
from tests.services.published import PRICE, a_site, later, problems

PURPOSES = select(RoundRow.purpose).order_by(RoundRow.number)
CURRENT = select(ItemRow.key, LabelRow.value, LabelRow.source).join(LabelRow, LabelRow.item_id == ItemRow.id)
CURRENT = CURRENT.where(LabelRow.state == "current").order_by(ItemRow.id)


def test_a_loop_goes_all_the_way_to_its_promise(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)

    step = circuit.run()

    assert (step.stopped, step.waiting, step.phase) == ("promise", False, "stopped")
    expected = ["reference", "learn", "learn", "learn", "doubtful", "recheck", "audit", "confirm"]
    assert circuit.rows(PURPOSES) == expected
    labels = circuit.rows(CURRENT)
    assert [value for _, value, _ in labels] == [truth_of(key) for key, _, _ in labels]
    assert len(labels) == 40 and {source for _, _, source in labels} == {"consensus", "model"}
    assert circuit.rows(select(func.sum(RoundRow.answers))) == circuit.rows(select(func.count(AnswerRow.id)))
    assert problems(circuit.site) == []
    assert circuit.advance() == step


def test_the_overview_counts_the_items_that_a_model_sent_to_people(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run()

    head = circuit.site.uow.read(
        project_head, organisation_id=circuit.site.organisation_id, slug=circuit.rows(select(ProjectRow.slug))[0]
    )
    model = circuit.site.uow.read(overview, project=head).model

    sent = select(func.count(ChoiceRow.item_id.distinct())).where(ChoiceRow.reason.in_(["margin", "doubtful", "audit"]))
    assert model is not None
    assert [model.to_people] == circuit.rows(sent)
    assert model.to_people > 0


def test_the_real_text_learner_brings_a_loop_to_its_end(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, learner=find_plugins().learners["text"], policy={"rounds_max": 1})

    assert circuit.run().stopped == "promise"

    labels = circuit.rows(CURRENT)
    assert len(labels) == 40 and all(value == truth_of(key) for key, value, _ in labels)


@pytest.mark.parametrize("places", [3, 22, 60])
def test_a_loop_stops_when_the_money_buys_no_further_place_and_keeps_everything(
    unit_of_work: UnitOfWork, tmp_path: Path, places: int
) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, money=places * PRICE, policy={"audit_items": 36})

    step = circuit.run()

    assert step.stopped == "budget"
    balance = unit_of_work.read(budget_balance, budget_id=circuit.site.budget_id)
    assert balance.reserved_micros == 0
    line = 1  # the least that is set aside for a late answer
    assert balance.available_micros < PRICE * (POLICY.overlap_min + line)
    answered = set(circuit.rows(select(TaskRow.item_id).where(TaskRow.answers_count > 0)))
    assert set(circuit.rows(select(LabelRow.item_id).where(LabelRow.state == "current"))) == answered
    assert circuit.rows(select(LoopRow.stopped_at))[0] is not None
    assert problems(circuit.site) == []


def test_gold_that_the_last_money_cannot_pay_is_left_out(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    """8 items with 10% gold take 9 tasks of 2 places, and a line for one late answer: the money is for one less."""
    reference, line = 4 * 2, 1
    for places in range(reference + line + 16, reference + line + 19):
        folder = tmp_path / str(places)
        with unit_of_work.engine.begin() as connection:
            for table in reversed(LoopRow.metadata.sorted_tables):
                connection.execute(table.delete())
        circuit = a_circuit(unit_of_work, folder, money=places * PRICE + PRICE // 2)

        assert circuit.run().stopped == "budget"
        first = circuit.rows(select(BatchRow.gold_rate).where(BatchRow.purpose == "learn").order_by(BatchRow.id))[0]
        assert (first > 0) == (places >= reference + line + 2 * (8 + ceil(0.1 * 8)))


def test_a_loop_ends_exhausted_when_people_have_labelled_all(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    learner = NotedLearner(wrong=frozenset(f"k{n}" for n in range(40)))
    policy = {"max_error": 0.01, "looks": 1, "audit_items": 6, "rounds_max": 1}
    circuit = a_circuit(unit_of_work, tmp_path, learner=learner, policy=policy)

    assert circuit.run().stopped == "exhausted"

    labels = circuit.rows(CURRENT)
    assert len(labels) == 40
    assert all((value, source) == (truth_of(key), "consensus") for key, value, source in labels)
    assert circuit.rows(select(CertificateRow.kept)) == [False]


def test_a_loop_stopped_by_hand_closes_its_batch_and_gives_the_money_back(
    unit_of_work: UnitOfWork, tmp_path: Path
) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.round_number == 1 and step.waiting)
    assert unit_of_work.read(budget_balance, budget_id=circuit.site.budget_id).reserved_micros > 0
    labelled = len(circuit.rows(CURRENT))

    stopped = unit_of_work.run(stop_loop, loop_id=circuit.loop_id)

    assert (stopped.state, stopped.stopped) == ("stopped", "by_hand")
    balance = unit_of_work.read(budget_balance, budget_id=circuit.site.budget_id)
    assert (balance.reserved_micros, balance.topped_up_micros) == (0, balance.spent_micros + balance.available_micros)
    assert set(circuit.rows(select(BatchRow.state))) == {"closed"}
    assert len(circuit.rows(CURRENT)) == labelled == 4
    assert circuit.advance().stopped == "by_hand"
    assert unit_of_work.run(stop_loop, loop_id=circuit.loop_id).stopped == "by_hand"
    assert problems(circuit.site) == []


def test_one_loop_runs_at_a_time_and_another_may_follow_it(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    again = {"project_id": circuit.site.project_id, "budget_id": circuit.site.budget_id, "policy": POLICY, "seed": 2}

    with pytest.raises(Conflict, match="running already"):
        unit_of_work.run(start_loop, **again)

    unit_of_work.run(stop_loop, loop_id=circuit.loop_id)
    with pytest.raises(NotFound):
        unit_of_work.read(running_loop, project_id=circuit.site.project_id)
    second = unit_of_work.run(start_loop, **again)
    assert unit_of_work.read(running_loops) == [second.id]


def test_a_loop_needs_items_and_a_budget(unit_of_work: UnitOfWork) -> None:
    site = a_site(unit_of_work, items=0)
    terms = {"project_id": site.project_id, "policy": POLICY, "seed": 1}

    with pytest.raises(NotFound, match="no budget 999"):
        unit_of_work.run(start_loop, budget_id=999, **terms)
    with pytest.raises(Conflict, match="no items yet"):
        unit_of_work.run(start_loop, budget_id=site.budget_id, **terms)


def test_gold_that_came_with_the_items_replaces_the_reference(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, gold=6)

    circuit.run()

    assert circuit.rows(PURPOSES)[0] == "learn"
    assert set(circuit.rows(select(GoldRow.source))) == {"imported"}
    gold = set(circuit.rows(select(GoldRow.item_id)))
    assert gold.isdisjoint(circuit.rows(select(ChoiceRow.item_id)))
    assert problems(circuit.site) == []


def test_a_loop_waits_while_there_is_nobody_to_ask(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    unit_of_work.run(_set_everybody, state="paused")

    steps = [circuit.advance() for _ in range(3)]

    assert all(step.waiting and step.round_number is None for step in steps)
    unit_of_work.run(_set_everybody, state="active")
    assert circuit.run().stopped == "promise"


def test_items_that_come_in_behind_the_last_model_stop_nothing(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path)
    circuit.run(until=lambda step: step.phase == "audit")

    def import_more(session: Session) -> None:
        project = {"project_id": circuit.site.project_id, "data": {}, "created_at": later(0)}
        session.add_all(ItemRow(key=f"k{n}", text=f"late {n}", **project) for n in range(100, 130))

    unit_of_work.run(import_more)

    assert circuit.run().stopped == "promise"
    assert circuit.rows(select(CertificateRow.pool)) == [36]
    assert len(circuit.rows(CURRENT)) == 40


def test_a_project_of_nothing_but_gold_ends_at_once(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    circuit = a_circuit(unit_of_work, tmp_path, items=0, gold=6)

    assert circuit.run().stopped == "promise"
    assert circuit.rows(select(AnswerRow.id)) == []


def _set_everybody(session: Session, *, state: str) -> None:
    session.execute(update(WorkerRow).values(state=state))
