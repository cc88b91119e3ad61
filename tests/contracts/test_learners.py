"""Every learner keeps the port's promises, on a handful of items."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from crowd_hitl.domain.errors import BadInput, Unusable
from crowd_hitl.domain.items import Content
from crowd_hitl.domain.ports import Floats, Learner
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.learners.sklearn_model import hardened

FOUND = find("learners")
NAMES = sorted(FOUND)
LABELS = ("dark", "light", "never")


def learner(name: str) -> Learner:
    return cast(Learner, FOUND[name])


def a_picture(*, brightness: int, size: int = 8, kind: str = "PNG") -> bytes:
    content = BytesIO()
    Image.new("RGB", (size, size), (brightness,) * 3).save(content, kind)
    return content.getvalue()


def some_items(count: int = 24) -> list[Content]:
    """Every second item is light."""
    return [
        Content(
            key=str(place),
            text="a bright white morning" if place % 2 else "a black night",
            image=a_picture(brightness=(200 if place % 2 else 20) + place),
        )
        for place in range(count)
    ]


def their_targets(items: Sequence[Content]) -> Floats:
    return np.array([[0.1, 0.9, 0.0] if place % 2 else [0.9, 0.1, 0.0] for place in range(len(items))])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [2, 3, 24])
def test_a_model_learns_and_knows_every_class(name: str, count: int) -> None:
    items = some_items(count)
    model = learner(name).fit(items, their_targets(items), labels=LABELS, seed=1)

    found = model.predict_proba(some_items())

    assert tuple(model.labels) == LABELS
    assert found.shape == (24, 3)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-9)
    assert found[:, 2].max() == 0.0
    if count == 24:
        assert found.argmax(axis=1).tolist() == [0, 1] * 12


@pytest.mark.parametrize("name", NAMES)
def test_the_same_labels_make_the_same_model(name: str) -> None:
    items = some_items()

    one, two = (learner(name).fit(items, their_targets(items), labels=LABELS, seed=1) for _ in range(2))

    np.testing.assert_array_equal(one.predict_proba(items), two.predict_proba(items))


@pytest.mark.parametrize("name", NAMES)
def test_one_class_only_makes_a_constant_model(name: str) -> None:
    items = some_items(5)
    targets = np.tile([0.0, 1.0, 0.0], (5, 1))

    model = learner(name).fit(items, targets, labels=LABELS, seed=1)

    np.testing.assert_array_equal(model.predict_proba(items), targets)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("count", [2, 24])
def test_a_stored_model_says_the_same(name: str, count: int, tmp_path: Path) -> None:
    items = some_items(count)
    model = learner(name).fit(items, their_targets(items), labels=LABELS, seed=1)

    again = cast(Any, FOUND[name]).load(model.save(tmp_path / "model"))

    assert tuple(again.labels) == LABELS
    np.testing.assert_array_equal(again.predict_proba(items), model.predict_proba(items))


@pytest.mark.parametrize("name", NAMES)
def test_no_items_get_no_predictions(name: str) -> None:
    items = some_items()

    model = learner(name).fit(items, their_targets(items), labels=LABELS, seed=1)

    assert model.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_no_model_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    path.write_bytes(b"not a model")

    with pytest.raises(Unusable, match=r"model\.skops"):
        cast(Any, FOUND[name]).load(path)


@pytest.mark.parametrize("name", NAMES)
def test_an_item_without_content_is_refused_by_its_key(name: str) -> None:
    items = [Content(key="bare-1"), Content(key="bare-2")]

    with pytest.raises(BadInput, match="bare-1"):
        learner(name).fit(items, np.eye(2, 3), labels=LABELS, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_targets_of_another_shape_are_refused(name: str) -> None:
    with pytest.raises(BadInput):
        learner(name).fit(some_items(4), np.ones((4, 2)), labels=LABELS, seed=1)


def test_pictures_of_any_size_and_either_format_are_read() -> None:
    items = [
        Content(key=str(place), image=a_picture(brightness=200 * (place % 2), size=10 + place, kind=kind))
        for place, kind in enumerate(["PNG", "JPEG", "JPEG", "PNG"] * 3)
    ]

    model = learner("image").fit(items, their_targets(items), labels=LABELS, seed=1)

    assert model.predict_proba(items).argmax(axis=1).tolist() == [0, 1] * 6


@pytest.mark.parametrize("content", [b"", b"GIF89a", a_picture(brightness=9, size=64)[:90]])
def test_an_unreadable_picture_is_refused_by_its_key(content: bytes) -> None:
    items = [Content(key="torn", image=content), *some_items(3)]

    with pytest.raises(BadInput, match="torn"):
        learner("image").fit(items, their_targets(items), labels=LABELS, seed=1)


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crowd_hitl.plugins.learners.sklearn_image.MOST_PIXELS", 50)

    with pytest.raises(BadInput, match="64 pixels"):
        learner("image").fit(some_items(2), np.eye(2, 3), labels=LABELS, seed=1)


def test_a_label_that_is_as_likely_wrong_as_right_teaches_next_to_nothing() -> None:
    classes, weights = hardened(np.array([[0.5, 0.5], [0.1, 0.9], [1.0, 0.0], [0.4, 0.3]]))

    assert classes.tolist() == [0, 1, 0, 0]
    np.testing.assert_allclose(weights, [0.01, 0.8, 1.0, 0.01])
