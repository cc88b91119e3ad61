"""The hot path on SQLite: the steps of `postgresql`, one by one under the one write lock that BEGIN IMMEDIATE takes.

SQLite changes rows of one table in a statement; a statement costs microseconds, as there is no server to ask. So the
driver is called directly: SQLAlchemy around each of sixteen statements would cost more than all of them.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from crowd_hitl.domain.gold import draw
from crowd_hitl.store.hot_path import sqlite_texts as texts
from crowd_hitl.store.hot_path.shapes import HELD_MAX, Filled, PageFilled, PageTaken, Place, Taken, Wanted

Values = Mapping[str, Any]


def lease(connection: Connection, wanted: Wanted) -> list[Place]:
    """Lease the next open places past the worker's bookmark."""
    with _driver(connection) as driver:
        return _lease(driver, wanted)


def lease_these(connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
    """Lease places of these tasks."""
    with _driver(connection) as driver:
        asked = _asked(wanted)
        gate, count = _gate(driver, asked, wanted)
        if gate is None:
            return []
        found = (_row(driver, texts.THIS, {**asked, "task_id": task_id}) for task_id in task_ids)
        return _take(driver, [task for task in found if task is not None][:count], gate, wanted)


def lease_drawn(connection: Connection, wanted: Wanted, *, task_ids: Sequence[int]) -> list[Place]:
    """Lease places of these tasks, and beside them what lies ahead."""
    with _driver(connection) as driver:
        asked = _asked(wanted)
        gate, count = _gate(driver, asked, wanted)
        if gate is None:
            return []
        found = (_row(driver, texts.THIS, {**asked, "task_id": task_id}) for task_id in task_ids)
        drawn = [task for task in found if task is not None]
        ahead = [task for task in _look(driver, asked, count=count) if task["id"] not in task_ids]
        tasks = [*drawn, *ahead][:count]
        return _take(driver, sorted(tasks, key=lambda task: draw(wanted.worker_id, task["id"])), gate, wanted)


def fill(connection: Connection, filled: Filled) -> Taken | None:
    """Write an answer and lease the next places."""
    with _driver(connection) as driver:
        return _fill(driver, filled)


def fill_page(connection: Connection, filled: PageFilled) -> PageTaken | None:
    """Write the answers of a whole page and lease the next page."""
    with _driver(connection) as driver:
        return _fill_page(driver, filled)


def places(connection: Connection, assignment_ids: list[int]) -> list[Place]:
    """Show assignments with their items, in the order of the ids."""
    shown = []
    with _driver(connection) as driver:
        for assignment_id in assignment_ids:
            place = Place(*driver.execute(texts.PLACES, {"assignment_id": assignment_id}).fetchone())
            leased_at, ends_at = _read(str(place.leased_at)), _read(str(place.lease_ends_at))
            shown.append(place._replace(leased_at=leased_at, lease_ends_at=ends_at))
    return shown


def _lease(driver: sqlite3.Connection, wanted: Wanted) -> list[Place]:
    asked = _asked(wanted)
    gate, count = _gate(driver, asked, wanted)
    return [] if gate is None else _take(driver, list(_look(driver, asked, count=count)), gate, wanted)


def _asked(wanted: Wanted) -> dict[str, Any]:
    return {
        "batch_id": wanted.batch_id,
        "worker_id": wanted.worker_id,
        "in_service": wanted.in_service,
        "now": _written(wanted.now),
    }


def _gate(driver: sqlite3.Connection, asked: Values, wanted: Wanted) -> tuple[dict[str, Any] | None, int]:
    """Return the batch and how many places of it this worker may have now; no batch when it may have none."""
    gate = _row(driver, texts.GATE, asked)
    if gate is None or wanted.places <= 0:
        return None, 0
    if gate["page_size"] > 1:
        most = min(wanted.places, gate["page_size"]) if wanted.in_service else gate["page_size"]
        count = 0 if gate["held"] else most
    else:
        count = min(wanted.places, HELD_MAX - gate["held"])
    return (gate, count) if count > 0 else (None, 0)


def _fill(driver: sqlite3.Connection, filled: Filled) -> Taken | None:
    asked = {
        "assignment_id": filled.assignment_id,
        "worker_id": filled.worker_id,
        "in_service": filled.in_service,
        "now": _written(filled.now),
    }
    held = _row(driver, texts.HELD, asked)
    if held is None:
        return None
    known = {**held, **asked}
    driver.execute(texts.ANSWER_ASSIGNMENT, known)
    driver.execute(texts.COUNT_ANSWER, known)
    if held["is_alone"]:
        driver.execute(texts.CLOSE_SITTING, known)
    if held["pays"]:
        _pay(driver, known)
    fresh: list[Place] = []
    if filled.next_count:
        places = filled.next_count
        wanted = Wanted(held["batch_id"], filled.worker_id, places, filled.now, in_service=filled.in_service)
        fresh = _lease(driver, wanted)
    given = {"value": json.dumps(filled.value), "client_key": filled.client_key, "seconds": filled.seconds}
    answer_id = driver.execute(texts.KEEP, {**known, **given, "next_ids": _ids(fresh)}).fetchone()[0]
    return Taken(answer_id, held["price_micros"], held["currency"], held["full_in"], fresh)


def _fill_page(driver: sqlite3.Connection, filled: PageFilled) -> PageTaken | None:
    asked = {"sitting_id": filled.sitting_id, "worker_id": filled.worker_id, "now": _written(filled.now)}
    held = [dict(row) for row in driver.execute(texts.HELD_PAGE, asked)]
    answers = {answer.assignment_id: answer for answer in filled.answers}
    if not held or not all(row["is_mine"] for row in held) or {row["id"] for row in held} != set(answers):
        return None
    known = [{**row, **asked, "assignment_id": row["id"]} for row in held]
    for row in known:
        driver.execute(texts.ANSWER_ASSIGNMENT, row)
        driver.execute(texts.COUNT_ANSWER, row)
    whole = known[0]
    driver.execute(texts.CLOSE_SITTING, whole)
    due = {name: whole[name] * len(held) for name in ("price_micros", "fee_micros")}
    if whole["pays"]:
        _pay(driver, {**whole, **due})
    fresh: list[Place] = []
    if filled.next_count:
        fresh = _lease(driver, Wanted(whole["batch_id"], filled.worker_id, filled.next_count, filled.now))
    answer_ids = {}
    for row in known:
        answer = answers[row["id"]]
        given = {"value": json.dumps(answer.value), "client_key": answer.client_key, "seconds": answer.seconds}
        # what came next is kept once, with the first answer
        next_ids = _ids(fresh if row is whole else [])
        answer_ids[row["id"]] = driver.execute(texts.KEEP, {**row, **given, "next_ids": next_ids}).fetchone()[0]
    full_in = next((row["full_in"] for row in held if row["full_in"] is not None), None)
    return PageTaken(answer_ids, due["price_micros"], whole["currency"], full_in, fresh)


def _look(driver: sqlite3.Connection, asked: Values, *, count: int) -> Iterator[Values]:
    """Walk the levels from the highest down, past the bookmark in each, and yield at most `count` tasks."""
    below = texts.ABOVE_ALL
    while count > 0:
        level = driver.execute(texts.LEVEL, {**asked, "below": below}).fetchone()[0]
        if level is None:
            return
        here = {**asked, "level": level, "count": count}
        here["bookmark"] = driver.execute(texts.BOOKMARK, here).fetchone()[0]
        found = driver.execute(texts.AHEAD, here).fetchall()
        yield from found
        count -= len(found)
        below = level


def _take(driver: sqlite3.Connection, tasks: Sequence[Values], gate: Values, wanted: Wanted) -> list[Place]:
    """Count the places down and write the leases; each gets a sitting of its own, or all of a page one together."""
    known = {**gate, "worker_id": wanted.worker_id, "now": _written(wanted.now), "sitting_id": None}
    ends = wanted.now + timedelta(seconds=gate["lease_seconds"])
    is_paged = gate["page_size"] > 1
    if is_paged:
        ends = min(ends, *(_read(task["deadline"]) for task in tasks if task["deadline"] is not None), ends)
    taken = []
    for task in tasks:
        if known["sitting_id"] is None or not is_paged:
            known["sitting_id"] = driver.execute(texts.OPEN_SITTING, known).fetchone()[0]
        task_ends = ends if task["deadline"] is None else min(ends, _read(task["deadline"]))
        taken.append(_take_one(driver, task, known, leased=(wanted.now, task_ends)))
    return taken


def _take_one(driver: sqlite3.Connection, task: Values, known: Values, *, leased: tuple[datetime, datetime]) -> Place:
    leased_at, ends = leased
    values = {**known, **dict(task), "task_id": task["id"], "lease_ends_at": _written(ends)}
    driver.execute(texts.COUNT_DOWN, values)
    return Place(
        assignment_id=driver.execute(texts.OPEN_ASSIGNMENT, values).fetchone()[0],
        sitting_id=known["sitting_id"],
        task_id=task["id"],
        batch_id=known["batch_id"],
        question_version_id=task["question_version_id"],
        item_id=task["item_id"],
        item_key=task["item_key"],
        text=task["text"],
        image_key=task["image_key"],
        audio_key=task["audio_key"],
        leased_at=leased_at,
        lease_ends_at=ends,
        price_micros=known["price_micros"],
        currency=known["currency"],
    )


def _pay(driver: sqlite3.Connection, known: Values) -> None:
    """Move pay and fee out of what the batch holds."""
    currency = known["currency"]
    source = _account(driver, "batch", known["batch_id"], currency)
    shares = (
        ("pay", "worker", known["worker_id"], known["price_micros"]),
        ("fee", "fee", known["batch_id"], known["fee_micros"]),
    )
    for kind, to_kind, ref_id, amount_micros in shares:
        if amount_micros:
            target = _account(driver, to_kind, ref_id, currency)
            move = {**known, "kind": kind, "from_id": source, "to_id": target, "amount_micros": amount_micros}
            driver.execute(texts.PAY, move)


def _account(driver: sqlite3.Connection, kind: str, ref_id: int, currency: str) -> int:
    """Find a ledger account, opening it at its first use."""
    key = {"kind": kind, "ref_id": ref_id, "currency": currency}
    found = driver.execute(texts.FIND_ACCOUNT, key).fetchone() or driver.execute(texts.OPEN_ACCOUNT, key).fetchone()
    account_id: int = found[0]
    return account_id


def _ids(fresh: Sequence[Place]) -> str:
    return json.dumps([place.assignment_id for place in fresh])


def _row(driver: sqlite3.Connection, statement: str, values: Values) -> dict[str, Any] | None:
    found = driver.execute(statement, values).fetchone()
    return None if found is None else dict(found)


@contextmanager
def _driver(connection: Connection) -> Iterator[sqlite3.Connection]:
    """Give the driver's connection; what it raises leaves as SQLAlchemy's error, which the unit of work knows."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    usual, driver.row_factory = driver.row_factory, sqlite3.Row
    try:
        yield driver
    except sqlite3.Error as error:
        raise DBAPIError.instance("hot path", None, error, sqlite3.Error) from error
    finally:
        driver.row_factory = usual


def _written(moment: datetime) -> str:
    """Write a moment as SQLAlchemy does, so that texts compare as moments."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")


def _read(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
