"""What `make deploy` looks at before it makes anything, and what it asks SAM for."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError
from tools.packaging import aws_deployment, sam
from tools.packaging.aws_deployment import (
    LOGS_ROLE,
    RESERVED,
    RefusedError,
    arguments,
    check_concurrency,
    check_definitions,
    check_stack_name,
    given_parameters,
    with_logs_role,
)
from tools.template import ROOT, load, resources


class ApiGateway:
    """Answers what an account says of its settings."""

    def __init__(self, answer: dict[str, Any] | str) -> None:
        self.answer = answer

    def get_account(self) -> dict[str, Any]:
        if isinstance(self.answer, str):
            raise ClientError({"Error": {"Code": self.answer, "Message": "no"}}, "GetAccount")
        return self.answer


def test_the_first_deployment_to_an_account_makes_the_role_that_the_stage_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert with_logs_role({"Runtime": "python3.13"}, ApiGateway({})) == {"Runtime": "python3.13", LOGS_ROLE: "true"}
    assert f"{LOGS_ROLE}=true" in capsys.readouterr().out


def test_a_role_that_is_there_is_left_alone() -> None:
    """SAM then says nothing of the parameter, so that a stack which made the role goes on holding it."""
    assert with_logs_role({}, ApiGateway({"cloudwatchRoleArn": "arn:aws:iam::1:role/logs"})) == {}


def test_who_decides_it_is_not_asked_about() -> None:
    assert with_logs_role({LOGS_ROLE: "false"}, ApiGateway("ThrottlingException")) == {LOGS_ROLE: "false"}


def test_who_may_not_look_deploys_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    assert with_logs_role({}, ApiGateway("AccessDeniedException")) == {}
    assert "no permission to look" in capsys.readouterr().out


def test_credentials_that_are_none_end_it_before_anything_is_made() -> None:
    with pytest.raises(ClientError):
        with_logs_role({}, ApiGateway("ExpiredTokenException"))


class Sts:
    """Answers whose credentials they are."""

    def get_caller_identity(self) -> dict[str, str]:
        return {"Account": "123456789012", "Arn": "arn:aws:iam::123456789012:user/ana"}


def test_f26_a_deployment_says_first_where_it_goes_and_as_whom() -> None:
    reported = aws_deployment.destination(Sts(), "wavebreak", "eu-west-1")
    assert reported == (
        "Deploying wavebreak into account 123456789012, Region eu-west-1, as arn:aws:iam::123456789012:user/ana."
    )


def test_f26_without_credentials_nothing_is_built(monkeypatch: pytest.MonkeyPatch, capfd: Any, tmp_path: Any) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    words = ["aws_deployment", "--stack-name", "wavebreak", "--region", "eu-west-1", "--destination"]
    monkeypatch.setattr("sys.argv", words)
    assert aws_deployment.main() == 1
    assert "error: Unable to locate credentials" in capfd.readouterr().err
    recipe = (ROOT / "Makefile").read_text(encoding="utf-8").partition("\ndeploy:")[2].partition("\n\n")[0]
    assert recipe.index("--destination") < recipe.index(" build\n")


class StepFunctions:
    """Answers what it thinks of a definition."""

    def __init__(self, answer: dict[str, Any] | str) -> None:
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def validate_state_machine_definition(self, **asked: Any) -> dict[str, Any]:
        self.asked.append(asked)
        if isinstance(self.answer, str):
            raise ClientError({"Error": {"Code": self.answer, "Message": "no"}}, "ValidateStateMachineDefinition")
        return self.answer


def test_step_functions_is_asked_about_every_definition_as_it_will_be_deployed() -> None:
    service = StepFunctions({"result": "OK", "diagnostics": []})
    check_definitions(service, "eu-west-1", "aws", {"PollSeconds": "17", "Runtime": "python3.13"})
    assert len(service.asked) == 4
    for asked in service.asked:
        assert (asked["type"], asked["severity"]) == ("STANDARD", "ERROR")
        definition = json.loads(asked["definition"])
        assert "${" not in asked["definition"]
        assert definition["StartAt"] == "Begin"
    recovery = next(json.loads(one["definition"]) for one in service.asked if '"StartWaves"' in one["definition"])
    assert recovery["States"]["Sleep"]["TimeoutSeconds"] == 17
    assert recovery["States"]["Observe"]["Arguments"]["FunctionName"].startswith("arn:aws:lambda:eu-west-1:")
    assert recovery["States"]["Observe"]["Resource"] == "arn:aws:states:::lambda:invoke"


def test_the_question_is_one_that_step_functions_knows() -> None:
    service = StepFunctions({"result": "OK", "diagnostics": []})
    check_definitions(service, "eu-west-1", "aws", {})
    model = botocore.session.Session().get_service_model("stepfunctions")
    operation = model.operation_model("ValidateStateMachineDefinition")
    assert operation.input_shape
    assert operation.output_shape
    assert service.asked[0].keys() <= operation.input_shape.members.keys()
    assert {"result", "diagnostics"} <= operation.output_shape.members.keys()


def test_a_definition_that_step_functions_refuses_is_not_deployed() -> None:
    twice = {"code": "DUPLICATE_STATE_NAME", "location": "/States/A", "message": "used twice", "severity": "ERROR"}
    with pytest.raises(
        RefusedError, match=r"does not take statemachine/\w+\.asl\.json: DUPLICATE_STATE_NAME /States/A used twice"
    ):
        check_definitions(StepFunctions({"result": "FAIL", "diagnostics": [twice]}), "eu-west-1", "aws", {})


def test_who_may_not_ask_step_functions_deploys_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    check_definitions(StepFunctions("AccessDeniedException"), "eu-west-1", "aws", {})
    assert "no permission to ask" in capsys.readouterr().out
    with pytest.raises(ClientError):
        check_definitions(StepFunctions("ExpiredTokenException"), "eu-west-1", "aws", {})


class Functions:
    """Answers how many functions may run at once."""

    def __init__(self, answer: int | str, reserved: int = 0) -> None:
        self.answer = answer
        self.reserved = reserved

    def get_account_settings(self) -> dict[str, Any]:
        if isinstance(self.answer, str):
            raise ClientError({"Error": {"Code": self.answer, "Message": "no"}}, "GetAccountSettings")
        left = self.answer - self.reserved
        return {"AccountLimit": {"ConcurrentExecutions": self.answer, "UnreservedConcurrentExecutions": left}}


@pytest.mark.parametrize(("limit", "reported"), [(10, True), (99, True), (100, False), (1000, False)])
def test_an_account_of_little_concurrency_is_told_of(
    limit: int, reported: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    check_concurrency(Functions(limit), {})
    assert (f"may run {limit} functions at once" in capsys.readouterr().out) == reported


@pytest.mark.parametrize(
    ("limit", "each", "refused"), [(269, 10, True), (270, 10, False), (1000, 50, False), (1000, 100, True)]
)
def test_no_more_is_reserved_than_the_account_can_spare(limit: int, each: int, refused: bool) -> None:
    chosen = {RESERVED: str(each)}
    if not refused:
        check_concurrency(Functions(limit), chosen)
        return
    with pytest.raises(RefusedError, match=f"would reserve {17 * each} concurrent calls.* have {limit}"):
        check_concurrency(Functions(limit), chosen)


@pytest.mark.parametrize(("reserved", "reported"), [(0, False), (730, False), (731, True), (900, True)])
def test_it_is_told_where_others_may_have_reserved_what_is_wanted(
    reserved: int, reported: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no refusal: a stack that is deployed again has reserved its own already."""
    check_concurrency(Functions(1000, reserved), {RESERVED: "10"})
    assert (f"{reserved} are reserved already" in capsys.readouterr().out) == reported
    check_concurrency(Functions(1000, reserved), {})
    assert "reserved" not in capsys.readouterr().out


def test_who_may_not_look_at_the_concurrency_deploys_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    check_concurrency(Functions("AccessDeniedException"), {RESERVED: "200"})
    assert "no permission to look" in capsys.readouterr().out
    with pytest.raises(ClientError):
        check_concurrency(Functions("ThrottlingException"), {})


def test_the_parameter_is_one_of_the_template() -> None:
    assert load()["Parameters"][LOGS_ROLE]["AllowedValues"] == ["true", "false"]


def test_a_stack_name_stands_whole_in_every_name_that_is_made_of_it() -> None:
    check_stack_name("wavebreak")
    check_stack_name("w" * 24)
    with pytest.raises(RefusedError, match="25 characters"):
        check_stack_name("w" * 25)


def test_parameters_are_names_and_values() -> None:
    assert given_parameters(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(RefusedError, match="'oops'"):
        given_parameters(["A=1", "oops"])


def test_a_deployment_agrees_to_what_cloudformation_asks_for() -> None:
    """Roles, and a nested application: without the second AWS refuses the stack."""
    template = load()
    assert resources(template, "AWS::Serverless::Application")
    assert not [name for name, r in template["Resources"].items() if "RoleName" in r.get("Properties", {})]
    words = arguments("wavebreak", "eu-west-1", {"A": "1"})
    begin = words.index("--capabilities")
    assert words[begin + 1 : begin + 3] == ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"] == list(sam.CAPABILITIES)
    assert words[-2:] == ["--parameter-overrides", "A=1"]


def test_what_hinders_a_deployment_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["x", "--stack-name", "w" * 30, "--region", "eu-west-1"])
    assert aws_deployment.main() == 1
    assert capsys.readouterr().err.startswith("error: STACK=")


def test_make_deploys_by_it_with_the_python_that_builds() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "python -m tools.packaging.aws_deployment --stack-name $(STACK) --region $(REGION)" in makefile
    assert "RUNTIME ?= $(shell $(BIN)/python " in makefile
