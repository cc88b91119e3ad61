"""Workers under siege: they claim, answer, repeat, hang up, abandon, release, replace, and come too late."""

import asyncio
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx

from tests.chaos.crowded import LABELS
from tests.chaos.recorded import Submit
from tests.chaos.talking import Line

IDLE_SECONDS = 0.3
LATE_SECONDS = 6.0
# of what is claimed
ABANDONED, RELEASED, LATE = 0.03, 0.04, 0.02
# of what is submitted
HUNG_UP, REPEATED, REPLACED = 0.06, 0.1, 0.06
# What a worker may be refused: a lapsed lease of a task they were handed again, an answer that was decided.
REFUSED = httpx.codes.CONFLICT


@dataclass
class Worker:
    """One worker's client."""

    id: int
    line: Line
    batches: list[int]
    random: Random
    decide: list[int] = field(default_factory=list)

    async def work(self) -> None:
        """Work until it is over."""
        exchange = self.line.exchange
        while not exchange.is_over:
            held = await self._claim() if self.batches else []
            while held and not exchange.is_over:
                held = [*held[1:], *await self._do(held[0])]
            if not held:
                await asyncio.sleep(IDLE_SECONDS * self.random.random())

    async def _claim(self) -> list[Any]:
        batch_id = self.random.choice(self.batches)
        reply = await self._ask("POST", f"/batches/{batch_id}/claim", {"count": self.random.randint(1, 3)})
        self._note("claim")
        if reply is None or not self._is_taken(reply, "claim"):
            return []
        found: list[Any] = reply.json()
        return found

    async def _do(self, assignment: Any) -> list[Any]:
        draw = self.random.random()
        if draw < ABANDONED:
            self._note("abandon")
            return []
        if draw < ABANDONED + RELEASED:
            self._note("release")
            reply = await self._ask("POST", f"/assignments/{assignment['id']}/release")
            if reply is not None and reply.status_code != REFUSED:
                self._is_taken(reply, "release")
            return []
        if draw < ABANDONED + RELEASED + LATE:
            self._note("come late")
            await asyncio.sleep(LATE_SECONDS)
        return await self._submit(assignment)

    async def _submit(self, assignment: Any) -> list[Any]:
        key, label = f"key-{assignment['id']}", self.random.choice(LABELS)
        record = self.line.exchange.record
        if (self.id, key) in record.submits:
            return []  # claimed again before the first submit was through
        await record.note("submit", worker=self.id, key=key, assignment=assignment["id"], label=label)
        record.submits[self.id, key] = Submit(assignment["id"], {label})
        body = {
            "value": {assignment["question"]["field"]: label},
            "client_key": key,
            "seconds": 1.0,
            "next": self.random.randint(0, 1),
        }
        path = f"/assignments/{assignment['id']}/submit"
        reply = await self._ask("POST", path, body)
        self._note("submit")
        receipt = await self._receipt(key, reply)
        if receipt is None:
            return []
        if self.random.random() < REPEATED:
            self._note("repeat")
            await self._receipt(key, await self._ask("POST", path, body))
        if self.random.random() < REPLACED:
            await self._replace(key, receipt["answer"]["id"], assignment["question"]["field"])
        if receipt["late"]:
            self._note("late")
            await record.decide(receipt["answer"]["id"], "late")
        else:
            self.decide.append(receipt["answer"]["id"])
        following: list[Any] = receipt["next"]
        return following

    async def _receipt(self, key: str, reply: httpx.Response | None) -> Any:
        record = self.line.exchange.record
        if reply is None:
            return None
        if reply.status_code == REFUSED:
            await record.refuse(self.id, key, reply.text)
            return None
        if not self._is_taken(reply, "submit"):
            return None
        receipt = reply.json()
        await record.acknowledge(self.id, key, receipt["answer"]["id"])
        return receipt

    async def _replace(self, key: str, answer_id: int, field_name: str) -> None:
        record, label = self.line.exchange.record, self.random.choice(LABELS)
        submit = record.submits[self.id, key]
        await record.note("replace", worker=self.id, answer=answer_id, label=label)
        submit.values = {*submit.values, label}
        reply = await self._ask("PUT", f"/answers/{answer_id}", {"value": {field_name: label}})
        self._note("replace")
        # refused after a reply that was lost: either may be there
        if reply is not None and reply.status_code != REFUSED and self._is_taken(reply, "replace"):
            await record.note("replaced", answer=answer_id, label=label)
            submit.values = {label}

    async def _ask(self, method: str, path: str, body: Any = None) -> httpx.Response | None:
        return await self.line.ask(method, path, body, hang_up=self.random.random() < HUNG_UP)

    def _is_taken(self, reply: httpx.Response, what: str) -> bool:
        """Say whether it was done; a worker who asks for what is theirs is never told that there is no such thing."""
        if 400 <= reply.status_code < 500:
            self.line.exchange.record.violate(f"{what} got {reply.status_code}: {reply.text[:200]}")
        return reply.is_success

    def _note(self, what: str) -> None:
        self.line.exchange.operations[what] += 1
