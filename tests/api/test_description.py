"""/openapi.json: a valid OpenAPI 3.1, complete, and true: requests made from it meet only answers it describes."""

import json
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.served import Served, a_batch, claim, serve_embedded

EXAMPLES = 5
MODES = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
# What is there: made by the fixture, or by an earlier request.
KNOWN = {"slug": "pets", "batch_id": 1, "budget_id": 1, "assignment_id": 1, "answer_id": 1, "sitting_id": 1}
CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Serve one world with a batch in it."""
    served = serve_embedded(tmp_path_factory.mktemp("described"))
    pets = a_batch(served)
    claim(served, "wanda", pets.batch_id, count=3)
    yield served
    served.house.uow.engine.dispose()


def test_the_description_is_valid_openapi_3_1(described: Served) -> None:
    spec = described.ask(None, "GET", "/openapi.json").json

    assert spec["openapi"].startswith("3.1")
    schemathesis.openapi.from_dict(spec).validate()
    assert spec["info"]["title"] and spec["info"]["version"]
    assert spec["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}


def test_every_operation_says_who_may_use_it_and_how_it_fails(described: Served) -> None:
    spec = described.ask(None, "GET", "/openapi.json").json
    tags = {tag["name"] for tag in spec["tags"]}

    for path, operations in spec["paths"].items():
        assert path.startswith("/api/v1/")
        for method, operation in operations.items():
            where = f"{method} {path}"
            assert operation["summary"] and operation["operationId"] and set(operation["tags"]) <= tags, where
            assert "security" in operation or where == "post /api/v1/tokens", where
            problem = operation["responses"]["default"]["content"]["application/problem+json"]["schema"]
            assert problem == {"$ref": "#/components/schemas/ProblemOut"}, where


def test_every_reference_in_the_description_leads_somewhere(described: Served) -> None:
    text = described.client().get("/openapi.json").text
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}

    assert named <= set(schemas)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("who", ["rita", "wanda", "ada"])
def test_requests_made_from_the_description_meet_no_surprise(described: Served, who: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", described.app)

    for result in schema.get_all_operations():
        found: Any = result
        operation = found.ok()
        raw = operation.definition.raw
        # Revoking would end the token that all other requests come with.
        if speaks_for(raw) == who and not raw["operationId"].endswith("revoke_current_token"):
            try_operation(operation, token=described.tokens[who], mode=mode)


def speaks_for(operation: dict[str, Any]) -> str:
    """Name somebody who may use this operation, by what its description says."""
    said = operation.get("description", "")
    if "requester" in said or "Roles" not in said:
        return "rita"
    return "wanda" if "worker" in said else "ada"


def try_operation(operation: Any, *, token: str, mode: GenerationMode) -> None:
    """Make requests from one operation's description and check the answers against it."""

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def try_one(case: Any) -> None:
        # Made-up paths would all end at 404, in front of everything that is to be tried.
        case.path_parameters = {name: KNOWN.get(name, value) for name, value in case.path_parameters.items()}
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, checks=CHECKS)

    try_one()
