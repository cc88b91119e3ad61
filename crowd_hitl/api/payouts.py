"""Payouts: what is due, runs, the payout file, payslips, marking paid or failed, reconciling."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response, request
from werkzeug.exceptions import UnsupportedMediaType

from crowd_hitl.api.describing import gives, takes_header, takes_upload
from crowd_hitl.api.keys import KEY_PARAMETER, idempotency_key
from crowd_hitl.api.schemas.base import PAGE_MAX, PageQuery
from crowd_hitl.api.schemas.payouts import (
    DueOut,
    DuesOut,
    FailedIn,
    PaidIn,
    PaidOut,
    PayoutOut,
    PayoutsOut,
    ReconciliationOut,
    RunOut,
    RunsOut,
    RunTotalOut,
)
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.money import units
from crowd_hitl.domain.sheets import csv_lines, read_csv
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import paying_out
from crowd_hitl.services.reconciling import PAID_COLUMNS, reconcile
from crowd_hitl.services.reporting.dues import due_now
from crowd_hitl.services.reporting.payouts import (
    SLIP_COLUMNS,
    PayoutLine,
    list_payouts,
    list_runs,
    one_run,
    payslip,
)
from crowd_hitl.services.returning import fail_payout, reopen_payout
from crowd_hitl.store.payout_rows import PayoutRow
from crowd_hitl.store.unit_of_work import UnitOfWork

payouts = APIBlueprint("payouts", __name__, url_prefix="/api/v1", tag="Payouts")
CSV = "text/csv"


@payouts.get("/payouts/due")
@allow(*MANAGERS)
@payouts.input(PageQuery, location="query", arg_name="page")
@payouts.output(DuesOut)
def list_due(*, page: PageQuery) -> DuesOut:
    """List what each worker is due that no payout holds yet, by currency; simulated workers are never paid."""
    organisation_id = current_actor().organisation_id
    found = current_house().uow.read(due_now, organisation_id=organisation_id, after=page.after, limit=page.limit)
    return DuesOut(
        due=[
            DueOut(
                worker_id=one.worker_id,
                worker=one.public_id,
                currency=one.currency,
                earnings=one.lines,
                due=units(one.due_micros),
                payable=units(one.payable_micros),
            )
            for one in found.rows
        ],
        after=found.after,
    )


@payouts.get("/payouts/runs")
@allow(*MANAGERS)
@payouts.input(PageQuery, location="query", arg_name="page")
@payouts.output(RunsOut)
def list_payout_runs(*, page: PageQuery) -> RunsOut:
    """List the runs, the newest first; no sum goes across currencies."""
    organisation_id = current_actor().organisation_id
    found = current_house().uow.read(list_runs, organisation_id=organisation_id, after=page.after, limit=page.limit)
    runs = [
        RunOut(
            id=line.id,
            created_at=line.created_at,
            totals=[
                RunTotalOut(
                    currency=total.currency,
                    state=total.state,
                    payouts=total.payouts,
                    amount=units(total.amount_micros),
                )
                for total in line.totals
            ],
        )
        for line in found.rows
    ]
    return RunsOut(runs=runs, after=found.after)


@payouts.post("/payouts/runs")
@allow(*MANAGERS)
@takes_header(KEY_PARAMETER)
@payouts.output(PayoutsOut, status_code=201)
def collect_due() -> PayoutsOut:
    """Put all that is due into a new run; the same Idempotency-Key again gives the same run."""
    run = current_house().uow.run(
        paying_out.collect, organisation_id=current_actor().organisation_id, key=idempotency_key()
    )
    return _payouts(run.id, page=PageQuery(limit=PAGE_MAX))


@payouts.get("/payouts/runs/<int:run_id>")
@allow(*MANAGERS)
@payouts.input(PageQuery, location="query", arg_name="page")
@payouts.output(PayoutsOut)
def show_payouts(run_id: int, *, page: PageQuery) -> PayoutsOut:
    """Show a run's payouts."""
    return _payouts(_run_here(run_id), page=page)


@payouts.post("/payouts/runs/<int:run_id>/export")
@allow(*MANAGERS)
@gives(CSV)
def export_payouts(run_id: int) -> Response:
    """Mark the run's payouts exported and give the payout file; again, it is the same file."""
    here = _run_here(run_id)
    uow = current_house().uow
    uow.run(paying_out.export_run, run_id=here)
    return _csv(
        _lines(uow, paying_out.payout_file, columns=paying_out.FILE_COLUMNS, run_id=here), name=f"payouts-{here}"
    )


@payouts.post("/payouts/runs/<int:run_id>/reconcile")
@allow(*MANAGERS)
@takes_upload({CSV: {"schema": {"type": "string"}}})
@payouts.output(ReconciliationOut)
def reconcile_payouts(run_id: int) -> ReconciliationOut:
    """Compare a file of payments (CSV: reference, currency, amount, maybe status) with the run. Nothing is changed."""
    if request.mimetype != CSV:
        raise UnsupportedMediaType(f"Send the file as {CSV}.")
    request.max_content_length = current_house().settings.max_body_bytes
    try:
        lines = request.get_data().decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise BadInput("The file is not text in UTF-8.") from error
    rows = list(read_csv(lines, needed=PAID_COLUMNS))
    found = current_house().uow.read(reconcile, run_id=_run_here(run_id), rows=rows)
    return ReconciliationOut.model_validate(found)


@payouts.get("/payouts/<reference>/payslip")
@allow(*MANAGERS)
@gives(CSV)
def show_payslip(reference: str) -> Response:
    """Give the payslip of one payout: every answer, bonus and adjustment behind its amount."""
    uow = current_house().uow
    found = uow.read(paying_out.payout_named, organisation_id=current_actor().organisation_id, reference=reference)
    return _csv(_lines(uow, payslip, columns=SLIP_COLUMNS, payout_id=found.id), name=found.reference)


@payouts.post("/payouts/<reference>/paid")
@allow(*MANAGERS)
@payouts.input(PaidIn, arg_name="body")
@payouts.output(PaidOut)
def mark_payout_paid(reference: str, *, body: PaidIn) -> PaidOut:
    """Note that an exported payout was paid; the same again changes nothing."""
    done = current_house().uow.run(
        paying_out.mark_paid,
        organisation_id=current_actor().organisation_id,
        reference=reference,
        paid_as=body.paid_as,
    )
    return _marked(done)


@payouts.post("/payouts/<reference>/failed")
@allow(*MANAGERS)
@payouts.input(FailedIn, arg_name="body")
@payouts.output(PaidOut)
def mark_payout_failed(reference: str, *, body: FailedIn) -> PaidOut:
    """Note that the bank refused a payout or sent it back: what it held goes into the next run."""
    done = current_house().uow.run(
        fail_payout, organisation_id=current_actor().organisation_id, reference=reference, reason=body.reason
    )
    return _marked(done)


@payouts.post("/payouts/<reference>/reopen")
@allow(*MANAGERS)
@payouts.output(PaidOut)
def reopen_failed_payout(reference: str) -> PaidOut:
    """Make a payout that was marked failed by mistake exported again, while all it held is still due."""
    done = current_house().uow.run(reopen_payout, organisation_id=current_actor().organisation_id, reference=reference)
    return _marked(done)


def _marked(done: PayoutRow) -> PaidOut:
    return PaidOut(
        reference=done.reference,
        state=done.state,
        amount=units(done.amount_micros),
        currency=done.currency,
        paid_as=done.paid_as,
        paid_at=done.paid_at,
        failed_at=done.failed_at,
        failure=done.failure,
    )


def _run_here(run_id: int) -> int:
    return current_house().uow.read(one_run, organisation_id=current_actor().organisation_id, run_id=run_id).id


def _payouts(run_id: int, *, page: PageQuery) -> PayoutsOut:
    found = current_house().uow.read(list_payouts, run_id=run_id, after=page.after, limit=page.limit)
    return PayoutsOut(run_id=run_id, payouts=[_shown(line) for line in found.rows], after=found.after)


def _shown(line: PayoutLine) -> PayoutOut:
    return PayoutOut(
        reference=line.reference,
        worker_id=line.worker_id,
        worker=line.worker,
        currency=line.currency,
        amount=units(line.amount_micros),
        earned=units(line.earned_micros),
        carried=units(line.carried_micros),
        state=line.state,
        paid_as=line.paid_as,
        exported_at=line.exported_at,
        paid_at=line.paid_at,
        failed_at=line.failed_at,
        failure=line.failure,
    )


def _lines(
    uow: UnitOfWork, rows: Callable[..., Iterator[dict[str, object]]], *, columns: Sequence[str], **arguments: Any
) -> Iterator[str]:
    with uow.reading() as session:
        yield from csv_lines(rows(session, **arguments), columns=columns)


def _csv(lines: Iterator[str], *, name: str) -> Response:
    response = Response(lines, mimetype=CSV)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
