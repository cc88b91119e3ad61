"""A folder of recorded answers: `answers.csv[.gz]` or `.parquet`, if there is any the truth likewise, `meta.json`."""

from dataclasses import dataclass
from pathlib import Path

from crowd_hitl.cli.answer_files import AnswerFile, read_answers, read_truth
from crowd_hitl.cli.files import read_object
from crowd_hitl.domain.errors import BadInput, Unusable
from crowd_hitl.domain.ports import Ints

CATEGORICAL = "categorical"
# Without a meta.json: more different labels than this, and than this share of the answers, are no classes.
MOST_CLASSES = 200
DISTINCT_SHARE = 0.2
SUFFIXES = (".csv", ".csv.gz", ".parquet")


@dataclass(frozen=True)
class Recorded:
    """A set of recorded answers; `truth` is None when nothing is known."""

    name: str
    path: Path
    answers: AnswerFile
    truth: Ints | None


def read_folder(folder: Path) -> Recorded:
    """Read a folder; Unusable when there are no answers in it, BadInput for a kind that cannot be replayed."""
    if not folder.is_dir():
        raise Unusable(f"There is no folder {folder}.")
    name, kind = _meta(folder)
    _refuse_other_kinds(name, kind)
    path = _one_of(folder, "answers")
    if path is None:
        raise Unusable(f"{folder} has no answers.csv, .csv.gz or .parquet with the columns task,worker,label.")
    answers = read_answers(path)
    if kind is None:
        _refuse_other_kinds(name, _guessed(answers))
    known = _one_of(folder, "truth")
    return Recorded(name=name, path=path, answers=answers, truth=None if known is None else read_truth(known, answers))


def _one_of(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / f"{name}{suffix}" for suffix in SUFFIXES) if path.is_file()), None)


def _meta(folder: Path) -> tuple[str, str | None]:
    path = folder / "meta.json"
    if not path.is_file():
        return folder.resolve().name, None
    meta = read_object(path, "the name and kind of the answers")
    kind = meta.get("kind")
    return str(meta.get("name") or folder.resolve().name), None if kind is None else str(kind)


def _refuse_other_kinds(name: str, kind: str | None) -> None:
    if kind not in (None, CATEGORICAL):
        raise BadInput(
            f"{name} holds answers of the kind '{kind}'. Replay plays '{CATEGORICAL}' ones: one label out of a few."
        )


def _guessed(answers: AnswerFile) -> str:
    """Tell text and spans from classes by how many different labels there are, and how they look."""
    labels, count = len(answers.labels), len(answers.table.labels)
    if labels <= MOST_CLASSES or labels <= DISTINCT_SHARE * count:
        return CATEGORICAL
    return "spans" if all(label.startswith("[") for label in answers.labels[:20]) else "text"
