"""Commands are real processes: what they are given, what becomes of their output, and that nothing outlives them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import server_id
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, RunCommand, gone
from tests.support.eventually import eventually

from drs_simulator.client import SimulatorControl
from drs_simulator.clockwork.timing import Timing
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT
from drs_simulator.ssm.settings import RunCommand as HowToRun

if TYPE_CHECKING:
    import boto3
    from tests.simulator.clients import Drs

    from drs_simulator.clockwork.clock import ManualClock

# A child of the same group, one with a session of its own, one orphaned in a session of its own, and the script itself.
FAMILY = """\
echo $$ >> pids
sleep 300 & echo $! >> pids
setsid sh -c 'echo $$ >> pids; exec sleep 300' &
setsid sh -c '(setsid sh -c "echo \\$\\$ >> pids; trap : TERM; sleep 300; sleep 300" &)'
echo begun
wait
sleep 300
"""


def family(fleet: RunCommand) -> list[int]:
    path = fleet.root() / "pids"
    pids = eventually(
        lambda: path.read_text().split() if path.exists() else [], lambda pids: len(pids) == 4, "no family"
    )
    assert len(set(pids)) == 4
    return [int(pid) for pid in pids]


def test_output_exit_code_and_times_are_told(fleet: RunCommand) -> None:
    answer = fleet.run("echo out; echo err >&2; exit 3")
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", "Failed", 3)
    assert (answer["StandardOutputContent"], answer["StandardErrorContent"]) == ("out\n", "err\n")
    assert answer["ExecutionElapsedTime"].startswith("PT0.")
    assert answer["ExecutionStartDateTime"] < answer["ExecutionEndDateTime"]
    assert answer["PluginName"] == "shell"
    assert fleet.run("exit 0")["StatusDetails"] == "Success"


def test_a_script_that_a_signal_ends_has_no_exit_code(fleet: RunCommand) -> None:
    answer = fleet.run("kill -9 $$")
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", -1)


def test_a_script_finds_its_machine_and_nothing_of_the_simulators_own(
    fleet: RunCommand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_HOST", "1")
    root = fleet.root()
    answer = fleet.run("pwd; env; cat; ps -o sid= -p $$ | tr -d ' '; echo $$; ls -l /proc/self/fd")
    directory, *rest = answer["StandardOutputContent"].splitlines()
    assert directory == str(root)
    variables = dict(line.split("=", 1) for line in rest if "=" in line)
    assert variables["HOME"] == str(root)
    assert variables["WAVEBREAK_INSTANCE_ID"] == variables["AWS_SSM_INSTANCE_ID"] == fleet.first
    assert variables["WAVEBREAK_COMMANDS_DIR"] == f"{root}/opt/wavebreak/commands"
    assert set(variables) <= {
        "PATH",
        "HOME",
        "LANG",
        "PWD",
        "OLDPWD",
        "SHLVL",
        "_",
        "AWS_SSM_INSTANCE_ID",
        "AWS_SSM_REGION_NAME",
        "WAVEBREAK_INSTANCE_ID",
        "WAVEBREAK_COMMANDS_DIR",
    }
    numbers = [line for line in rest if line.isdigit()]
    assert numbers[0] == numbers[1], "the script leads a session of its own"
    descriptors = [line for line in rest if "->" in line]
    # Input, the two outputs, and the directory that ls reads.
    assert len(descriptors) == 4


@pytest.mark.parametrize(("directory", "folder"), [("/var/lib", "var/lib"), ("../../etc", "etc"), ("new", "new")])
def test_a_working_directory_is_one_of_the_machine(fleet: RunCommand, directory: str, folder: str) -> None:
    step = SHELL_DOCUMENT["mainSteps"][0]
    inputs = {**step["inputs"], "workingDirectory": directory}
    fleet.control.put_document(SHELL, {**SHELL_DOCUMENT, "mainSteps": [{**step, "inputs": inputs}]})
    assert fleet.run("pwd")["StandardOutputContent"] == f"{fleet.root() / folder}\n"


@pytest.mark.parametrize("directory", ["/etc/orders.conf", "/" + "x" * 300, "/a\0b"], ids=["file", "long", "none"])
def test_a_command_whose_working_directory_cannot_be_fails(fleet: RunCommand, directory: str) -> None:
    [step] = SHELL_DOCUMENT["mainSteps"]
    inputs = {**step["inputs"], "workingDirectory": directory}
    fleet.control.put_document(SHELL, {**SHELL_DOCUMENT, "mainSteps": [{**step, "inputs": inputs}]})
    answer = fleet.run("echo never")
    assert (answer["StatusDetails"], answer["ResponseCode"]) == ("Failed", 1)
    assert answer["StandardErrorContent"].startswith("The script could not be started")
    assert fleet.control.state()["maxCommandsInFlight"] == 0


def test_s1_7_a_hung_script_is_killed_with_all_that_it_started_and_its_output_is_kept(fleet: RunCommand) -> None:
    begun = time.monotonic()
    command_id = fleet.send(FAMILY, seconds=1)
    pids = family(fleet)
    answer = fleet.wait(command_id)
    assert 0.9 < time.monotonic() - begun < 5
    assert (answer["Status"], answer["StatusDetails"]) == ("TimedOut", "ExecutionTimedOut")
    assert answer["ResponseCode"] == 137
    assert answer["StandardOutputContent"] == "begun\n"
    assert gone(pids)


def test_a_cancelled_script_is_over_when_the_last_of_many_processes_is_gone(fleet: RunCommand) -> None:
    command_id = fleet.send("for each in $(seq 200); do sleep 300 & echo $! >> pids; done; echo begun; wait")
    path = fleet.root() / "pids"
    eventually(lambda: path.exists() and len(path.read_text().split()), lambda count: count == 200, "no processes")
    fleet.client.cancel_command(CommandId=command_id)
    assert fleet.wait(command_id)["StatusDetails"] == "Cancelled"
    assert gone([int(pid) for pid in path.read_text().split()])


def test_a_cancelled_script_is_killed_with_all_that_it_started(fleet: RunCommand) -> None:
    command_id = fleet.send(FAMILY)
    pids = family(fleet)
    fleet.client.cancel_command(CommandId=command_id)
    answer = fleet.wait(command_id)
    assert (answer["Status"], answer["StatusDetails"], answer["ResponseCode"]) == ("Cancelled", "Cancelled", 137)
    assert answer["StandardOutputContent"] == "begun\n"
    assert gone(pids)


def test_processes_that_keep_moving_are_caught(fleet: RunCommand) -> None:
    hopping = "hop() { (echo hop >> hops; sleep 0.01; hop) & }; hop; sleep 60"
    assert fleet.run(hopping, seconds=1)["StatusDetails"] == "ExecutionTimedOut"
    hops = (fleet.root() / "hops").read_text()
    assert hops.count("hop") > 5
    time.sleep(0.2)
    assert (fleet.root() / "hops").read_text() == hops


def test_a_script_whose_children_hold_its_output_open_is_not_over(fleet: RunCommand) -> None:
    answer = fleet.run("sleep 60 & echo left", seconds=1)
    assert (answer["StatusDetails"], answer["StandardOutputContent"]) == ("ExecutionTimedOut", "left\n")


def test_what_a_script_leaves_in_the_background_lives_as_long_as_its_machine(
    fleet: RunCommand, drs: Drs, clock: ManualClock
) -> None:
    answer = fleet.run("setsid sleep 300 > /dev/null 2>&1 < /dev/null & echo $!")
    assert answer["StatusDetails"] == "Success"
    pid, root = int(answer["StandardOutputContent"]), fleet.root()
    assert Path(f"/proc/{pid}").exists()
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[fleet.first])
    clock.advance(60)
    eventually(lambda: (gone([pid]), root.exists()), lambda seen: seen == (True, False), "the machine is still there")
    assert fleet.root(fleet.instances[1]).exists()


def test_a_command_whose_machine_goes_away_is_never_reported_and_times_out(
    fleet: RunCommand, drs: Drs, clock: ManualClock
) -> None:
    command_id = fleet.send(FAMILY, TimeoutSeconds=3600)
    pids = family(fleet)
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=[fleet.first])
    clock.advance(60)
    eventually(lambda: gone(pids), bool, "processes outlive their machine")
    assert fleet.invocation(command_id)["StatusDetails"] == "InProgress"
    clock.advance(3600)
    assert fleet.invocation(command_id)["StatusDetails"] == "DeliveryTimedOut"


def test_a_machine_that_is_replaced_starts_anew(fleet: RunCommand, drs: Drs, three_servers: tuple[str, ...]) -> None:
    fleet.run("touch mark")
    drs.recover(three_servers[0])
    [instance] = [each for each in drs.instances() if each["sourceServerID"] == three_servers[0]]
    answer = fleet.client.send_command(
        InstanceIds=[instance["ec2InstanceID"]], DocumentName=SHELL, Parameters={"Script": ["ls mark"]}
    )
    assert fleet.wait(answer["Command"]["CommandId"], instance["ec2InstanceID"])["StatusDetails"] == "Failed"


@pytest.mark.parametrize(
    ("script", "stdout"),
    [
        ("head -c 20000000 /dev/zero | tr '\\0' x", "x" * 23_980 + "--output truncated--"),
        ("head -c 24000 /dev/zero | tr '\\0' x", "x" * 24_000),
        ("printf 'a\\377\\376b\\303'", "a��b�"),
        ("printf '\\033[31mred\\033[0m\\r\\a\\0end'", "\x1b[31mred\x1b[0m\r\a\0end"),
        ("printf '\\360\\237'; sleep 0.1; printf '\\214\\212'", "🌊"),
    ],
    ids=["megabytes without a line end", "just enough", "not UTF-8", "escapes", "a character in two parts"],
)
def test_s1_12_hostile_output_does_no_harm(fleet: RunCommand, script: str, stdout: str) -> None:
    answer = fleet.run(f"{script}; ({script}) >&2")
    assert answer["StatusDetails"] == "Success"
    assert answer["StandardOutputContent"] == stdout
    if len(stdout) <= 8_000:
        assert answer["StandardErrorContent"] == stdout
    else:
        assert answer["StandardErrorContent"] == "x" * 7_980 + "--output truncated--"


def test_output_without_end_takes_no_memory(fleet: RunCommand) -> None:
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    answer = fleet.run("yes & yes >&2 & wait", seconds=1)
    assert answer["StatusDetails"] == "ExecutionTimedOut"
    assert answer["StandardErrorContent"].endswith("--output truncated--")
    assert resident() - before < 20_000_000


def test_s1_2_how_many_have_run_at_once_is_recorded(fleet: RunCommand) -> None:
    release = fleet.root() / "release"
    waiting = f"while [ ! -e '{release}' ]; do sleep 0.02; done"
    commands = [fleet.send(waiting) for _ in range(5)]
    assert {fleet.invocation(command_id)["StatusDetails"] for command_id in commands} == {"InProgress"}
    assert fleet.control.state()["maxCommandsInFlight"] == 5
    release.touch()
    for command_id in commands:
        assert fleet.wait(command_id)["StatusDetails"] == "Success"
    fleet.run("true")
    state = fleet.control.state()
    assert state["maxCommandsInFlight"] == 5
    assert [each["StatusDetails"] for each in state["commandInvocations"]] == ["Success"] * 6


def test_a_reset_leaves_no_process_and_no_directory(fleet: RunCommand) -> None:
    fleet.send(FAMILY)
    pids, root = family(fleet), fleet.root()
    fleet.control.reset()
    assert gone(pids)
    assert not root.parent.exists()
    assert fleet.control.state()["maxCommandsInFlight"] == 0


def test_closing_leaves_no_process_and_no_directory(tmp_path: Path, session: boto3.Session) -> None:
    with SimulatorServer(timing=Timing(scale=0.01), run_command=HowToRun(tmp_path), manners=STRICT) as simulator:
        fleet = launched(simulator.url, session, simulator)
        fleet.send(FAMILY)
        pids = family(fleet)
        assert fleet.root().parent.parent == tmp_path
        fleet.client.close()
    assert gone(pids)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_do_not_outlive_the_simulators_own(
    tmp_path: Path, session: boto3.Session, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "drs_simulator", "--port", "0", "--time-scale", "0.01", "--manners", "strict"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(  # noqa: S603 - this interpreter, these arguments
        [*command, "--instances-dir", str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            fleet = launched(process.stdout.readline().split()[-1], session, None)
            fleet.send(FAMILY)
            pids = family(fleet)
            fleet.client.close()
            process.send_signal(number)
            process.wait(timeout=10)
        finally:
            process.kill()
    eventually(lambda: gone(pids), bool, "processes outlive the simulator")
    assert number is signal.SIGKILL or list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["not there", "with'quote"])
def test_a_place_for_machines_that_cannot_be_used_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    if name != "not there":
        folder.mkdir()
    with pytest.raises(ValueError, match=name):
        SimulatorServer(run_command=HowToRun(folder), manners=STRICT)


def launched(url: str, session: boto3.Session, simulator: Any) -> RunCommand:
    control = SimulatorControl(url)
    control.put_source_server(server_id(1), launchSeconds=0)
    control.put_document(SHELL, SHELL_DOCUMENT)
    create: Any = session.client
    settings = {"region_name": "us-east-1", "aws_access_key_id": "test", "aws_secret_access_key": "test"}
    drs, ssm = (create(service, endpoint_url=url, **settings) for service in ("drs", "ssm"))
    drs.start_recovery(sourceServers=[{"sourceServerID": server_id(1)}])
    items = eventually(lambda: drs.describe_recovery_instances()["items"], bool, "not launched")
    drs.close()
    return RunCommand(ssm, control, simulator, [items[0]["ec2InstanceID"]])
