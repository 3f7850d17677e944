"""Two operators and the two policies that are shipped for them: who may only drill cannot touch a recovery.

The stack of this module evaluates signatures, the operators' policies and the policies of the functions' roles, but not
those of the state machines' roles. What a policy refuses the emulator answers in words of its own, where API Gateway
uses the API's gateway response: that one is looked at by itself.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.support.manners import seed
from tools.local_stack.api_client import PROBLEM, Answer, Client
from tools.local_stack.product import QUICK, Product, chain, wave
from tools.local_stack.stack import LocalStack, Ports
from tools.template import ROOT, functions, load

OPERATOR_POLICIES = ROOT / "infra" / "operator-policies.yaml"
TIME_SCALE = 0.02
"""Polls come every second: who may do what does not depend on time."""

FIRST_CALLS = 60
"""Seconds to wait for what calls a function for the first time, on a machine that has other work to do."""

NOBODY = "0" * 26
"""Ends the id of an execution that does not exist: whoever may ask for it is told so."""

HELD_ACTIONS = ("pause", "resume", "waves/1/approve", "waves/1/reject", "waves/1/skip", "cancel")
ENDED_ACTIONS = ("waves/2/retry", "waves/2/skip", "terminate")


@dataclass(frozen=True, slots=True)
class Operator:
    """An IAM user of the API."""

    arn: str
    api: Client

    def operate(self, execution_id: str, action: str, body: dict[str, Any] | None = None) -> Answer:
        return self.api.call("POST", f"/executions/{execution_id}/{action}", body or {})


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A local stack on which nobody may do what no policy allows; its own client is the account's root."""
    stack = LocalStack(tmp_path_factory.mktemp("guarded"), Ports.free(), TIME_SCALE, authorize=True, seed=seed())
    try:
        product = Product(stack, stack.start())
        yield product
        product.close()
    finally:
        stack.stop()


@pytest.fixture(scope="module")
def policies(guarded: Product) -> dict[str, str]:
    """The shipped policies, deployed for this API: their ARNs by the name of the output."""
    cloudformation = guarded.aws("cloudformation")
    cloudformation.create_stack(
        StackName="operators",
        TemplateBody=OPERATOR_POLICIES.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": "ApiId", "ParameterValue": api_id(guarded)}],
        Capabilities=["CAPABILITY_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="operators", WaiterConfig={"Delay": 1})
    (stack,) = cloudformation.describe_stacks(StackName="operators")["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


@pytest.fixture(scope="module")
def driller(guarded: Product, policies: dict[str, str]) -> Iterator[Operator]:
    """The operator who may drill and nothing else."""
    operator = new_operator(guarded, "driller", policies["DrillOperatorPolicyArn"])
    yield operator
    operator.api.close()


@pytest.fixture(scope="module")
def recoverer(guarded: Product, policies: dict[str, str]) -> Iterator[Operator]:
    """The operator of recoveries."""
    operator = new_operator(guarded, "recoverer", policies["RecoveryOperatorPolicyArn"])
    yield operator
    operator.api.close()


@pytest.fixture(scope="module")
def recoveries(guarded: Product, recoverer: Operator) -> dict[str, str]:
    """Two recoveries that the recovery operator started: one waits for an approval, one has partly failed."""
    held = start(recoverer, "recoveries", guarded.plan(wave("database", guarded.servers(), requiresApproval=True)))
    broken = guarded.servers(launchResult="FAILED")
    waves = [wave("sound", guarded.servers(), onFailure="CONTINUE"), wave("broken", broken, dependsOn=[])]
    ended = start(recoverer, "recoveries", guarded.plan(*waves))
    guarded.wave_seen(held, 1, "AWAITING_APPROVAL")
    assert guarded.ended(ended)["status"] == "PARTIAL_SUCCESS"
    return {"held": held, "ended": ended}


def api_id(product: Product) -> str:
    """Name the API of the stack."""
    found = re.search(r"/restapis/(\w+)/v1/", product.description["apiUrl"])
    assert found is not None
    return found.group(1)


def client(product: Product, key: str, secret: str) -> Client:
    """Make a client of the API that signs with these keys."""
    return Client({**product.description, "credentials": {"accessKeyId": key, "secretAccessKey": secret}})


def new_operator(product: Product, name: str, policy_arn: str) -> Operator:
    """Make an IAM user with one policy and one access key."""
    iam = product.aws("iam")
    arn = iam.create_user(UserName=name)["User"]["Arn"]
    iam.attach_user_policy(UserName=name, PolicyArn=policy_arn)
    keys = iam.create_access_key(UserName=name)["AccessKey"]
    return Operator(arn, client(product, keys["AccessKeyId"], keys["SecretAccessKey"]))


def start(operator: Operator, mode: str, plan_id: str) -> str:
    """Start a plan as this operator and give the execution's id."""
    started = operator.api.post(f"/{mode}", {"planId": plan_id})
    assert started["requestedBy"] == operator.arn
    return str(started["executionId"])


def assert_refused(answer: Answer, operator: Operator) -> None:
    """Check that it was the operator's policy that refused, and not a function or a signature."""
    assert answer.status == 403, answer.document
    assert f"{operator.arn} is not authorized to perform: execute-api:Invoke" in answer.document["message"]


def state_of(product: Product, execution_id: str) -> tuple[int, list[list[dict[str, Any]]]]:
    """Read what any change of an execution would change: its version and its audit trail."""
    return product.execution(execution_id)["version"], product.api.pages(f"/executions/{execution_id}/events")


def denials(product: Product) -> list[str]:
    """Find what the functions were refused, in their logs."""
    pages = product.aws("logs").get_paginator("filter_log_events")
    groups = [group["logGroupName"] for group in product.aws("logs").describe_log_groups()["logGroups"]]
    return [
        event["message"]
        for group in groups
        for page in pages.paginate(logGroupName=group)
        for event in page["events"]
        if "AccessDenied" in event["message"]
    ]


def test_the_drill_operator_may_do_everything_with_a_drill(guarded: Product, driller: Operator) -> None:
    (broken,) = guarded.servers(launchResult="FAILED")
    waves = [
        wave("first", guarded.servers(), requiresApproval=True),
        wave("second", guarded.servers(), dependsOn=[], requiresApproval=True, onFailure="CONTINUE"),
        wave("third", [broken], dependsOn=[], requiresApproval=True),
    ]
    plan_id = guarded.plan(*waves)
    drill = start(driller, "drills", plan_id)
    for number in (1, 2, 3):
        guarded.wave_seen(drill, number, "AWAITING_APPROVAL", FIRST_CALLS)

    for action in ("pause", "resume", "waves/1/skip", "waves/2/reject", "waves/3/approve"):
        assert driller.operate(drill, action).status == 202, action
    assert guarded.ended(drill)["status"] == "FAILED"
    guarded.control.put_source_server(broken, launchResult="LAUNCHED", launchSeconds=QUICK)
    assert driller.operate(drill, "waves/3/retry").status == 202
    after = guarded.ended(drill)
    assert [wave["status"] for wave in after["waves"]] == ["SKIPPED", "FAILED", "COMPLETED"]
    assert driller.operate(drill, "terminate").status == 202
    guarded.seen(drill, lambda seen: seen["instancesTerminated"], FIRST_CALLS)

    assert guarded.instances_of([broken]) == []
    assert driller.api.get(f"/plans/{plan_id}")["plan"]["planId"] == plan_id
    assert [item["executionId"] for item in driller.api.get("/executions", planId=plan_id)["items"]] == [drill]
    events = driller.api.get(f"/executions/{drill}/events")["items"]
    assert driller.arn in {event["actor"] for event in events}
    # On the whole way no function needed more than its own role gives it.
    assert denials(guarded) == []


def test_the_drill_operator_cancels_a_drill(guarded: Product, driller: Operator) -> None:
    drill = start(driller, "drills", guarded.plan(wave("database", guarded.servers(), requiresApproval=True)))
    guarded.wave_seen(drill, 1, "AWAITING_APPROVAL")
    cancelled = driller.operate(drill, "cancel")
    assert (cancelled.status, cancelled.document["status"]) == (202, "CANCELLED")


def test_the_drill_operator_cannot_start_a_recovery(guarded: Product, driller: Operator) -> None:
    servers = guarded.servers()
    plan_id = guarded.plan(*chain(servers))

    assert_refused(driller.api.call("POST", "/recoveries", {"planId": plan_id}), driller)

    assert guarded.api.get("/executions", planId=plan_id)["items"] == []
    touched = [one["sourceServerID"] for job in guarded.control.state()["jobs"] for one in job["participatingServers"]]
    assert servers[0] not in touched
    # Nothing holds the plan: it can go.
    assert guarded.api.call("DELETE", f"/plans/{plan_id}").status == 204


@pytest.mark.parametrize(
    ("which", "action"),
    [*(("held", action) for action in HELD_ACTIONS), *(("ended", action) for action in ENDED_ACTIONS)],
)
def test_the_drill_operator_cannot_steer_a_recovery(
    guarded: Product, driller: Operator, recoveries: dict[str, str], which: str, action: str
) -> None:
    recovery = recoveries[which]
    before = state_of(guarded, recovery)
    body = {"confirm": recovery} if action == "terminate" else {}
    assert_refused(driller.operate(recovery, action, body), driller)
    assert state_of(guarded, recovery) == before


@pytest.mark.parametrize(
    "path",
    [
        f"/executions/drill-{NOBODY}/%2e%2e/{{}}/cancel",
        f"/executions/drill-{NOBODY}%2F..%2F{{}}/cancel",
        f"/executions/drill-{NOBODY}/waves/1/%2e%2e/%2e%2e/%2e%2e/{{}}/cancel",
        "/executions/drill-{}/cancel",
        "/executions/drill-{}%00/cancel",
        "/executions/%20{}/cancel",
        "//executions/{}/cancel",
        "/executions/{}/cancel/",
        "/drills/%2e%2e/executions/{}/cancel",
    ],
)
def test_no_path_that_looks_like_a_drills_leads_to_a_recovery(
    guarded: Product, driller: Operator, recoveries: dict[str, str], path: str
) -> None:
    before = state_of(guarded, recoveries["held"])
    answer = driller.api.call("POST", path.format(recoveries["held"]), {})
    assert answer.status in {403, 404}
    assert "signature" not in json.dumps(answer.document)
    assert state_of(guarded, recoveries["held"]) == before


def sample(path: str, mode: str) -> str:
    """Fill a path of the template with the id of an execution of this mode, which does not exist."""
    known = {"executionId": f"{mode}-{NOBODY}", "waveNumber": "1"}
    return re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "x"), path)


def granted(operator: str, method: str, path: str) -> bool:
    """Tell what the documentation says: whether an operator of `drill` or `recovery` may make this call."""
    if method == "GET":
        return path.startswith(("/plans", "/executions", "/commands", "/errors", "/health"))
    starts = {"drill": "/drills", "recovery": "/recoveries"}
    if path in {starts[operator], "/plans/x/validate"} or path.startswith(f"/executions/{operator}-"):
        # A lease is a drill's.
        leased = operator == "recovery" and path.endswith("/lease")
        return (method == "POST" and not leased) or path.endswith("/verdict")
    # No path tells a drill's command from a recovery's, so that only the one who may do both forwards any.
    others = {f"/executions/drill-{NOBODY}/cancel", "/commands", "/commands/x/cancel"}
    return operator == "recovery" and path in others


def test_every_route_is_open_to_whom_it_is_meant_for(driller: Operator, recoverer: Operator) -> None:
    events = [event for one in functions(load()).values() for event in one.get("Events", {}).values()]
    routes = [event["Properties"] for event in events if event["Type"] == "Api"]
    assert len(routes) > 15
    calls = {
        (route["Method"].upper(), sample(route["Path"], mode)) for route in routes for mode in ("drill", "recovery")
    }
    for operator, name in ((driller, "drill"), (recoverer, "recovery")):
        found = {call: operator.api.call(*call, {} if call[0] != "GET" else None).status != 403 for call in calls}
        assert found == {call: granted(name, *call) for call in calls}


def test_who_is_not_recognised_is_refused_with_a_problem_document(guarded: Product, driller: Operator) -> None:
    (key,) = guarded.aws("iam").list_access_keys(UserName="driller")["AccessKeyMetadata"]
    forger, stranger = (
        client(guarded, name, "a secret nobody was given") for name in (key["AccessKeyId"], "AKIA" + "Z" * 16)
    )
    answers = [
        driller.api.call("GET", "/plans", signed=False),
        forger.call("GET", "/plans"),
        stranger.call("GET", "/plans"),
    ]
    forger.close()
    stranger.close()
    assert [(answer.status, answer.code) for answer in answers] == [(403, "FORBIDDEN")] * 3
    assert [answer.headers["content-type"] for answer in answers] == [PROBLEM] * 3


def test_what_a_policy_refuses_is_answered_with_a_problem_document(guarded: Product) -> None:
    response = guarded.aws("apigateway").get_gateway_response(restApiId=api_id(guarded), responseType="ACCESS_DENIED")
    assert response["statusCode"] == "403"
    assert response["responseParameters"]["gatewayresponse.header.Content-Type"] == f"'{PROBLEM}'"
    template = response["responseTemplates"]["application/json"]
    document = json.loads(template.replace("$context.error.messageString", '"why"'))
    assert (document["code"], document["status"], document["detail"]) == ("FORBIDDEN", 403, "why")


def test_the_recovery_operator_may_do_what_the_other_was_refused(
    guarded: Product, recoverer: Operator, recoveries: dict[str, str]
) -> None:
    held, ended = recoveries["held"], recoveries["ended"]
    assert recoverer.operate(ended, "terminate").code == "CONFIRMATION_REQUIRED"
    assert recoverer.operate(ended, "terminate", {"confirm": ended}).status == 202

    for action in ("pause", "resume", "waves/1/reject"):
        assert recoverer.operate(held, action).status == 202, action
    assert guarded.ended(held)["status"] == "FAILED"
    assert recoverer.operate(held, "waves/1/retry").status == 202
    guarded.wave_seen(held, 1, "AWAITING_APPROVAL")
    assert recoverer.operate(held, "cancel").document["status"] == "CANCELLED"

    guarded.seen(ended, lambda seen: seen["instancesTerminated"])


def test_the_recovery_operator_cancels_a_drill_that_is_in_the_way_by_hand_or_by_a_recovery_and_starts_none(
    guarded: Product, driller: Operator, recoverer: Operator
) -> None:
    plan_id = guarded.plan(wave("database", guarded.servers(), requiresApproval=True))
    assert_refused(recoverer.api.call("POST", "/drills", {"planId": plan_id}), recoverer)
    drill = start(driller, "drills", plan_id)
    busy = recoverer.api.call("POST", "/recoveries", {"planId": plan_id, "preempt": False})
    assert (busy.status, busy.code, busy.document["executionId"]) == (409, "PLAN_BUSY", drill)
    assert_refused(recoverer.operate(drill, "pause"), recoverer)
    assert recoverer.operate(drill, "cancel").document["status"] == "CANCELLED"
    drill = start(driller, "drills", plan_id)
    recovery = start(recoverer, "recoveries", plan_id)
    assert guarded.ended(drill)["status"] == "CANCELLED"
    assert recoverer.operate(recovery, "cancel").document["status"] == "CANCELLED"
