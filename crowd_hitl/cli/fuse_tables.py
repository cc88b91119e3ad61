"""Rows of a file as the table that a fuser takes: every value checked by the question, names as codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from crowd_hitl.cli.value_files import RawAnswer
from crowd_hitl.domain.errors import BadInput, FieldProblem
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import FittedQuestion, Question, ValueTable

MOST_PROBLEMS = 20
# Where nobody marked anything there are no labels to gather, and none is needed.
NO_LABEL = "label"


@dataclass(frozen=True)
class OpenAnswers:
    """A file's answers, with the names of tasks and workers in the file's order."""

    table: ValueTable
    tasks: Sequence[str]
    workers: Sequence[str]
    repeats: int


def table_of(
    raw: Sequence[RawAnswer],
    question: Question,
    spec: Mapping[str, Any],
    *,
    path: Path,
    contents: Mapping[str, Content],
) -> OpenAnswers:
    """Check all values; BadInput lists the first that are wrong, by row."""
    if not raw:
        raise BadInput(f"{path} has no answers: expected rows with task, worker and value.")
    tasks: dict[str, int] = {}
    workers: dict[str, int] = {}
    values, problems, voices = [], [], set()
    for one in raw:
        try:
            values.append(checked(one.value, question, spec, contents.get(one.task)))
        except BadInput as refused:
            problems += [at_row(problem, one.row) for problem in refused.problems]
            if len(problems) >= MOST_PROBLEMS:
                break
        voices.add((tasks.setdefault(one.task, len(tasks)), workers.setdefault(one.worker, len(workers))))
    if problems:
        raise refusal(path, problems)
    table = ValueTable(
        tasks=np.array([tasks[one.task] for one in raw], dtype=np.int32),
        workers=np.array([workers[one.worker] for one in raw], dtype=np.int32),
        values=values,
        n_tasks=len(tasks),
        n_workers=len(workers),
        spec=spec,
        contents={code: contents[task] for task, code in tasks.items() if task in contents},
    )
    return OpenAnswers(table, list(tasks), list(workers), repeats=len(raw) - len(voices))


def checked_known(
    known: Sequence[tuple[int, str, Any]], question: Question, spec: Mapping[str, Any], *, path: Path
) -> dict[str, Any]:
    """Return the true values by task."""
    found = {}
    for row, task, value in known:
        try:
            found[task] = checked(value, question, spec, None)
        except BadInput as refused:
            raise refusal(path, [at_row(problem, row) for problem in refused.problems]) from refused
    return found


def checked(value: Any, question: Question, spec: Mapping[str, Any], content: Content | None) -> Any:
    """Return one value in its canonical form; it must fit the item where that is known."""
    field = question.fields(spec)[0]
    answer = question.check_answer(spec, {field: value})
    if content is not None and isinstance(question, FittedQuestion):
        question.check_fit(spec, answer, content)
    return answer[field]


def at_row(problem: FieldProblem, row: int) -> FieldProblem:
    """Name the row of a problem."""
    return FieldProblem(field=problem.field, expected=problem.expected, found=problem.found, row=row)


def refusal(path: Path, problems: Sequence[FieldProblem]) -> BadInput:
    """Build the error of a file with wrong values."""
    first = problems[0]
    what = f"{path}, row {first.row}, {first.field}: expected {first.expected}, found {first.found}."
    return BadInput(what, problems=problems)


def spec_of(question: Question, settings: Mapping[str, Any], values: Iterable[Any]) -> dict[str, Any]:
    """Complete the settings; labels that are not named are those of the answers."""
    given = {"prompt": question.kind, **settings}
    try:
        return question.check_spec(given)
    except BadInput as refused:
        missing = refused.problems[0].field if refused.problems else ""
        if missing not in ("labels", "options") or missing in given:
            raise
    return question.check_spec({**given, missing: known_labels(values) or [NO_LABEL]})


def known_labels(values: Iterable[Any]) -> list[str]:
    """List the labels that occur in answers: of marks, or what was picked; sorted."""
    found: set[str] = set()
    for value in values:
        for mark in value if isinstance(value, list) else []:
            label = mark.get("label") if isinstance(mark, Mapping) else mark
            if isinstance(mark, list | tuple) and len(mark) == 3:
                label = mark[2]
            if isinstance(label, str) and label.strip():
                found.add(label)
    return sorted(found)
