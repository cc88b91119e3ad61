"""A started server under 32 clients at once: every task has exactly its answers, nothing twice, nothing lost."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from crowd_hitl.bootstrap import House
from crowd_hitl.domain.quotes import COMPENSATION_SHARE, compensation_places
from tests.chaos.clients import VANISHED_HOLD, Drain
from tests.chaos.crowded import (
    Load,
    answers_in,
    count_answers,
    environment_of,
    make_crowded,
    opened,
    problems,
    settings_on,
)
from tests.running.postgres import empty_database
from tests.running.server import running_server

OVERLAP = 3
VANISHING = 4
DRAINED = Load(tasks=100, overlap=OVERLAP, workers=32, lease_seconds=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def house(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    """Open a house of our own, whose database a server process can open too."""
    if request.param == "sqlite":
        with opened(settings_on(tmp_path)) as house:
            yield house
        return
    server: Engine = request.getfixturevalue("postgresql_engine")
    with (
        empty_database(server.url.render_as_string(hide_password=False)) as url,
        opened(settings_on(tmp_path, database_url=url)) as house,
    ):
        yield house


def test_32_clients_drain_a_batch_without_a_voice_too_many_or_an_answer_lost(house: House) -> None:
    crowded = make_crowded(house, DRAINED)

    with running_server(house.settings.data, environment=environment_of(house.settings)) as server:
        drain = Drain(server.address, crowded, places=DRAINED.tasks * OVERLAP, vanishing=VANISHING)
        drain.run()

    assert drain.faults == []
    assert drain.done and drain.repeats > 0 and drain.broken_connections == 0
    assert [len(held) for held in drain.abandoned.values()] == [VANISHED_HOLD] * VANISHING
    assert_that_all_is_there_once(house, drain, tasks=DRAINED.tasks)


def assert_that_all_is_there_once(house: House, drain: Drain, *, tasks: int) -> None:
    """Compare what clients were told with what the database holds."""
    stored = answers_in(house)
    told = {one.answer_id: (one.assignment_id, one.task_id, one.worker_id, one.label) for one in drain.receipts}
    assert len(told) == len(drain.receipts) == len(stored)
    # what came late stands for nothing, and is kept: as much of it as the line is for is paid, the rest is owed
    assert not set(drain.late) & set(stored) and count_answers(house) == len(stored) + len(drain.late)
    paid = compensation_places(tasks * OVERLAP, share=COMPENSATION_SHARE)
    assert (len(drain.late), drain.owed) == (VANISHING * VANISHED_HOLD, VANISHING * VANISHED_HOLD - paid)
    assert told == stored
    per_task = Counter(task_id for _, task_id, _, _ in stored.values())
    assert set(per_task.values()) == {OVERLAP} and len(per_task) == tasks
    assert max(Counter((task_id, worker_id) for _, task_id, worker_id, _ in stored.values()).values()) == 1
    assert problems(house) == []
