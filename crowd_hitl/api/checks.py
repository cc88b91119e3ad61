"""The check of all books, for the administrator."""

from apiflask import APIBlueprint

from crowd_hitl.api.schemas.checks import BrokenRule, CheckOut
from crowd_hitl.domain.accounts import Role
from crowd_hitl.edge.auth import allow
from crowd_hitl.edge.house import current_house
from crowd_hitl.services.checking import check

checks = APIBlueprint("checks", __name__, url_prefix="/api/v1", tag="Checking")


@checks.get("/check")
@allow(Role.ADMIN)
@checks.output(CheckOut)
def run_check() -> CheckOut:
    """Recount every counter and invariant, and say what is wrong."""
    found = current_house().uow.read(check)
    problems = [BrokenRule.model_validate(problem, from_attributes=True) for problem in found]
    return CheckOut(ok=not problems, problems=problems)
