"""A light closed-loop driver: each client submits and gets its next task in the same request, as fast as it can."""

import asyncio
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.chaos.crowded import LABELS, Crowded
from tests.running.server import RunningServer

EMPTY_CLAIMS_MAX = 3
PAUSE_SECONDS = 0.1
TICKS = os.sysconf("SC_CLK_TCK")


def drive(
    server: RunningServer, crowded: Crowded, *, clients: int, database_cpu: Callable[[], float]
) -> dict[str, Any]:
    """Drain the batch and return answers a second, latencies and CPU time per answer: of web and database, apart."""
    seconds: list[float] = []
    cpu_before, database_before, started = cpu_seconds(server.pid), database_cpu(), time.perf_counter()
    asyncio.run(_drain(server.address, crowded, clients=clients, seconds=seconds))
    took = time.perf_counter() - started
    web = 1000 * (cpu_seconds(server.pid) - cpu_before) / max(1, len(seconds))
    database = 1000 * (database_cpu() - database_before) / max(1, len(seconds))
    seconds.sort()
    return {
        "clients": clients,
        "answers": len(seconds),
        "seconds": round(took, 2),
        "answers_per_second": round(len(seconds) / took, 1),
        "submit_ms": {"p50": _percentile(seconds, 0.5), "p99": _percentile(seconds, 0.99)},
        "cpu_ms_per_answer": {
            "web": round(web, 2),
            "database": round(database, 2),
            "both": round(web + database, 2),
        },
    }


def cpu_seconds(pid: int) -> float:
    """Add up the CPU time of a process and its descendants (Linux); a database server of its own is not among them."""
    total = 0.0
    for process in [pid, *_descendants(pid)]:
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            continue  # it ended meanwhile
        total += (int(fields[11]) + int(fields[12])) / TICKS
    return total


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            found += [child, *_descendants(child)]
    return found


async def _drain(address: str, crowded: Crowded, *, clients: int, seconds: list[float]) -> None:
    limits = httpx.Limits(max_connections=clients)
    async with httpx.AsyncClient(base_url=f"{address}/api/v1", timeout=60, trust_env=False, limits=limits) as http:
        tokens = list(crowded.tokens.values())[:clients]
        await asyncio.gather(*[_client(http, token, batch_id=crowded.batch_id, seconds=seconds) for token in tokens])


async def _client(http: httpx.AsyncClient, token: str, *, batch_id: int, seconds: list[float]) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    held: list[Any] = []
    empty = 0
    while empty < EMPTY_CLAIMS_MAX:
        if not held:
            reply = await http.post(f"/batches/{batch_id}/claim", json={"count": 1}, headers=headers)
            held = reply.raise_for_status().json()
            empty = 0 if held else empty + 1
            if not held:
                await asyncio.sleep(PAUSE_SECONDS)
            continue
        path, body, answers = _page(held) if len(held) > 1 else _one(held[0])
        started = time.perf_counter()
        reply = await http.post(path, json=body, headers=headers)
        held = reply.raise_for_status().json()["next"]
        # each answer of a page is counted, with the time that the page took
        seconds += [time.perf_counter() - started] * answers


def _one(assignment: Any) -> tuple[str, dict[str, Any], int]:
    body = {"value": _value(assignment), "client_key": f"b-{assignment['id']}", "seconds": 1.0, "next": 1}
    return f"/assignments/{assignment['id']}/submit", body, 1


def _page(held: list[Any]) -> tuple[str, dict[str, Any], int]:
    answers = [{"assignment_id": one["id"], "value": _value(one), "seconds": 1.0} for one in held]
    sitting = held[0]["sitting_id"]
    return f"/sittings/{sitting}/submit", {"answers": answers, "client_key": f"p-{sitting}", "next": 1}, len(answers)


def _value(assignment: Any) -> dict[str, str]:
    return {assignment["question"]["field"]: LABELS[assignment["id"] % len(LABELS)]}


def _percentile(ordered: list[float], share: float) -> float | None:
    """Return milliseconds."""
    return round(1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else None
