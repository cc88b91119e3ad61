"""`crowd-hitl payout`: due, collect, list, show, export, slips, paid, fail, reopen, reconcile."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from crowd_hitl.cli.files import put_csv, write_whole
from crowd_hitl.cli.frame import FAILED, AsJson, DataFolder, group, put, reason_of
from crowd_hitl.cli.opening import Desk, open_desk
from crowd_hitl.cli.tables import show_pairs, show_table
from crowd_hitl.domain.errors import Unusable
from crowd_hitl.domain.money import units
from crowd_hitl.domain.sheets import csv_lines, read_csv
from crowd_hitl.services.paying_out import (
    FILE_COLUMNS,
    collect,
    export_run,
    mark_all_paid,
    payout_file,
    payout_named,
)
from crowd_hitl.services.reconciling import PAID_COLUMNS, reconcile
from crowd_hitl.services.reporting.dues import due_now
from crowd_hitl.services.reporting.payouts import (
    SLIP_COLUMNS,
    PayoutLine,
    RunLine,
    list_payouts,
    list_runs,
    one_run,
    payslip,
)
from crowd_hitl.services.returning import fail_payout, reopen_payout
from crowd_hitl.store.payout_rows import PayoutRow

app = group("Payouts: what workers are due, in runs that are exported, paid and reconciled.")
MOST_LISTED = 100_000
Run = Annotated[int, typer.Argument(metavar="RUN", help="The run's number.")]
Reference = Annotated[str, typer.Argument(metavar="REFERENCE", help="Such as CH-1-2.")]
PaidAs = Annotated[str | None, typer.Option("--as", help="What the bank calls the payment.")]


@app.command()
def due(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List what each worker is due that no payout holds yet; simulated workers are never paid."""
    with open_desk(data) as desk:
        found = desk.uow.read(due_now, organisation_id=desk.organisation_id).rows
    rows = [
        {
            "worker": one.public_id,
            "name": one.name,
            "earnings": one.lines,
            "due": units(one.due_micros),
            "payable": units(one.payable_micros),
            "currency": one.currency,
        }
        for one in found
    ]
    if as_json:
        put({"due": rows})
    else:
        show_table(rows, empty="Nobody is due anything.")


@app.command("collect")
def collect_due(
    key: Annotated[str | None, typer.Option(help="Your own key: the same one again is the same run.")] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put all that is due into a new run of payouts."""
    with open_desk(data) as desk:
        run = desk.uow.run(collect, organisation_id=desk.organisation_id, key=key)
        _show_run(desk, run.id, as_json=as_json)


@app.command("list")
def list_all(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the runs, with a line for each currency and state."""
    with open_desk(data) as desk:
        page = desk.uow.read(list_runs, organisation_id=desk.organisation_id, limit=MOST_LISTED)
    rows = [row for line in page.rows for row in run_rows(line)]
    if as_json:
        put({"runs": rows})
    else:
        show_table(rows, empty="No payouts yet. Collect what is due: crowd-hitl payout collect")


@app.command()
def show(run: Run, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Show a run's payouts."""
    with open_desk(data) as desk:
        _show_run(desk, run, as_json=as_json)


@app.command()
def export(
    run: Run,
    out: Annotated[Path | None, typer.Option(help="A file; standard output if left out.")] = None,
    data: DataFolder = None,
) -> None:
    """Write the run's payout file as CSV and mark its payouts exported; again, it is the same file."""
    with open_desk(data) as desk:
        row = desk.uow.read(one_run, organisation_id=desk.organisation_id, run_id=run)
        desk.uow.run(export_run, run_id=row.id)
        with desk.uow.reading() as session:
            put_csv(csv_lines(payout_file(session, run_id=row.id), columns=FILE_COLUMNS), out)


@app.command()
def slips(
    run: Run,
    out: Annotated[Path, typer.Option(help="A folder; one CSV file for each worker and currency.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write the payslips of a run: every answer, bonus and adjustment behind each amount."""
    written = []
    with open_desk(data) as desk:
        for line in _payouts(desk, run):
            payout = desk.uow.read(payout_named, organisation_id=desk.organisation_id, reference=line.reference)
            path = out / f"{line.reference}-{line.currency}.csv"
            try:
                out.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise Unusable(f"{out} cannot be made: {reason_of(error)}.") from error
            with desk.uow.reading() as session:
                write_whole(path, csv_lines(payslip(session, payout_id=payout.id), columns=SLIP_COLUMNS))
            written.append(str(path))
    if as_json:
        put({"run": run, "files": written})
    else:
        typer.echo(f"{len(written)} payslips written to {out}")


@app.command()
def paid(
    references: Annotated[list[str], typer.Argument(metavar="REFERENCE...", help="Such as CH-1-2.")],
    paid_as: PaidAs = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Mark payouts paid by their references, all or none; the same again changes nothing."""
    with open_desk(data) as desk:
        desk.uow.run(mark_all_paid, organisation_id=desk.organisation_id, references=references, paid_as=paid_as)
    if as_json:
        put({"paid": references})
    else:
        typer.echo(f"{len(references)} marked paid")


@app.command()
def fail(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="What the bank said; it is kept with the payout.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Mark a payout failed: the bank refused it or sent it back. What it held goes into the next run."""
    with open_desk(data) as desk:
        done = desk.uow.run(fail_payout, organisation_id=desk.organisation_id, reference=reference, reason=reason)
    _show_marked(done, as_json=as_json)


@app.command()
def reopen(reference: Reference, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Make a payout exported again that was marked failed by mistake, while all it held is still due."""
    with open_desk(data) as desk:
        done = desk.uow.run(reopen_payout, organisation_id=desk.organisation_id, reference=reference)
    _show_marked(done, as_json=as_json)


def _show_marked(done: PayoutRow, *, as_json: bool) -> None:
    shown = {
        "reference": done.reference,
        "state": done.state,
        "amount": units(done.amount_micros),
        "currency": done.currency,
        "reason": done.failure,
    }
    if as_json:
        put(shown)
    else:
        show_pairs(shown)


@app.command("reconcile")
def reconcile_file(
    run: Run,
    file: Annotated[Path, typer.Argument(help="What was paid, as CSV with reference, currency, amount.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Compare what was really paid with what was exported; differences are listed, nothing is changed (exit code 1)."""
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    except (OSError, UnicodeDecodeError) as error:
        raise Unusable(f"{file} cannot be read: {reason_of(error)}.") from error
    with open_desk(data) as desk:
        row = desk.uow.read(one_run, organisation_id=desk.organisation_id, run_id=run)
        found = desk.uow.read(reconcile, run_id=row.id, rows=list(read_csv(lines, needed=PAID_COLUMNS)))
    if as_json:
        put(asdict(found))
    else:
        typer.echo(f"{len(found.matched)} of {found.rows} rows are as exported")
        show_table([asdict(one) for one in found.differences], empty="No differences.")
    if found.differences:
        raise typer.Exit(FAILED)


def run_rows(line: RunLine) -> list[dict[str, Any]]:
    """Show a run, one row for each currency and state."""
    return [
        {
            "run": line.id,
            "collected_at": line.created_at.isoformat(timespec="minutes"),
            "state": total.state,
            "payouts": total.payouts,
            "amount": units(total.amount_micros),
            "currency": total.currency,
        }
        for total in line.totals
    ]


def _payouts(desk: Desk, run_id: int) -> list[PayoutLine]:
    row = desk.uow.read(one_run, organisation_id=desk.organisation_id, run_id=run_id)
    return list(desk.uow.read(list_payouts, run_id=row.id, limit=MOST_LISTED).rows)


def _show_run(desk: Desk, run_id: int, *, as_json: bool) -> None:
    rows = [
        {
            "reference": line.reference,
            "worker": line.worker,
            "name": line.name,
            "amount": units(line.amount_micros),
            "currency": line.currency,
            "state": line.state,
            "paid_as": line.paid_as,
            "failed": line.failure,
        }
        for line in _payouts(desk, run_id)
    ]
    if as_json:
        put({"run": run_id, "payouts": rows})
    else:
        show_pairs({"run": run_id, "payouts": len(rows)})
        show_table(rows)
