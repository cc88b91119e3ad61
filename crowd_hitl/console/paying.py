"""Payouts for the requester: what is due, runs and their states, payslips; topping a budget up."""

from collections.abc import Callable, Iterator
from secrets import token_urlsafe
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from crowd_hitl.console.pages import cursor, head_of, reading
from crowd_hitl.domain.errors import BadInput, Conflict
from crowd_hitl.domain.money import micros
from crowd_hitl.domain.sheets import csv_lines
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.paying import top_up
from crowd_hitl.services.paying_out import FILE_COLUMNS, collect, export_run, mark_paid, payout_file, payout_named
from crowd_hitl.services.reporting.dues import due_now, due_totals
from crowd_hitl.services.reporting.money import budgets_of
from crowd_hitl.services.reporting.pages import PAGE_ROWS, id_after
from crowd_hitl.services.reporting.payouts import list_payouts, list_runs, one_payout, one_run, slip_lines
from crowd_hitl.services.returning import fail_payout, reopen_payout

SLIP_ROWS = 1_000
DUE_SHOWN = 20


def register(console: Blueprint) -> None:
    """Add the views."""
    console.add_url_rule("/payouts", view_func=payouts_page)
    console.add_url_rule("/payouts/due", view_func=due_page)
    console.add_url_rule("/payouts/collect", view_func=collect_due, methods=["POST"])
    console.add_url_rule("/payouts/runs/<int:run_id>", view_func=run_page)
    console.add_url_rule("/payouts/runs/<int:run_id>/export", view_func=export_file, methods=["POST"])
    console.add_url_rule("/payouts/<reference>", view_func=payslip_page)
    console.add_url_rule("/payouts/<reference>/paid", view_func=pay_payout, methods=["POST"])
    console.add_url_rule("/payouts/<reference>/failed", view_func=fail_one, methods=["POST"])
    console.add_url_rule("/payouts/<reference>/reopen", view_func=reopen_one, methods=["POST"])
    console.add_url_rule("/projects/<slug>/budgets/<int:budget_id>/top-up", view_func=top_budget_up, methods=["POST"])


@allow(*MANAGERS)
def payouts_page() -> ResponseReturnValue:
    """Show what is due now and the runs, the newest first; each currency by itself."""
    organisation_id = current_actor().organisation_id
    with reading() as view:
        return render_template(
            "payouts.html",
            totals=due_totals(view.session, organisation_id=organisation_id),
            due=due_now(view.session, organisation_id=organisation_id, limit=DUE_SHOWN),
            page=list_runs(view.session, organisation_id=organisation_id, after=cursor()),
            # sent twice by a double click, it is one run
            key=token_urlsafe(12),
        )


@allow(*MANAGERS)
def due_page() -> ResponseReturnValue:
    """List what everybody is due."""
    with reading() as view:
        found = due_now(view.session, organisation_id=current_actor().organisation_id, after=cursor(), limit=PAGE_ROWS)
        return render_template("due.html", page=found)


@allow(*MANAGERS)
def collect_due() -> ResponseReturnValue:
    """Put all that is due into a new run."""
    key = request.form.get("key") or None
    try:
        run = current_house().uow.run(collect, organisation_id=current_actor().organisation_id, key=key)
    except Conflict as error:
        flash(str(error), "warn")
        return redirect(url_for("console.payouts_page"), code=303)
    flash(f"Run {run.id} is collected. Take its file out next.")
    return redirect(url_for("console.run_page", run_id=run.id), code=303)


@allow(*MANAGERS)
def run_page(run_id: int) -> ResponseReturnValue:
    """Show one run with its payouts."""
    with reading() as view:
        run = one_run(view.session, organisation_id=current_actor().organisation_id, run_id=run_id)
        newest = list_runs(view.session, organisation_id=run.organisation_id, after=str(run.id + 1), limit=1)
        page = list_payouts(view.session, run_id=run.id, after=cursor())
        return render_template("run.html", run=newest.rows[0], page=page)


@allow(*MANAGERS)
def export_file(run_id: int) -> ResponseReturnValue:
    """Mark the run's payouts exported and give the file for the bank; again, it is the same one."""
    uow = current_house().uow
    run = uow.read(one_run, organisation_id=current_actor().organisation_id, run_id=run_id)
    uow.run(export_run, run_id=run.id)

    def lines() -> Iterator[str]:
        with uow.reading() as session:
            yield from csv_lines(payout_file(session, run_id=run.id), columns=FILE_COLUMNS)

    response = Response(lines(), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="payouts-{run.id}.csv"'
    return response


@allow(*MANAGERS)
def payslip_page(reference: str) -> ResponseReturnValue:
    """Show a payslip, to be read or printed."""
    organisation_id = current_actor().organisation_id
    with reading() as view:
        payout = payout_named(view.session, organisation_id=organisation_id, reference=reference)
        start = id_after(cursor()) or 0
        lines = list(slip_lines(view.session, payout_id=payout.id, after=start, limit=SLIP_ROWS + 1))
        return render_template(
            "payslip.html",
            payout=one_payout(view.session, payout_id=payout.id),
            run_id=payout.run_id,
            lines=lines[:SLIP_ROWS],
            first=start == 0,
            after=lines[SLIP_ROWS - 1]["line"] if len(lines) > SLIP_ROWS else None,
        )


@allow(*MANAGERS)
def pay_payout(reference: str) -> ResponseReturnValue:
    """Mark a payout paid."""
    return _mark(reference, mark_paid, "is marked paid", paid_as=request.form.get("paid_as", "").strip() or None)


@allow(*MANAGERS)
def fail_one(reference: str) -> ResponseReturnValue:
    """Mark a payout failed, with what the bank said."""
    said = "is marked failed. What it held is due again"
    return _mark(reference, fail_payout, said, reason=request.form.get("reason", ""))


@allow(*MANAGERS)
def reopen_one(reference: str) -> ResponseReturnValue:
    """Make a payout that was marked failed by mistake exported again."""
    return _mark(reference, reopen_payout, "is exported again")


@allow(*MANAGERS)
def top_budget_up(slug: str, budget_id: int) -> ResponseReturnValue:
    """Put money into one of the project's budgets; the form's key makes a second click the same payment."""
    with reading() as view:
        mine = {one.budget_id for one in budgets_of(view.session, project_id=head_of(view.session, slug).id)}
    try:
        if budget_id not in mine:
            raise BadInput("This project does not draw on that budget.")
        current_house().uow.run(
            top_up,
            budget_id=budget_id,
            amount_micros=micros(request.form.get("amount", "")),
            key=request.form.get("key") or None,
            note=None,
        )
        flash("The money is in the budget.")
    except (BadInput, Conflict) as error:
        flash(f"Nothing was put in. {error}", "bad")
    return redirect(url_for("console.ledger_page", slug=slug), code=303)


def _mark(reference: str, service: Callable[..., Any], done: str, **values: object) -> ResponseReturnValue:
    organisation_id = current_actor().organisation_id
    uow = current_house().uow
    found = uow.read(payout_named, organisation_id=organisation_id, reference=reference)
    try:
        uow.run(service, organisation_id=organisation_id, reference=reference, **values)
        flash(f"{found.reference} {done}.")
    except (BadInput, Conflict) as error:
        flash(f"Nothing was changed. {error}", "bad")
    return redirect(url_for("console.run_page", run_id=found.run_id), code=303)
