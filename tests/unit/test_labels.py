"""Labels: who may replace whom, and which class wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd_hitl.domain.labels import STRENGTH, Change, LabelSource, best, change

SOURCES = st.sampled_from(list(LabelSource))
VALUES = st.sampled_from(["cat", "dog"])


@given(VALUES, SOURCES)
def test_a_first_label_is_always_a_new_version(value: str, source: LabelSource) -> None:
    assert change(value=value, source=source, standing=None) is Change.NEW_VERSION


@given(VALUES, SOURCES, VALUES, SOURCES)
def test_a_weaker_source_never_replaces_a_stronger(
    value: str, source: LabelSource, standing: str, by: LabelSource
) -> None:
    found = change(value=value, source=source, standing=(standing, by))

    assert (found is Change.NONE) == (STRENGTH[source] < STRENGTH[by])
    assert (found is Change.REFINED) == ((value, source) == (standing, by))


def test_people_outrank_the_model_and_known_truth_outranks_people() -> None:
    assert STRENGTH.keys() == set(LabelSource)
    ordered = sorted(LabelSource, key=STRENGTH.__getitem__)
    assert ordered == ["model", "imported", "consensus", "expert", "gold"]


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(ValueError, match="rumour"):
        change(value="cat", source="rumour", standing=("cat", "model"))


@given(st.permutations(["ape", "bee", "cat", "dog"]), st.lists(st.integers(0, 3), min_size=4, max_size=4))
def test_a_tie_goes_to_the_name_that_sorts_first_whatever_the_order(classes: list[str], weights: list[int]) -> None:
    posterior = [weights[ord(name[0]) - ord("a")] / 10 for name in classes]

    winner, confidence = best(posterior, classes=classes)

    assert confidence == max(posterior)
    assert winner == min(name for name, p in zip(classes, posterior, strict=True) if p == confidence)


def test_a_difference_below_rounding_is_a_tie() -> None:
    assert best([0.5, 0.5 + 1e-14], classes=["b", "a"])[0] == "a"
    assert best([0.5 + 1e-14, 0.5], classes=["b", "a"])[0] == "a"


def test_every_class_needs_its_probability() -> None:
    with pytest.raises(ValueError, match="zip"):
        best([1.0], classes=["a", "b"])
