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
    "POST sittings.extend_held_place": Door(WORKER),
    "POST sittings.end_paid_hour": Door(WORKER),
    "POST sittings.fill_compensation_line": sends(MANAGERS, {"amount": "0.01"}),
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
    "GET reviews.list_undecided": Door(MANAGERS),
    "POST reviews.approve_many": sends(MANAGERS, {"answers": [1]}),
    "POST reviews.run_review": Door(MANAGERS),
    "POST reviews.quote_requeue": sends(MANAGERS, {"answers": 1, "tasks": [1]}),
    "POST reviews.requeue_tasks": sends(MANAGERS, {"answers": 1, "tasks": [1]}),
    "GET reviews.list_broken_items": Door(MANAGERS),
    "POST reviews.mend_item": Door(MANAGERS),
    "POST growing.extend_batch": sends(MANAGERS, {"limit": 1}),
    "POST growing.quote_extension": sends(MANAGERS, {"overlap_max": 3}),
    "GET growing.forecast_batch": Door(MANAGERS),
    "GET labels.show_labels": Door(MANAGERS),
    "GET labels.export_labels": Door(MANAGERS),
    "POST answers.approve_answer": Door(MANAGERS),
    "POST answers.soft_reject_answer": sends(MANAGERS, REASON),
    "POST answers.reverse_rejection": Door(MANAGERS),
    "POST answers.reject_answer": sends(MANAGERS, REASON),
    "POST appeals.make_appeal": sends(WORKER, {"text": "Look again, please."}),
    "GET appeals.list_all_appeals": Door(MANAGERS),
    "POST appeals.uphold_appeal": sends(MANAGERS, {}),
    "POST appeals.dismiss_appeal": sends(MANAGERS, {"reply": "It is as it was."}),
    "GET budgets.list_budgets": Door(MANAGERS),
    "POST budgets.open_budget": sends(MANAGERS, {"name": "another", "currency": "EUR"}),
    "GET budgets.show_budget": Door(MANAGERS),
    "POST budgets.put_money_in": Door(MANAGERS, {"json": {"amount": "1.50"}, "headers": {"Idempotency-Key": "matrix"}}),
    "POST budgets.pay_bonus": Door(MANAGERS, {"json": REWARD, "headers": {"Idempotency-Key": "bonus"}}),
    "POST budgets.pay_adjustment": Door(MANAGERS, {"json": REWARD, "headers": {"Idempotency-Key": "adjust"}}),
    "POST budgets.take_back": Door(MANAGERS, {"json": REWARD, "headers": {"Idempotency-Key": "back"}}),
    "GET budgets.show_cost": Door(MANAGERS),
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
    "POST payouts.mark_payout_failed": sends(MANAGERS, {"reason": "Account closed"}),
    "POST payouts.reopen_failed_payout": Door(MANAGERS),
    "POST payouts.mark_payout_paid": sends(MANAGERS, {"paid_as": "bank 7"}),
    "GET qualifications.list_qualifications": Door(MANAGERS),
    "POST qualifications.create_qualification": sends(MANAGERS, {"name": "legal"}),
    "GET qualifications.list_holders": Door(MANAGERS),
    "PUT qualifications.grant_qualification": sends(MANAGERS, {"value": 80.5}),
    "DELETE qualifications.revoke_qualification": Door(MANAGERS),
    "POST qualifications.import_grants": Door(MANAGERS, {"data": "worker,value\n", "content_type": "text/csv"}),
    "GET blocks.show_worker": Door(MANAGERS),
    "GET blocks.list_all_blocks": Door(MANAGERS),
    "GET blocks.list_worker_blocks": Door(MANAGERS),
    "POST blocks.block_worker": sends(MANAGERS, {**REASON, "kind": "pause", "project": "pets", "hours": 1.5}),
    "POST blocks.lift_block": Door(MANAGERS),
    "GET workers.list_workers": Door(MANAGERS),
    "POST workers.create_worker": sends(MANAGERS, {"login": "newcomer", "name": "New"}),
    "GET rules.list_rules": Door(MANAGERS),
    "POST rules.make_rule": sends(MANAGERS, {"preset": "too-fast"}),
    "POST rules.try_rule": sends(MANAGERS, {"preset": "too-fast"}),
    "POST rules.switch_rule_on": Door(MANAGERS),
    "POST rules.switch_rule_off": Door(MANAGERS),
    "GET rules.list_rule_hits": Door(MANAGERS),
    "GET gold.list_gold": Door(MANAGERS),
    "GET gold.show_calibration": Door(MANAGERS),
    "POST gold.confirm_gold": Door(MANAGERS),
    "POST gold.correct_gold": sends(MANAGERS, {"value": "dog"}),
    "POST gold.retire_gold": Door(MANAGERS),
    "GET gold.list_project_workers": Door(MANAGERS),
    "POST rules.mark_hit_seen": Door(MANAGERS),
    "POST rules.lift_hit": Door(MANAGERS),
    "GET removals.preview_worker_removal": Door(MANAGERS),
    "POST removals.remove_worker_answers": sends(MANAGERS, REASON),
    "POST removals.restore_worker_answers": sends(MANAGERS, {}),
    "POST loops.start_loop": sends(MANAGERS, {"budget_id": 1}),
    "POST loops.advance_loop": Door(MANAGERS),
    "POST loops.stop_loop": Door(MANAGERS),
    "GET loops.show_rounds": Door(MANAGERS),
    "GET plans.show_plan": Door(MANAGERS),
    "POST plans.work_plan_out": sends(MANAGERS, {"items": 100, "confidence": 0.9}),
    "GET jobs.list_jobs": Door(MANAGERS),
    "GET jobs.show_job": Door(MANAGERS),
    "POST jobs.start_again": Door(MANAGERS),
    "POST jobs.call_off": Door(MANAGERS),
    "GET jobs.take_file": Door(MANAGERS),
    "POST jobs.import_items_later": Door(
        MANAGERS, {"data": '{"key": "new", "text": "new"}', "content_type": "application/jsonl"}
    ),
    "POST jobs.export_later": sends(MANAGERS, {"what": "labels", "format": "csv"}),
    "GET checks.run_check": Door(ADMIN),
    "GET media.item_image": Door(EVERYBODY),
    "GET media.item_audio": Door(EVERYBODY),
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
    "GET console.payouts_page": MANAGERS,
    "GET console.due_page": MANAGERS,
    "POST console.collect_due": MANAGERS,
    "GET console.run_page": MANAGERS,
    "POST console.export_file": MANAGERS,
    "GET console.payslip_page": MANAGERS,
    "POST console.pay_payout": MANAGERS,
    "POST console.fail_one": MANAGERS,
    "POST console.reopen_one": MANAGERS,
    "POST console.top_budget_up": MANAGERS,
    "GET console.extend_page": MANAGERS,
    "POST console.extend": MANAGERS,
    "GET console.plan_page": MANAGERS,
    "POST console.work_plan_out": MANAGERS,
    "GET console.jobs_page": MANAGERS,
    "POST console.move_job": MANAGERS,
    "GET console.qualifications_page": MANAGERS,
    "POST console.create_qualification": MANAGERS,
    "GET console.qualification_page": MANAGERS,
    "POST console.grant": MANAGERS,
    "POST console.revoke": MANAGERS,
    "GET console.worker_page": MANAGERS,
    "POST console.block_worker": MANAGERS,
    "POST console.lift_block": MANAGERS,
    "GET console.review_page": MANAGERS,
    "POST console.approve_some": MANAGERS,
    "POST console.approve_worker": MANAGERS,
    "POST console.turn_down": MANAGERS,
    "POST console.decide_appeal": MANAGERS,
    "POST console.mend_item": MANAGERS,
    "POST console.make_appeal": WORKER,
    "GET console.rules_page": MANAGERS,
    "POST console.add_rule": MANAGERS,
    "POST console.switch_rule": MANAGERS,
    "POST console.decide_hit": MANAGERS,
    "GET console.gold_page": MANAGERS,
    "POST console.decide_gold": MANAGERS,
    "GET console.block_page": MANAGERS,
    "POST console.block_here": MANAGERS,
    "POST console.approve_answer": MANAGERS,
    "POST console.reject_answer": MANAGERS,
}
