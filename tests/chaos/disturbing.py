"""The siege's disturbances, drawn from a seed: kills, a database that goes away, cuts, a full disk, clock jumps."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

from tests.chaos.cluster import Cluster
from tests.chaos.processes import KILLS, Besieged
from tests.chaos.proxy import CuttingProxy
from tests.chaos.talking import Exchange

PAUSE_SECONDS = (1.0, 3.0)
AWAY_SECONDS = (0.0, 1.5)
FULL_SECONDS = (0.5, 2.0)
BACK_SECONDS_MAX = 5.0
LAST_SECONDS = 2.0
# how far ahead of what a database file holds it may still grow while the disk is full
ROOM_BYTES = 4096
OFF_SECONDS = (0.0, 0.0, 0.0, -3600.0, -20.0, 7.0, 3600.0, 86_400.0)


@dataclass
class Siege:
    """What is besieged, and what was done to it."""

    webs: list[Besieged]
    jobs: list[Besieged]
    proxies: list[CuttingProxy]
    exchange: Exchange
    clock: Path
    random: Random
    only: Sequence[str] = ()
    first: Sequence[str] = ()
    ends_after_first: bool = False
    back_seconds_max: float = BACK_SECONDS_MAX
    database: Path | None = None
    cluster: Cluster | None = None
    counts: Counter[str] = field(default_factory=Counter)
    back: dict[str, list[float]] = field(default_factory=dict)

    async def disturb(self) -> None:
        """Do one after the other until it is over."""
        kinds: dict[Callable[[], Coroutine[Any, Any, None]], int] = {
            self.kill_web: 3,
            self.kill_job: 3,
            self.cut: 3,
            self.jump: 2,
        }
        if self.cluster is not None:
            kinds |= {self.stop_database: 2, self.terminate: 3}
        if self.database is not None:
            kinds[self.fill_disk] = 2
        chosen = {kind: weight for kind, weight in kinds.items() if not self.only or kind.__name__ in self.only}
        first = [kind for name in self.first for kind in kinds if kind.__name__ == name]
        while not self.exchange.is_over:
            await asyncio.sleep(self.random.uniform(*PAUSE_SECONDS))
            if first:
                await first.pop(0)()
                if not first and self.ends_after_first:
                    self.exchange.until = monotonic() + LAST_SECONDS
                continue
            (kind,) = self.random.choices(list(chosen), list(chosen.values()))
            await kind()

    async def keep_running(self) -> None:
        """Start again what has ended, as a service manager would."""
        while True:
            for one in (*self.webs, *self.jobs):
                one.keep_running()
            await asyncio.sleep(0.1)

    async def kill_web(self) -> None:
        """Kill a web process, its parent, or its child; not again before all have served somebody since."""
        served = self.exchange.answered_by
        while any(served.get(one.port or 0, 0.0) <= one.started_at for one in self.webs):
            if self.exchange.is_over:
                return
            await asyncio.sleep(0.05)
        await self._kill(self.random.choice(self.webs))

    async def kill_job(self) -> None:
        """Kill a job process."""
        await self._kill(self.random.choice(self.jobs))

    async def cut(self) -> None:
        """Cut all connections of clients to one server."""
        self.random.choice(self.proxies).cut_all()
        self.counts["connections of clients cut"] += 1

    async def jump(self) -> None:
        """Set the clock: leases lapse at once, or everything that was done lies in the future."""
        self.clock.write_text(str(self.random.choice(OFF_SECONDS)))
        self.counts["clock set"] += 1

    async def terminate(self) -> None:
        """End some of the database's connections."""
        assert self.cluster is not None
        self.counts["database connections ended"] += await asyncio.to_thread(
            self.cluster.cut, self.random, share=self.random.choice((0.2, 1.0))
        )

    async def stop_database(self) -> None:
        """Stop PostgreSQL at once, start it again, and see how long until somebody is served."""
        assert self.cluster is not None
        await self._until_served()
        await asyncio.to_thread(self.cluster.stop_at_once)
        await asyncio.sleep(self.random.uniform(*AWAY_SECONDS))
        await asyncio.to_thread(self.cluster.start)
        self.counts["database stopped at once"] += 1
        await self._time_back("database", most=self.back_seconds_max)

    async def fill_disk(self) -> None:
        """Let the files of the embedded database grow no further for a while."""
        assert self.database is not None
        files = [self.database, self.database.with_name(f"{self.database.name}-wal")]
        largest = max(file.stat().st_size for file in files if file.exists())
        for one in (*self.webs, *self.jobs):
            one.limit_files(largest + ROOM_BYTES if self.random.random() < 0.5 else ROOM_BYTES)
        await asyncio.sleep(self.random.uniform(*FULL_SECONDS))
        for one in (*self.webs, *self.jobs):
            one.limit_files(resource.RLIM_INFINITY)
        self.counts["disk full"] += 1
        await self._time_back("disk", most=None)

    async def _kill(self, one: Besieged) -> None:
        # a job process has no children
        how = self.random.choice(KILLS if one in self.webs else KILLS[:1])
        since, started = monotonic(), one.started
        if not one.kill(how):
            return
        self.counts[f"{one.name} killed ({how})"] += 1
        if one in self.webs and len(self.webs) == 1:
            while one.started == started and not self.exchange.is_over:
                await asyncio.sleep(0.02)
            await self._until_served()
            self._note_back("killed web process", self.exchange.answered_at - since)

    async def _time_back(self, what: str, *, most: float | None) -> None:
        since = monotonic()
        await self._until_served(since=since)
        took = self.exchange.answered_at - since
        self._note_back(what, took)
        if most is not None and took > most and not self.exchange.is_over:
            self.exchange.record.violate(f"the {what} was back, and nobody was served for {took:.1f} s")

    def _note_back(self, what: str, seconds: float) -> None:
        if not self.exchange.is_over:
            self.back.setdefault(what, []).append(seconds)

    async def _until_served(self, *, since: float | None = None) -> None:
        since = monotonic() if since is None else since
        while self.exchange.answered_at <= since and not self.exchange.is_over:
            await asyncio.sleep(0.02)
