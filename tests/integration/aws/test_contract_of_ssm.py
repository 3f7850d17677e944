"""SSM for whoever forwards a command: the adapter on the simulator, and SSM of the unit tests, held to the same."""

from __future__ import annotations

import time
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.command_machine_world import FakeSsm, Manners, World
from tests.support.eventually import eventually
from tests.support.execution_builders import NOW, server_id
from tests.support.simulated import LATE_SECONDS, simulated
from tests.support.stored_executions import AT
from tools.local_stack.ssm_documents import documents

from wavebreak.aws.drs import Drs
from wavebreak.aws.ssm import Ssm
from wavebreak.aws.unrepeated import CallRejectedError
from wavebreak.domain.commands.runs import CommandRun
from wavebreak.domain.executions.model.servers import Server
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wavebreak.ports.ssm import SsmCommands

SINCE = min(AT, NOW)
RUNNING = {"Pending", "InProgress", "Delayed"}
LONG: float = 30
PATIENCE_SECONDS = 20


@dataclass
class Kept:
    """SSM with three instances: one that does as it is told, one whose command fails, one whose command takes long."""

    ssm: SsmCommands
    instances: Sequence[str]
    time_passes: Callable[[], None]

    def send(self, number: int, comment: str) -> str:
        """Send a command to one of the instances."""
        words = {"Arguments": "", "RunSeconds": "60"}
        return self.ssm.send("query", self.instances[number], words, comment)

    def end(self, command_id: str, number: int) -> Mapping[str, Any]:
        """Look at a command until it has ended."""
        seen = eventually(
            lambda: self.ssm.invocation(command_id, self.instances[number]),
            lambda seen: seen is not None and seen["StatusDetails"] not in {*RUNNING, "Cancelling"},
            "it has not ended",
            seconds=PATIENCE_SECONDS,
            pause=0,
            between=self.time_passes,
        )
        assert seen is not None
        return seen


@pytest.fixture
def on_the_simulator() -> Iterator[Kept]:
    with simulated() as here, here.client("drs") as client, here.client("ssm") as ssm:
        names = [server_id(number) for number in (1, 2, 3)]
        for name in names:
            here.control.put_source_server(name)
        for name, content in documents().items():
            here.control.put_document(name, content)
        drs = Drs(client, client)
        drs.start_recovery([Server(name) for name in names], is_drill=True, tags={})
        here.clock.advance(600)
        found = {each.source_server_id: each.recovery_instance_id for each in drs.every_instance(names)}
        for name, answer in zip(names, ({}, {"exitCode": 3}, {"seconds": LONG}), strict=True):
            here.control.instance(found[name], commands={"query": answer})

        def pass_time() -> None:
            time.sleep(0.05)
            here.clock.advance(LATE_SECONDS)

        yield Kept(Ssm(ssm, ssm, "wavebreak", "commands", lambda: None), [found[name] for name in names], pass_time)


@pytest.fixture
def faked() -> Kept:
    manners = [Manners(), Manners(exit_code=3), Manners(seconds=LONG)]
    run = CommandRun("cmd-1", "drill-1", "query", (), "me", NOW, 300, len(manners))
    world = World(run, manners, Random(1))  # noqa: S311  a test's dice
    return Kept(FakeSsm(world, Site()), ["i-1", "i-2", "i-3"], lambda: world.time.sleep(1))


@pytest.fixture(params=["on_the_simulator", "faked"])
def kept(request: pytest.FixtureRequest) -> Kept:
    found: Kept = request.getfixturevalue(request.param)
    return found


def test_the_agents_that_answer_are_told_from_no_agent_at_all(kept: Kept) -> None:
    kept.ssm.sign_in()
    assert kept.ssm.online(kept.instances) == frozenset(kept.instances)
    assert kept.ssm.online([]) == frozenset()


@pytest.mark.parametrize(("number", "status", "code"), [(0, "Success", 0), (1, "Failed", 3)])
def test_a_command_ends_as_its_program_does(kept: Kept, number: int, status: str, code: int) -> None:
    sent = kept.send(number, "ours")
    ended = kept.end(sent, number)
    assert (ended["StatusDetails"], ended["ResponseCode"]) == (status, code)
    assert ended["ExecutionStartDateTime"]


def test_a_command_is_found_by_its_comment_on_its_instance(kept: Kept) -> None:
    first, second = kept.send(0, "ours 1"), kept.send(0, "ours 2")
    assert first != second
    kept.end(second, 0)
    assert kept.ssm.find(kept.instances[0], "ours 1", SINCE) == first
    assert kept.ssm.find(kept.instances[0], "ours 2", SINCE) == second
    assert kept.ssm.find(kept.instances[0], "ours", SINCE) is None
    assert kept.ssm.find(kept.instances[1], "ours 1", SINCE) is None


def test_a_command_that_runs_is_stopped_and_one_that_has_ended_is_left_as_it_is(kept: Kept) -> None:
    ended, runs = kept.send(0, "ends"), kept.send(2, "runs")
    kept.end(ended, 0)
    for command_id, number in ((ended, 0), (runs, 2)):
        kept.ssm.cancel(command_id, [kept.instances[number]])
    assert kept.end(runs, 2)["StatusDetails"] == "Cancelled"
    assert kept.end(ended, 0)["StatusDetails"] == "Success"


# ---------------------------------------------------------------- refusals


@pytest.fixture
def unreachable_there() -> Iterator[tuple[SsmCommands, str]]:
    with simulated() as here, here.client("ssm") as ssm:
        for name, content in documents().items():
            here.control.put_document(name, content)
        yield Ssm(ssm, ssm, "wavebreak", "commands", lambda: None), "i-0123456789abcdef0"


@pytest.fixture
def unreachable_faked() -> tuple[SsmCommands, str]:
    run = CommandRun("cmd-1", "drill-1", "query", (), "me", NOW, 300, 1)
    world = World(run, [Manners(agent_from=3600)], Random(1))  # noqa: S311  likewise
    return FakeSsm(world, Site()), "i-1"


@pytest.mark.parametrize("place", ["unreachable_there", "unreachable_faked"])
def test_without_an_agent_a_command_is_refused_as_to_an_invalid_instance(
    place: str, request: pytest.FixtureRequest
) -> None:
    ssm, instance = request.getfixturevalue(place)
    assert ssm.online([instance]) == frozenset()
    with pytest.raises(CallRejectedError) as refused:
        ssm.send("query", instance, {"Arguments": "", "RunSeconds": "60"}, "ours")
    assert refused.value.code == "InvalidInstanceId"
    assert ssm.find(instance, "ours", SINCE) is None
