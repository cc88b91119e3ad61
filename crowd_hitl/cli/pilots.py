"""Where a pilot's answers come from: a file, a folder or a project; and how fast they came."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.cli.answer_files import AnswerFile, read_answers, read_truth
from crowd_hitl.cli.answer_rows import read_rows
from crowd_hitl.cli.finding import project_named
from crowd_hitl.cli.opening import open_desk
from crowd_hitl.cli.recorded import read_folder
from crowd_hitl.domain.assignments import ANSWERED
from crowd_hitl.domain.errors import BadInput, NotFound
from crowd_hitl.domain.ports import AnswerTable
from crowd_hitl.inference.redrawing import Pilot
from crowd_hitl.services.exporting import answer_rows

# The columns that may say when an answer came.
MOMENTS = ("submitted_at", "timestamp")
OURS = frozenset(("task", "worker", "batch", "gold", "state", "seconds", "submitted_at"))


@dataclass(frozen=True)
class Pace:
    """So many answers came in so many seconds, the last one at `last`."""

    answers: int
    seconds: float
    last: datetime


@dataclass(frozen=True)
class Source:
    """A pilot with its name and pace."""

    name: str
    pilot: Pilot
    pace: Pace | None


def read_source(name: str, *, truth: Path | None, data: Path | None) -> Source:
    """Read a file or folder of this name, else a project; each worker's first answer to an item counts."""
    path = Path(name)
    if path.is_dir():
        recorded = read_folder(path)
        known = recorded.truth if truth is None else read_truth(truth, recorded.answers)
        table = recorded.answers.with_one_voice().table
        return Source(recorded.name, Pilot(table, known), pace_of(_moments(recorded.path)))
    if path.is_file():
        answers = read_answers(path)
        known = None if truth is None else read_truth(truth, answers)
        return Source(path.name, Pilot(answers.with_one_voice().table, known), pace_of(_moments(path)))
    if path.suffix:
        raise NotFound(f"There is no file {path}.")
    return _project(name, truth=truth, data=data)


def pace_of(moments: Iterable[str]) -> Pace | None:
    """Return the pace of answers that came at these moments; None if they do not say."""
    found = sorted(moment for moment in map(_moment, moments) if moment is not None)
    if len(found) < 2 or found[0] == found[-1]:
        return None
    return Pace(answers=len(found), seconds=(found[-1] - found[0]).total_seconds(), last=found[-1])


def _project(slug: str, *, truth: Path | None, data: Path | None) -> Source:
    with open_desk(data) as desk:
        project = desk.uow.read(project_named, organisation_id=desk.organisation_id, slug=slug)
        with desk.uow.reading() as session:
            rows = [row for row in answer_rows(session, project_id=project.id) if _counts(row)]
    if not rows:
        raise BadInput(f"Project '{slug}' has no answers yet. Publish a small batch first: that is the pilot.")
    answers = coded(rows, field=_field(rows[0], slug))
    known = None if truth is None else read_truth(truth, answers)
    pace = pace_of(str(row["submitted_at"]) for row in rows)
    return Source(slug, Pilot(answers.with_one_voice().table, known), pace)


def _counts(row: Mapping[str, Any]) -> bool:
    return not row["gold"] and row["state"] in ANSWERED


def _field(row: Mapping[str, Any], slug: str) -> str:
    field = next(name for name in row if name not in OURS)
    if not isinstance(row[field], str):
        raise BadInput(f"Project '{slug}' asks for '{field}', which is no label out of a few: there is no plan for it.")
    return field


def coded(rows: Iterable[Mapping[str, Any]], *, field: str) -> AnswerFile:
    """Return rows of task, worker and this field as codes, labels in the order of their names."""
    columns = [(str(row["task"]), str(row["worker"]), str(row[field])) for row in rows]
    names = [sorted(set(column)) for column in zip(*columns, strict=True)]
    places = [{name: place for place, name in enumerate(of_one)} for of_one in names]
    codes = np.array(
        [[place[cell] for place, cell in zip(places, row, strict=True)] for row in columns], dtype=np.int32
    )
    table = AnswerTable(
        tasks=codes[:, 0].copy(),
        workers=codes[:, 1].copy(),
        labels=codes[:, 2].copy(),
        n_tasks=len(names[0]),
        n_workers=len(names[1]),
        n_labels=len(names[2]),
    )
    return AnswerFile(table=table, tasks=names[0], workers=names[1], labels=names[2])


def _moments(path: Path) -> Iterator[str]:
    """Yield the moments of a file's answers; blanks if it has no such column."""
    for _, row in read_rows(path):
        yield next((str(row[name]) for name in MOMENTS if row.get(name)), "")


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
