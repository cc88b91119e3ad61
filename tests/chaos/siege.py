"""A siege: 64 clients over HTTP, servers and database killed meanwhile, and what was told compared with what is."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from time import monotonic
from typing import Any

import httpx
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from crowd_hitl.bootstrap import House
from crowd_hitl.domain.errors import Busy
from crowd_hitl.services.admitting import create_account, default_organisation, issue_token
from crowd_hitl.services.checking import check
from crowd_hitl.store.project_rows import ItemRow
from tests.chaos.cluster import Cluster
from tests.chaos.crowded import Load, environment_of, make_crowded
from tests.chaos.disturbing import BACK_SECONDS_MAX, Siege
from tests.chaos.processes import Besieged
from tests.chaos.proxy import CuttingProxy
from tests.chaos.recorded import Record, compare
from tests.chaos.requester import Requester
from tests.chaos.served import VARIABLE
from tests.chaos.talking import Exchange, Line
from tests.chaos.workers import Worker
from tests.running.server import free_port

CUT_SHARE = 0.01
READY_SECONDS = 60.0
SHOWN = 20
LOOK_SECONDS = 30.0
# Little enough that batches meet its end; the requester tops it up.
MONEY_MICROS = 100_000_000


@dataclass(frozen=True)
class Plan:
    """How long, how many, and from which seed."""

    seconds: float
    seed: int
    clients: int = 64
    webs: int = 1
    # of the disturbances; none named is all
    only: Sequence[str] = ()
    # in this order, before the others are drawn
    first: Sequence[str] = ()
    # then end soon: a short siege counts deeds and not seconds, as a busy machine does little in those
    ends_after_first: bool = False
    back_seconds_max: float = BACK_SECONDS_MAX


@dataclass
class Report:
    """What was done and what went wrong."""

    plan: Plan
    operations: dict[str, int]
    statuses: dict[int, int]
    disturbances: dict[str, int]
    back: dict[str, list[float]]
    answers: int
    broken: int
    starts: int
    violations: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Show the counts."""
        times = {
            what: f"{len(all_)} times, longest {max(all_):.1f} s, median {sorted(all_)[len(all_) // 2]:.1f} s"
            for what, all_ in self.back.items()
        }
        done = sum(count for status, count in self.statuses.items() if status < 300)
        lines = [
            f"seed {self.plan.seed}, {self.plan.clients} clients, {self.plan.seconds:.0f} s",
            f"operations: {sum(self.operations.values())} ({_listed(self.operations)})",
            f"replies: {done} of 2xx, {_listed(self.statuses)}; broken connections: {self.broken}",
            f"answers acknowledged: {self.answers}",
            f"disturbances: {sum(self.disturbances.values())} ({_listed(self.disturbances)})",
            f"processes started: {self.starts}",
            f"served again after: {_listed(times)}",
            f"violations: {len(self.violations)}",
            *(f"  {count} × {one}" for one, count in _alike(self.violations)),
        ]
        return "\n".join(lines)


def besiege(house: House, plan: Plan, *, cluster: Cluster | None) -> Report:
    """Run a siege on an empty house; the caller shows the report."""
    load = Load(tasks=400, overlap=1, workers=plan.clients - 1, money_micros=MONEY_MICROS, simulated=False)
    crowded = make_crowded(house, load)
    token = house.uow.run(_requester)
    items = house.uow.read(lambda session: list(session.scalars(select(ItemRow.id))))
    record = Record(house.settings.data / "acknowledged.jsonl")
    random = Random(plan.seed)

    async def all_of_it() -> Siege:
        async with _besieged(house, plan, record, cluster) as siege:
            limits = httpx.Limits(max_connections=plan.clients * 2)
            async with httpx.AsyncClient(timeout=10, trust_env=False, limits=limits) as http:
                batches, decide = [crowded.batch_id], list[int]()
                workers = [
                    Worker(id_, Line(siege.exchange, http, one), batches, Random(random.random()), decide)
                    for id_, one in crowded.tokens.items()
                ]
                requester = Requester(
                    *(Line(siege.exchange, http, token), "load", crowded.budget_id, items, list(crowded.tokens)),
                    *(Random(random.random()), batches, decide),
                )
                looking = asyncio.create_task(_look(house, record))
                await asyncio.gather(siege.disturb(), requester.manage(), *[worker.work() for worker in workers])
                looking.cancel()
            return siege

    # In a thread of its own: Playwright's synchronous API leaves a loop running in the one that tests run in.
    with ThreadPoolExecutor(1) as pool:
        siege = pool.submit(lambda: asyncio.run(all_of_it())).result()
    record.close()
    told = house.uow.read(compare, record=record, at_rest=True)
    problems = [str(problem) for problem in house.uow.read(check)]
    return Report(
        plan=plan,
        operations=siege.exchange.operations,
        statuses=siege.exchange.statuses,
        disturbances={**siege.counts, "requests cut by the proxy": sum(proxy.cuts for proxy in siege.proxies)},
        back=siege.back,
        answers=sum(one.answer_id is not None for one in record.submits.values()),
        broken=siege.exchange.broken + siege.exchange.hung_up,
        starts=sum(one.started for one in (*siege.webs, *siege.jobs)),
        violations=[*record.violations, *told, *problems],
    )


@asynccontextmanager
async def _besieged(house: House, plan: Plan, record: Record, cluster: Cluster | None) -> AsyncIterator[Siege]:
    """Start the processes, and proxies in front of the web servers; the siege's time begins when they are healthy."""
    data, random = house.settings.data, Random(plan.seed)
    clock = data / "clock"
    environment = {**environment_of(house.settings), "CROWD_HITL_TICK_SECONDS": "0.5", VARIABLE: str(clock)}
    ports = [free_port() for _ in range(plan.webs)]
    served = ["serve", "--data", str(data), "--no-jobs", "--port"]
    proxies = [CuttingProxy(port, random=random, share=CUT_SHARE) for port in ports]
    exchange = Exchange([await proxy.start() for proxy in proxies], record, random, until=0.0)
    webs = [
        Besieged("web process", [*served, str(port)], environment, data / f"web-{number}.log", port=proxied)
        for number, (port, proxied) in enumerate(zip(ports, exchange.ports, strict=True))
    ]
    jobs = [Besieged("job process", ["work", "--data", str(data)], environment, data / "job.log")]
    siege = Siege(webs, jobs, proxies, exchange, clock, random, only=plan.only, first=plan.first, cluster=cluster)
    siege.ends_after_first, siege.back_seconds_max = plan.ends_after_first, plan.back_seconds_max
    if cluster is None:
        siege.database = data / "crowd_hitl.sqlite"
    keeping = asyncio.create_task(siege.keep_running())
    try:
        await _until_healthy(ports)
        exchange.until = monotonic() + plan.seconds
        yield siege
    finally:
        keeping.cancel()
        for one in (*webs, *jobs):
            one.stop()
        for proxy in proxies:
            await proxy.stop()


async def _until_healthy(ports: list[int]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        until = monotonic() + READY_SECONDS
        for port in ports:
            while True:
                try:
                    if (await http.get(f"http://127.0.0.1:{port}/healthz")).is_success:
                        break
                except httpx.TransportError:
                    pass  # not listening yet
                if monotonic() > until:
                    raise RuntimeError(f"the server on port {port} was not healthy after {READY_SECONDS:.0f} s")
                await asyncio.sleep(0.1)


async def _look(house: House, record: Record) -> None:
    """Compare every now and then, while everything goes on: one snapshot must always be right."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            found = await asyncio.to_thread(_wrong, house, record)
        except (Busy, DBAPIError):
            continue  # the database is away
        for one in found:
            record.violate(f"meanwhile: {one}")


def _wrong(house: House, record: Record) -> list[str]:
    told = house.uow.read(compare, record=record, at_rest=False)
    return [*told, *(str(problem) for problem in house.uow.read(check))]


def _requester(session: Session, *, now: datetime) -> str:
    organisation = default_organisation(session, now=now)
    account = create_account(
        session,
        organisation_id=organisation.id,
        login="requester",
        name="Requester",
        role="requester",
        password=None,
        now=now,
    )
    return issue_token(session, account_id=account.id, name="siege", now=now)


def _alike(violations: list[str]) -> list[tuple[str, int]]:
    """Count those that differ by numbers only, under the first of each kind."""
    kinds: dict[str, list[str]] = {}
    for one in violations:
        kinds.setdefault(re.sub(r"\d+", "", one), []).append(one)
    return [(alike[0], len(alike)) for alike in kinds.values()][:SHOWN]


def _listed(counts: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
