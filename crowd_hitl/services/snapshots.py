"""Snapshots: what a pass over a field knew of the workers is kept, and read while it is fresh enough."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.snapshots import Snapshot
from crowd_hitl.inference.calibrating import Calibration
from crowd_hitl.inference.online import Said, posterior
from crowd_hitl.services.gathering import Evidence
from crowd_hitl.services.weighing import Agreed
from crowd_hitl.store.label_rows import SnapshotRow
from crowd_hitl.store.project_rows import QuestionVersionRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow

# More cells (workers · K²) are not kept: they would be read at each turn.
LARGEST = 250_000
# When a tenth more answers are there, the workers are known so much better that all is weighed anew.
GROWTH = 0.1


@dataclass(frozen=True)
class Kept:
    """A snapshot as services use it: what the codes stand for, and how its posteriors are softened."""

    snapshot: Snapshot
    classes: Mapping[str, int]
    workers: Mapping[int, int]
    temperature: float
    calibration: Calibration | None

    def posterior(self, said: Sequence[tuple[int, str]]) -> list[float]:
        """Return how likely each class is, from (worker, class) of all that answered one item."""
        coded: Said = [(self.workers.get(worker_id), self.classes[value]) for worker_id, value in said]
        return posterior(self.snapshot, coded, temperature=self.temperature, calibration=self.calibration)


def write_snapshot(session: Session, *, evidence: Evidence, agreed: Agreed, now: datetime) -> None:
    """Keep what a pass knew of the workers, if a task can be weighed with it as the pass did; the only writer."""
    where = {"project_id": evidence.project_id, "field": evidence.field, "pool": evidence.pool}
    row = session.scalar(select(SnapshotRow).filter_by(**where))
    consensus = agreed.consensus
    found = None if consensus is None else consensus.snapshot
    if consensus is None or found is None or consensus.softened is None or found.log_chances.size > LARGEST:
        if row is not None and row.aggregator == evidence.aggregator:
            session.delete(row)  # what it says is not what a pass says any more
        return
    if row is None:
        row = SnapshotRow(**where)
        session.add(row)
    row.aggregator, row.classes = evidence.aggregator, list(evidence.values)
    row.worker_ids = evidence.worker_ids.tolist()
    logs = [found.log_chances.ravel(), found.log_crowd.ravel(), found.log_prior]
    row.logs = np.concatenate(logs).astype("<f4").tobytes()
    believed = agreed.believed
    row.temperature = consensus.softened
    row.base = None if believed is None else believed.calibration.base
    row.mixing = None if believed is None else believed.calibration.mixing
    row.answers, row.seen_answer_id, row.made_at = len(evidence.table.tasks), evidence.newest_answer_id, now
    session.flush()


def read_snapshot(
    session: Session, *, version: QuestionVersionRow, field: str, classes: Sequence[str], aggregator: str
) -> Kept | None:
    """Return what the last pass over these answers left; None where there is none, or too many answers came since."""
    row = session.scalar(
        select(SnapshotRow).where(
            SnapshotRow.project_id == version.project_id,
            SnapshotRow.field == field,
            SnapshotRow.pool == version.pool,
            SnapshotRow.aggregator == aggregator,
        )
    )
    if row is None or row.classes != list(classes) or _has_outgrown(session, row):
        return None
    n_workers, n_labels = len(row.worker_ids), len(row.classes)
    logs = np.frombuffer(row.logs, dtype="<f4").astype(np.float64)
    chances, crowd, prior = np.split(logs, [n_workers * n_labels**2, (n_workers + 1) * n_labels**2])
    snapshot = Snapshot(
        chances.reshape(n_workers, n_labels, n_labels), crowd.reshape(n_labels, n_labels), log_prior=prior
    )
    calibration = None if row.base is None else Calibration(row.base, row.mixing or 0.0)
    return Kept(
        snapshot=snapshot,
        classes={name: code for code, name in enumerate(row.classes)},
        workers={worker_id: code for code, worker_id in enumerate(row.worker_ids)},
        temperature=row.temperature,
        calibration=calibration,
    )


def _has_outgrown(session: Session, row: SnapshotRow) -> bool:
    """Say whether the project's answers are so many more than the pass saw; reads no more of them than that."""
    most = int(row.answers * GROWTH)
    newer = (
        select(AnswerRow.id)
        .join(BatchRow, BatchRow.id == AnswerRow.batch_id)
        .where(BatchRow.project_id == row.project_id, AnswerRow.id > row.seen_answer_id)
        .limit(most + 1)
    )
    return (session.scalar(select(func.count()).select_from(newer.subquery())) or 0) > most
