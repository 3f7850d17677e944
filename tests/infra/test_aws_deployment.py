"""What `make deploy` looks at before it makes anything, and what it asks SAM for."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tools.packaging import aws_deployment, sam
from tools.packaging.aws_deployment import (
    LOGS_ROLE,
    Refused,
    arguments,
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


def test_the_parameter_is_one_of_the_template() -> None:
    assert load()["Parameters"][LOGS_ROLE]["AllowedValues"] == ["true", "false"]


def test_a_stack_name_stands_whole_in_every_name_that_is_made_of_it() -> None:
    check_stack_name("wavebreak")
    check_stack_name("w" * 24)
    with pytest.raises(Refused, match="25 characters"):
        check_stack_name("w" * 25)


def test_parameters_are_names_and_values() -> None:
    assert given_parameters(["A=1", "B=x=y", "C="]) == {"A": "1", "B": "x=y", "C": ""}
    with pytest.raises(Refused, match="'oops'"):
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
