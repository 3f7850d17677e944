"""The plan behind the API resolver that also writes the OpenAPI document."""

import json
from types import SimpleNamespace
from typing import Annotated, Any

import pytest
from aws_lambda_powertools.event_handler import APIGatewayRestResolver, Response
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.event_handler.openapi.params import Body
from msgspec.structs import asdict

from wavebreak.domain.plans.document import PlanBody, PlanDocument, normalised, parse_plan
from wavebreak.domain.plans.pydantic_errors import problems_of
from wavebreak.json_pointers import DocumentFault, PlanInvalidError

GOOD = {"planId": "a", "name": "n", "waves": [{"name": "w", "servers": [{"sourceServerId": "s-11111111111111111"}]}]}
BROKEN = {
    "planId": "b",
    "name": "n",
    "extra": 1,
    "waves": [{"name": "w", "dependsOn": ["q"], "timeoutMinutes": 0}],
}


def refused(problems: tuple[DocumentFault, ...]) -> Response[str]:
    return Response(400, "application/problem+json", json.dumps([asdict(problem) for problem in problems]))


@pytest.fixture
def app() -> APIGatewayRestResolver:
    resolver = APIGatewayRestResolver(enable_validation=True)

    @resolver.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
    def _body(error: RequestValidationError) -> Response[str]:
        return refused(problems_of(error.errors(), prefix=("body",)))

    @resolver.exception_handler(PlanInvalidError)  # type: ignore[untyped-decorator]  # Powertools leaves it untyped
    def _plan(error: PlanInvalidError) -> Response[str]:
        return refused(error.problems)

    @resolver.put("/plans/<plan_id>")
    def _put(plan_id: str, body: Annotated[PlanBody, Body()]) -> dict[str, Any]:
        return normalised(parse_plan(body.root, plan_id=plan_id))

    @resolver.put("/modelled/<plan_id>")
    def _put_modelled(plan_id: str, plan: Annotated[PlanDocument, Body()]) -> dict[str, Any]:
        return {"path": plan_id} | normalised(plan)

    return resolver


def put(app: APIGatewayRestResolver, path: str, body: str) -> tuple[int, Any]:
    event = {
        "httpMethod": "PUT",
        "path": path,
        "headers": {"content-type": "application/json"},
        "body": body,
        "requestContext": {"stage": "v1", "path": path},
    }
    answer = app.resolve(event, SimpleNamespace())  # type: ignore[arg-type]  # the context is not read
    return answer["statusCode"], json.loads(answer["body"])


def test_a_valid_body_arrives_as_a_plan(app: APIGatewayRestResolver) -> None:
    status, body = put(app, "/plans/a", json.dumps(GOOD))
    assert (status, body) == (200, normalised(parse_plan(GOOD)))


def test_every_problem_of_a_body_is_told_with_that_of_the_path(app: APIGatewayRestResolver) -> None:
    status, body = put(app, "/plans/a", json.dumps(BROKEN))
    assert status == 400
    assert [problem["pointer"] for problem in body] == [
        "/planId",
        "/extra",
        "/waves/0",
        "/waves/0/dependsOn/0",
        "/waves/0/timeoutMinutes",
    ]


def test_a_modelled_body_lists_the_same_problems_but_for_the_path(app: APIGatewayRestResolver) -> None:
    _, all_problems = put(app, "/plans/a", json.dumps(BROKEN))
    status, body = put(app, "/modelled/a", json.dumps(BROKEN))
    assert status == 400
    assert body == [problem for problem in all_problems if problem["pointer"] != "/planId"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("null", "is required"),
        ("5", "must be an object, not 5"),
        ("NaN", "must be an object, not NaN"),
        ('"text"', "must be an object, not 'text'"),
        ("[]", "must be an object, not a list"),
        (json.dumps([GOOD]), "must be an object, not a list"),
        ("{", "is no JSON: Expecting property name enclosed in double quotes"),
    ],
)
def test_a_body_that_is_no_object_is_refused_as_a_whole(app: APIGatewayRestResolver, body: str, message: str) -> None:
    assert put(app, "/plans/a", body) == (400, [{"pointer": "", "message": message}])


def test_the_openapi_document_shows_the_body_as_a_plan(app: APIGatewayRestResolver) -> None:
    document = json.loads(app.get_openapi_json_schema())
    schemas = document["components"]["schemas"]
    body = document["paths"]["/plans/{plan_id}"]["put"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/PlanBody"}
    assert schemas["PlanBody"] == {"$ref": "#/components/schemas/PlanDocument"}
    assert set(schemas["PlanDocument"]["properties"]) == {
        "planId",
        "drill",
        "name",
        "description",
        "objectives",
        "notifyTopicArn",
        "waves",
    }
    assert schemas["Wave"]["properties"]["name"]["pattern"].startswith("^[A-Za-z0-9]")
