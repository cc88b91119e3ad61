"""Builders of what a loop leaves behind, written by hand: its rounds, models and certificates."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from crowd_hitl.domain.rounds import LoopPolicy
from crowd_hitl.store.loop_rows import CertificateRow, LoopRow, ModelVersionRow, RoundRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import ProjectRow, QuestionVersionRow
from tests.builders import NOON


def a_loop(
    session: Session, project: ProjectRow, budget: BudgetRow, *, state: str = "running", now: datetime = NOON
) -> LoopRow:
    """Start a loop by hand; with state "stopped" its promise was met."""
    stopped = state == "stopped"
    loop = LoopRow(
        project_id=project.id,
        budget_id=budget.id,
        state=state,
        phase="stopped" if stopped else "learn",
        stopped="promise" if stopped else None,
        extending=False,
        seed=1,
        policy=LoopPolicy().as_json(),
        started_at=now,
        stopped_at=now if stopped else None,
    )
    session.add(loop)
    session.flush()
    return loop


def a_round(
    session: Session, loop: LoopRow, *, number: int = 1, state: str = "done", now: datetime = NOON, **counts: int
) -> RoundRow:
    """Write a round by hand; `counts` are RoundRow's, e.g. human_labels=20."""
    figures = {"items_asked": 20, "answers": 50, "human_labels": 20, "model_labels": 0, "spent_micros": 0, **counts}
    row = RoundRow(
        loop_id=loop.id,
        project_id=loop.project_id,
        number=number,
        purpose="learn",
        state=state,
        model_accuracy=None,
        model_agreement=None,
        started_at=now,
        finished_at=now,
        **figures,
    )
    session.add(row)
    session.flush()
    return row


def a_model(
    session: Session, row: RoundRow, *, gold_right: int = 18, gold_seen: int = 20, now: datetime = NOON
) -> ModelVersionRow:
    """Write the model version that a round trained."""
    question = select(QuestionVersionRow.id).where(QuestionVersionRow.project_id == row.project_id)
    model = ModelVersionRow(
        project_id=row.project_id,
        round_id=row.id,
        number=row.number,
        learner="logistic",
        question_version_id=session.scalars(question).one(),
        field="label",
        trained_on=40,
        data_key="data",
        data_sha256="0" * 64,
        model_key="model",
        model_sha256="0" * 64,
        libraries={},
        gold_seen=gold_seen,
        gold_right=gold_right,
        spent_micros=0,
        created_at=now,
    )
    session.add(model)
    session.flush()
    row.model_version_id = model.id
    return model


def a_certificate(
    session: Session, model: ModelVersionRow, *, kept: bool = True, now: datetime = NOON
) -> CertificateRow:
    """Write what an audit proved."""
    assert model.round_id is not None
    certificate = CertificateRow(
        project_id=model.project_id,
        round_id=model.round_id,
        model_version_id=model.id,
        method="finite_pool",
        threshold=0.9,
        max_error=0.03,
        delta=0.05,
        looks=1,
        pool=100,
        pool_sha256="0" * 64,
        accepted=60,
        audited=40,
        errors=0 if kept else 3,
        bound=0.021 if kept else 0.087,
        kept=kept,
        state="valid",
        created_at=now,
    )
    session.add(certificate)
    session.flush()
    return certificate
