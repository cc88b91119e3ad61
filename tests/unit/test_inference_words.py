"""Words: what is compared of them, how many edits lie between two texts, and ROVER's votes."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.inference.rover import Text, apart, as_text, fuse
from crowd_hitl.inference.words import Normalisation, distance, edits

RULE = Normalisation()


def edits_by_table(one: Sequence[int], other: Sequence[int]) -> int:
    row = list(range(len(other) + 1))
    for i, left in enumerate(one, start=1):
        before, row[0] = row[0], i
        for j, right in enumerate(other, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (left != right))
    return row[-1]


WORDS = st.lists(st.integers(0, 3), max_size=80)


@given(WORDS, WORDS)
def test_edits_are_those_of_the_whole_table(one: list[int], other: list[int]) -> None:
    assert edits(one, other) == edits(other, one) == edits_by_table(one, other)
    assert 0 <= distance(one, other) <= 1


@pytest.mark.parametrize(
    ("word", "key"),
    [
        ("It's", "it's"),
        ("it’s", "it's"),
        ("“airtight,”", "airtight"),
        ("3.5.", "3.5"),
        ("—", ""),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("don't!\n", "don't"),
    ],
)
def test_a_word_is_compared_without_case_and_punctuation(word: str, key: str) -> None:
    assert RULE.key(word) == key


def test_what_is_compared_can_be_set() -> None:
    assert Normalisation.of({"ignore": []}).key("Café,") == "Café,"
    assert Normalisation.of({"ignore": ["accents", "case"]}).key("CAFÉ") == "cafe"


def fused(*texts: str, weights: Sequence[float] | None = None) -> str:
    made: list[Text] = [as_text(text, RULE) for text in texts]
    gaps = np.array([[apart(one, other) for other in made] for one in made])
    return fuse(made, np.array(weights or [1.0] * len(texts)), gaps)


def test_every_slot_goes_to_the_word_of_most_workers() -> None:
    assert fused("the cat sat here", "a cat sat there", "the bat sat there", "the cat lay there") == "the cat sat there"


def test_a_word_that_most_left_out_is_left_out() -> None:
    assert fused("one two three", "one three", "one and three", "one three four") == "one three"


def test_a_vote_counts_by_its_weight() -> None:
    assert fused("yes it is", "no it was", "no it is", weights=[5.0, 1.0, 1.0]) == "yes it is"


def test_how_a_word_is_written_is_voted_on_too() -> None:
    assert fused("Dr. Smith came.", "Dr Smith came", "Dr. smith came.") == "Dr. Smith came."
    assert fused("dr smith came", "Dr Smith came") == "Dr Smith came"


def test_lines_stay_lines() -> None:
    assert fused("one two\nthree four", "one two\nthree five", "one\ntwo\nthree four") == "one two\nthree four"


def test_a_text_of_nothing_but_punctuation_is_kept() -> None:
    assert fused("…") == "…"
    assert fused("…", "!", "?") in {"…", "!", "?"}


def test_texts_of_thousands_of_words_are_not_aligned_for_minutes() -> None:
    long = [" ".join(str((word * step) % 997) for word in range(3000)) for step in (1, 2, 3)]

    assert fused(*long) in long
