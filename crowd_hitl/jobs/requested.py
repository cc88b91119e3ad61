"""The long jobs that a requester starts: items from an uploaded file, labels or answers to a file, an overlap plan."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from tempfile import TemporaryFile
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from crowd_hitl.domain.errors import BadInput, FieldProblem, NotFound
from crowd_hitl.domain.items import ImportReport
from crowd_hitl.edge.house import House
from crowd_hitl.jobs.running import Run
from crowd_hitl.services.exporting import answer_rows, label_rows
from crowd_hitl.services.fetching_media import MediaIntake
from crowd_hitl.services.importing import import_items
from crowd_hitl.services.piloting import read_pilot
from crowd_hitl.services.planning import KIND, wish_of, work_out
from crowd_hitl.services.projects import newest_question
from crowd_hitl.services.reading_gold import gold_rule
from crowd_hitl.store.label_rows import LabelRow
from crowd_hitl.store.work_rows import AnswerRow, BatchRow

IMPORT_ROWS = 2_000
EXPORT_ROWS = 2_000
BAD_ROWS_KEPT = 100
COUNTS = ("rows", "added", "already_there", "gold", "bad_rows")
Rows = Callable[..., Iterator[dict[str, Any]]]


def import_upload(house: House, run: Run) -> None:
    """Import an uploaded file, chunk by chunk; a run that was cut off goes on behind its last chunk.

    Two rows of one key and different content are told apart within a chunk; beyond it, the first one stands.
    """
    told = run.job.payload
    version = house.uow.read(newest_question, project_id=told["project_id"])
    question = house.plugins.questions[version.kind]
    reader = house.plugins.formats.get(told["format"])
    if reader is None:
        raise BadInput(
            f"There is no format '{told['format']}'. Send one of {', '.join(sorted(house.plugins.formats))}."
        )
    done, result = run.job.done_count, dict(run.job.result)
    with house.storage.open(told["upload"]) as stream:
        records = islice(reader.read(stream), done, None)
        while chunk := list(islice(records, IMPORT_ROWS)):
            report = import_items(
                house.uow,
                project_id=told["project_id"],
                records=chunk,
                gold=gold_rule(question, version.spec),
                media=MediaIntake(storage=house.storage, fetch=house.fetch, bucket=house.bucket),
            )
            done, result = done + len(chunk), _added_up(result, report)
            run.step(done, result=result)
    run.step(done, total=done, result=result or _added_up({}, ImportReport(0, 0, 0, 0, ())))


def export_rows(house: House, run: Run) -> None:
    """Write all current labels, or all answers, to a file in the storage; a run that was cut off starts again."""
    told = run.job.payload
    rows, count = EXPORTS[told["what"]]
    form = house.plugins.label_formats.get(told["format"])
    if form is None:
        raise NotFound(
            f"There is no format '{told['format']}'. Ask for {', '.join(sorted(house.plugins.label_formats))}."
        )
    total = house.uow.read(count, project_id=told["project_id"])
    counted = Counted(run, total=total)
    with house.uow.reading() as session, TemporaryFile() as file:
        for piece in form.write(counted.through(rows(session, project_id=told["project_id"]))):
            file.write(piece.encode() if isinstance(piece, str) else piece)
        file.seek(0)
        key = house.storage.put(f"exports/job-{run.job.id}{form.suffix}", file)
    result = {"file": key, "rows": counted.rows, "name": f"{told['slug']}-{told['what']}{form.suffix}"}
    run.step(counted.rows, total=counted.rows, result=result)


def plan_overlap(house: House, run: Run) -> None:
    """Work an overlap plan out from a project's answers; a run that was cut off starts again."""
    told, questions = run.job.payload, house.plugins.questions
    wish = wish_of(told)
    found = house.uow.read(read_pilot, project_id=told["project_id"], questions=questions, batch_id=wish.batch_id)

    def note(done: int) -> None:
        run.step(done, total=wish.resamples)

    note(0)
    planned = work_out(found, wish, name=told["slug"], plugins=house.plugins, told=note)
    run.step(wish.resamples, total=wish.resamples, result={KIND: planned})


class Counted:
    """Rows on their way into a file; every few thousand are noted."""

    def __init__(self, run: Run, *, total: int) -> None:
        self._run, self._total, self.rows = run, total, 0

    def through(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
        """Pass the rows on."""
        for row in rows:
            self.rows += 1
            if self.rows % EXPORT_ROWS == 0:
                self._run.step(self.rows, total=max(self.rows, self._total))
            yield row


def _labels(session: Session, *, project_id: int) -> int:
    current = select(func.count()).where(LabelRow.project_id == project_id, LabelRow.state == "current")
    return session.scalar(current) or 0


def _answers(session: Session, *, project_id: int) -> int:
    batches = select(BatchRow.id).where(BatchRow.project_id == project_id)
    return session.scalar(select(func.count()).where(AnswerRow.batch_id.in_(batches))) or 0


EXPORTS: dict[str, tuple[Rows, Callable[..., int]]] = {
    "labels": (label_rows, _labels),
    "answers": (answer_rows, _answers),
}


def _added_up(result: Mapping[str, Any], report: ImportReport) -> dict[str, Any]:
    """Add a chunk's report to those before it; of bad rows the first hundred are kept."""
    counts = {name: result.get(name, 0) + getattr(report, name) for name in COUNTS}
    bad = [*result.get("bad", []), *map(_shown, report.bad)]
    return {**counts, "bad": bad[:BAD_ROWS_KEPT]}


def _shown(problem: FieldProblem) -> dict[str, Any]:
    return {
        "row": problem.row,
        "field": problem.field,
        "expected": problem.expected,
        "found": problem.found,
    }
