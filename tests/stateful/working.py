"""What workers do to the machine: claim, submit, repeat, release, replace, come late; and time that passes."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from crowd_hitl.domain.errors import AlreadyDone, CrowdError, KeyReused, NotFound, TooLate
from crowd_hitl.services import answering, assigning
from crowd_hitl.services.showing import Offered
from tests.builders import CLASSES, QUESTIONS
from tests.stateful import things
from tests.stateful.things import Answer, Assignment, Batch, Sitting
from tests.stateful.world import Broken, World, operation

MANY_LAPSED = 18
REPLACE_SECONDS = 60


class Working(World):
    """The worker's operations."""

    @operation(weight=10)
    def claim(self) -> None:
        """Claim places; what is held comes first, and nobody hears "nothing" while a place is open to them."""
        if not self.model.batches:
            return
        batch_id, worker_id = self.random.choice(list(self.model.batches)), self.random.choice(self.model.workers)
        if len(self.model.leased(batch_id)) > MANY_LAPSED:
            return  # more than one claim expires by itself
        count = self.random.randint(1, 4)
        if self._claim(batch_id, worker_id, count=count):
            self._claim(batch_id, worker_id, count=count)

    @operation(weight=16)
    def submit(self) -> None:
        """Submit to a leased assignment, and claim the next ones with it."""
        leased = [one for one in self.model.assignments.values() if one.state == things.LEASED]
        if leased:
            one = self.random.choice(leased)
            self._submit(one, worker_id=one.worker_id, key=f"key-{one.id}")

    @operation(weight=4)
    def submit_anywhere(self) -> None:
        """Submit to any assignment, also one that is over, by anybody."""
        if not self.model.assignments:
            return
        one = self.random.choice(list(self.model.assignments.values()))
        worker_id = one.worker_id if self.chance(0.8) else self.random.choice(self.model.workers)
        self._submit(one, worker_id=worker_id, key=f"another-{one.id}-{self.steps}")

    @operation(weight=3)
    def submit_again(self) -> None:
        """Repeat a submit: the same receipt, whatever became of the answer; and nothing else happens."""
        if self.model.answers:
            answer = self.random.choice(list(self.model.answers.values()))
            self._submit(self.model.assignments[answer.assignment_id], worker_id=answer.worker_id, key=answer.key)

    @operation(weight=2)
    def submit_with_a_used_key(self) -> None:
        """Submit to one assignment with the key of another."""
        if self.model.answers:
            answer = self.random.choice(list(self.model.answers.values()))
            mine = [one for one in self.model.assignments.values() if one.worker_id == answer.worker_id]
            self._submit(self.random.choice(mine), worker_id=answer.worker_id, key=answer.key)

    @operation(weight=3)
    def release(self) -> None:
        """Release a place; one that is not leased, or somebody else's, is refused."""
        if not self.model.assignments:
            return
        one = self.random.choice(list(self.model.assignments.values()))
        worker_id = one.worker_id if self.chance(0.9) else self.random.choice(self.model.workers)
        fails: type[CrowdError] | None = None if one.state == things.LEASED else TooLate
        fails = fails if worker_id == one.worker_id else NotFound
        self.say(f"worker {worker_id} releases assignment {one.id}")
        self.call(assigning.release, fails=fails, assignment_id=one.id, worker_id=worker_id)
        if fails is None:
            self.model.let_go(one, state=things.RELEASED)
            self.model.settle(one.sitting)

    @operation(weight=3)
    def replace(self) -> None:
        """Replace an answer within its minute; later, or once it was refused, it stands."""
        if not self.model.answers:
            return
        answer = self.random.choice(list(self.model.answers.values())[-8:])
        age = (self.model.now - answer.submitted_at).total_seconds()
        stands = self.model.assignments[answer.assignment_id].state in things.ANSWERED
        fails = None if age <= REPLACE_SECONDS and stands else TooLate
        label = self.random.choice(CLASSES)
        self.say(f"worker {answer.worker_id} replaces answer {answer.id} by {label}")
        self.call(
            answering.replace,
            fails=fails,
            answer_id=answer.id,
            worker_id=answer.worker_id,
            value={"label": label},
            questions=QUESTIONS,
        )
        if fails is None:
            answer.label = label

    @operation(weight=4)
    def let_time_pass(self) -> None:
        """Let seconds or minutes go by."""
        seconds = self.random.choice((1, 10, 40, 90, 400))
        self.say(f"{seconds} seconds pass")
        self.pass_time(seconds)

    @operation(weight=3)
    def expire(self) -> None:
        """Sweep the lapsed leases."""
        self.say("expire")
        self.call(assigning.expire)
        self.model.expire()

    def note_leases(self, offers: Sequence[Offered], *, batch_id: int, worker_id: int, most: int) -> None:
        """Enter new leases into the model, if they are such as may be given; of a page they share one sitting."""
        batch, held = self.model.batches[batch_id], self.model.held_by(worker_id, batch_id)
        if batch.page_size > 1:
            most = batch.page_size if most and not held else 0
        most = max(0, min(most, things.HELD_MAX - len(held)))
        permitted = self.model.open_to(worker_id, batch_id)
        given = [one.task_id for one in offers]
        if not set(given) <= permitted or len(set(given)) < len(given) or len(given) > most:
            allowed = f"at most {most} of {sorted(permitted)} are permitted"
            raise Broken(f"leased tasks {given}, {allowed}; {self.problems()}")
        sittings = {one.sitting_id: Sitting(one.sitting_id) for one in offers}
        if len(sittings) != (min(1, len(offers)) if batch.page_size > 1 else len(offers)):
            raise Broken(f"the leases {offers} are in {len(sittings)} sittings")
        for one in offers:
            self.model.take_place(self.model.tasks[one.task_id])
            self.model.assignments[one.assignment_id] = Assignment(
                one.assignment_id, one.task_id, worker_id, one.lease_ends_at, sittings[one.sitting_id]
            )

    def refusal(self, one: Assignment, *, worker_id: int, known: Answer | None) -> type[CrowdError] | None:
        """Say how a submit is refused; None: it is taken, in time or late."""
        if known is not None:
            return None if known.assignment_id == one.id else KeyReused
        if worker_id != one.worker_id:
            return NotFound
        if one.state == things.LEASED:
            return None
        if one.state != things.EXPIRED:
            return TooLate if one.state == things.RELEASED else AlreadyDone
        item_id = self.model.tasks[one.task_id].item_id
        if self.model.is_barred(worker_id, item_id, besides=one.id):
            return TooLate
        assert one.ended_at is not None
        long_ago = one.ended_at + timedelta(seconds=self.model.batch_of(one).lease_seconds) < self.model.now
        return TooLate if long_ago and self._is_gone(one) else None

    def _is_gone(self, one: Assignment) -> bool:
        """Say whether the place of a lapsed lease is somebody else's, or not this worker's to have now."""
        batch = self.model.batch_of(one)
        kept_away = self.model.is_kept_away(one.worker_id, batch_id=batch.id)
        return batch.state != "open" or kept_away or not self.model.tasks[one.task_id].places_left

    def take(self, one: Assignment, *, answer_id: int, label: str, key: str) -> Answer:
        """Enter an answer into the model: in its place, or late."""
        task = self.model.tasks[one.task_id]
        if one.state == things.EXPIRED and self._is_gone(one):
            one.state = things.LATE
            self.model.pay_aside(one, at_once=self.model.batch_of(one).pays_at_once)
        else:
            if one.state == things.EXPIRED:
                self.model.take_again(one)
            task.answers += 1
            one.state = things.SUBMITTED
            self.model.settle(one.sitting)
        answer = Answer(answer_id, one.id, one.worker_id, key, label, self.model.now, [])
        self.model.answers[answer_id] = answer
        return answer

    def _claim(self, batch_id: int, worker_id: int, *, count: int) -> bool:
        """Claim; say whether to ask again: who gave lapsed places back in the same breath is not looked for twice."""
        self.say(f"worker {worker_id} claims {count} of batch {batch_id}")
        batch = self.model.batches[batch_id]
        arguments: dict[str, Any] = {"batch_id": batch_id, "worker_id": worker_id, "count": count}
        if self.chance(0.5):
            offers = self.call(assigning.claim, **arguments)
        else:
            offers = self.uow.run_short(
                assigning.claim_at_once, otherwise=assigning.claim, now=self.model.now, **arguments
            )
        if batch.state != "open" or self.model.is_kept_away(worker_id, batch_id=batch_id):
            if offers:
                raise Broken(f"batch {batch_id} is not open to worker {worker_id}, and handed out {offers}")
            return False
        expired = self.model.expire(batch_id)
        held = self._first_held(batch, worker_id, count=count)
        if [one.assignment_id for one in offers[: len(held)]] != held:
            raise Broken(f"{held} are held and come first, but {offers} were given")
        most = 0 if batch.page_size > 1 and held else count - len(held)
        permitted = self.model.open_to(worker_id, batch_id)
        self.note_leases(offers[len(held) :], batch_id=batch_id, worker_id=worker_id, most=most)
        if not offers and permitted and not expired:
            raise Broken(f"worker {worker_id} heard 'nothing' while tasks {sorted(permitted)} are open to them")
        return bool(not offers and expired)

    def _first_held(self, batch: Batch, worker_id: int, *, count: int) -> list[int]:
        held = [one.id for one in self.model.held_by(worker_id, batch.id)]
        return held if batch.page_size > 1 else held[:count]

    def _submit(self, one: Assignment, *, worker_id: int, key: str) -> None:
        label, following = self.random.choice(CLASSES), self.random.choice((0, 0, 1, 1, 3))
        self.say(f"worker {worker_id} submits {label} to assignment {one.id} as {key}, and wants {following} more")
        known = next((a for a in self.model.answers.values() if (a.worker_id, a.key) == (worker_id, key)), None)
        fails = self.refusal(one, worker_id=worker_id, known=known)
        submission = answering.Submission({"label": label}, key, seconds=3.0, next_count=following)
        arguments = {"assignment_id": one.id, "worker_id": worker_id, "submission": submission, "questions": QUESTIONS}
        if self.chance(0.7):
            receipt = self.attempt(
                lambda: self.uow.run_short(
                    answering.submit_at_once, otherwise=answering.submit, now=self.model.now, **arguments
                ),
                fails=fails,
            )
        else:
            receipt = self.call(answering.submit, fails=fails, **arguments)
        if fails is not None:
            return
        if known is None:
            known = self.take(one, answer_id=receipt.answer_id, label=label, key=key)
            self.note_leases(receipt.next, batch_id=self.model.batch_of(one).id, worker_id=worker_id, most=following)
            known.next_ids = [offer.assignment_id for offer in receipt.next]
        got = (receipt.answer_id, [offer.assignment_id for offer in receipt.next], receipt.late, receipt.owed)
        due = (known.id, known.next_ids, one.state == things.LATE, one.sitting.state == things.OWED)
        if got != due:
            raise Broken(f"the receipt says {got}, it should say {due}")
