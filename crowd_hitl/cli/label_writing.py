"""Writes what an aggregation found, some ten thousand labels at a time: CSV, JSON Lines, Parquet and one JSON object.

Other suffixes go to the plug-ins for label formats.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow
from numpy.typing import NDArray

from crowd_hitl.cli.answer_files import AnswerFile
from crowd_hitl.cli.coded_columns import Names
from crowd_hitl.domain.errors import bad_field
from crowd_hitl.domain.formulas import defuse
from crowd_hitl.domain.ports import Consensus, LabelFormat
from crowd_hitl.inference.ties import winners
from crowd_hitl.plugins.finding import find

AT_ONCE = 50_000
DIGITS = 6
OURS = (".csv", ".json", ".jsonl", ".parquet")
# Made once; a name is never part of itself.
_quoted = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode

Slab = tuple[list[str], list[str], list[float]]


@dataclass(frozen=True)
class Found:
    """The labels of a file's tasks, `chosen` (n_tasks,), how sure each is, and the workers' skills."""

    answers: AnswerFile
    chosen: NDArray[np.int64]
    confidences: NDArray[np.float64]
    skills: NDArray[np.float64]

    @classmethod
    def of(cls, answers: AnswerFile, consensus: Consensus, *, seed: int) -> "Found":
        """Choose every task's likeliest label, ties by the seed."""
        chosen = winners(consensus.posteriors, seed=seed)
        confidences = np.round(consensus.posteriors[np.arange(len(chosen)), chosen], DIGITS)
        return cls(answers, chosen, confidences, np.round(consensus.skills, DIGITS))

    @cached_property
    def plain(self) -> bool:
        """Say whether every name can be written as it is: nearly always so, and many times as fast."""
        tasks = self.answers.tasks
        return isinstance(tasks, Names) and tasks.plain and all(map(_is_plain, self.answers.labels))

    def slabs(self) -> Iterator[Slab]:
        """Yield tasks, labels and confidences, so many at once."""
        labels = np.array([*self.answers.labels, ""], dtype=object)
        for start in range(0, len(self.chosen), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            yield list(self.answers.tasks[part]), labels[self.chosen[part]].tolist(), self.confidences[part].tolist()

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield every task's label and confidence."""
        for slab in self.slabs():
            for task, label, confidence in zip(*slab, strict=True):
                yield {"task": task, "label": label, "confidence": confidence}


def format_for(out: Path | None) -> LabelFormat | None:
    """Find who writes a file of this suffix, None for ourselves; BadInput where nobody does."""
    suffix = ".json" if out is None else out.suffix.lower()
    if suffix in OURS:
        return None
    by_suffix = {one.suffix: one for one in cast(Mapping[str, LabelFormat], find("label_formats")).values()}
    if suffix not in by_suffix:
        known = ", ".join(sorted({*OURS, *by_suffix}))
        raise bad_field("out", expected=f"a name that ends in {known}", found=str(out))
    return by_suffix[suffix]


def pieces(found: Found, summary: Mapping[str, Any], out: Path) -> Iterable[str] | Iterable[bytes]:
    """Return the content of a file of this name, piece by piece."""
    other = format_for(out)
    if other is not None:
        return other.write(found.rows())
    suffix = out.suffix.lower()
    if suffix == ".parquet":
        return as_parquet(found)
    if suffix == ".json":
        return as_json(found, summary)
    return as_csv(found) if suffix == ".csv" else as_json_lines(found)


def as_json(found: Found, summary: Mapping[str, Any]) -> Iterator[str]:
    """Yield the one JSON object: the summary, then `labels` and `skills`."""
    yield json.dumps(summary, ensure_ascii=False)[:-1] + ', "labels": ['
    first = True
    for lines in _json_rows(found):
        yield ("" if first else ", ") + ", ".join(lines)
        first = False
    yield '], "skills": {'
    pairs = zip(found.answers.workers, found.skills.tolist(), strict=True)
    yield ", ".join(f"{_quoted(worker)}: {skill!r}" for worker, skill in pairs) + "}}"


def as_json_lines(found: Found) -> Iterator[str]:
    """Yield an object a line."""
    for lines in _json_rows(found):
        yield "\n".join(lines) + "\n"


def as_csv(found: Found) -> Iterator[str]:
    """Yield a header and a row a task; no cell is a formula to a spreadsheet."""
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["task", "label", "confidence"])
    for tasks, labels, confidences in found.slabs():
        if found.plain:
            rows = zip(tasks, labels, confidences, strict=True)
            out.write("".join([f"{task},{label},{confidence!r}\n" for task, label, confidence in rows]))
        else:
            writer.writerows(zip(map(defuse, tasks), map(defuse, labels), confidences, strict=True))
        yield out.getvalue()
        out.seek(0)
        out.truncate()


def as_parquet(found: Found) -> Iterator[bytes]:
    """Yield a Parquet file, a row group at a time."""
    parquet = __import__("pyarrow.parquet", fromlist=["parquet"])
    fields = [("task", pyarrow.string()), ("label", pyarrow.string()), ("confidence", pyarrow.float64())]
    out = BytesIO()
    with parquet.ParquetWriter(pyarrow.PythonFile(out, mode="w"), pyarrow.schema(fields), compression="zstd") as writer:
        for tasks, labels, confidences in found.slabs():
            arrays = [
                pyarrow.array(cells, kind)
                for cells, (_, kind) in zip((tasks, labels, confidences), fields, strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, names=[name for name, _ in fields]))
    yield out.getvalue()


def _json_rows(found: Found) -> Iterator[list[str]]:
    quoted = {label: _quoted(label) for label in found.answers.labels}
    for tasks, labels, confidences in found.slabs():
        names = [f'"{task}"' for task in tasks] if found.plain else map(_quoted, tasks)
        yield [
            f'{{"task": {task}, "label": {quoted[label]}, "confidence": {confidence!r}}}'
            for task, label, confidence in zip(names, labels, confidences, strict=True)
        ]


def _is_plain(name: str) -> bool:
    return name.isprintable() and not set('",\\') & set(name) and defuse(name) == name
