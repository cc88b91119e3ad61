"""The one place where an error becomes an HTTP answer: a problem (RFC 9457) for programs, a page for people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from apiflask import APIFlask, HTTPError
from flask import Flask, Response, current_app, json, request
from flask.typing import ResponseReturnValue
from pydantic import ValidationError
from werkzeug.exceptions import BadRequest, HTTPException

from crowd_hitl.domain.errors import (
    AlreadyDone,
    BadInput,
    BudgetTooSmall,
    Busy,
    Conflict,
    CrowdError,
    FieldProblem,
    KeyReused,
    NotAllowed,
    NotFound,
    NothingToDo,
    NotSignedIn,
    TooLate,
    Unusable,
)
from crowd_hitl.domain.money import units

PROBLEM_JSON = "application/problem+json"
PAGES = "crowd_hitl.error_page"
# Below these, programs are asking; everywhere else it is a person with a browser.
PROGRAM_PATHS = ("/api/", "/media/", "/openapi.json", "/healthz")
SHOWN_CHARACTERS = 80
RETRY_SECONDS = 1

# The last part of the problem's type, the status and the title of every branch of the error tree.
KINDS: dict[type[CrowdError], tuple[str, int, str]] = {
    BadInput: ("bad-input", 400, "The request cannot be understood"),
    NotSignedIn: ("not-signed-in", 401, "Sign in first"),
    BudgetTooSmall: ("budget-too-small", 402, "The budget is too small"),
    NotAllowed: ("not-allowed", 403, "Your role does not permit this"),
    NotFound: ("not-found", 404, "There is no such thing"),
    AlreadyDone: ("already-done", 409, "This was decided before"),
    KeyReused: ("key-reused", 409, "This key named another request"),
    TooLate: ("too-late", 409, "Too late"),
    Conflict: ("conflict", 409, "It clashes with what stands"),
    NothingToDo: ("nothing-to-do", 409, "Nothing to do now"),
    Busy: ("busy", 503, "Busy, try again"),
    Unusable: ("unusable", 502, "Something outside cannot be used"),
    CrowdError: ("error", 500, "Something went wrong"),
}


@dataclass(frozen=True)
class Problem:
    """What went wrong, ready to be told."""

    kind: str
    title: str
    status: int
    detail: str
    errors: Sequence[FieldProblem] = ()
    headers: dict[str, str] = field(default_factory=dict)
    extra: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the members of a problem JSON object."""
        body: dict[str, Any] = {
            "type": f"/problems/{self.kind}" if self.kind else "about:blank",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }
        if self.errors:
            body["errors"] = [_field_json(problem) for problem in self.errors]
        return body


PageRenderer = Callable[[Problem], ResponseReturnValue]


def problem_of(error: Exception) -> Problem:
    """Translate any error that may reach the edge."""
    if isinstance(error, CrowdError):
        return _of_crowd_error(error)
    if isinstance(error, ValidationError):
        return _of_validation(error)
    if isinstance(error, HTTPError):
        if isinstance(error.__cause__, ValidationError):
            return _of_validation(error.__cause__)
        words = error.message or "The request failed"
        return Problem(kind="", title=words, status=error.status_code, detail=words)
    if isinstance(error, HTTPException):
        return _of_http(error)
    return Problem(kind="", title="Internal Server Error", status=500, detail="Something went wrong on our side.")


def problem_response(problem: Problem) -> Response:
    """Write a problem as application/problem+json."""
    response = current_app.response_class(json.dumps(problem.as_json()), status=problem.status, mimetype=PROBLEM_JSON)
    for name, value in problem.headers.items():
        response.headers[name] = value
    return response


def install_problems(app: APIFlask) -> None:
    """Answer every error of this application: problem JSON to programs, the registered page to people."""

    def answer(error: Exception) -> ResponseReturnValue:
        problem = problem_of(error)
        page: PageRenderer | None = app.extensions.get(PAGES)
        if page is None or request.path.startswith(PROGRAM_PATHS):
            return problem_response(problem)
        return page(problem)

    for kind in (CrowdError, ValidationError, HTTPError, HTTPException):
        # Flask types these by decorator use only; HTTPError and HTTPException replace APIFlask's own handlers.
        app.register_error_handler(kind, answer)


def show_errors_as_pages(app: Flask, render: PageRenderer) -> None:
    """Let `render` answer for errors met by people; the console registers its error page here."""
    app.extensions[PAGES] = render


def _of_crowd_error(error: CrowdError) -> Problem:
    name, status, title = next(KINDS[kind] for kind in type(error).__mro__ if kind in KINDS)
    headers: dict[str, str] = {}
    extra: dict[str, str] = {}
    if isinstance(error, NotSignedIn):
        headers["WWW-Authenticate"] = 'Bearer realm="crowd_hitl"'
    if isinstance(error, Busy):
        headers["Retry-After"] = str(RETRY_SECONDS)
    if isinstance(error, BudgetTooSmall) and error.missing_micros > 0:
        extra["missing"] = units(error.missing_micros)
    return Problem(
        kind=name,
        title=title,
        status=status,
        detail=str(error) or title,
        errors=error.problems if isinstance(error, BadInput) else (),
        headers=headers,
        extra=extra,
    )


def _of_validation(error: ValidationError) -> Problem:
    problems = [_field_problem(dict(found)) for found in error.errors(include_url=False)]
    name, status, title = KINDS[BadInput]
    named = ", ".join(dict.fromkeys(problem.field for problem in problems))
    return Problem(kind=name, title=title, status=status, detail=f"Not as expected: {named}.", errors=problems)


def _field_problem(found: dict[str, Any]) -> FieldProblem:
    place = ".".join(str(part) for part in found["loc"]) or "body"
    if found["type"] == "missing":
        return FieldProblem(field=place, expected="a value", found="nothing")
    if found["type"] == "extra_forbidden":
        return FieldProblem(field=place, expected="no such field", found="an unknown field")
    # What was typed into a password field is never repeated.
    shown = "…" if "password" in place else repr(found["input"])[:SHOWN_CHARACTERS]
    return FieldProblem(field=place, expected=str(found["msg"]), found=shown)


def _of_http(error: HTTPException) -> Problem:
    status = error.code or 500
    kept = ("allow", "retry-after", "www-authenticate")
    headers = {name: value for name, value in error.get_headers() if name.lower() in kept}
    detail = error.description or error.name
    if isinstance(error.__cause__, BadRequest):
        # Flask hides the reason behind a general sentence; the cause says where the JSON ends to make sense.
        detail = error.__cause__.description or detail
    if status == 413:
        detail = f"The body is too large. At most {request.max_content_length} bytes are taken here."
    return Problem(kind="", title=error.name, status=status, detail=detail, headers=headers)


def _field_json(problem: FieldProblem) -> dict[str, Any]:
    shown: dict[str, Any] = {"field": problem.field, "expected": problem.expected, "found": problem.found}
    return shown if problem.row is None else {"row": problem.row, **shown}
