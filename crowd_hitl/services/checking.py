"""Proving the books: every derived counter and every invariant, recounted from the rows. It changes nothing."""

from collections.abc import Callable, Iterator

from sqlalchemy.orm import Session

from crowd_hitl.domain.invariants import Problem
from crowd_hitl.services import (
    checking_gates,
    checking_money,
    checking_payouts,
    checking_removals,
    checking_reviews,
    checking_sittings,
    checking_work,
)

# More of one kind would only repeat the news.
SHOWN_PER_RULE = 50


def check(session: Session) -> list[Problem]:
    """Run every rule over the whole store and return what is wrong; an empty list means that the books are right."""
    problems: list[Problem] = []
    for rule in RULES:
        for count, problem in enumerate(rule(session)):
            if count == SHOWN_PER_RULE:
                break
            problems.append(problem)
    return problems


RULES: tuple[Callable[[Session], Iterator[Problem]], ...] = (
    checking_work.overlap_is_kept,
    checking_work.voices_are_single,
    checking_work.answers_match_assignments,
    checking_work.answers_are_whose_they_say,
    checking_work.overlap_is_within_the_terms,
    checking_work.labels_are_single,
    checking_work.gold_views_are_counted,
    checking_work.retired_tasks_have_no_places,
    checking_gates.workers_are_marked,
    checking_gates.gates_stay_within_the_organisation,
    checking_reviews.appeals_follow_their_answers,
    checking_reviews.broken_items_are_not_asked,
    checking_reviews.owed_means_not_used,
    checking_removals.removed_answers_are_accounted_for,
    checking_removals.reissued_places_were_reserved,
    checking_money.transfers_follow_their_routes,
    checking_money.budgets_add_up,
    checking_sittings.batches_hold_what_they_owe,
    checking_sittings.sittings_are_paid_what_they_earn,
    checking_sittings.hours_are_paid_as_worked,
    checking_sittings.fees_go_with_the_pay,
    checking_sittings.nothing_waits_in_what_is_settled,
    checking_sittings.sittings_end_with_their_answers,
    checking_sittings.rates_are_within_the_price,
    checking_money.pay_reaches_its_worker,
    checking_payouts.payouts_add_up,
    checking_payouts.payouts_leave_the_ledger_once,
    checking_payouts.nobody_is_due_less_than_nothing,
    checking_payouts.clawbacks_say_who,
)
