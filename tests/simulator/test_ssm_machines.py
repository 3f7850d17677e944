"""How instances answer: their own commands, canned ones, and those that nobody reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from drs_simulator.client import ControlError

if TYPE_CHECKING:
    from tests.simulator.clients import Drs
    from tests.simulator.run_command import RunCommand


def test_canned_commands_answer_as_they_are_told(fleet: RunCommand) -> None:
    call = '"$WAVEBREAK_COMMANDS_DIR"/status'
    canned = {"exitCode": 7, "stdout": 'it\'s \0 "so"\n', "stderr": "%s $HOME\n", "seconds": 0.3}
    answer = fleet.control.instance(fleet.first, commands={"status": canned, "extra": {"stdout": "more"}})
    assert answer["commands"]["status"] == canned
    reported = fleet.run(f'{call}; code=$?; "$WAVEBREAK_COMMANDS_DIR"/extra; exit $code')
    assert (reported["ResponseCode"], reported["StandardErrorContent"]) == (7, "%s $HOME\n")
    assert reported["StandardOutputContent"] == 'it\'s \0 "so"\nmore'
    assert float(reported["ExecutionElapsedTime"][2:-1]) >= 0.3
    fleet.control.instance(fleet.first, commands={"status": None, "extra": None})
    assert fleet.run(call)["StandardOutputContent"].startswith("service: orders\n")
    assert not (fleet.root() / "opt/wavebreak/commands/extra").exists()


def test_a_source_server_is_told_how_its_instances_will_answer(
    fleet: RunCommand, drs: Drs, three_servers: tuple[str, ...]
) -> None:
    server = three_servers[0]
    there = fleet.control.instance(server, commands={"status": {"stdout": "canned"}}, reachable=False)
    assert (there["instanceId"], there["reachable"]) == (fleet.first, False)
    fleet.control.put_source_server("s-22222222222222222")
    assert fleet.control.instance("s-22222222222222222", undeliverable=True)["directory"] is None
    drs.recover(server, "s-22222222222222222")
    launched = {each["sourceServerID"]: each["ec2InstanceID"] for each in drs.instances()}
    assert fleet.control.instance(launched[server])["commands"]["status"]["stdout"] == "canned"
    assert fleet.control.instance(launched[server])["reachable"] is False
    assert fleet.control.instance(launched["s-22222222222222222"])["undeliverable"] is True
    # What is changed on an instance is not its server's.
    assert fleet.control.instance(launched[server], reachable=True)["reachable"] is True
    region = fleet.simulator.simulation.region("000000000000", "us-east-1")
    assert region.systems_manager.machine_to_be(server).reachable is False


@pytest.mark.parametrize(
    "settings",
    [
        {"commands": {"../x": {}}},
        {"commands": {"status": {"exitCode": 256}}},
        {"commands": {"status": {"seconds": -1}}},
        {"commands": {"status": {"color": 1}}},
        {"reachable": "no"},
    ],
    ids=str,
)
def test_settings_of_an_instance_that_make_no_sense_are_refused(fleet: RunCommand, settings: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as caught:
        fleet.control.instance(fleet.first, **settings)
    assert caught.value.status == 400


def test_every_command_of_the_catalogue_is_there_and_touches_only_its_machine(fleet: RunCommand) -> None:
    def command(line: str) -> tuple[int, str]:
        answer = fleet.run(f'"$WAVEBREAK_COMMANDS_DIR"/{line}')
        return answer["ResponseCode"], answer["StandardOutputContent"]

    assert command("status") == (0, "service: orders\nstate: running\nconfiguration: site=primary\n")
    assert command("query refused") == (0, '{"score": 0.22, "text": "Order 1002 refused: card expired"}\n')
    assert command("query nothing-like-it") == (0, "")
    assert command("fix-config") == (0, "configuration applied\n")
    assert command("stop")[0] == 0
    assert command("status") == (3, "service: orders\nstate: stopped\nconfiguration: site=recovery\n")
    assert command("start")[0] == 0
    assert fleet.run('"$WAVEBREAK_COMMANDS_DIR"/watch', seconds=1)["StandardOutputContent"].startswith("orders: run")
    assert command("uninstall")[0] == 0
    assert [command(name)[0] for name in ("status", "query", "watch", "fix-config", "start", "stop")] == [4] * 6
    other = fleet.send('"$WAVEBREAK_COMMANDS_DIR"/status', fleet.instances[1])
    assert fleet.wait(other, fleet.instances[1])["ResponseCode"] == 0
