"""Qualifications: make, list, grant, revoke, import grants from a table."""

from apiflask import APIBlueprint
from flask import request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import UnsupportedMediaType

from crowd_hitl.api.describing import takes_upload
from crowd_hitl.api.schemas.base import PageQuery
from crowd_hitl.api.schemas.gates import (
    GrantIn,
    GrantOut,
    GrantReportOut,
    GrantsOut,
    QualificationIn,
    QualificationOut,
    QualificationsOut,
)
from crowd_hitl.api.scoping import worker_here
from crowd_hitl.domain.errors import BadInput
from crowd_hitl.domain.sheets import read_csv
from crowd_hitl.edge.auth import MANAGERS, allow, current_actor
from crowd_hitl.edge.house import current_house
from crowd_hitl.services import qualifying
from crowd_hitl.services.reporting.pages import first_rows, id_after

qualifications = APIBlueprint("qualifications", __name__, url_prefix="/api/v1", tag="Qualifications")
CSV = "text/csv"


@qualifications.get("/qualifications")
@allow(*MANAGERS)
@qualifications.input(PageQuery, location="query", arg_name="page")
@qualifications.output(QualificationsOut)
def list_qualifications(*, page: PageQuery) -> QualificationsOut:
    """List the organisation's qualifications and how many workers have each."""
    found = current_house().uow.read(
        qualifying.list_qualifications,
        organisation_id=current_actor().organisation_id,
        after=id_after(page.after) or 0,
        limit=page.limit + 1,
    )
    rows, more = first_rows(found, limit=page.limit)
    shown = [QualificationOut.model_validate(row) for row in rows]
    return QualificationsOut(qualifications=shown, after=str(rows[-1].id) if more else None)


@qualifications.post("/qualifications")
@allow(*MANAGERS)
@qualifications.input(QualificationIn, arg_name="body")
@qualifications.output(QualificationOut, status_code=201)
def create_qualification(*, body: QualificationIn) -> QualificationOut:
    """Make a qualification; nobody has it yet."""
    row = current_house().uow.run(
        qualifying.create_qualification,
        organisation_id=current_actor().organisation_id,
        name=body.name,
        description=body.description,
    )
    return QualificationOut(id=row.id, name=row.name, description=row.description, holders=0, created_at=row.created_at)


@qualifications.get("/qualifications/<int:qualification_id>/workers")
@allow(*MANAGERS)
@qualifications.input(PageQuery, location="query", arg_name="page")
@qualifications.output(GrantsOut)
def list_holders(qualification_id: int, *, page: PageQuery) -> GrantsOut:
    """List who has the qualification, with what value."""
    found = current_house().uow.read(
        qualifying.list_grants,
        qualification_id=_here(qualification_id),
        after=id_after(page.after) or 0,
        limit=page.limit + 1,
    )
    rows, more = first_rows(found, limit=page.limit)
    shown = [GrantOut.model_validate(row) for row in rows]
    return GrantsOut(grants=shown, after=str(rows[-1].id) if more else None)


@qualifications.put("/qualifications/<int:qualification_id>/workers/<int:worker_id>")
@allow(*MANAGERS)
@qualifications.input(GrantIn, arg_name="body")
@qualifications.output(GrantOut)
def grant_qualification(qualification_id: int, worker_id: int, *, body: GrantIn) -> GrantOut:
    """Give a worker the qualification; with another value than before the old grant ends and a new one begins."""
    here = _here(qualification_id)
    worker = worker_here(worker_id)
    uow = current_house().uow
    uow.run(
        qualifying.grant,
        qualification_id=here,
        worker_id=worker.id,
        value=body.value,
        granted_by=current_actor().account_id,
    )
    (line,) = uow.read(qualifying.list_grants, qualification_id=here, worker_id=worker.id)
    return GrantOut.model_validate(line)


@qualifications.delete("/qualifications/<int:qualification_id>/workers/<int:worker_id>")
@allow(*MANAGERS)
@qualifications.doc(responses={204: "Revoked"})
def revoke_qualification(qualification_id: int, worker_id: int) -> ResponseReturnValue:
    """Take the qualification back: no more places that ask for it; what is held may be finished, and is paid."""
    here = _here(qualification_id)
    current_house().uow.run(qualifying.revoke, qualification_id=here, worker_id=worker_here(worker_id).id)
    return "", 204


@qualifications.post("/qualifications/<int:qualification_id>/import")
@allow(*MANAGERS)
@takes_upload({CSV: {"schema": {"type": "string"}}})
@qualifications.output(GrantReportOut)
def import_grants(qualification_id: int) -> GrantReportOut:
    """Grant from a table (CSV: worker, and value if wanted). Bad rows are listed; the good ones go in."""
    here = _here(qualification_id)
    if request.mimetype != CSV:
        raise UnsupportedMediaType(f"Send the file as {CSV}.")
    request.max_content_length = current_house().settings.max_body_bytes
    try:
        lines = request.get_data().decode("utf-8-sig").splitlines(keepends=True)
    except UnicodeDecodeError as error:
        raise BadInput("The file is not text in UTF-8.") from error
    rows = list(read_csv(lines, needed=qualifying.GRANT_COLUMNS))
    report = current_house().uow.run(
        qualifying.import_grants, qualification_id=here, rows=rows, granted_by=current_actor().account_id
    )
    return GrantReportOut.model_validate(report)


def _here(qualification_id: int) -> int:
    return (
        current_house()
        .uow.read(
            qualifying.find_qualification,
            organisation_id=current_actor().organisation_id,
            qualification_id=qualification_id,
        )
        .id
    )
