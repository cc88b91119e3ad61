"""Deliberate faults: constraints taken out of the schema, lines taken out of the code, as a careless change would."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import Engine, false, text
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import AssignmentState, SittingState
from crowd_hitl.domain.tasks import TaskState
from crowd_hitl.services import (
    answering,
    assigning,
    compensating,
    handing_out,
    paying,
    publishing,
    settling_sittings,
    transferring,
)
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.hot_path import sqlite_texts
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, SittingRow, TaskRow

Patch = pytest.MonkeyPatch
SETTLED_ONCE = "CONSTRAINT uq_transfer_sitting_id_kind UNIQUE (sitting_id, kind)"


def without_the_voice_index(engine: Engine, _patch: Patch) -> None:
    """Lose the partial unique index: only an `if` stands between a worker and a second voice."""
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX one_voice_per_worker"))


def with_a_second_voice(engine: Engine, patch: Patch) -> None:
    """Lose the index and the `if` as well: a worker is handed an item that they answered in another batch."""
    without_the_voice_index(engine, patch)
    for name in ("AHEAD", "THIS"):
        text_ = getattr(sqlite_texts, name)
        assert "e.voice_key = t.voice_key" in text_
        elsewhere = "e.voice_key = t.voice_key AND e.state NOT IN ('leased', 'submitted', 'approved')"
        patch.setattr(
            sqlite_texts, name, text_.replace("e.voice_key = t.voice_key", f"(e.task_id = t.id OR {elsewhere})")
        )


def without_the_settlement_constraint(engine: Engine, _patch: Patch) -> None:
    """Lose UNIQUE (sitting, kind): nothing in the schema refuses a second payment."""
    if engine.dialect.name == "postgresql":
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE transfer DROP CONSTRAINT uq_transfer_sitting_id_kind"))
        return
    found = "SELECT sql FROM sqlite_master WHERE tbl_name = 'transfer' AND sql IS NOT NULL ORDER BY type = 'index'"
    with engine.begin() as connection:
        table, *indexes = connection.scalars(text(found)).all()
        assert SETTLED_ONCE in table
        connection.execute(text("DROP TABLE transfer"))
        without = table.replace(SETTLED_ONCE, "CONSTRAINT lost CHECK (1 = 1)")
        for statement in (without, *indexes):
            connection.exec_driver_sql(statement)


def with_a_second_settlement(engine: Engine, patch: Patch) -> None:
    """Lose the constraint, and approve without asking whether it was done: a retried approval pays again."""
    without_the_settlement_constraint(engine, patch)
    _approve_whatever_was_decided(patch)


def with_a_blind_approval(_engine: Engine, patch: Patch) -> None:
    """Approve without asking whether it was done: here the constraint has the last word."""
    _approve_whatever_was_decided(patch)


def with_places_lost_at_expiry(_engine: Engine, patch: Patch) -> None:
    """Forget to open the place of a hold that ended."""

    def let_go(
        session: Session, assignment: AssignmentRow, *, state: AssignmentState, now: datetime, offset: int = 0
    ) -> None:
        assignment.state, assignment.ended_at = state, now
        session.flush()

    patch.setattr(assigning, "let_go", let_go)


def with_a_budget_not_counted_down(_engine: Engine, patch: Patch) -> None:
    """Append the transfer and leave the budget's counter as it was."""
    for module in (transferring, paying):
        patch.setattr(module, "take", lambda budget, *, amount_micros: None)


def with_money_not_given_back(_engine: Engine, patch: Patch) -> None:
    """Close a batch and keep what its open places had reserved."""
    patch.setattr(publishing, "give_back", lambda *_args, **_more: None)


def with_more_given_back_than_is_free(_engine: Engine, patch: Patch) -> None:
    """Close a batch and return the money of places that are leased or undecided, too."""

    patch.setattr(publishing, "not_needed", _all_that_it_holds)


def with_repeats_taken_for_new(_engine: Engine, patch: Patch) -> None:
    """Forget that a client key says which submit it is."""
    patch.setattr(answering, "_repeated", lambda *_args, **_more: None)


def with_answers_counted_after_rejection(_engine: Engine, patch: Patch) -> None:
    """Reject an answer and leave it in its task's count."""
    real = paying.reject

    def reject(session: Session, *, answer_id: int, reason: str, decided_by: int | None, now: datetime) -> None:
        real(session, answer_id=answer_id, reason=reason, decided_by=decided_by, now=now)
        task = session.get_one(TaskRow, session.get_one(AnswerRow, answer_id).task_id)
        session.refresh(task)
        if task.places_left:
            task.answers_count, task.places_left = task.answers_count + 1, task.places_left - 1
            task.state = TaskState.OPEN if task.places_left else TaskState.FULL

    patch.setattr(paying, "reject", reject)


def with_a_line_not_counted_down(_engine: Engine, patch: Patch) -> None:
    """Pay what is set aside, and leave the line as it was: it promises money that is gone."""
    real = compensating._pay_from_line

    def pay_from_line(
        session: Session, batch: BatchRow, sitting: SittingRow, *, assignment_id: int, now: datetime
    ) -> bool:
        before = batch.compensation_micros
        paid = real(session, batch, sitting, assignment_id=assignment_id, now=now)
        batch.compensation_micros = before
        return paid

    patch.setattr(compensating, "_pay_from_line", pay_from_line)


def with_pages_paid_before_their_end(_engine: Engine, patch: Patch) -> None:
    """Settle a sitting of which places are still leased."""
    patch.setattr(settling_sittings, "_has", lambda _session, _sitting_id, state: state != AssignmentState.LEASED)


def with_blocks_forgotten(_engine: Engine, patch: Patch) -> None:
    """Hand places out to whom is blocked from a project or batch; what stands everywhere is marked in their row."""
    seen = (BatchRow.state, WorkerRow.state, BatchRow.page_size, BatchRow.is_special, false())
    patch.setattr(handing_out, "BATCH_FOR_WORKER", handing_out.BATCH_FOR_WORKER.with_only_columns(*seen))
    assert "k.worker_id = :worker_id" in sqlite_texts.GATE
    patch.setattr(sqlite_texts, "GATE", sqlite_texts.GATE.replace("k.worker_id = :worker_id", "k.worker_id = -1"))


def _all_that_it_holds(session: Session, batch: BatchRow) -> int:
    """Say all that a batch holds."""
    held = (
        "SELECT coalesce(sum(CASE WHEN kind IN ('reserve', 'extend') THEN amount_micros ELSE -amount_micros END), 0)"
        " FROM transfer WHERE batch_id = :batch_id AND kind IN ('reserve', 'extend', 'pay', 'fee', 'release')"
    )
    return int(session.scalar(text(held), {"batch_id": batch.id}) or 0)


def _approve_whatever_was_decided(patch: Patch) -> None:
    real = paying.approve

    def approve(session: Session, *, answer_id: int, decided_by: int | None, now: datetime) -> None:
        assignment = session.get_one(AssignmentRow, session.get_one(AnswerRow, answer_id).assignment_id)
        if assignment.state == AssignmentState.APPROVED:
            session.get_one(SittingRow, assignment.sitting_id).state = SittingState.OPEN
            session.flush()
            paying.settle(session, assignment=assignment, decided_by=decided_by, now=now)
        else:
            real(session, answer_id=answer_id, decided_by=decided_by, now=now)

    patch.setattr(paying, "approve", approve)


# fault → what the report must name: one of these, as it depends on what is drawn first
FAULTS: dict[Callable[[Engine, Patch], None], tuple[str, ...]] = {
    without_the_voice_index: ("no constraint holds the rule 'one voice per worker'",),
    with_a_second_voice: ("rule 'voice'",),
    without_the_settlement_constraint: ("no constraint holds the rule 'one settlement per sitting and kind'",),
    with_a_second_settlement: ("rule 'payment'", "rule 'reservation'"),
    with_a_blind_approval: ("transfer.sitting_id, transfer.kind", "AlreadyDone was due"),
    with_places_lost_at_expiry: ("rule 'overlap'",),
    with_a_budget_not_counted_down: ("rule 'budget'",),
    with_money_not_given_back: ("rule 'reservation'",),
    with_more_given_back_than_is_free: ("rule 'reservation'",),
    with_repeats_taken_for_new: ("answer.worker_id, answer.client_key", "AlreadyDone"),
    with_answers_counted_after_rejection: ("rule 'overlap'",),
    with_a_line_not_counted_down: ("rule 'reservation'",),
    with_pages_paid_before_their_end: ("state of assignment",),
    with_blocks_forgotten: ("is not open to worker", "are permitted"),
}
