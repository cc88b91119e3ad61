"""Gathering what bears on a batch: the project's answers, its tasks and labels, coded into arrays as they stream in.

A million tasks with three answers each are some hundred megabytes here, and many gigabytes as Python objects.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.errors import NotFound
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import AnswerTable, Plugins, Question
from crowd_hitl.domain.tasks import OverlapRule, TaskState
from crowd_hitl.domain.values import as_text
from crowd_hitl.services.hearing import Foretold, read_foretold
from crowd_hitl.services.queueing import broken_items
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.money_rows import BudgetRow
from crowd_hitl.store.project_rows import BOUGHT, CORRECTED, IS_TRUSTED, GoldRow, ItemRow, QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, AssignmentRow, BatchRow, TaskRow

Rows = NDArray[np.void]
# Answers to one field of a question, coded once for all batches that are read in one snapshot, by pool and field.
Coded = dict[tuple[int, str], "CodedAnswers"]
READ_AT_ONCE = 10_000
TASK = np.dtype(
    [("id", "i8"), ("item_id", "i8"), ("is_gold", "?"), ("overlap", "i4"), ("answers", "i4"), ("state", "i1")]
)
STANDING = np.dtype([("item_id", "i8"), ("value", "i4"), ("confidence", "f8"), ("source", "i1"), ("is_helped", "?")])
ANSWER = np.dtype([("item_id", "i8"), ("worker_id", "i8"), ("value", "i4")])
STATES, SOURCES = tuple(TaskState), tuple(LabelSource)
# What a standing label says that is no option of the question any more: the place after the last value.
NO_OPTION = -1


@dataclass(frozen=True)
class CodedAnswers:
    """Answers as codes, and what the codes stand for; `is_given` (n_tasks,) tells gold that no crowd here found."""

    item_ids: NDArray[np.int64]
    worker_ids: NDArray[np.int64]
    table: AnswerTable
    values: Sequence[str]
    is_given: NDArray[np.bool_]
    foretold: Foretold | None = None


@dataclass(frozen=True)
class Evidence:
    """All answers to one field of a project's question, coded, with the tasks of the batch that is looked at.

    `foretold`: what the model says, of items that it did not learn from and that do not judge it.
    `item_ids` and `worker_ids` name the codes of `table`, in rising order, and `values` its labels: the classes, or
    whatever was answered and is a label now. `tasks` has a row (TASK) for each task of the batch, `standing` one
    (STANDING, in the order of its items) for each current label of the batch's items. `is_given` tells, by the codes of
    the items, gold that was given from outside and not bought of these workers. `contents`: what the items
    showed, by their ids, for a fuser that wants to know.
    """

    batch_id: int
    project_id: int
    pool: int
    field: str
    rule: OverlapRule
    aggregator: str
    policy: str
    is_class: bool
    spec: Mapping[str, Any]
    values: Sequence[str]
    item_ids: NDArray[np.int64]
    worker_ids: NDArray[np.int64]
    table: AnswerTable
    is_given: NDArray[np.bool_]
    tasks: Rows
    standing: Rows
    seen_answer_id: int
    newest_answer_id: int
    mark: int
    affordable: int
    contents: Mapping[int, Content] | None = None
    foretold: Foretold | None = None

    def label_of(self, item_id: int) -> tuple[str, float, str] | None:
        """Return value, confidence and source of an item's current label; a value that is no option any more is ""."""
        place = int(places_of(np.array([item_id]), self.standing["item_id"])[0])
        if place < 0:
            return None
        row = self.standing[place]
        value = self.values[row["value"]] if row["value"] >= 0 else ""
        return value, float(row["confidence"]), SOURCES[row["source"]]


class Codes:
    """The numbers of values: fixed for classes, given as they come for anything else."""

    def __init__(self, values: Sequence[str], *, is_class: bool) -> None:
        self.is_class = is_class
        self._codes = {value: code for code, value in enumerate(values)}

    @property
    def values(self) -> Sequence[str]:
        """List the values, each in the place of its number."""
        return list(self._codes)

    def of(self, value: str) -> int:
        """Return the number of a value; NO_OPTION for what is none of the classes."""
        if self.is_class:
            return self._codes.get(value, NO_OPTION)
        return self._codes.setdefault(value, len(self._codes))

    def answered(self, value: Any) -> int:
        """Return the number of what a worker answered; a class that is none (KeyError) was never let in."""
        return self._codes[value] if self.is_class else self.of(as_text(value))

    def sorted(self) -> tuple[Sequence[str], NDArray[np.int32]]:
        """Return the values with classes as they are, others sorted; and the new number of each old one."""
        values = self.values if self.is_class else sorted(self._codes)
        ranks = np.full(len(values) + 1, NO_OPTION, dtype=np.int32)
        for rank, value in enumerate(values):
            ranks[self._codes[value]] = rank
        return values, ranks


def read_evidence(session: Session, *, batch_id: int, plugins: Plugins, coded: Coded | None = None) -> list[Evidence]:
    """Read what bears on a batch: every standing answer of the project to a compatible question version.

    Who reads several batches of one snapshot passes the same `coded`, so that the answers are read once.
    """
    coded = {} if coded is None else coded
    batch, version = _batch(session, batch_id)
    question = plugins.questions[version.kind]
    newest = select(func.coalesce(func.max(AnswerRow.id), 0))
    found = []
    for field in question.fields(version.spec):
        read = coded.get((version.pool, field)) or _coded(session, version, field=field, question=question)
        coded[version.pool, field] = read
        codes = Codes(read.values, is_class=question.is_class)
        standing = np.fromiter(_standing(session, batch_id=batch_id, field=field, codes=codes), dtype=STANDING)
        found.append(
            Evidence(
                batch_id=batch_id,
                project_id=batch.project_id,
                pool=version.pool,
                field=field,
                rule=OverlapRule(batch.overlap_min, batch.overlap_max, batch.confidence_target),
                aggregator=batch.aggregator,
                policy=batch.overlap_policy,
                is_class=question.is_class,
                spec=version.spec,
                values=codes.values,
                item_ids=read.item_ids,
                worker_ids=read.worker_ids,
                table=read.table,
                is_given=read.is_given,
                foretold=read.foretold,
                tasks=np.fromiter(_tasks(session, batch_id=batch_id), dtype=TASK),
                standing=standing,
                seen_answer_id=session.scalars(newest.where(AnswerRow.batch_id == batch_id)).one(),
                newest_answer_id=session.scalars(newest).one(),
                mark=batch.agreed_at_answer_id,
                affordable=_affordable(session, batch),
                contents=_contents(session, version) if _reads_contents(batch, plugins) else None,
            )
        )
    return found


def _batch(session: Session, batch_id: int) -> tuple[BatchRow, QuestionVersionRow]:
    batch = session.get(BatchRow, batch_id)
    if batch is None:
        raise NotFound(f"There is no batch {batch_id}.")
    return batch, session.get_one(QuestionVersionRow, batch.question_version_id)


def _coded(session: Session, version: QuestionVersionRow, *, field: str, question: Question) -> CodedAnswers:
    """Number items and workers by their ids and values by their text: nothing depends on the order of arrival."""
    codes = Codes(question.classes(version.spec) if question.is_class else (), is_class=question.is_class)
    answers = np.fromiter(_answers(session, version, field=field, codes=codes), dtype=ANSWER)
    known = _gold(session, version, field=field)
    gold = {item_id: codes.of(value) for item_id, value, _ in known}
    given = [item_id for item_id, _, source in known if source not in (BOUGHT, CORRECTED)]
    values, ranks = codes.sorted()
    gold = {item_id: int(ranks[code]) for item_id, code in gold.items()}
    item_ids, tasks = np.unique(answers["item_id"], return_inverse=True)
    worker_ids, workers = np.unique(answers["worker_id"], return_inverse=True)
    table = AnswerTable(
        tasks=tasks.astype(np.int32),
        workers=workers.astype(np.int32),
        labels=ranks[answers["value"]],
        n_tasks=len(item_ids),
        n_workers=len(worker_ids),
        n_labels=len(values),
        gold=np.array([gold.get(int(item_id), -1) for item_id in item_ids], dtype=np.int32),
    )
    foretold = None
    if question.is_class:
        foretold = read_foretold(session, version=version, field=field, question=question, asked=item_ids)
    return CodedAnswers(item_ids, worker_ids, table, values, np.isin(item_ids, given), foretold)


def places_of(wanted: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where each wanted id stands among the rising `ids`, −1 where it is none of them."""
    if not len(ids):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return np.where(ids[places] == wanted, places, -1)


def _answers(
    session: Session, version: QuestionVersionRow, *, field: str, codes: "Codes"
) -> Iterator[tuple[int, int, int]]:
    said = AnswerRow.value[field]
    rows = session.execute(
        select(AnswerRow.item_id, AnswerRow.worker_id, said.as_string() if codes.is_class else said)
        .join(AssignmentRow, AssignmentRow.id == AnswerRow.assignment_id)
        .join(QuestionVersionRow, QuestionVersionRow.id == AnswerRow.question_version_id)
        .where(QuestionVersionRow.project_id == version.project_id, QuestionVersionRow.pool == version.pool)
        .where(AssignmentRow.state.in_([state.value for state in ANSWERED]), AnswerRow.is_broken.is_(False))
        # what cannot be answered has no label, whatever else was said of it
        .where(AnswerRow.item_id.not_in(broken_items(version.project_id)))
        .order_by(AnswerRow.id)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for item_id, worker_id, value in rows:
        yield item_id, worker_id, codes.answered(value)


def _affordable(session: Session, batch: BatchRow) -> int:
    """Count the further answers that the budget pays for."""
    available = session.scalars(select(BudgetRow.available_micros).where(BudgetRow.id == batch.budget_id)).one()
    return max(0, available) // (batch.price_micros + batch.fee_micros)


def _reads_contents(batch: BatchRow, plugins: Plugins) -> bool:
    return batch.aggregator in plugins.fusers and plugins.fusers[batch.aggregator].reads_contents


def _contents(session: Session, version: QuestionVersionRow) -> Mapping[int, Content]:
    """Read what was shown of every item that has an answer; of images and recordings only the rest of the row."""
    # of every version that is weighed together with this one
    versions = select(QuestionVersionRow.id).where(
        QuestionVersionRow.project_id == version.project_id, QuestionVersionRow.pool == version.pool
    )
    asked = select(AnswerRow.item_id).where(AnswerRow.question_version_id.in_(versions))
    rows = session.execute(
        select(ItemRow.id, ItemRow.key, ItemRow.text, ItemRow.data)
        .where(ItemRow.project_id == version.project_id, ItemRow.id.in_(asked))
        .execution_options(yield_per=READ_AT_ONCE)
    )
    return {item_id: Content(key=key, text=text, data=data) for item_id, key, text, data in rows}


def _tasks(session: Session, *, batch_id: int) -> Iterator[tuple[Any, ...]]:
    states = {state.value: code for code, state in enumerate(STATES)}
    rows = session.execute(
        select(TaskRow.id, TaskRow.item_id, TaskRow.is_gold, TaskRow.overlap, TaskRow.answers_count, TaskRow.state)
        .where(TaskRow.batch_id == batch_id)
        .order_by(TaskRow.id)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for *columns, state in rows:
        yield *columns, states[state]


def _standing(session: Session, *, batch_id: int, field: str, codes: "Codes") -> Iterator[tuple[Any, ...]]:
    sources = {source.value: code for code, source in enumerate(SOURCES)}
    rows = session.execute(
        select(
            *(LabelRow.item_id, LabelRow.value, LabelRow.confidence, LabelRow.source),
            LabelRow.crowd_value.is_not(None),
        )
        .join(TaskRow, TaskRow.item_id == LabelRow.item_id)
        .where(TaskRow.batch_id == batch_id, LabelRow.field == field, LabelRow.state == "current")
        .order_by(LabelRow.item_id)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for item_id, value, confidence, source, is_helped in rows:
        yield item_id, codes.of(value), confidence, sources[source], is_helped


def _gold(session: Session, version: QuestionVersionRow, *, field: str) -> list[tuple[int, str, str]]:
    rows = session.execute(
        select(GoldRow.item_id, GoldRow.value, GoldRow.source)
        .where(GoldRow.project_id == version.project_id, GoldRow.field == field)
        .where(IS_TRUSTED)
    )
    return [(item_id, value, source) for item_id, value, source in rows]
