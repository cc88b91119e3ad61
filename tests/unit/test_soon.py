"""What requests note is done soon, once, and what fails keeps nothing else from being done."""

import logging
from threading import Event

import pytest

from crowd_hitl.edge.soon import Soon

PATIENCE = 30


def test_what_is_noted_often_is_done_once_and_noted_again_is_done_again() -> None:
    done: list[int] = []
    ready = Event()

    def work(*, batch_id: int) -> None:
        done.append(batch_id)
        ready.set()

    soon = Soon("test", work)
    for _ in range(50):
        soon.note(7)
    soon.start()
    assert ready.wait(PATIENCE)
    ready.clear()
    soon.note(7)
    assert ready.wait(PATIENCE)
    soon.stop()

    assert done == [7, 7]


def test_what_fails_is_logged_and_the_next_is_done(caplog: pytest.LogCaptureFixture) -> None:
    ready = Event()

    def work(*, batch_id: int) -> None:
        if batch_id == 1:
            raise RuntimeError("the database is away")
        ready.set()

    soon = Soon("test", work)
    soon.note(1)
    soon.note(2)
    with caplog.at_level(logging.ERROR):
        soon.start()
        assert ready.wait(PATIENCE)
        soon.stop()

    assert "batch 1" in caplog.text
