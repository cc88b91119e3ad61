"""A project's own answers as a pilot: coded, at most so many of them, with the terms and the pace of their batch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.errors import BadInput, CrowdError, NotFound
from crowd_hitl.domain.ports import AnswerTable, Question
from crowd_hitl.domain.rounds import Phase
from crowd_hitl.domain.tasks import BatchState
from crowd_hitl.inference.planning import FEWEST_TASKS
from crowd_hitl.inference.redrawing import Pilot
from crowd_hitl.services.forecasting import pace_of
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.queueing import Asked, broken_items, extent_of
from crowd_hitl.store.project_rows import BOUGHT, CORRECTED, IS_TRUSTED, GoldRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, OfferRow, TaskRow

# A redraw holds at most 6,000 items: more answers than this take long to read and tell little more.
MOST_ANSWERS = 60_000
BATCHES_SHOWN = 20
# A round asks at random for its reference and its audit; here it asks what its model is least sure of, or contradicts.
CHOSEN = [phase.value for phase in (Phase.LEARN, Phase.DOUBTFUL, Phase.RECHECK, Phase.CONFIRM)]
READ_AT_ONCE = 10_000
# An item is drawn by its number alone, so that both databases draw the same. Steps of the golden section spread items
# that lie beside each other as evenly as can be, and products stay below 2^63.
MODULUS, FACTOR = 2**31 - 1, 1_327_217_885


@dataclass(frozen=True)
class PilotBatch:
    """The batch whose terms the plan goes by; `pays_less`: some answers earn less than its price."""

    id: int
    name: str
    state: str
    price_micros: int
    currency: str
    channel: str
    gold_rate: float
    budget_id: int
    pays_less: bool


@dataclass(frozen=True)
class Outset:
    """What a project has to plan from: batches with answers, answered items (counted up to ten), items that wait."""

    kind: str
    is_class: bool
    batches: Sequence[PilotBatch]
    answered: int
    waiting: int

    @property
    def is_enough(self) -> bool:
        """Say whether a plan can be worked out."""
        return self.is_class and self.answered >= FEWEST_TASKS


@dataclass(frozen=True)
class LivePilot:
    """A project's answers as a pilot, each worker's first to an item; `items` and `answers` count all that there are.

    `is_chosen`: a model chose some of the items, so they are no random ones. `pace`: so many answers in so many
    seconds. `waiting`: items that a new batch would ask.
    """

    pilot: Pilot
    batch: PilotBatch
    items: int
    answers: int
    is_sampled: bool
    is_chosen: bool
    pace: tuple[int, float] | None
    waiting: int
    seen_answer_id: int
    read_at: datetime


def outset(session: Session, *, project_id: int, questions: Mapping[str, Question]) -> Outset:
    """Say what there is to plan from; it never reads an answer."""
    version = newest_question(session, project_id=project_id)
    batches = _pilot_batches(session, version)
    answered = select(TaskRow.id).where(TaskRow.batch_id.in_(_batches(version, None)), TaskRow.answers_count > 0)
    return Outset(
        kind=version.kind,
        is_class=questions[version.kind].is_class,
        batches=batches,
        answered=session.scalar(select(func.count()).select_from(answered.limit(FEWEST_TASKS).subquery())) or 0,
        waiting=_waiting(session, version),
    )


def _pilot_batches(session: Session, version: QuestionVersionRow, batch_id: int | None = None) -> list[PilotBatch]:
    """List the newest batches that have answers to this question, or the one that is named."""
    query = (
        select(BatchRow, OfferRow.channel)
        .outerjoin(OfferRow, and_(OfferRow.batch_id == BatchRow.id, OfferRow.ordinal == 0))
        .where(BatchRow.id.in_(_batches(version, batch_id)), exists().where(AnswerRow.batch_id == BatchRow.id))
        .order_by(BatchRow.id.desc())
        .limit(BATCHES_SHOWN)
    )
    return [
        PilotBatch(
            id=row.id,
            name=row.name,
            state=row.state,
            price_micros=row.price_micros,
            currency=row.currency,
            channel=channel or "inhouse",
            gold_rate=row.gold_rate,
            budget_id=row.budget_id,
            pays_less=row.hourly_micros is not None or bool(row.rates),
        )
        for row, channel in session.execute(query)
    ]


def refuse_no_class(version: QuestionVersionRow, questions: Mapping[str, Question]) -> None:
    """Refuse a question whose answers are no class: what is not counted cannot be played on."""
    if not questions[version.kind].is_class:
        raise BadInput(
            f"Answers to a question of the kind '{version.kind}' are no label out of a few, so no accuracy can be "
            "planned for them. `crowd-hitl batch forecast` says what is left of a batch, `crowd-hitl agreement` how "
            "far its workers agree."
        )


def read_pilot(
    session: Session,
    *,
    project_id: int,
    questions: Mapping[str, Question],
    batch_id: int | None = None,
    most: int = MOST_ANSWERS,
    now: datetime,
) -> LivePilot:
    """Read a project's standing answers, or one batch's; beyond `most`, all answers of items drawn at random.

    NotFound for a batch that is none of the project's or has no answer, BadInput for answers that are no class or
    when nobody has answered yet.
    """
    version = newest_question(session, project_id=project_id)
    refuse_no_class(version, questions)
    batches = _pilot_batches(session, version, batch_id)
    if not batches:
        raise _nothing(batch_id)
    within = _batches(version, batch_id)
    items, answers = session.execute(
        select(func.count(TaskRow.item_id.distinct()), func.coalesce(func.sum(TaskRow.answers_count), 0))
        .where(TaskRow.batch_id.in_(within))
        .where(TaskRow.answers_count > 0)
    ).one()
    field = questions[version.kind].fields(version.spec)[0]
    query = _standing(version, within, field=field)
    if answers > most:
        query = query.where(_is_drawn(most / answers))
    rows = ((item_id, worker_id, value) for item_id, worker_id, value in session.execute(query))
    return LivePilot(
        pilot=_coded(whole_items(rows, most=most), gold=_gold(session, version, field=field)),
        batch=batches[0],
        items=items,
        answers=int(answers),
        is_sampled=answers > most,
        is_chosen=_is_chosen(session, within),
        pace=_pace(session, batches[0], now=now),
        waiting=_waiting(session, version),
        seen_answer_id=newest_answer(session, project_id=project_id, batch_id=batch_id),
        read_at=now,
    )


def _nothing(batch_id: int | None) -> CrowdError:
    if batch_id is not None:
        return NotFound(f"There is no batch {batch_id} with answers to the question as it is asked now.")
    return BadInput("The project has no answers yet. Publish a small batch first: that is the pilot.")


def newest_answer(session: Session, *, project_id: int, batch_id: int | None) -> int:
    """Return the number of the newest answer, so that a plan can be told that more have come since."""
    version = newest_question(session, project_id=project_id)
    batches = _batches(version, batch_id)
    return session.scalar(select(func.max(AnswerRow.id)).where(AnswerRow.batch_id.in_(batches))) or 0


def whole_items(rows: Iterable[tuple[int, int, str]], *, most: int) -> list[tuple[int, int, str]]:
    """Take rows (item, worker, answer), up to `most` of them; the last item that does not fit in whole is left out."""
    taken: list[tuple[int, int, str]] = []
    start = 0
    for row in rows:
        if taken and row[0] != taken[-1][0]:
            start = len(taken)
        if len(taken) >= most and start:
            return taken[:start]
        taken.append(row)
    return taken


def _coded(rows: Sequence[tuple[int, int, str]], *, gold: Mapping[int, str]) -> Pilot:
    """Code answers: items and workers by their numbers, labels by their text; a label of gold nobody gave is -2."""
    item_ids, tasks = np.unique(np.array([row[0] for row in rows], dtype=np.int64), return_inverse=True)
    worker_ids, workers = np.unique(np.array([row[1] for row in rows], dtype=np.int64), return_inverse=True)
    values = sorted({row[2] for row in rows})
    codes = {value: code for code, value in enumerate(values)}
    voices = tasks.astype(np.int64) * len(worker_ids) + workers
    first = np.sort(np.unique(voices, return_index=True)[1])
    table = AnswerTable(
        tasks=tasks[first].astype(np.int32),
        workers=workers[first].astype(np.int32),
        labels=np.array([codes[row[2]] for row in rows], dtype=np.int32)[first],
        n_tasks=len(item_ids),
        n_workers=len(worker_ids),
        n_labels=len(values),
    )
    known = [-1 if int(item) not in gold else codes.get(gold[int(item)], -2) for item in item_ids]
    return Pilot(table, np.array(known, dtype=np.int32))


def _batches(version: QuestionVersionRow, batch_id: int | None) -> Select[int]:
    """Select the batches whose answers may be read together, or the one that is named, if it is one of them."""
    found = (
        select(BatchRow.id)
        .join(QuestionVersionRow, QuestionVersionRow.id == BatchRow.question_version_id)
        .where(BatchRow.project_id == version.project_id, QuestionVersionRow.pool == version.pool)
    )
    return found if batch_id is None else found.where(BatchRow.id == batch_id)


def _standing(version: QuestionVersionRow, batches: Select[int], *, field: str) -> Select[int, int, str]:
    return (
        select(AnswerRow.item_id, AnswerRow.worker_id, AnswerRow.value[field].as_string())
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .where(AnswerRow.batch_id.in_(batches), AnswerRow.is_broken.is_(False))
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]))
        .where(AnswerRow.item_id.not_in(broken_items(version.project_id)))
        .order_by(AnswerRow.item_id, AnswerRow.id)
        .execution_options(yield_per=READ_AT_ONCE)
    )


def _is_drawn(share: float) -> ColumnElement[bool]:
    return (AnswerRow.item_id % MODULUS) * FACTOR % MODULUS < int(share * MODULUS)


def _is_chosen(session: Session, batches: Select[int]) -> bool:
    return bool(session.scalar(select(exists().where(BatchRow.id.in_(batches), BatchRow.purpose.in_(CHOSEN)))))


def _gold(session: Session, version: QuestionVersionRow, *, field: str) -> dict[int, str]:
    """Read what is known from outside; what these workers settled themselves would only say that they are right."""
    rows = session.execute(
        select(GoldRow.item_id, GoldRow.value)
        .where(GoldRow.project_id == version.project_id, GoldRow.field == field)
        .where(IS_TRUSTED, GoldRow.source.not_in((BOUGHT, CORRECTED)))
    )
    return dict(rows.all())


def _waiting(session: Session, version: QuestionVersionRow) -> int:
    """Count the items that a batch of all that waits would ask."""
    asked = Asked(project_id=version.project_id, question_version_id=version.id, items=None, limit=None)
    return extent_of(session, asked).count


def _pace(session: Session, batch: PilotBatch, *, now: datetime) -> tuple[int, float] | None:
    """Return the pace of the batch's last answers: up to now while it runs, else up to its last one."""
    if batch.state != BatchState.CLOSED:
        return pace_of(session, batch.id, until=now)
    last = session.scalar(select(func.max(AnswerRow.submitted_at)).where(AnswerRow.batch_id == batch.id))
    return None if last is None else pace_of(session, batch.id, until=last)
