"""The next wave of further places in a batch, where the policy looks at all of its tasks together."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crowd_hitl.domain.pools import Pool, PoolPolicy
from crowd_hitl.domain.ports import Plugins
from crowd_hitl.domain.tasks import Next, TaskState
from crowd_hitl.services.gathering import STATES, Evidence, places_of
from crowd_hitl.services.weighing import Agreed


@dataclass(frozen=True)
class Wave:
    """What a policy made of a batch, by the places of its tasks in the evidence.

    `chosen` get a further place now. Those that `wait` have all their answers, and may still get more: until a pass
    chooses none while nothing is coming, as nothing will change then.
    """

    chosen: NDArray[np.bool_]
    waits: NDArray[np.bool_]

    @property
    def held_back(self) -> int:
        """Count the tasks that wait."""
        return int(np.count_nonzero(self.waits))

    def step(self, place: int, *, otherwise: Next) -> Next:
        """Say what follows for a full task, where by itself it would be `otherwise`."""
        if self.chosen[place]:
            return Next.ASK
        if self.waits[place]:
            return Next.WAIT
        # what it could still be given is not worth its price
        return Next.GIVE_UP if otherwise == Next.ASK else otherwise


def plan_wave(evidence: Evidence, agreed: Agreed, *, plugins: Plugins) -> Wave | None:
    """Ask a policy that looks at the whole batch; None where it looks at each task by itself."""
    policy = plugins.policies[evidence.policy]
    if not isinstance(policy, PoolPolicy):
        return None
    tasks, rule = evidence.tasks, evidence.rule
    pooled = np.flatnonzero((tasks["state"] != STATES.index(TaskState.RETIRED)) & ~tasks["is_gold"])
    rows = places_of(tasks["item_id"][pooled], evidence.item_ids)
    size = agreed.softened.shape[1]
    posteriors = np.full((len(pooled), size), 1.0 / size)
    posteriors[rows >= 0] = agreed.softened[rows[rows >= 0]]
    answers, overlap = tasks["answers"][pooled], tasks["overlap"][pooled]
    coming = np.maximum(0, overlap - answers)
    # who answered less than is asked at least has been taken out of the batch unreplaced: nothing more is asked
    left = np.where(overlap < rule.overlap_min, 0, np.maximum(0, rule.overlap_max - overlap))
    picked = policy.choose(
        Pool(
            posteriors=posteriors,
            answers=answers.astype(np.int32),
            coming=coming.astype(np.int32),
            left=left.astype(np.int32),
            skills=agreed.skills,
            given=np.bincount(evidence.table.workers, minlength=len(agreed.skills)).astype(np.int32),
            confidence_target=rule.confidence_target,
            affordable=evidence.affordable,
        )
    )
    taken = np.zeros(len(tasks), dtype=np.bool_)
    taken[pooled[picked]] = True
    waits = np.zeros(len(tasks), dtype=np.bool_)
    if len(picked) or coming.any():
        waits[pooled[(coming == 0) & (left > 0)]] = True
    return Wave(taken, waits & ~taken)
