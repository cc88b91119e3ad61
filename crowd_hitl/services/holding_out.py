"""Holding out: what a model says of items that it did not learn from, kept so that a pass can weigh it with people."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.ports import Floats, Model
from crowd_hitl.store.loop_rows import HeldOutRow

# Of ten classes, 120 kB a row.
PART = 2_500
READ_AT_ONCE = 20
IDS, SHARES = np.dtype("<i8"), np.dtype("<f4")


@dataclass(frozen=True)
class HeldOut:
    """Probabilities (n, K) of items that the model did not learn from, `item_ids` (n,) in rising order."""

    item_ids: NDArray[np.int64]
    probabilities: Floats


def hold_out(said: Mapping[int, Floats]) -> HeldOut:
    """Put predictions in the order of their items, less those that are no probabilities."""
    item_ids = np.array(sorted(said), dtype=np.int64)
    rows = np.array([said[int(item_id)] for item_id in item_ids], dtype=np.float64)
    if not len(item_ids):
        return HeldOut(item_ids, np.empty((0, 0)))
    sound = np.isfinite(rows).all(axis=1) & (rows >= 0).all(axis=1) & (rows.sum(axis=1) > 0)
    return HeldOut(item_ids[sound], rows[sound])


def in_order_of(classes: Sequence[str], model: Model, probabilities: Floats) -> Floats:
    """Return the model's probabilities with a column for each of `classes`; 0 for one that it does not know."""
    if list(model.labels) == list(classes):
        return probabilities
    found = np.zeros((len(probabilities), len(classes)))
    for column, name in enumerate(classes):
        if name in model.labels:
            found[:, column] = probabilities[:, list(model.labels).index(name)]
    return found


def write_held_out(session: Session, *, model_version_id: int, held_out: HeldOut) -> None:
    """Keep them with their model version, part by part; the only writer of held_out."""
    for part, start in enumerate(range(0, len(held_out.item_ids), PART)):
        these = slice(start, start + PART)
        row = {
            "model_version_id": model_version_id,
            "part": part,
            "item_ids": held_out.item_ids[these].astype(IDS).tobytes(),
            "probabilities": held_out.probabilities[these].astype(SHARES).tobytes(),
        }
        session.execute(insert(HeldOutRow), [row])


def read_held_out(session: Session, *, model_version_id: int, wanted: NDArray[np.int64], n_labels: int) -> HeldOut:
    """Read what the model version says of the wanted items; what it does not speak of is left out."""
    item_ids, rows = [np.empty(0, dtype=np.int64)], [np.empty((0, n_labels))]
    for ids, shares in _parts(session, model_version_id):
        these = np.isin(ids, wanted)
        item_ids.append(ids[these])
        rows.append(shares.reshape(len(ids), n_labels)[these].astype(np.float64))
    return HeldOut(np.concatenate(item_ids), np.concatenate(rows))


def _parts(session: Session, model_version_id: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    parts = session.execute(
        select(HeldOutRow.item_ids, HeldOutRow.probabilities)
        .where(HeldOutRow.model_version_id == model_version_id)
        .order_by(HeldOutRow.part)
        .execution_options(yield_per=READ_AT_ONCE)
    )
    for ids, shares in parts:
        yield np.frombuffer(ids, IDS).astype(np.int64), np.frombuffer(shares, SHARES)
