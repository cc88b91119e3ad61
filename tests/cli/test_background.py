"""The ticker, its passes and its lock: one fails, the others go on; of two processes one works."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import Engine

from crowd_hitl.bootstrap import find_plugins, open_storage
from crowd_hitl.jobs.alone import alone
from crowd_hitl.jobs.passes import make_passes
from crowd_hitl.jobs.ticker import Ticker
from crowd_hitl.settings import Settings
from crowd_hitl.store.unit_of_work import UnitOfWork


@contextmanager
def allowed() -> Iterator[bool]:
    yield True


def test_what_fails_is_logged_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []

    def fail() -> None:
        raise ZeroDivisionError("no luck")

    ticker = Ticker({"fail": fail, "work": lambda: done.append("work")}, seconds=1, allowed=allowed)
    with caplog.at_level(logging.ERROR):
        ticker.tick()
        ticker.tick()
    assert done == ["work", "work"]
    assert "background work 'fail' failed" in caplog.text
    assert "no luck" in caplog.text


def test_it_ticks_until_it_is_stopped_and_never_at_zero_seconds() -> None:
    ticked = Event()
    ticker = Ticker({"note": ticked.set}, seconds=0.01, allowed=allowed)
    ticker.start()
    assert ticked.wait(5)
    ticker.stop()
    ticked.clear()
    assert not ticked.wait(0.1)

    off = Ticker({"note": ticked.set}, seconds=0, allowed=allowed)
    off.start()
    assert not ticked.wait(0.1)
    off.stop()


def test_of_two_only_one_works_at_a_time(store: Engine) -> None:
    with alone(store) as first:
        assert first
        with alone(store) as second:
            assert not second
    with alone(store) as again:
        assert again


def test_all_passes_run_on_an_empty_store(unit_of_work: UnitOfWork, tmp_path: Path) -> None:
    storage = open_storage(Settings(data=tmp_path, storage=None))
    passes = make_passes(unit_of_work, plugins=find_plugins(), storage=storage, handlers={})
    assert list(passes) == ["expire", "agree", "loop", "rules", "alert", "deliver"]
    for run in passes.values():
        run()
