"""Between our arrays and crowd-kit's tables: what crowd-kit leaves to accident is fenced here."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import numpy as np

from crowd_hitl.inference.answers import Answers, Floats, uniform


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what crowd-kit causes pandas to say about its own future, and nothing else."""
    with warnings.catch_warnings():
        for category in (FutureWarning, DeprecationWarning, PendingDeprecationWarning):
            warnings.filterwarnings("ignore", category=category, module=r"crowdkit\..*")
        warnings.filterwarnings("ignore", message=r"The copy keyword is deprecated")
        yield


def as_frame(answers: Answers) -> Any:
    """Return the answers as crowd-kit's table, sorted: its results follow the order of the rows, ours must not."""
    # pandas is slow to import and is needed by crowd-kit's models alone.
    pandas = import_module("pandas")
    order = np.lexsort((answers.labels, answers.workers, answers.tasks))
    columns = {"task": answers.tasks[order], "worker": answers.workers[order], "label": answers.labels[order]}
    return pandas.DataFrame(columns)


def gold_series(answers: Answers) -> Any:
    """Return the known labels that crowd-kit can take, or None: those of tasks, and of labels, that were answered."""
    if answers.gold is None:
        return None
    # As above: only crowd-kit's models need pandas.
    pandas = import_module("pandas")
    asked = np.unique(answers.tasks)
    given = np.unique(answers.labels)
    known = asked[np.isin(answers.gold[asked], given)]
    return pandas.Series(answers.gold[known], index=known) if len(known) else None


def posteriors_from(found: Any, answers: Answers) -> Floats:
    """Return crowd-kit's table of probabilities as rows for all tasks and columns for all labels.

    Labels nobody gave have probability 0, tasks nobody answered are uniform.
    """
    posteriors = uniform(answers.n_tasks, answers.n_labels)
    rows = found.index.to_numpy(dtype=np.int64)
    columns = found.columns.to_numpy(dtype=np.int64)
    posteriors[rows] = 0.0
    posteriors[np.ix_(rows, columns)] = found.to_numpy(dtype=np.float64)
    # crowd-kit clips before its last step: rows sum to 1 only almost.
    posteriors /= posteriors.sum(axis=1, keepdims=True)
    return posteriors
