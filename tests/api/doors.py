"""Who may use which endpoint: the whole table. A new endpoint needs a line here, and so a thought."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

WORKER = frozenset({"worker"})
MANAGERS = frozenset({"requester", "admin"})
ADMIN = frozenset({"admin"})
EVERYBODY = WORKER | MANAGERS
PUBLIC: frozenset[str] = frozenset()

ANSWER = {"value": {"label": "cat"}}
BATCH = {"name": "again", "budget_id": 1, "price": "0.01", "overlap_min": 1}
REWARD = {"worker_id": 1, "amount": "0.01", "reason": "Good work"}
REASON = {"reason": "This shows no cat at all."}


@dataclass(frozen=True)
class Door:
    """One endpoint: who may use it, and a request that is well formed."""

    roles: frozenset[str]
    sent: Mapping[str, Any] = field(default_factory=dict)


def sends(roles: frozenset[str], json: object) -> Door:
    return Door(roles, {"json": json})


API: dict[str, Door] = {
    "POST tokens.create_token": sends(PUBLIC, {"login": "rita", "password": "correct horse battery"}),
    "GET tokens.who_am_i": Door(EVERYBODY),
    "GET work.list_work": Door(WORKER),
    "POST work.claim_places": sends(WORKER, {"count": 1}),
    "POST work.submit_answer": sends(WORKER, {**ANSWER, "client_key": "matrix"}),
    "POST work.submit_page": sends(WORKER, {"answers": [{**ANSWER, "assignment_id": 2}], "client_key": "matrix"}),
    "PUT work.replace_answer": sends(WORKER, ANSWER),
    "POST work.release_place": Door(WORKER),
    "GET work.show_earnings": Door(WORKER),
    "GET projects.list_projects": Door(MANAGERS),
    "POST projects.make_project": sends(
        MANAGERS, {"slug": "more", "name": "More", "question": {"prompt": "Which?", "options": ["a", "b"]}}
    ),
    "GET projects.show_project": Door(MANAGERS),
    "GET items.list_items": Door(MANAGERS),
    "POST items.send_items": sends(MANAGERS, [{"key": "new", "text": "new"}]),
    "POST batches.quote_batch": sends(MANAGERS, BATCH),
    "GET batches.list_project_batches": Door(MANAGERS),
    "POST batches.publish_batch": sends(MANAGERS, BATCH),
    "GET batches.show_batch": Door(MANAGERS),
    "POST batches.pause_batch": Door(MANAGERS),
    "POST batches.resume_batch": Door(MANAGERS),
    "POST batches.agree_batch": Door(MANAGERS),
    "POST batches.close_batch": Door(MANAGERS),
    "POST growing.extend_batch": sends(MANAGERS, {"limit": 1}),
    "POST growing.quote_extension": sends(MANAGERS, {"overlap_max": 3}),
    "GET growing.forecast_batch": Door(MANAGERS),
    "GET labels.show_labels": Door(MANAGERS),
    "GET labels.export_labels": Door(MANAGERS),
    "POST answers.approve_answer": Door(MANAGERS),
    "POST answers.reject_answer": sends(MANAGERS, REASON),
    "GET budgets.list_budgets": Door(MANAGERS),
    "POST budgets.open_budget": sends(MANAGERS, {"name": "another", "currency": "EUR"}),
    "GET budgets.show_budget": Door(MANAGERS),
    "POST budgets.put_money_in": Door(MANAGERS, {"json": {"amount": "1.50"}, "headers": {"Idempotency-Key": "matrix"}}),
    "POST budgets.pay_bonus": Door(MANAGERS, {"json": REWARD, "headers": {"Idempotency-Key": "bonus"}}),
    "POST budgets.pay_adjustment": Door(MANAGERS, {"json": REWARD, "headers": {"Idempotency-Key": "adjust"}}),
    "GET budgets.export_charges": Door(MANAGERS),
    "GET payouts.list_due": Door(MANAGERS),
    "GET payouts.list_payout_runs": Door(MANAGERS),
    "POST payouts.collect_due": Door(MANAGERS),
    "GET payouts.show_payouts": Door(MANAGERS),
    "POST payouts.export_payouts": Door(MANAGERS),
    "POST payouts.reconcile_payouts": Door(
        MANAGERS, {"data": "reference,currency,amount\n", "content_type": "text/csv"}
    ),
    "GET payouts.show_payslip": Door(MANAGERS),
    "POST payouts.mark_payout_paid": sends(MANAGERS, {"paid_as": "bank 7"}),
    "GET workers.list_workers": Door(MANAGERS),
    "POST workers.create_worker": sends(MANAGERS, {"login": "newcomer", "name": "New"}),
    "POST loops.start_loop": sends(MANAGERS, {"budget_id": 1}),
    "POST loops.advance_loop": Door(MANAGERS),
    "POST loops.stop_loop": Door(MANAGERS),
    "GET loops.show_rounds": Door(MANAGERS),
    "GET checks.run_check": Door(ADMIN),
    "GET media.item_image": Door(EVERYBODY),
    "DELETE tokens.revoke_current_token": Door(EVERYBODY),
}

# Pages and what is neither API nor page: who may see them; what they show is tested with the console.
PAGES: dict[str, frozenset[str]] = {
    "GET healthz": PUBLIC,
    "GET openapi.spec": PUBLIC,
    "GET static": PUBLIC,
    "GET console.front_door": PUBLIC,
    "GET console.sign_in_form": PUBLIC,
    "POST console.sign_in": PUBLIC,
    "POST console.sign_out": EVERYBODY,
    "GET console.work_page": WORKER,
    "GET console.bench_page": WORKER,
    "GET console.earnings_page": WORKER,
    "GET console.projects_page": MANAGERS,
    "GET console.overview_page": MANAGERS,
    "GET console.batches_page": MANAGERS,
    "GET console.batch_page": MANAGERS,
    "POST console.move_batch": MANAGERS,
    "GET console.item_page": MANAGERS,
    "GET console.labels_page": MANAGERS,
    "GET console.ledger_page": MANAGERS,
    "GET console.rounds_page": MANAGERS,
    "GET console.workers_page": MANAGERS,
    "POST console.approve_answer": MANAGERS,
    "POST console.reject_answer": MANAGERS,
}
