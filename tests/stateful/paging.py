"""Pages in the machine: the answers of a sitting together, all of them or some, and the same again."""

from dataclasses import dataclass
from typing import Any

from crowd_hitl.domain.errors import TooLate
from crowd_hitl.services import paging
from crowd_hitl.services.paging import PagePart, PageReceipt, PageSubmission
from tests.builders import CLASSES, QUESTIONS
from tests.stateful import things
from tests.stateful.things import Assignment
from tests.stateful.working import Working
from tests.stateful.world import Broken, operation


@dataclass(frozen=True)
class Page:
    """A page that was taken as a whole, to be sent again."""

    arguments: dict[str, Any]
    answer_ids: list[int]
    next_ids: list[int]


class Paging(Working):
    """The worker's operations on pages."""

    def __post_init__(self) -> None:
        """Begin without pages."""
        super().__post_init__()
        self.pages: list[Page] = []

    @operation(weight=6)
    def submit_page(self) -> None:
        """Submit a page, or a part of it; what came late of it is kept, what cannot be answered is left out."""
        pages = [one for one in self.model.assignments.values() if self._is_answerable(one)]
        if not pages:
            return
        sitting = self.random.choice(pages).sitting
        fit = [one for one in self.model.members(sitting) if self._is_answerable(one)]
        chosen = fit if self.chance(0.7) else self.random.sample(fit, self.random.randint(1, len(fit)))
        worker_id, key, following = chosen[0].worker_id, f"page-{self.steps}", self.random.choice((0, 1))
        parts = [PagePart(one.id, {"label": self.random.choice(CLASSES)}, 2.0) for one in chosen]
        self.say(f"worker {worker_id} submits {[one.id for one in chosen]} as {key}, and wants {following} more")
        arguments = {
            "sitting_id": sitting.id,
            "worker_id": worker_id,
            "submission": PageSubmission(parts, key, following),
            "questions": QUESTIONS,
        }
        taken = [one for one in chosen if self.refusal(one, worker_id=worker_id, known=None) is None]
        receipt = self._send(arguments, fails=None if taken else TooLate)
        if receipt is None:
            return
        if {row.assignment_id for row in receipt.answers} != {one.id for one in taken}:
            raise Broken(f"of the page {receipt.answers} were taken, it should be {[one.id for one in taken]}")
        self._note(receipt, arguments, most=following)
        if len(taken) == len(chosen):
            ids = [row.answer_id for row in receipt.answers]
            self.pages.append(Page(arguments, ids, [offer.assignment_id for offer in receipt.next]))

    @operation(weight=1)
    def submit_page_again(self) -> None:
        """Repeat a page: the same receipt, whatever became of its answers; and nothing else happens."""
        if not self.pages:
            return
        page = self.random.choice(self.pages[-6:])
        self.say(f"the page {page.arguments['submission'].client_key} again")
        receipt = self._send(page.arguments, fails=None)
        assert receipt is not None
        got = ([row.answer_id for row in receipt.answers], [offer.assignment_id for offer in receipt.next])
        if got != (page.answer_ids, page.next_ids):
            raise Broken(f"a repeat of a page got {got}, the first {(page.answer_ids, page.next_ids)}")

    def _send(self, arguments: dict[str, Any], *, fails: type[TooLate] | None) -> PageReceipt | None:
        if self.chance(0.3):
            found: PageReceipt | None = self.call(paging.submit_page, fails=fails, **arguments)
            return found
        found = self.attempt(
            lambda: self.uow.run_short(
                paging.submit_page_at_once, otherwise=paging.submit_page, now=self.model.now, **arguments
            ),
            fails=fails,
        )
        return found

    def _note(self, receipt: PageReceipt, arguments: dict[str, Any], *, most: int) -> None:
        """Enter what was taken in the order of the tasks: so the line pays the first of those that are late."""
        submission: PageSubmission = arguments["submission"]
        labels = {part.assignment_id: part.value for part in submission.parts}
        rows = sorted(receipt.answers, key=lambda row: self.model.assignments[row.assignment_id].task_id)
        for row in rows:
            one, value = self.model.assignments[row.assignment_id], labels[row.assignment_id]
            assert isinstance(value, dict)
            key = f"{submission.client_key}:{one.id}"
            self.take(one, answer_id=row.answer_id, label=value["label"], key=key)
        batch_id = self.model.batch_of(one).id
        self.note_leases(receipt.next, batch_id=batch_id, worker_id=arguments["worker_id"], most=most)
        # what came next is kept with the first
        first = self.model.answers[min(row.answer_id for row in rows)]
        first.next_ids = [offer.assignment_id for offer in receipt.next]

    def _is_answerable(self, one: Assignment) -> bool:
        is_paged = self.model.batch_of(one).page_size > 1
        return is_paged and (one.state == things.LEASED or (one.state == things.EXPIRED and one.id % 3 == 0))
