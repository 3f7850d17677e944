"""The command documents: alike, closed to everything but words, and true to the last byte of an argument."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.support.eventually import eventually
from tests.support.manners import manners
from tools.local_stack.ssm_documents import DOCUMENT, DOCUMENTS, documents, put_documents
from tools.template import load, resources

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.timing import Timing
from drs_simulator.http.server import SimulatorServer
from wavebreak.domain.commands.arguments import ENCODED_ARGUMENTS_PATTERN, encode_arguments
from wavebreak.domain.commands.runs import STEP

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVER = "s-11111111111111111"
COMMANDS = ["query", "status", "watch", "fix-config", "start", "stop", "uninstall"]
HOSTILE = [
    "; touch /tmp/pwned",
    "$(reboot)",
    "`reboot`",
    "${HOME}",
    "a\nb",
    "'; exit 9; '",
    '"quoted" \\ and | & > < * ? ~ ! #',
    "{{ CommandsDirectory }}",
    "größe 数据 🌊",
    "-n",
    "--",
    "",
    "",
    " ",
    "ends\n",
    "ends twice\n\n",
    "\n",
    "\x01\x1b[31m\x7f",
    "q" * 256,
]


class Target:
    """A launched machine, and its commands."""

    def __init__(self, url: str, directory: Path, instance_id: str, ssm: Any) -> None:
        self.url = url
        self.commands = directory / "opt/wavebreak/commands"
        self.root = directory
        self.instance_id = instance_id
        self.ssm = ssm

    def send(self, document: str, **parameters: str) -> str:
        answer = self.ssm.send_command(
            InstanceIds=[self.instance_id],
            DocumentName=document,
            Parameters={name: [value] for name, value in parameters.items()},
        )
        return str(answer["Command"]["CommandId"])

    def run(self, document: str, **parameters: str) -> dict[str, Any]:
        command_id = self.send(document, **parameters)
        answer: dict[str, Any] = eventually(
            lambda: self.ssm.get_command_invocation(CommandId=command_id, InstanceId=self.instance_id),
            lambda answer: answer["Status"] not in ("Pending", "InProgress"),
            "the command has not ended",
            seconds=20,
        )
        return answer


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with SimulatorServer(timing=Timing(scale=0.01), manners=manners()) as simulator:
        control = SimulatorControl(simulator.url)
        control.put_source_server(SERVER, launchSeconds=0)
        control.missing_lookups(0)
        put_documents(simulator.url)
        make: Any = botocore.session.Session().create_client
        settings = {
            "region_name": "us-east-1",
            "endpoint_url": simulator.url,
            "aws_access_key_id": "test",
            "aws_secret_access_key": "test",
            "config": Config(proxies={}),
        }
        drs, ssm = make("drs", **settings), make("ssm", **settings)
        drs.start_recovery(sourceServers=[{"sourceServerID": SERVER}])
        while not (found := drs.describe_recovery_instances()["items"]):
            time.sleep(0.05)
        instance_id = found[0]["ec2InstanceID"]
        yield Target(simulator.url, Path(control.instance(instance_id)["directory"]), instance_id, ssm)
        drs.close()
        ssm.close()


def install(target: Target, name: str, script: str) -> Path:
    path = target.commands / name
    path.unlink(missing_ok=True)
    path.write_text(script)
    path.chmod(0o755)
    return path


def test_there_is_a_document_for_each_command_and_all_are_the_same_but_for_its_name() -> None:
    found = documents(DocumentPrefix="other", CommandsDirectory="/srv/commands")
    assert list(found) == [f"other-{command}" for command in COMMANDS]
    alike = set()
    for command, document in zip(COMMANDS, found.values(), strict=True):
        assert document.pop("description")
        text = json.dumps(document)
        assert text.count(f"/{command}'") == 1
        alike.add(text.replace(f"/{command}'", "/NAME'"))
        assert document["parameters"]["CommandsDirectory"]["default"] == "/srv/commands"
        assert document["parameters"]["Arguments"]["allowedPattern"] == ENCODED_ARGUMENTS_PATTERN
        assert document["mainSteps"][0]["name"] == STEP
    assert len(alike) == 1


def test_documents_are_replaced_by_new_versions_under_their_names() -> None:
    for properties in resources(load(DOCUMENTS), DOCUMENT).values():
        assert properties["Name"]["Fn::Sub"].startswith("${DocumentPrefix}-")
        assert (properties["DocumentType"], properties["UpdateMethod"]) == ("Command", "NewVersion")


@pytest.mark.parametrize(
    "value",
    [
        "; touch /tmp/pwned",
        "$(reboot)",
        "`reboot`",
        ".YQ==; reboot",
        ".YQ==\n",
        "\n",
        ".YQ==\nreboot",
        ".YQ==\0",
        "'",
        ".'$(reboot)'",
        ".YQ==  .YQ==",
        " .YQ==",
        "YQ==",
        ".YQ== ",
        ".größe",
    ],
)
def test_what_is_no_list_of_base64_words_is_refused_before_anything_runs(target: Target, value: str) -> None:
    with pytest.raises(ClientError) as caught:
        target.send("wavebreak-status", Arguments=value)
    assert caught.value.response["Error"]["Code"] == "InvalidParameters"


@pytest.mark.parametrize(
    "parameters",
    [{"RunSeconds": "1; reboot"}, {"RunSeconds": ""}, {"CommandsDirectory": "/opt/'$(reboot)'"}, {"Command": "stop"}],
    ids=str,
)
def test_other_parameters_are_closed_too(target: Target, parameters: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="InvalidParameters"):
        target.send("wavebreak-status", **parameters)


def test_s1_9_hostile_arguments_arrive_byte_for_byte_and_nothing_of_them_is_executed(target: Target) -> None:
    received = target.root / "received"
    install(target, "status", f"#!/bin/sh\nprintf '%s\\0' \"$#\" \"$@\" > '{received}'\n")
    assert target.run("wavebreak-status", Arguments=encode_arguments(HOSTILE))["StatusDetails"] == "Success"
    count, *arguments = received.read_bytes().split(b"\0")[:-1]
    assert int(count) == len(HOSTILE)
    assert arguments == [argument.encode() for argument in HOSTILE]
    assert not Path("/tmp/pwned").exists()  # noqa: S108 - what the hostile argument names


@pytest.mark.parametrize(("arguments", "count"), [([], "0"), ([""], "1"), (["", ""], "2")])
def test_no_argument_is_told_from_an_empty_one(target: Target, arguments: list[str], count: str) -> None:
    install(target, "status", '#!/bin/sh\nprintf %s "$#"\n')
    assert target.run("wavebreak-status", Arguments=encode_arguments(arguments))["StandardOutputContent"] == count


def test_the_program_takes_the_place_of_the_script_and_its_exit_code_is_the_commands(target: Target) -> None:
    install(target, "stop", "#!/bin/sh\necho out; echo err >&2; exit 42\n")
    answer = target.run("wavebreak-stop")
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", 42)
    assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == ("out\n", "err\n")


@pytest.mark.parametrize("kind", ["missing", "not executable", "a directory"])
def test_a_program_that_is_not_there_is_127_with_a_clear_message(target: Target, kind: str) -> None:
    path = install(target, "uninstall", "#!/bin/sh\n")
    path.chmod(0o644)
    if kind != "not executable":
        path.unlink()
    if kind == "a directory":
        path.mkdir()
    answer = target.run("wavebreak-uninstall")
    if kind == "a directory":
        shutil.rmtree(path)
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", 127)
    assert answer["StandardErrorContent"] == f"{path} is no executable program on this server\n"


def test_a_word_that_is_no_base64_is_refused_on_the_target(target: Target) -> None:
    install(target, "start", "#!/bin/sh\necho started\n")
    answer = target.run("wavebreak-start", Arguments=".YQ== .=A=")
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", 126)
    assert "An argument is no base64: .=A=" in answer["StandardErrorContent"]
    assert answer["StandardOutputContent"] == ""


def test_the_time_to_run_is_the_parameter(target: Target) -> None:
    answer = target.run("wavebreak-watch", RunSeconds="1")
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert answer["StandardOutputContent"].startswith("orders: running, 1\n")


def test_putting_the_documents_again_makes_no_new_versions(target: Target) -> None:
    put_documents(target.url)
    control = SimulatorControl(target.url)
    assert control.put_document("wavebreak-query", documents()["wavebreak-query"])["version"] == 1
