"""Every queue that is found, over what it runs on here: ids come through once, none by pickle, stopping is quick."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any

import fakeredis
import pytest
from sqlalchemy import Engine

from crowd_hitl.domain.ports import Queue
from crowd_hitl.plugins.finding import find
from crowd_hitl.plugins.queues.huey_queue import JsonMessages
from crowd_hitl.plugins.queues.huey_redis import RedisQueues
from crowd_hitl.store.rows import Row
from tests.running.postgres import empty_tables

WAIT_SECONDS = 10


@pytest.fixture
def redis_url() -> Iterator[str]:
    server = fakeredis.TcpFakeServer(("127.0.0.1", 0))
    serving = Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"redis://127.0.0.1:{server.server_address[1]}/0"
    server.shutdown()
    server.server_close()
    serving.join()


@pytest.fixture(params=sorted(find("queues")))
def queue(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Queue]:
    if request.param == "sqlite":
        location = str(tmp_path / "queue.sqlite")
    elif request.param == "postgresql":
        engine: Engine = request.getfixturevalue("postgresql_engine")
        empty_tables(engine, Row.metadata)
        location = engine.url.render_as_string(hide_password=False)
    else:
        location = request.getfixturevalue("redis_url")
    plugins: dict[str, Any] = dict(find("queues"))
    opener = plugins[request.param]
    assert [name for name, one in plugins.items() if one.opens(location)] == [request.param]
    opened: Queue = opener.open(location)
    yield opened
    opened.close()


def test_every_id_comes_through_once_and_one_that_fails_stops_no_other(queue: Queue) -> None:
    came: list[int] = []
    lock, all_there = Lock(), Event()

    def run(job_id: int) -> None:
        with lock:
            came.append(job_id)
            if len(came) == 20:
                all_there.set()
        if job_id == 3:
            raise ValueError("no luck")

    for job_id in range(1, 16):
        queue.put(job_id)
    assert queue.size() == 15
    consuming = queue.consume(run, threads=2)
    for job_id in range(16, 21):
        queue.put(job_id)
    assert all_there.wait(WAIT_SECONDS)
    assert consuming.stop(seconds=WAIT_SECONDS)
    assert sorted(came) == list(range(1, 21))
    assert queue.size() == 0


def test_what_is_purged_does_not_come(queue: Queue) -> None:
    queue.put(1)
    queue.purge()
    assert queue.size() == 0


def test_stopping_waits_for_what_runs_but_not_for_ever(queue: Queue) -> None:
    began, may_end = Event(), Event()

    def run(job_id: int) -> None:
        began.set()
        may_end.wait(WAIT_SECONDS)

    queue.put(1)
    consuming = queue.consume(run, threads=1)
    assert began.wait(WAIT_SECONDS)
    assert not consuming.stop(seconds=0.05)
    may_end.set()
    assert consuming.stop(seconds=WAIT_SECONDS)


def test_a_message_is_json_and_nothing_that_runs() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        JsonMessages().deserialize(b"\x80\x05K\x01.")


def test_redis_without_its_client_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crowd_hitl.plugins.queues.huey_redis.find_spec", lambda name: None)
    with pytest.raises(Exception, match=r"crowd-hitl\[redis\]"):
        RedisQueues().open("redis://nowhere")
