"""What becomes of answers in the machine: approved, rejected, set aside, taken back; and the line that pays for it."""

from crowd_hitl.domain.errors import AlreadyDone, BudgetTooSmall, CrowdError
from crowd_hitl.services import compensating, deciding, paying
from tests.stateful import things
from tests.stateful.things import Answer
from tests.stateful.world import World, operation

REASON = "This is not what was asked for."
ASKED_AGAIN = (None, "agreed", "overlap", "budget")


class Deciding(World):
    """The requester's operations on answers."""

    @operation(weight=6)
    def decide(self) -> None:
        """Approve or reject an answer; one that was decided stays decided."""
        if not self.model.answers:
            return
        answer = self.random.choice(list(self.model.answers.values()))
        one = self.model.assignments[answer.assignment_id]
        is_owed = one.state == things.LATE and one.sitting.state == things.OWED
        fails: type[CrowdError] | None = None if one.state == things.SUBMITTED or is_owed else AlreadyDone
        is_good, batch = self.chance(0.6), self.model.batch_of(one)
        if is_owed and is_good and batch.line < batch.price:
            fails = BudgetTooSmall
        self.say(f"{'approve' if is_good else 'reject'} answer {answer.id}")
        if is_good:
            self.call(paying.approve, fails=fails, answer_id=answer.id, decided_by=None)
        else:
            self.call(paying.reject, fails=fails, answer_id=answer.id, reason=REASON, decided_by=None)
        if fails is not None:
            return
        if is_owed:
            if is_good:
                self.model.pay_from_line(one)
            else:
                one.state, one.sitting.state = things.REJECTED, things.SETTLED
            return
        one.state = things.APPROVED if is_good else things.REJECTED
        if not is_good:
            task = self.model.tasks[one.task_id]
            task.answers -= 1
            self.model.reopen(task)
        self.model.settle(one.sitting)

    @operation(weight=3)
    def soft_reject(self) -> None:
        """Set an answer aside: it is paid once, from its place or the line, and its place opens again."""
        answer = self._an_answer(things.ANSWERED)
        if answer is None:
            return
        one = self.model.assignments[answer.assignment_id]
        task, batch = self.model.tasks[one.task_id], self.model.batch_of(one)
        was_paid = one.state == things.APPROVED and one.sitting.state == things.SETTLED
        reopens = batch.state != "closed" and task.reason in ASKED_AGAIN
        fails: type[CrowdError] | None = None if one.state in things.ANSWERED else AlreadyDone
        if fails is None and was_paid and reopens and batch.price > self.model.available:
            fails = BudgetTooSmall
        self.say(f"soft-reject answer {answer.id}")
        self.call(deciding.soft_reject, fails=fails, answer_id=answer.id, reason=REASON, decided_by=None)
        if fails is not None:
            return
        if was_paid and reopens:
            self.model.reserve(batch, places=1)
        if not was_paid:
            batch.line += 0 if reopens else batch.price
            one.state = things.SOFT_REJECTED
            self.model.pay_aside(one)
        one.state = things.SOFT_REJECTED
        task.answers -= 1
        if reopens:
            task.places_left, task.state, task.reason = task.places_left + 1, "open", None
        else:
            task.overlap -= 1

    @operation(weight=3)
    def reverse(self) -> None:
        """Take a rejection back: the answer gets an open place, a new one, or is paid and not used."""
        answer = self._an_answer((things.REJECTED,))
        if answer is None:
            return
        one = self.model.assignments[answer.assignment_id]
        task, batch = self.model.tasks[one.task_id], self.model.batch_of(one)
        fails: type[CrowdError] | None = None if one.state == things.REJECTED else AlreadyDone
        if fails is None and not task.places_left and batch.price > self.model.available:
            fails = BudgetTooSmall
        self.say(f"reverse the rejection of answer {answer.id}")
        self.call(deciding.reverse, fails=fails, answer_id=answer.id, decided_by=None)
        if fails is not None:
            return
        is_used = bool(task.places_left) or task.overlap < batch.overlap_max
        if task.places_left:
            self.model.take_place(task)
        else:
            self.model.reserve(batch, places=1)
            task.overlap += is_used
        if is_used:
            task.answers += 1
            self.model.own_sitting(one)
            one.state = things.APPROVED
            self.model.settle(one.sitting)
        else:
            batch.line += batch.price
            self.model.pay_aside(one)
            one.state = things.SOFT_REJECTED

    @operation(weight=2)
    def compensate(self) -> None:
        """Fill a batch's line up: what is owed is paid, the oldest first, as far as it goes."""
        owing = [batch for batch in self.model.batches.values() if self.model.owed(batch)]
        chosen = owing if owing and self.chance(0.7) else list(self.model.batches.values())
        if not chosen:
            return
        batch, amount = self.random.choice(chosen), self.random.choice((1, 50_000, 70_000, 250_000))
        fails = BudgetTooSmall if amount > self.model.available else None
        self.say(f"fill the line of batch {batch.id} up by {amount}")
        self.call(compensating.compensate, fails=fails, batch_id=batch.id, amount_micros=amount)
        if fails is None:
            self.model.fill_line(batch, amount)
            for one in self.model.owed(batch):
                if not self.model.pay_from_line(one):
                    break

    def _an_answer(self, states: tuple[str, ...]) -> Answer | None:
        """Draw an answer, mostly one with which something can be done."""
        fit = [a for a in self.model.answers.values() if self.model.assignments[a.assignment_id].state in states]
        chosen = fit if fit and self.chance(0.9) else list(self.model.answers.values())
        return self.random.choice(chosen) if chosen else None
