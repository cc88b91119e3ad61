"""Serves the whole application, furnished with the showcase, from a thread of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

from werkzeug.serving import make_server

from crowd_hitl.application import create_app
from crowd_hitl.bootstrap import House, build_house
from crowd_hitl.settings import Settings
from tests.showcase import Showcase, furnish


@dataclass(frozen=True)
class Site:
    """Where the application answers, and what it was furnished with."""

    address: str
    made: Showcase
    house: House


@contextmanager
def serving(data: Path) -> Iterator[Site]:
    """Furnish an embedded store in `data` and serve it until the block ends."""
    settings = Settings(data=data, rate_limits=False)
    house = build_house(settings)
    made = furnish(house, now=datetime.now(UTC))  # noqa: TID251 - a test's edge: pages count days from the real clock
    with answering(house) as address:
        yield Site(address=address, made=made, house=house)


@contextmanager
def answering(house: House) -> Iterator[str]:
    """Serve a house from a thread of this process until the block ends; the house is closed then."""
    server = make_server("127.0.0.1", 0, create_app(house.settings), threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        house.uow.engine.dispose()
