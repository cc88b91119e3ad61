"""What /openapi.json says beyond what the schemas and views say themselves: sign-in, errors, headers, uploads."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from apiflask import APIFlask
from flask import Flask

from crowd_hitl.api.schemas.problems import ProblemOut
from crowd_hitl.edge.auth import ROLES_ATTRIBUTE
from crowd_hitl.edge.limits import UPLOAD_ATTRIBUTE
from crowd_hitl.edge.problems import PROBLEM_JSON

View = TypeVar("View", bound=Callable[..., Any])

PREFIX = "/api/v1"
HEADERS_ATTRIBUTE = "taken_headers"
GIVES_ATTRIBUTE = "given_types"
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM_REF = {"$ref": "#/components/schemas/ProblemOut"}
DESCRIPTION = (
    "Crowdsourcing for human-in-the-loop machine learning. Amounts are decimal strings in currency units, moments are "
    "UTC. Lists are read page by page: send `after` as the page before gave it. What belongs to another organisation "
    "is not there (404). A revoked token may still be taken for five seconds."
)
TAGS = {
    "Tokens": "Signing in.",
    "Work": "What workers do: claim, submit, release, replace.",
    "Projects": "Questions and their items.",
    "Batches": "Quoting, publishing, pausing and closing.",
    "Labels": "What came out.",
    "Gold": "Known answers that measure workers, and what is suspect of them.",
    "Answers": "Deciding on answers.",
    "Budgets": "Money put in, reserved and spent.",
    "Payouts": "What workers are due, sent and paid.",
    "Workers": "In-house workers; blocks and pauses.",
    "Qualifications": "What workers are granted, and batches ask for.",
    "Rules": "Behaviour rules, and what they found.",
    "Loops": "Rounds of asking and learning.",
    "Jobs": "Background work: large imports and exports, their progress, retry and cancel.",
    "Checking": "Recounting the books.",
}


def takes_header(parameter: dict[str, Any]) -> Callable[[View], View]:
    """Describe a header that this endpoint reads itself."""

    def declare(view: View) -> View:
        setattr(view, HEADERS_ATTRIBUTE, [parameter])
        return view

    return declare


def takes_upload(content: dict[str, Any]) -> Callable[[View], View]:
    """Describe a body that is read as a stream, by content type; it may be as large as an upload."""

    def declare(view: View) -> View:
        setattr(view, UPLOAD_ATTRIBUTE, content)
        return view

    return declare


def gives(*content_types: str) -> Callable[[View], View]:
    """Describe an answer that is text of one of these types."""

    def declare(view: View) -> View:
        setattr(view, GIVES_ATTRIBUTE, content_types)
        return view

    return declare


def describe(app: APIFlask) -> None:
    """Set up /openapi.json on this application."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        VALIDATION_ERROR_STATUS_CODE=400,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_AUTH_ERROR_RESPONSE=False,
        AUTO_OPERATION_ID=True,
        # The address a request came to is not part of the description.
        AUTO_SERVERS=False,
    )

    def complete(spec: Any) -> Any:
        return _completed(spec, app=app)

    app.spec_processor(complete)


def _completed(spec: dict[str, Any], *, app: Flask) -> dict[str, Any]:
    spec["info"].update(description=DESCRIPTION, license={"name": "Apache-2.0", "identifier": "Apache-2.0"})
    spec["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = spec.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    template = "#/components/schemas/ProblemOut.{model}"
    problem = ProblemOut.model_json_schema(ref_template=template, mode="serialization")
    for name, nested in problem.pop("$defs", {}).items():
        schemas[f"ProblemOut.{name}"] = nested
    schemas["ProblemOut"] = problem
    components["securitySchemes"] = {"bearer": {"type": "http", "scheme": "bearer"}}
    spec["paths"] = {path: operations for path, operations in spec["paths"].items() if path.startswith(PREFIX)}
    views = _views_by_operation(app)
    for operations in spec["paths"].values():
        for method in METHODS:
            if method in operations:
                _complete_operation(operations[method], view=views[operations[method]["operationId"]])
    return _with_short_names(spec)


def _with_short_names(spec: dict[str, Any]) -> dict[str, Any]:
    """Name nested schemas by their own name: APIFlask repeats one under every schema that holds it."""
    written = json.dumps(spec)
    for name in spec["components"]["schemas"]:
        written = written.replace(f'#/components/schemas/{name}"', f'#/components/schemas/{name.rpartition(".")[2]}"')
    short: dict[str, Any] = json.loads(written)
    schemas = short["components"]["schemas"]
    short["components"]["schemas"] = {name.rpartition(".")[2]: schemas[name] for name in sorted(schemas)}
    return short


def _simplify(parameter: dict[str, Any]) -> None:
    """Say what can be sent: ids are not negative, and a query parameter that is left out is not null."""
    schema = parameter["schema"]
    if parameter["in"] == "path" and schema.get("type") == "integer":
        schema.update(minimum=0)
    if parameter["in"] == "query" and "anyOf" in schema:
        parameter["schema"] = next(one for one in schema["anyOf"] if one != {"type": "null"})


def _complete_operation(operation: dict[str, Any], *, view: Callable[..., Any]) -> None:
    if getattr(view, ROLES_ATTRIBUTE, None):
        operation["security"] = [{"bearer": []}]
        operation["description"] = _with_roles(operation.get("description", ""), view=view)
    operation["responses"]["default"] = {"description": "A problem", "content": {PROBLEM_JSON: {"schema": PROBLEM_REF}}}
    operation["parameters"] = [*operation.get("parameters", []), *getattr(view, HEADERS_ATTRIBUTE, [])]
    for parameter in operation["parameters"]:
        _simplify(parameter)
    content = getattr(view, UPLOAD_ATTRIBUTE, None)
    if content:
        operation["requestBody"] = {"required": True, "content": content}
    elif "requestBody" in operation:
        operation["requestBody"]["required"] = True
    given = getattr(view, GIVES_ATTRIBUTE, ())
    if given:
        shape = {"schema": {"type": "string"}}
        operation["responses"]["200"] = {"description": "A stream", "content": {name: shape for name in given}}


def _with_roles(description: str, *, view: Callable[..., Any]) -> str:
    roles = ", ".join(sorted(getattr(view, ROLES_ATTRIBUTE)))
    return f"{description}\n\nRoles: {roles}.".strip()


def _views_by_operation(app: Flask) -> dict[str, Callable[..., Any]]:
    """Find the view behind each operation id, which APIFlask makes of method and endpoint."""
    return {
        f"{method.lower()}_{rule.endpoint.replace('.', '_')}": app.view_functions[rule.endpoint]
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
