"""A simulated crowd of any size, as codes and as a CSV file."""

from pathlib import Path

import numpy as np
import pyarrow
import pyarrow.csv

from crowd_hitl.domain.ports import AnswerTable

EACH, LABELS, WORKERS = 5, 5, 1_000
AT_ONCE = 1_000_000


def simulate(answers: int, *, best: float = 0.8, seed: int = 0) -> AnswerTable:
    """Five answers to each task; workers are right in a fifth to `best` of the cases, and lean to one label."""
    chance = np.random.default_rng(seed)
    tasks = answers // EACH
    truth = chance.integers(0, LABELS, tasks, dtype=np.int32)
    accuracy = chance.uniform(0.2, best, WORKERS).astype(np.float32)
    leaning = chance.integers(0, LABELS, WORKERS, dtype=np.int32)
    of_task = np.repeat(np.arange(tasks, dtype=np.int32), EACH)
    of_worker = chance.integers(0, WORKERS, len(of_task), dtype=np.int32)
    said = truth[of_task]
    wrong = chance.random(len(of_task), dtype=np.float32) >= accuracy[of_worker]
    slips = chance.integers(0, LABELS, int(wrong.sum()), dtype=np.int32)
    lean = chance.random(len(slips), dtype=np.float32) < 0.3
    slips[lean] = leaning[of_worker[wrong]][lean]
    said[wrong] = slips
    return AnswerTable(of_task, of_worker, said, n_tasks=tasks, n_workers=WORKERS, n_labels=LABELS)


def write_csv(table: AnswerTable, path: Path) -> None:
    """Write the answers in a random order, a million at a time."""
    order = np.random.default_rng(1).permutation(len(table.tasks))
    schema = pyarrow.schema([(name, pyarrow.string()) for name in ("task", "worker", "label")])
    options = pyarrow.csv.WriteOptions(quoting_style="none")
    with pyarrow.csv.CSVWriter(str(path), schema, write_options=options) as writer:
        for start in range(0, len(order), AT_ONCE):
            rows = order[start : start + AT_ONCE]
            columns = [
                pyarrow.array(np.char.add(letter, codes[rows].astype(str)).tolist())
                for letter, codes in (("t", table.tasks), ("w", table.workers), ("c", table.labels))
            ]
            writer.write_table(pyarrow.table(columns, schema=schema))
