"""What a worker can earn now: the open batches with their pay, and how long others took."""

from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median

from sqlalchemy import Exists, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import BARRING
from crowd_hitl.domain.tasks import BatchState, TaskState
from crowd_hitl.services.blocking import holds
from crowd_hitl.services.gating import caps_left, why_not
from crowd_hitl.services.seating import price_for
from crowd_hitl.store.account_rows import WorkerRow
from crowd_hitl.store.gate_rows import WorkerBlockRow
from crowd_hitl.store.project_rows import ItemRow, ProjectRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

# The pace is told from the newest answers; fewer than this many say nothing.
PACE_SAMPLE, PACE_MIN = 200, 5
SHOWN = 50
# Who has so many left need not know how many more: counting a million for every look at the list would cost seconds.
COUNTED = 1_000
# Some of them ask for what this worker has not.
LOOKED_AT = 500


@dataclass(frozen=True)
class WorkOffer:
    """One batch of a worker; `asks` is the kind of its question (and what it counts), `kind` that of its items.

    `median_seconds` is None until enough answers tell the pace.

    With `hourly_micros` it pays by active time, up to the price for each answer. With `limit`, in words for the
    worker, they have done the most they may for now, and nothing is available.
    """

    batch_id: int
    project_slug: str
    project_name: str
    batch_name: str
    prompt: str
    asks: str
    kind: str
    price_micros: int
    currency: str
    available: int
    median_seconds: float | None
    hourly_micros: int | None = None
    page_size: int = 1
    limit: str | None = None


def work_for(session: Session, *, worker_id: int, now: datetime) -> list[WorkOffer]:
    """List the open batches that have a place for this worker, the best paid first.

    What a worker may not do, as a requirement or a block is in the way, is left out; what has reached a limit is last.
    """
    worker = session.get_one(WorkerRow, worker_id)
    if worker.state != "active":
        return []
    batches = session.execute(
        select(BatchRow, ProjectRow, QuestionVersionRow)
        .join(ProjectRow, ProjectRow.id == BatchRow.project_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == BatchRow.question_version_id)
        .where(ProjectRow.organisation_id == worker.organisation_id, BatchRow.state == BatchState.OPEN.value)
        .where(or_(BatchRow.deadline.is_(None), BatchRow.deadline > now))
        .where(_open_tasks(worker_id).exists())
        .where(~_kept_from(worker_id, now=now))
        .order_by(BatchRow.price_micros.desc(), BatchRow.id)
        .limit(LOOKED_AT)
    )
    offers: list[WorkOffer] = []
    for batch, project, question in batches:
        refusal = why_not(session, batch=batch, worker_id=worker_id, now=now) if batch.is_special else None
        if refusal is not None and refusal.hides:
            continue
        offer = _offer(session, batch, project, question, worker_id=worker_id)
        if refusal is not None:
            offer = replace(offer, available=0, limit=refusal.words)
        elif batch.is_special:
            left = caps_left(session, batch=batch, worker_id=worker_id, now=now)
            offer = replace(offer, available=offer.available if left is None else min(offer.available, left))
        offers.append(offer)
        if len(offers) == SHOWN:
            break
    # some are paid at a rate
    return sorted(offers, key=lambda offer: (offer.limit is not None, -offer.price_micros))


def _kept_from(worker_id: int, *, now: datetime) -> Exists:
    here = or_(
        WorkerBlockRow.project_id.is_(None),
        and_(WorkerBlockRow.project_id == BatchRow.project_id, WorkerBlockRow.batch_id.is_(None)),
        WorkerBlockRow.batch_id == BatchRow.id,
    )
    return exists().where(WorkerBlockRow.worker_id == worker_id, holds(now), here).correlate(BatchRow)


def _open_tasks(worker_id: int) -> Select[int]:
    """Select the open tasks of a batch that no earlier assignment keeps this worker from."""
    barred = exists().where(
        AssignmentRow.voice_key == TaskRow.voice_key,
        AssignmentRow.worker_id == worker_id,
        AssignmentRow.state.in_([state.value for state in BARRING]),
    )
    open_here = (TaskRow.batch_id == BatchRow.id, TaskRow.state == TaskState.OPEN.value)
    return select(TaskRow.id).where(*open_here, ~barred).correlate(BatchRow)


def _offer(
    session: Session, batch: BatchRow, project: ProjectRow, question: QuestionVersionRow, *, worker_id: int
) -> WorkOffer:
    places = _open_tasks(worker_id).where(TaskRow.batch_id == batch.id)
    available = session.scalar(select(func.count()).select_from(places.correlate(None).limit(COUNTED).subquery()))
    first = select(ItemRow.image_key, ItemRow.audio_key).join(TaskRow, TaskRow.item_id == ItemRow.id)
    image, audio = session.execute(first.where(TaskRow.batch_id == batch.id).limit(1)).first() or (None, None)
    pace = session.scalars(
        select(AnswerRow.seconds)
        .where(AnswerRow.batch_id == batch.id, AnswerRow.seconds > 0)
        .order_by(AnswerRow.id.desc())
        .limit(PACE_SAMPLE)
    ).all()
    return WorkOffer(
        batch_id=batch.id,
        project_slug=project.slug,
        project_name=project.name,
        batch_name=batch.name,
        prompt=str(question.spec.get("prompt", "")),
        asks=_asked(question),
        kind="image" if image else "audio" if audio else "text",
        price_micros=price_for(session, batch=batch, worker_id=worker_id),
        hourly_micros=batch.hourly_micros,
        page_size=batch.page_size,
        currency=batch.currency,
        available=available or 0,
        median_seconds=float(median(pace)) if len(pace) >= PACE_MIN else None,
    )


def _asked(question: QuestionVersionRow) -> str:
    # The labelling page shows an item's text, not its list of tokens: it has no form for answers that count those.
    return f"{question.kind} of tokens" if question.spec.get("unit") == "tokens" else question.kind
