"""Whatever a worker's browser sends, each question refuses it or keeps a value that PostgreSQL stores as JSON."""

import json
from typing import Any, cast

import pytest

from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.ports import Question
from crowd_hitl.plugins.finding import find

FOUND = find("questions")
PLAIN = {"prompt": "?"}
MARKED = {"prompt": "?", "labels": ["a", "b"]}
CHOSEN = {"prompt": "?", "options": ["a", "b"]}
SPECS: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("choice", "choices", "ranking"), CHOSEN),
    **dict.fromkeys(("spans", "boxes", "polygons", "masks"), MARKED),
    **dict.fromkeys(("text", "transcription", "rating", "number", "pairwise"), PLAIN),
}
HUGE, NAN, INFINITE = 10**6000, float("nan"), float("1e999")


def nested(depth: int, kind: type[list[Any]] | type[dict[str, Any]]) -> Any:
    value: Any = "a"
    for _ in range(depth):
        value = [value] if kind is list else {"label": value}
    return value


# Each as the whole value, and as what each kind's marks are made of.
ATOMS: dict[str, Any] = {
    "nan": NAN,
    "1e999": INFINITE,
    "minus 1e999": -INFINITE,
    "minus zero": -0.0,
    "tiny": 5e-324,
    "6000 digits": HUGE,
    "minus 6000 digits": -HUGE,
    "nul": "a\x00b",
    "half a pair": "a\ud83d",
    "halves in the wrong order": "\ude00\ud83d",
    "null": None,
    "true": True,
    "a number as text": "3",
    "empty": "",
    "100 lists": nested(100, list),
    "100 objects": nested(100, dict),
    "10 MB": "x" * 10_000_000,
    "10 MB of emoji": "\U0001f600" * 2_500_000,
    "a long list": ["a"] * 100_000,
    "a list of halves": ["\ud800", "a"],
    "an object of halves": {"\ud800": "\x00"},
    "right to left": "\u202eabc\u202c שלום",
}
WRAPS: dict[str, Any] = {
    "itself": lambda atom: atom,
    "in a list": lambda atom: [atom],
    "twice in a list": lambda atom: ["a", atom],
    "a span": lambda atom: [{"start": 0, "end": atom, "label": "a"}],
    "a span's label": lambda atom: [[0, 1, atom]],
    "a box": lambda atom: [{"x": atom, "y": 0, "width": 1, "height": 1, "label": "a"}],
    "a box's width": lambda atom: [{"x": 0, "y": 0, "width": atom, "height": 1, "label": "a"}],
    "a box's label": lambda atom: [{"x": 0, "y": 0, "width": 1, "height": 1, "label": atom}],
    "a box of other parts": lambda atom: [{"x": 0, str(atom)[:9] if isinstance(atom, str) else "z": atom}],
    "points": lambda atom: [{"points": atom, "label": "a"}],
    "a point": lambda atom: [{"points": [[0, 0], [1, 0], [atom, 1]], "label": "a"}],
    "runs": lambda atom: [{"size": [2, 2], "counts": atom, "label": "a"}],
    "a run": lambda atom: [{"size": [2, 2], "counts": [1, atom, 3], "label": "a"}],
    "a size": lambda atom: [{"size": [atom, 2], "counts": [1, 3], "label": "a"}],
}


def assert_storable(value: object) -> None:
    """Refuse what jsonb refuses: NaN and infinity, NUL, halves of surrogate pairs."""
    written = json.dumps(value, allow_nan=False, ensure_ascii=False)
    written.encode()
    assert "\\u0000" not in written
    assert len(written) < 2_000_000


@pytest.mark.parametrize("kind", sorted(FOUND))
@pytest.mark.parametrize("atom", ATOMS)
def test_a_hostile_answer_is_refused_or_can_be_stored(kind: str, atom: str) -> None:
    question = cast(Question, FOUND[kind])
    spec = question.check_spec(SPECS[kind])
    answers = [ATOMS[atom], *({"label": wrap(ATOMS[atom])} for wrap in WRAPS.values())]
    if isinstance(ATOMS[atom], str):
        answers.append({ATOMS[atom]: "a"})
    for sent in answers:
        try:
            kept = question.check_answer(spec, sent)
        except BadInput as refused:
            # What is said of it goes out as JSON, and into logs: whole, short and printable.
            assert len(str(refused)) < 1000
            assert_storable([[each.field, each.expected, each.found] for each in refused.problems])
            continue
        assert_storable(kept)
        assert question.check_answer(spec, json.loads(json.dumps(kept))) == kept
        assert "-0.0" not in json.dumps(kept)


@pytest.mark.parametrize("kind", sorted(FOUND))
@pytest.mark.parametrize("atom", ATOMS)
def test_a_hostile_setting_is_refused_or_can_be_stored(kind: str, atom: str) -> None:
    question = cast(Question, FOUND[kind])
    settings = [*question.check_spec(SPECS[kind]), "colour"]
    for name in settings:
        for value in (ATOMS[atom], [ATOMS[atom]], ["a", ATOMS[atom]], ["a", {"value": "b", "label": ATOMS[atom]}]):
            try:
                kept = question.check_spec({**SPECS[kind], name: value})
            except BadInput as refused:
                assert len(str(refused)) < 1000
                assert_storable([[each.field, each.expected, each.found] for each in refused.problems])
                continue
            assert_storable(kept)


def test_all_twelve_kinds_are_tried() -> None:
    assert sorted(FOUND) == sorted(SPECS)
