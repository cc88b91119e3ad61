"""What behaviour rules measure: pure figures over a worker's last answers."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import median
from typing import Any

EVIDENCE_MAX = 20


@dataclass(frozen=True)
class GivenAnswer:
    """One answer as a rule sees it; `label` is what people agreed on for its item, `known` the gold, None if none."""

    answer_id: int
    value: str
    seconds: float
    label: str | None = None
    known: str | None = None


@dataclass(frozen=True)
class Measured:
    """A figure, from how many answers (or days, or skips) it was taken, and answers that show it."""

    value: float
    count: int
    answer_ids: tuple[int, ...] = ()
    day: str = ""
    currency: str = ""

    def evidence(self, *, last_id: int) -> dict[str, Any]:
        """Return what is kept beside a hit; `last_id` is where new evidence starts."""
        kept: dict[str, Any] = {"answers": list(self.answer_ids), "count": self.count, "last": last_id}
        kept |= {"day": self.day} if self.day else {}
        return kept | ({"currency": self.currency} if self.currency else {})


def measure(collector: str, condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured | None:
    """Measure the newest answers (the newest first); None when fewer than `answers_min` tell anything."""
    telling = [answer for answer in answers if TELLING[collector](answer)]
    if len(telling) < condition["answers_min"]:
        return None
    return MEASURES[collector](condition, telling)


def _fast(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    fast = [answer for answer in answers if answer.seconds < condition["seconds"]]
    return _share(fast, answers)


def _median(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    return Measured(median(answer.seconds for answer in answers), len(answers), _shown(answers))


def _uniform(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    """Compare with the labels of those very items: where nearly all are cats, honest workers say cat."""
    value, times = max(Counter(answer.value for answer in answers).items(), key=lambda one: (one[1], one[0]))
    expected = sum(answer.label == value for answer in answers)
    odd = [answer for answer in answers if answer.value == value and answer.label != value]
    return Measured((times - expected) / len(answers), len(answers), _shown(odd))


def _run(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    runs = (list(run) for _, run in groupby(answers, key=lambda answer: answer.value))
    longest = max(runs, key=len)
    return Measured(float(len(longest)), len(answers), _shown(longest))


def _gold(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    wrong = [answer for answer in answers if answer.value != answer.known]
    return Measured(1 - len(wrong) / len(answers), len(answers), _shown(wrong))


def _against(condition: Mapping[str, Any], answers: Sequence[GivenAnswer]) -> Measured:
    return _share([answer for answer in answers if answer.value != answer.label], answers)


def _share(some: Sequence[GivenAnswer], of: Sequence[GivenAnswer]) -> Measured:
    return Measured(len(some) / len(of), len(of), _shown(some))


def _shown(answers: Sequence[GivenAnswer]) -> tuple[int, ...]:
    return tuple(answer.answer_id for answer in answers[:EVIDENCE_MAX])


def _is_labelled(answer: GivenAnswer) -> bool:
    return answer.label is not None


def _always(answer: GivenAnswer) -> bool:
    return True


# Which answers tell anything about it: without an agreed label, nothing can contradict it.
TELLING: Mapping[str, Callable[[GivenAnswer], bool]] = {
    "fast_answers": _always,
    "median_seconds": _always,
    "same_answer_share": _is_labelled,
    "answers_in_row_same": _always,
    "gold_accuracy": lambda answer: answer.known is not None,
    "against_majority": _is_labelled,
}
MEASURES: Mapping[str, Callable[[Mapping[str, Any], Sequence[GivenAnswer]], Measured]] = {
    "fast_answers": _fast,
    "median_seconds": _median,
    "same_answer_share": _uniform,
    "answers_in_row_same": _run,
    "gold_accuracy": _gold,
    "against_majority": _against,
}
