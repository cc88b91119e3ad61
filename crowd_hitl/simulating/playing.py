"""Simulated people at work: a requester who advances the loop and workers who answer, all through the HTTP API."""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Any

import httpx

from crowd_hitl.domain.errors import Unusable
from crowd_hitl.simulating.crowd import SimulatedCrowd, SimulatedWorker

TIMEOUT_SECONDS = 60.0
# A wave in which nobody finds anything to do, though places are open, would go on for ever.
IDLE_WAVES_MAX = 3


class Caller:
    """One HTTP connection to the server, used under several tokens."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=f"{address}/api/v1", timeout=TIMEOUT_SECONDS, trust_env=False)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def ask(self, method: str, path: str, *, token: str, body: Mapping[str, Any] | None = None) -> Any:
        """Send one request and return what came back; Unusable shows what the server said was wrong."""
        try:
            reply = self._http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
        except httpx.HTTPError as error:
            raise Unusable(f"The server does not answer: {error}.") from error
        if reply.is_error:
            raise Unusable(f"{method} {path} was refused with {reply.status_code}: {reply.text[:300]}")
        return reply.json() if reply.content else None


class Play:
    """A loop played to its end: the requester advances it, and whenever it waits the workers answer."""

    def __init__(self, caller: Caller, *, crowd: SimulatedCrowd, tokens: Mapping[str, str], seed: int) -> None:
        self._caller = caller
        self._crowd = crowd
        self._tokens = tokens
        self._random = Random(f"{seed}/order")

    def run(self, *, project: str, requester: str, on_step: Callable[[Mapping[str, Any]], None]) -> str:
        """Play until the loop stops; return why it stopped."""
        idle = 0
        while True:
            step = self._caller.ask("POST", f"/projects/{project}/loop/advance", token=requester)
            on_step(step)
            if step["stopped"]:
                return str(step["stopped"])
            if not step["waiting"]:
                continue
            batch = self._caller.ask("GET", f"/batches/{step['batch_id']}", token=requester)
            idle = 0 if self._wave(step["batch_id"], places=batch["progress"]["places_open"]) else idle + 1
            if idle == IDLE_WAVES_MAX:
                raise Unusable(f"Batch {step['batch_id']} waits for answers that no simulated worker can give.")

    def _wave(self, batch_id: int, *, places: int) -> int:
        """Let the workers, in a drawn order, take turns until the open places are filled; return the answers given."""
        order = list(self._crowd.workers)
        self._random.shuffle(order)
        given = 0
        held: dict[str, Sequence[Any]] = {}
        while order and given < places:
            still = []
            for worker in order:
                if given == places:
                    break
                if worker.name not in held:
                    held[worker.name] = self._claim(batch_id, worker)
                if held[worker.name]:
                    held[worker.name] = self._answer(worker, held[worker.name][0])
                    given += 1
                    still.append(worker)
            order = still
        for worker in self._crowd.workers:
            for assignment in held.get(worker.name, ()):
                self._ask(worker, f"/assignments/{assignment['id']}/release")
        return given

    def _claim(self, batch_id: int, worker: SimulatedWorker) -> Sequence[Any]:
        found: Sequence[Any] = self._ask(worker, f"/batches/{batch_id}/claim", {"count": 1})
        return found

    def _answer(self, worker: SimulatedWorker, assignment: Mapping[str, Any]) -> Sequence[Any]:
        key = assignment["item"]["key"]
        reply = self._ask(
            worker,
            f"/assignments/{assignment['id']}/submit",
            {
                "value": {assignment["question"]["field"]: self._crowd.answer(worker, key)},
                "client_key": f"{worker.name}-{assignment['id']}",
                "seconds": self._crowd.seconds(worker, key),
                "next": 1,
            },
        )
        following: Sequence[Any] = reply["next"]
        return following

    def _ask(self, worker: SimulatedWorker, path: str, body: Mapping[str, Any] | None = None) -> Any:
        return self._caller.ask("POST", path, token=self._tokens[worker.name], body=body)
