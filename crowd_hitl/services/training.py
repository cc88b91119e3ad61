"""Training: agreed labels are read, a model learns outside any transaction, its scores and predictions are written."""

import hashlib
import io
import json
import platform
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.labels import LabelSource
from crowd_hitl.domain.ports import Floats, Learner, Model, Plugins, Storage
from crowd_hitl.services.auditing import judges
from crowd_hitl.services.holding_out import HeldOut, hold_out, in_order_of, write_held_out
from crowd_hitl.services.projects import newest_question
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.loop_rows import ModelVersionRow, PredictionRow
from crowd_hitl.store.project_rows import IS_GOLD, IS_TRUSTED, GoldRow, ItemRow
from crowd_hitl.store.unit_of_work import UnitOfWork

CHUNK = 1_000
FOLDS = 5
# What passes weigh comes from fewer fits: they are made after every round.
WEIGHED_FOLDS = 3
LIBRARIES = ("scikit-learn", "numpy", "skops")


@dataclass(frozen=True)
class Lesson:
    """What there is to learn from and to score on: item ids with label and confidence; gold is never learned from.

    Where a model was heard beside people, `labels` is what these said alone: no model learns from what a model said.
    `standing`: the labels' values as they are delivered.
    """

    project_id: int
    question_version_id: int
    field: str
    classes: Sequence[str]
    kind: str
    labels: Mapping[int, tuple[str, float]]
    standing: Mapping[int, str]
    gold: Mapping[int, str]


@dataclass(frozen=True)
class Trained:
    """A model with its scores on gold and what it says of every item people have not labelled."""

    model: Model
    learner: str
    gold_seen: int
    gold_right: int
    predicted: Sequence[tuple[int, str, float, float]]
    held_out: HeldOut | None = None


def read_lesson(session: Session, *, project_id: int, plugins: Plugins) -> Lesson:
    """Read the labels people stand behind, and the gold held out; BadInput when there is nothing to learn."""
    question = newest_question(session, project_id=project_id)
    plugin = plugins.questions[question.kind]
    if not plugin.is_class:
        raise BadInput(f"Models learn classes. The question of this project is of the kind '{question.kind}'.")
    field = plugin.fields(question.spec)[0]
    gold = session.execute(
        select(GoldRow.item_id, GoldRow.value)
        .where(GoldRow.project_id == project_id, GoldRow.field == field)
        .where(IS_TRUSTED)
    )
    labels = session.execute(
        select(
            LabelRow.item_id,
            func.coalesce(LabelRow.crowd_value, LabelRow.value),
            func.coalesce(LabelRow.crowd_confidence, LabelRow.confidence),
            LabelRow.value,
        ).where(
            LabelRow.project_id == project_id,
            LabelRow.field == field,
            LabelRow.state == "current",
            LabelRow.source.in_([LabelSource.CONSENSUS, LabelSource.EXPERT, LabelSource.IMPORTED]),
            ~judges(LabelRow.item_id),
        )
    ).all()
    if not labels:
        raise BadInput("There is no agreed label to learn from yet. Publish a batch and let people answer it.")
    with_image = select(ItemRow.id).where(ItemRow.project_id == project_id, ItemRow.image_key.is_not(None)).limit(1)
    return Lesson(
        project_id=project_id,
        question_version_id=question.id,
        field=field,
        classes=list(plugin.classes(question.spec)),
        kind="text" if session.scalar(with_image) is None else "image",
        labels={item_id: (value, confidence) for item_id, value, confidence, _ in labels},
        standing={item_id: value for item_id, *_, value in labels},
        gold=dict(row for row in gold),
    )


def train(
    uow: UnitOfWork, lesson: Lesson, *, learner: Learner, storage: Storage, seed: int, held_out: bool = False
) -> Trained:
    """Fit on the labels, score on gold, predict every item that people have not labelled.

    `held_out`: keep all probabilities too, of what was learned from those of models that did not (WEIGHED_FOLDS fits).
    """
    taught = sorted(lesson.labels)
    contents = _contents(uow, taught, storage=storage)
    model = learner.fit(contents, _targets(lesson, taught), labels=lesson.classes, seed=seed)
    right = sum(
        value == lesson.gold[item_id]
        for item_id, value, _, _ in _predict(uow, model, sorted(lesson.gold), storage=storage)
    )
    rest = uow.read(unlabelled, project_id=lesson.project_id)
    said: dict[int, Floats] = {}
    predicted = list(_predict(uow, model, rest, storage=storage, said=said if held_out else None))
    said = {item_id: in_order_of(lesson.classes, model, row[None])[0] for item_id, row in said.items()}
    if held_out:
        # of an item that was labelled meanwhile, the word of the model that did not learn from it
        said |= cross_predict(uow, lesson, learner=learner, storage=storage, seed=seed, folds=WEIGHED_FOLDS)
    return Trained(
        model=model,
        learner=learner.name,
        gold_seen=len(lesson.gold),
        gold_right=right,
        predicted=predicted,
        held_out=hold_out(said) if held_out else None,
    )


def cross_predict(
    uow: UnitOfWork, lesson: Lesson, *, learner: Learner, storage: Storage, seed: int, folds: int = FOLDS
) -> dict[int, Floats]:
    """Return what models say of labelled items they never saw, as probabilities of the lesson's classes.

    So many fits as there are folds, each on all but its part.
    """
    item_ids = sorted(lesson.labels)
    contents = dict(zip(item_ids, _contents(uow, item_ids, storage=storage), strict=True))
    order = Random(seed).sample(item_ids, len(item_ids))
    said: dict[int, Floats] = {}
    for fold in range(folds):
        asked = order[fold::folds]
        held_out = set(asked)
        taught = [item_id for item_id in item_ids if item_id not in held_out]
        if not taught or not asked:
            continue
        model = learner.fit([contents[i] for i in taught], _targets(lesson, taught), labels=lesson.classes, seed=seed)
        rows = model.predict_proba([contents[i] for i in asked])
        said.update(zip(asked, in_order_of(lesson.classes, model, rows), strict=True))
    return said


def keep_model(lesson: Lesson, trained: Trained, *, storage: Storage, number: int) -> Mapping[str, Any]:
    """Store the model and the data it learned from; return the columns of its row. No transaction is open."""
    data = json.dumps(
        [{"item_id": i, "value": v, "confidence": c} for i, (v, c) in sorted(lesson.labels.items())]
    ).encode()
    data_sha256 = hashlib.sha256(data).hexdigest()
    folder = f"models/project-{lesson.project_id}/version-{number}"
    with tempfile.TemporaryDirectory() as temporary:
        saved = trained.model.save(Path(temporary))
        content = saved.read_bytes()
        model_sha256 = hashlib.sha256(content).hexdigest()
        # Its hash is in its key: a second process that trains the same version overwrites nothing.
        model_key = storage.put(f"{folder}/{model_sha256[:16]}-{saved.name}", io.BytesIO(content))
    return {
        "project_id": lesson.project_id,
        "number": number,
        "learner": trained.learner,
        "question_version_id": lesson.question_version_id,
        "field": lesson.field,
        "trained_on": len(lesson.labels),
        "data_key": storage.put(f"{folder}/{data_sha256[:16]}-data.json", io.BytesIO(data)),
        "data_sha256": data_sha256,
        "model_key": model_key,
        "model_sha256": model_sha256,
        "libraries": {"python": platform.python_version(), **{name: installed_version(name) for name in LIBRARIES}},
        "gold_seen": trained.gold_seen,
        "gold_right": trained.gold_right,
    }


def next_model_number(session: Session, *, project_id: int) -> int:
    """Return the number the project's next model will have."""
    newest = select(func.max(ModelVersionRow.number)).where(ModelVersionRow.project_id == project_id)
    return (session.scalar(newest) or 0) + 1


def write_model(
    session: Session, *, columns: Mapping[str, Any], trained: Trained, round_id: int, spent_micros: int, now: datetime
) -> ModelVersionRow:
    """Write a model version and its predictions; the number makes a second write of the same one impossible."""
    row = ModelVersionRow(**columns, round_id=round_id, spent_micros=spent_micros, created_at=now)
    session.add(row)
    session.flush()
    for start in range(0, len(trained.predicted), CHUNK):
        session.execute(
            insert(PredictionRow),
            [
                {
                    "model_version_id": row.id,
                    "item_id": item_id,
                    "value": value,
                    "confidence": confidence,
                    "margin": margin,
                    "route": "none",
                }
                for item_id, value, confidence, margin in trained.predicted[start : start + CHUNK]
            ],
        )
    if trained.held_out is not None:
        write_held_out(session, model_version_id=row.id, held_out=trained.held_out)
    return row


def _targets(lesson: Lesson, item_ids: Sequence[int]) -> Floats:
    """Turn labels into soft targets (n, K): the confidence on the label, the rest spread over the others."""
    codes = {name: code for code, name in enumerate(lesson.classes)}
    classes = len(lesson.classes)
    targets = np.empty((len(item_ids), classes))
    for row, item_id in enumerate(item_ids):
        value, confidence = lesson.labels[item_id]
        targets[row] = (1.0 - confidence) / max(classes - 1, 1)
        targets[row, codes[value]] = confidence
    return targets


def _predict(
    uow: UnitOfWork,
    model: Model,
    item_ids: Sequence[int],
    *,
    storage: Storage,
    said: dict[int, Floats] | None = None,
) -> Iterator[tuple[int, str, float, float]]:
    """Yield what the model says of each item; `said` takes all its probabilities."""
    for start in range(0, len(item_ids), CHUNK):
        chunk = item_ids[start : start + CHUNK]
        probabilities = model.predict_proba(_contents(uow, chunk, storage=storage))
        ordered = np.sort(probabilities, axis=1)
        if said is not None:
            said.update(zip(chunk, probabilities.astype(np.float32), strict=True))
        for item_id, row, ranked in zip(chunk, probabilities, ordered, strict=True):
            margin = ranked[-1] - ranked[-2] if len(ranked) > 1 else 1.0
            yield item_id, model.labels[int(row.argmax())], float(ranked[-1]), float(margin)


def _contents(uow: UnitOfWork, item_ids: Sequence[int], *, storage: Storage) -> list[Content]:
    rows: dict[int, ItemRow] = {}
    for start in range(0, len(item_ids), CHUNK):
        found = uow.read(_items, item_ids=item_ids[start : start + CHUNK])
        rows.update({row.id: row for row in found})
    return [_content(rows[item_id], storage) for item_id in item_ids]


def _items(session: Session, *, item_ids: Sequence[int]) -> Sequence[ItemRow]:
    return session.scalars(select(ItemRow).where(ItemRow.id.in_(item_ids))).all()


def _content(row: ItemRow, storage: Storage) -> Content:
    image = None
    if row.image_key is not None:
        with storage.open(row.image_key) as stream:
            image = stream.read()
    return Content(key=row.key, text=row.text, image=image, data=row.data)


def unlabelled(session: Session, *, project_id: int) -> list[int]:
    """List the items that nobody but a model has labelled, less those that cannot be answered."""
    by_people = exists().where(
        LabelRow.item_id == ItemRow.id,
        LabelRow.state == "current",
        LabelRow.source != LabelSource.MODEL,
    )
    is_gold = exists().where(GoldRow.item_id == ItemRow.id, IS_GOLD)
    return list(
        session.scalars(
            select(ItemRow.id)
            .where(ItemRow.project_id == project_id, ItemRow.broken_at.is_(None), ~by_people, ~is_gold)
            .order_by(ItemRow.id)
        )
    )
