"""Documents: which are taken, what they demand of their parameters, and their versions."""

from __future__ import annotations

from typing import Any

import pytest
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, RunCommand

from drs_simulator.client import ControlError


def test_documents_have_versions_and_arns(fleet: RunCommand) -> None:
    assert fleet.control.put_document(SHELL, SHELL_DOCUMENT)["version"] == 1
    step = SHELL_DOCUMENT["mainSteps"][0]
    second = {**SHELL_DOCUMENT, "mainSteps": [{**step, "inputs": {"runCommand": ["echo second", "exit 2"]}}]}
    assert fleet.control.put_document(SHELL, second) == {"name": SHELL, "version": 2}

    def sent(**settings: str) -> tuple[str, int]:
        asked = {"DocumentName": SHELL, **settings}
        command = fleet.client.send_command(InstanceIds=[fleet.first], Parameters={"Script": ["exit 1"]}, **asked)[
            "Command"
        ]
        return command["DocumentVersion"], fleet.wait(command["CommandId"])["ResponseCode"]

    assert sent() == sent(DocumentVersion="$LATEST") == sent(DocumentVersion="2") == ("2", 2)
    assert sent(DocumentVersion="1") == ("1", 1)
    assert sent(DocumentName=f"arn:aws:ssm:us-east-1:000000000000:document/{SHELL}") == ("2", 2)
    fleet.control.reset()
    assert fleet.control.put_document(SHELL, second)["version"] == 2, "documents outlive a reset"


def changed(**step: Any) -> dict[str, Any]:
    [before] = SHELL_DOCUMENT["mainSteps"]
    return {**SHELL_DOCUMENT, "mainSteps": [{**before, **step}]}


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        ({}, "/schemaVersion"),
        ({**SHELL_DOCUMENT, "schemaVersion": "1.2"}, "/schemaVersion"),
        ({**SHELL_DOCUMENT, "mainSteps": []}, "/mainSteps"),
        ({**SHELL_DOCUMENT, "mainSteps": SHELL_DOCUMENT["mainSteps"] * 2}, "/mainSteps"),
        ({**SHELL_DOCUMENT, "color": "red"}, "/color"),
        ({**SHELL_DOCUMENT, "parameters": {"Seconds": {"type": "String"}}}, ""),
        ({**SHELL_DOCUMENT, "parameters": {"Script": {"type": "StringList"}}}, "/parameters/Script/type"),
        (
            {**SHELL_DOCUMENT, "parameters": {"Script": {"type": "String", "allowedPattern": "["}}},
            "/parameters/Script/allowedPattern",
        ),
        (
            {**SHELL_DOCUMENT, "parameters": {"Script": {"type": "String", "allowedPattern": "a", "default": "b"}}},
            "/parameters/Script",
        ),
        (changed(action="aws:runPowerShellScript"), "/mainSteps/0/action"),
        (changed(inputs={"runCommand": []}), "/mainSteps/0/inputs/runCommand/list"),
        (changed(inputs={"runCommand": ["true"], "timeoutSeconds": 0}), "/mainSteps/0/inputs/timeoutSeconds/"),
    ],
    ids=str,
)
def test_a_malformed_document_is_refused(fleet: RunCommand, content: dict[str, Any], pointer: str) -> None:
    with pytest.raises(ControlError, match=f"^400: {pointer or '/'}") as caught:
        fleet.control.put_document("Malformed", content)
    assert caught.value.status == 400
    assert fleet.refusal(DocumentName="Malformed") == "InvalidDocument"


@pytest.mark.parametrize("name", ["a", "with space", "x" * 129])
def test_a_documents_name_is_checked(fleet: RunCommand, name: str) -> None:
    with pytest.raises(ControlError, match="no name of a document"):
        fleet.control.put_document(name, SHELL_DOCUMENT)


@pytest.mark.parametrize(
    ("rule", "value", "complaint"),
    [
        ({"allowedValues": ["a", "b"]}, "c", "is none of a, b"),
        ({"minChars": 2}, "a", "fewer than 2"),
        ({"maxChars": 2}, "abc", "more than 2"),
        ({"allowedPattern": "a|b"}, "ab", "does not match"),
    ],
    ids=str,
)
def test_values_are_held_to_what_the_document_says(
    fleet: RunCommand, rule: dict[str, Any], value: str, complaint: str
) -> None:
    fleet.control.put_document(
        SHELL, {**SHELL_DOCUMENT, "parameters": {**SHELL_DOCUMENT["parameters"], "X": {"type": "String", **rule}}}
    )
    with pytest.raises(fleet.client.exceptions.InvalidParameters, match=complaint):
        fleet.client.send_command(
            InstanceIds=[fleet.first], DocumentName=SHELL, Parameters={"Script": ["true"], "X": [value]}
        )
