"""Measuring workers: the skill that a weighing found, beside how they did on gold."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.inference.calibrating import Calibration, Reliability
from crowd_hitl.store.account_rows import WorkerSkillRow
from crowd_hitl.store.label_rows import CalibrationRow
from crowd_hitl.store.project_rows import IS_TRUSTED, GoldRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow


def write_calibration(
    session: Session, *, project_id: int, field: str, calibration: Calibration, reliability: Reliability, now: datetime
) -> None:
    """Keep how far the confidence of a field's labels is to be believed; the only writer of calibration."""
    found = select(CalibrationRow).where(CalibrationRow.project_id == project_id, CalibrationRow.field == field)
    row = session.scalar(found)
    if row is None:
        row = CalibrationRow(project_id=project_id, field=field)
        session.add(row)
    row.gold, row.base, row.mixing = calibration.gold, calibration.base, calibration.mixing
    row.threshold, row.claimed, row.kept = reliability.threshold, reliability.claimed, reliability.kept
    row.ece, row.bins, row.made_at = reliability.ece, [asdict(one) for one in reliability.bins], now
    session.flush()


def write_skills(
    session: Session,
    *,
    batch_id: int,
    field: str,
    skills: Mapping[int, float],
    is_right: Callable[[Any, str], bool] | None = None,
    now: datetime,
) -> None:
    """Keep each worker's measured skill for the project; the only writer of worker_skill.

    `is_right` compares what was answered to gold with what is known of it, where being the same is too much to ask.
    """
    project_id = session.get_one(BatchRow, batch_id).project_id
    known = {
        row.worker_id: row
        for row in session.scalars(
            select(WorkerSkillRow).where(WorkerSkillRow.project_id == project_id, WorkerSkillRow.field == field)
        )
    }
    counts = _answer_counts(session, project_id=project_id)
    gold = _gold_counts(session, project_id=project_id, field=field, is_right=is_right)
    for worker_id, accuracy in skills.items():
        row = known.get(worker_id)
        if row is None:
            row = WorkerSkillRow(project_id=project_id, worker_id=worker_id, field=field)
            session.add(row)
        row.accuracy, row.answers, row.updated_at = accuracy, counts.get(worker_id, 0), now
        row.gold_seen, row.gold_right = gold.get(worker_id, (0, 0))
    session.flush()


def recount_gold(
    session: Session, *, project_id: int, field: str, is_right: Callable[[Any, str], bool] | None, now: datetime
) -> int:
    """Count anew how workers did on gold, after a person decided what is gold; return for how many that changed."""
    gold = _gold_counts(session, project_id=project_id, field=field, is_right=is_right)
    skills = session.scalars(
        select(WorkerSkillRow).where(WorkerSkillRow.project_id == project_id, WorkerSkillRow.field == field)
    ).all()
    changed = [row for row in skills if (row.gold_seen, row.gold_right) != gold.get(row.worker_id, (0, 0))]
    for row in changed:
        (row.gold_seen, row.gold_right), row.updated_at = gold.get(row.worker_id, (0, 0)), now
    session.flush()
    return len(changed)


def _answer_counts(session: Session, *, project_id: int) -> dict[int, int]:
    rows = session.execute(
        select(AssignmentRow.worker_id, func.count())
        .join(BatchRow, BatchRow.id == AssignmentRow.batch_id)
        .where(BatchRow.project_id == project_id, AssignmentRow.state.in_([s.value for s in ANSWERED]))
        .group_by(AssignmentRow.worker_id)
    )
    return dict(rows.all())


def _gold_counts(
    session: Session, *, project_id: int, field: str, is_right: Callable[[Any, str], bool] | None
) -> dict[int, tuple[int, int]]:
    """Count (seen, right) of each worker's answers to gold tasks; what is suspect or retired counts for nobody."""
    said = AnswerRow.value[field]
    answers = (
        select(AnswerRow.worker_id)
        .join(TaskRow, TaskRow.id == AnswerRow.task_id)
        .join(GoldRow, GoldRow.item_id == TaskRow.item_id)
        .where(GoldRow.project_id == project_id, GoldRow.field == field, IS_TRUSTED, TaskRow.is_gold.is_(True))
        .where(AnswerRow.is_broken.is_(False))
    )
    if is_right is None:
        right = func.sum(case((said.as_string() == GoldRow.value, 1), else_=0))
        rows = session.execute(answers.add_columns(func.count(), right).group_by(AnswerRow.worker_id))
        return {worker_id: (seen, int(correct)) for worker_id, seen, correct in rows}
    seen_by, right_by = Counter[int](), Counter[int]()
    for worker_id, value, known in session.execute(
        answers.add_columns(said, GoldRow.value).execution_options(yield_per=1_000)
    ):
        seen_by[worker_id] += 1
        right_by[worker_id] += is_right(value, known)
    return {worker_id: (seen, right_by[worker_id]) for worker_id, seen in seen_by.items()}
