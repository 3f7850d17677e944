"""The template: functions, routes, machines and the table."""

import importlib
import json
import re
from typing import Any

import pytest
from tools.template import API, ROOT, load, resources

from wavebreak import problems
from wavebreak.domain.notifications.message import Kind
from wavebreak.resilience.client_config import series_seconds
from wavebreak.store import keys
from wavebreak.timing import Timing
from wavebreak.use_cases import deliver_events
from wavebreak.use_cases.evidence.write_reports import REPORT_SECONDS

Json = dict[str, Any]


API_GATEWAY_SECONDS = 29


ROUTES = {
    ("PUT", "/plans/{planId}"),
    ("GET", "/plans/{planId}"),
    ("DELETE", "/plans/{planId}"),
    ("GET", "/plans"),
    ("POST", "/plans/{planId}/validate"),
    ("GET", "/plans/{planId}/readiness"),
    ("POST", "/plans/import"),
    ("POST", "/plans/diff"),
    ("GET", "/plans/{planId}/snapshots"),
    ("POST", "/drills"),
    ("POST", "/recoveries"),
    ("GET", "/executions"),
    ("GET", "/executions/{executionId}"),
    ("GET", "/executions/{executionId}/events"),
    ("GET", "/executions/{executionId}/report"),
    ("PUT", "/executions/{executionId}/verdict"),
    ("GET", "/executions/{executionId}/progress"),
    ("GET", "/executions/{executionId}/checks"),
    ("GET", "/executions/{executionId}/waves/{waveNumber}"),
    ("POST", "/commands"),
    ("GET", "/commands/{commandId}"),
    ("GET", "/commands/{commandId}/results"),
    ("GET", "/commands/{commandId}/lines"),
    ("POST", "/commands/{commandId}/cancel"),
    ("GET", "/health"),
    ("POST", "/executions/{executionId}/cancel"),
    ("POST", "/executions/{executionId}/pause"),
    ("POST", "/executions/{executionId}/resume"),
    ("POST", "/executions/{executionId}/lease"),
    ("POST", "/executions/{executionId}/terminate"),
    ("POST", "/executions/{executionId}/waves/{waveNumber}/approve"),
    ("POST", "/executions/{executionId}/waves/{waveNumber}/reject"),
    ("POST", "/executions/{executionId}/waves/{waveNumber}/retry"),
    ("POST", "/executions/{executionId}/waves/{waveNumber}/skip"),
    ("GET", "/errors"),
    ("GET", "/errors/summary"),
}


GATEWAY_CODES = {
    "MISSING_AUTHENTICATION_TOKEN": (403, "FORBIDDEN"),
    "ACCESS_DENIED": (403, "FORBIDDEN"),
    "INVALID_SIGNATURE": (403, "FORBIDDEN"),
    "EXPIRED_TOKEN": (403, "FORBIDDEN"),
    "DEFAULT_4XX": (403, "FORBIDDEN"),
    "REQUEST_TOO_LARGE": (413, "PAYLOAD_TOO_LARGE"),
    "THROTTLED": (429, "THROTTLED"),
    "INTEGRATION_TIMEOUT": (504, "TIMEOUT"),
    "BAD_REQUEST_BODY": (400, "VALIDATION_FAILED"),
    "UNSUPPORTED_MEDIA_TYPE": (400, "VALIDATION_FAILED"),
    "DEFAULT_5XX": (500, "INTERNAL"),
}


def events_of(function: Json, *kinds: str) -> list[Json]:
    return [event["Properties"] for event in function.get("Events", {}).values() if event["Type"] in kinds]


def test_every_handler_names_a_function_of_the_code(all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        module, _, attribute = function["Handler"].rpartition(".")
        assert callable(getattr(importlib.import_module(module), attribute, None)), f"{name}: {function['Handler']}"


def test_no_two_functions_share_a_handler_and_all_share_one_code_uri(
    template: Json, all_functions: dict[str, Json]
) -> None:
    handlers = [function["Handler"] for function in all_functions.values()]
    assert len(handlers) == len(set(handlers))
    for name, resource in template["Resources"].items():
        if resource["Type"] == "AWS::Serverless::Function":
            own = resource["Properties"].keys() & {"CodeUri", "Runtime", "Architectures", "Layers"}
            assert not own, f"{name} would be built by itself"
            assert "Metadata" not in resource, f"{name} would be built by itself"


def test_every_function_has_a_log_group_whose_lines_expire(template: Json, all_functions: dict[str, Json]) -> None:
    """The group is there before its function: a call in between would make one that nobody rules over."""
    groups = resources(template, "AWS::Logs::LogGroup")
    for name, function in all_functions.items():
        group = f"{name.removesuffix('Function')}LogGroup"
        assert function["LoggingConfig"] == {"LogGroup": {"Ref": group}}, name
        assert groups[group]["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/${{AWS::StackName}}-{name}"}
    for name, properties in groups.items():
        assert properties["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_every_function_is_traced_and_has_a_role_of_its_own(all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        assert function["Tracing"] == "Active", name
        assert "Role" not in function, f"{name}: SAM makes a role for each function unless one is named"
        assert function["Policies"], name


def test_functions_behind_events_keep_what_they_could_not_take_in(all_functions: dict[str, Json]) -> None:
    queue = {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]}
    asynchronous = 0
    for name, function in all_functions.items():
        triggers = events_of(function, "EventBridgeRule", "Schedule")
        if not triggers and name not in {"StartWaveFunction", "ScheduledDrillFunction"}:
            assert "EventInvokeConfig" not in function, name
            continue
        asynchronous += 1
        destination = function["EventInvokeConfig"]["DestinationConfig"]["OnFailure"]
        assert destination == {"Type": "SQS", "Destination": queue}, name
        for trigger in triggers:
            assert trigger["DeadLetterConfig"] == {"Arn": queue}, name
    assert asynchronous == 7


def test_a_start_that_nobody_waits_for_is_not_tried_again_by_lambda(all_functions: dict[str, Json]) -> None:
    """The machine asks again by itself when the wave's lease has run out; a late start would come beside that one."""
    settings = all_functions["StartWaveFunction"]["EventInvokeConfig"]
    assert settings["MaximumRetryAttempts"] == 0
    assert settings["MaximumEventAgeInSeconds"] <= Timing().start_lease.total_seconds()


def test_launch_events_wait_in_a_queue_that_keeps_what_fails(template: Json, all_functions: dict[str, Json]) -> None:
    queue = resources(template, "AWS::SQS::Queue")["LaunchEventsQueue"]
    function = all_functions["LaunchEventsFunction"]
    (trigger,) = events_of(function, "SQS")
    assert trigger["Queue"] == {"Fn::GetAtt": ["LaunchEventsQueue", "Arn"]}
    assert queue["VisibilityTimeout"] >= 6 * function["Timeout"]
    assert queue["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]}


def test_only_new_events_of_audit_trails_reach_the_notifications(all_functions: dict[str, Json]) -> None:
    (trigger,) = events_of(all_functions["NotificationFunction"], "DynamoDB")
    (one,) = trigger["FilterCriteria"]["Filters"]
    pattern = json.loads(one["Pattern"])
    assert pattern["eventName"] == ["INSERT"]
    assert pattern["dynamodb"]["Keys"]["sk"]["S"] == [{"prefix": keys.EVENT_PREFIX}]
    assert trigger["DestinationConfig"]["OnFailure"]["Destination"] == {"Fn::GetAtt": ["FailedEventsQueue", "Arn"]}


def test_nobody_else_tells_an_event_while_its_teller_may_live(all_functions: dict[str, Json]) -> None:
    for name in ("NotificationFunction", "NotificationSweepFunction"):
        assert all_functions[name]["Timeout"] < deliver_events.LEASE.total_seconds()
        # The last event is begun before WORK is over; its parts wait 7 s each for their channels.
        assert all_functions[name]["Timeout"] > deliver_events.WORK.total_seconds() + 5 * 7 + 15
        # No report is begun that may not be over in time; one can be once the last event is told.
        assert all_functions[name]["Timeout"] >= deliver_events.WORK.total_seconds() + 5 * 7 + 15 + REPORT_SECONDS
    assert series_seconds("s3_call") < REPORT_SECONDS


def test_what_people_are_written_to_about_is_chosen_among_the_kinds_of_messages(template: Json) -> None:
    parameter = template["Parameters"]["NotifyStatuses"]
    kinds = [kind.value for kind in Kind]
    assert parameter["Default"].split(",") == kinds
    for chosen in ("", kinds[0], ",".join(kinds)):
        assert re.fullmatch(parameter["AllowedPattern"], chosen), chosen
    for wrong in ("STARTED,", "STARTED, FAILED", "started", "OTHER"):
        assert not re.fullmatch(parameter["AllowedPattern"], wrong), wrong


def test_api_serves_exactly_the_contracts_routes_of_this_version(all_functions: dict[str, Json]) -> None:
    routes = [
        (event["Method"], event["Path"]) for function in all_functions.values() for event in events_of(function, "Api")
    ]
    assert len(routes) == len(set(routes))
    assert set(routes) == ROUTES


def test_api_takes_signed_requests_only_and_calls_functions_with_its_own_right(template: Json) -> None:
    (api,) = resources(template, API).values()
    assert api["Auth"] == {"DefaultAuthorizer": "AWS_IAM", "InvokeRole": "NONE"}
    assert api["StageName"] == "v1"
    (settings,) = api["MethodSettings"]
    assert {"ThrottlingRateLimit", "ThrottlingBurstLimit"} <= settings.keys()
    assert settings["DataTraceEnabled"] is False


def test_a_stage_that_logs_waits_for_the_accounts_logs_role_where_the_stack_makes_it(template: Json) -> None:
    (api,) = resources(template, API).values()
    made, waits, nothing_to_wait_for = api["Description"]["Fn::If"]
    assert template["Resources"]["ApiGatewayAccount"]["Condition"] == made
    assert "${ApiGatewayAccount}" in waits["Fn::Sub"]
    assert isinstance(nothing_to_wait_for, str)


@pytest.mark.parametrize(("kind", "expected"), GATEWAY_CODES.items())
def test_gateway_answers_have_the_contracts_codes(template: Json, kind: str, expected: tuple[int, str]) -> None:
    (api,) = resources(template, API).values()
    response = api["GatewayResponses"][kind]
    document = _rendered(response)
    assert (response["StatusCode"], document["code"]) == expected


def test_every_gateway_answer_is_a_problem_document_worded_as_the_codes_own(template: Json) -> None:
    (api,) = resources(template, API).values()
    classes: list[type[problems.Problem]] = [
        problems.InvalidRequest,
        problems.PayloadTooLarge,
        problems.NotFound,
        problems.Unavailable,
        problems.Internal,
    ]
    known = {problem.code: problem for problem in classes}
    for kind, response in api["GatewayResponses"].items():
        headers = response["ResponseParameters"]["Headers"]
        document = _rendered(response)
        assert headers["Content-Type"] == f"'{problems.CONTENT_TYPE}'", kind
        assert document["status"] == response["StatusCode"], kind
        assert document["code"] in problems.CODES, kind
        assert ("errors" in document) == (document["code"] == "VALIDATION_FAILED"), kind
        assert {"type", "title", "status", "code", "detail"} <= document.keys(), kind
        if document["code"] in known:
            problem = known[document["code"]]
            assert (problem.status, problem.title) == (document["status"], document["title"]), kind
        if document["code"] == "UNAVAILABLE":
            assert "Retry-After" in headers
        if document["code"] == "INTERNAL":
            assert document.keys() == problems.Internal("x").document().keys()


def _rendered(response: Json) -> Json:
    text = response["ResponseTemplates"]["application/json"].replace("$context.error.messageString", '"why"')
    document: Json = json.loads(text)
    return document


def test_functions_that_may_start_a_machine_know_it_and_no_others_do(all_functions: dict[str, Json]) -> None:
    machines = {
        "RECOVERY_STATE_MACHINE_ARN": ("StartRecoveryMachinePolicy", "recovery"),
        "TERMINATION_STATE_MACHINE_ARN": ("StartTerminationMachinePolicy", "termination"),
    }
    for name, function in all_functions.items():
        variables = function["Environment"]["Variables"]
        for variable, (policy, machine) in machines.items():
            assert (variable in variables) == ({"Ref": policy} in function["Policies"]), f"{name}: {variable}"
            if variable in variables:
                assert variables[variable]["Fn::Sub"].endswith(f":stateMachine:${{AWS::StackName}}-{machine}")


def test_machines_have_the_fixed_names_by_which_roles_and_rules_know_them(machines: dict[str, Json]) -> None:
    names = {name: machine["Name"]["Fn::Sub"] for name, machine in machines.items()}
    assert names == {
        "RecoveryStateMachine": "${AWS::StackName}-recovery",
        "TerminationStateMachine": "${AWS::StackName}-termination",
        "CommandStateMachine": "${AWS::StackName}-command",
        "StepStateMachine": "${AWS::StackName}-step",
    }


def test_machines_log_errors_without_the_task_tokens_in_their_data(machines: dict[str, Json]) -> None:
    for machine in machines.values():
        assert machine["Type"] == "STANDARD"
        assert machine["Tracing"] == {"Enabled": True}
        assert machine["Logging"]["Level"] == "ERROR"
        assert machine["Logging"]["IncludeExecutionData"] is False


def test_a_machine_that_ends_wrongly_is_seen_from_outside(
    all_functions: dict[str, Json], machines: dict[str, Json]
) -> None:
    (rule,) = events_of(all_functions["StateMachineStatusFunction"], "EventBridgeRule")
    assert rule["Pattern"]["source"] == ["aws.states"]
    assert set(rule["Pattern"]["detail"]["status"]) == {"FAILED", "TIMED_OUT", "ABORTED"}
    watched = {arn["Fn::Sub"].partition(":stateMachine:")[2] for arn in rule["Pattern"]["detail"]["stateMachineArn"]}
    assert watched == {f"${{AWS::StackName}}-{machine}" for machine in ("recovery", "termination", "command", "step")}
    assert len(machines) == len(watched)


def test_functions_behind_the_api_end_before_api_gateway_does(all_functions: dict[str, Json]) -> None:
    for name, function in all_functions.items():
        if events_of(function, "Api"):
            assert function["Timeout"] < API_GATEWAY_SECONDS, name


def test_table_has_the_indexes_that_the_store_asks(template: Json) -> None:
    table = resources(template, "AWS::DynamoDB::Table")["Table"]
    indexes = {index["IndexName"] for index in table["GlobalSecondaryIndexes"]}
    lists = {keys.LISTING_INDEX, keys.PLAN_INDEX, keys.ACTIVE_INDEX}
    assert indexes == lists | {keys.JOB_INDEX, keys.OUTBOX_INDEX, keys.DUE_INDEX}
    used = {key["AttributeName"] for part in (table, *table["GlobalSecondaryIndexes"]) for key in part["KeySchema"]}
    assert used == {attribute["AttributeName"] for attribute in table["AttributeDefinitions"]}


def test_table_can_be_restored_is_encrypted_and_streams_its_new_images(template: Json) -> None:
    table = resources(template, "AWS::DynamoDB::Table")["Table"]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_IMAGE"}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}
    assert template["Resources"]["Table"]["DeletionPolicy"] == "Retain"


def test_the_queue_of_failed_events_takes_them_from_every_rule(template: Json, all_functions: dict[str, Json]) -> None:
    rules = set(resources(template, "AWS::Events::Rule"))
    for name, function in all_functions.items():
        for event, source in function.get("Events", {}).items():
            if source["Type"] in {"EventBridgeRule", "Schedule"}:
                rules.add(f"{name}{event}")
    policy = resources(template, "AWS::SQS::QueuePolicy")["FailedEventsQueuePolicy"]["PolicyDocument"]
    (statement,) = (s for s in policy["Statement"] if s["Principal"] == {"Service": "events.amazonaws.com"})
    allowed = [arn["Fn::GetAtt"] for arn in statement["Condition"]["ArnEquals"]["aws:SourceArn"]]
    assert sorted(allowed) == sorted([rule, "Arn"] for rule in rules)


def test_every_template_takes_the_same_prefixes_of_documents(template: Json) -> None:
    """What one takes and another refuses fails a deployment half way, or leaves a target account without a match."""
    own = template["Parameters"]["CommandDocumentPrefix"]
    for file in ("command-documents.yaml", "target-account-role.yaml"):
        other = load(ROOT / "infra" / file)["Parameters"]["DocumentPrefix"]
        assert (other["AllowedPattern"], other["Default"]) == (own["AllowedPattern"], own["Default"]), file


def test_first_answers_are_kept_for_a_day_only(template: Json) -> None:
    table = resources(template, "AWS::DynamoDB::Table")["IdempotencyTable"]
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiration", "Enabled": True}


def test_the_simulators_address_is_absent_from_functions_on_aws(template: Json, all_functions: dict[str, Json]) -> None:
    assert template["Parameters"]["DrsEndpointUrl"]["Default"] == ""
    for name, function in all_functions.items():
        variables = function["Environment"]["Variables"]
        addresses = [value for variable, value in variables.items() if variable.startswith("AWS_ENDPOINT_URL")]
        assert len(addresses) == 4, name
        for address in addresses:
            assert address == {"Fn::If": ["HasDrsEndpoint", {"Ref": "DrsEndpointUrl"}, {"Ref": "AWS::NoValue"}]}, name


def test_every_parameter_and_condition_of_the_template_is_used(template: Json, template_text: str) -> None:
    for name in template["Parameters"]:
        assert re.search(rf"(!Ref {name}\b|\$\{{{name}\}})", template_text), name
    for name in template["Conditions"]:
        assert re.search(rf"(!If \[{name},|- {name}$|Condition: {name}$)", template_text, re.MULTILINE), name


def test_the_definitions_stand_where_the_template_looks_for_them(machines: dict[str, Json]) -> None:
    for machine in machines.values():
        assert (ROOT / machine["DefinitionUri"]).is_file()
