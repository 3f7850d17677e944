import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.eventually import eventually
from tools.bench import reports
from tools.local_stack import deployment, processes, programs
from tools.local_stack.stack import LocalStack, Ports, StackError, _Record, configured, seed
from tools.packaging import build
from tools.packaging.artefact import import_faults
from tools.packaging.sam import SamError, environment, without_aws
from tools.packaging.sam import run as run_sam
from tools.template import ROOT, definition, load, substituted

from wavebreak.evidence import report, verify_report

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def start(directory: Path, command: list[str] | None = None) -> processes.Process:
    return processes.launch(command or SLEEP, environment={}, directory=directory, log=directory / "logs" / "log")


def test_a_process_is_known_again_and_ended(tmp_path: Path) -> None:
    process = start(tmp_path)
    known_again = processes.Process(process.pid, process.started)
    assert known_again.is_alive()
    assert known_again.stop()
    assert not known_again.is_alive()
    assert not known_again.stop()


def test_a_process_of_the_same_id_that_started_at_another_time_is_left_alone(tmp_path: Path) -> None:
    process = start(tmp_path)
    stranger = replace(process, started="before")
    assert not stranger.stop()
    assert process.is_alive()
    assert process.stop()


def test_what_a_process_started_goes_with_it(tmp_path: Path) -> None:
    child = f"import subprocess, sys; print(subprocess.Popen({SLEEP!r}).pid, flush=True); sys.stdin.read(); {SLEEP[2]}"
    process = start(tmp_path, [sys.executable, "-c", child])
    log = tmp_path / "logs" / "log"
    grandchild = int(eventually(lambda: log.read_text().strip()))
    assert process.stop()
    eventually(lambda: processes._start_of(grandchild) is None)


def test_a_process_that_ignores_the_polite_signal_is_ended_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "_GRACE_SECONDS", 0.1)
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('.', flush=True); time.sleep(60)"
    )
    process = start(tmp_path, [sys.executable, "-c", stubborn])
    eventually((tmp_path / "logs" / "log").read_text)
    assert process.stop()
    eventually(lambda: not process.is_alive())


def test_a_dead_child_that_nobody_has_reaped_counts_as_dead(tmp_path: Path) -> None:
    process = start(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: not process.is_alive())
    assert not process.stop()


def test_a_background_process_holds_no_descriptor_of_its_starter(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_inheritable(writer, True)  # noqa: FBT003  the function takes no keyword
    process = start(tmp_path)
    os.close(writer)
    try:
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)
        process.stop()


def test_a_port_in_use_is_refused_naming_the_variable(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind((processes.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        (free,) = processes.free_ports(1)
        with pytest.raises(StackError, match=rf"port {taken} is in use .* WAVEBREAK_PORT"):
            LocalStack(tmp_path, Ports(taken, free), 1).start()
        with pytest.raises(StackError, match=rf"port {taken} is in use .* WAVEBREAK_SIMULATOR_PORT"):
            LocalStack(tmp_path, Ports(free, taken), 1).start()
    assert not (tmp_path / "processes.json").exists()


def test_free_ports_are_free_and_different() -> None:
    ports = processes.free_ports(5)
    assert len(set(ports)) == 5
    assert all(processes.port_is_free(port) for port in ports)


def test_ports_and_time_come_from_the_environment(tmp_path: Path) -> None:
    variables = {
        "WAVEBREAK_PORT": "5001",
        "WAVEBREAK_SIMULATOR_PORT": "5002",
        "WAVEBREAK_TIME_SCALE": "0.1",
        "WAVEBREAK_SEED": "7",
    }
    stack = configured(variables, tmp_path)
    assert (stack.ports, stack.time_scale, stack.seed) == (Ports(5001, 5002), 0.1, 7)
    default = configured({"WAVEBREAK_PORT": ""}, tmp_path)
    assert (default.ports, default.time_scale, default.seed) == (Ports(4566, 4567), 1.0, None)


def test_the_seed_of_manners_is_the_one_that_is_named_or_drawn() -> None:
    assert seed({"WAVEBREAK_SEED": "7"}) == 7
    drawn = {seed({}) for _ in range(3)}
    assert len(drawn) == 3
    assert all(0 <= each < 2**32 for each in drawn)


def test_the_simulator_of_a_local_stack_has_manners_and_the_seed_that_was_chosen() -> None:
    emulator = deployment.Emulator(1)
    reported, silent = (programs.simulator_command(2, emulator, 1, seed) for seed in (7, None))
    assert reported[-2:] == ["--manners-seed", "7"]
    assert "--manners" not in {*reported, *silent}
    assert "--manners-seed" not in silent


@pytest.mark.parametrize(
    "variables",
    [
        {"WAVEBREAK_PORT": "many"},
        {"WAVEBREAK_PORT": "99999"},
        {"WAVEBREAK_PORT": "0"},
        {"WAVEBREAK_SIMULATOR_PORT": "4566"},
        {"WAVEBREAK_TIME_SCALE": "fast"},
        {"WAVEBREAK_TIME_SCALE": "0"},
        {"WAVEBREAK_TIME_SCALE": "nan"},
        {"WAVEBREAK_SEED": "-1"},
        {"WAVEBREAK_SEED": str(2**32)},
        {"WAVEBREAK_SEED": "seven"},
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(variables: dict[str, str], tmp_path: Path) -> None:
    (name,) = variables
    with pytest.raises(StackError, match=name):
        configured(variables, tmp_path)


def test_a_record_that_cannot_be_read_means_that_nothing_runs(tmp_path: Path) -> None:
    (tmp_path / "processes.json").write_text('{"wanted": 1')
    stack = LocalStack(tmp_path, Ports(1, 2), 1)
    assert stack.status() is None
    assert not stack.stop()


@pytest.mark.parametrize(
    ("scale", "poll", "brief", "text"),
    [(1, "30", "5", "1"), (0.1, "3", "1", "0.1"), (0.001, "1", "1", "0.001"), (5, "150", "25", "5")],
)
def test_time_scale_sets_intervals_of_at_least_a_second(scale: float, poll: str, brief: str, text: str) -> None:
    values = deployment.parameters("http://127.0.0.1:1", scale)
    assert (values["PollSeconds"], values["BriefSeconds"], values["TimeScale"]) == (poll, brief, text)


def test_the_local_stack_sets_only_parameters_that_the_template_has_and_allows() -> None:
    declared = load()["Parameters"]
    for name, value in deployment.parameters("http://127.0.0.1:1", 1).items():
        assert value in declared[name].get("AllowedValues", [value]), name


def test_an_emulator_whose_simulator_cannot_be_started_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    emulator = start(tmp_path)

    def launch(command: list[str], **_: object) -> processes.Process:
        if "drs_simulator" in command:
            raise BlockingIOError
        return emulator

    monkeypatch.setattr(processes, "launch", launch)
    with pytest.raises(BlockingIOError):
        LocalStack(tmp_path, Ports.free(), 1).start()
    assert not emulator.is_alive()


def test_a_stack_that_runs_with_other_parameters_is_not_kept(tmp_path: Path) -> None:
    ports, chosen = Ports(1, 2), {"RenewAfterRounds": "5"}
    wanted = LocalStack(tmp_path, ports, 1, parameters=chosen)._wanted()
    _Record(wanted, processes.Process(0, ""), processes.Process(0, "")).write(tmp_path / "processes.json")
    kept = _Record.read(tmp_path / "processes.json")
    assert kept is not None
    assert kept.wanted == LocalStack(tmp_path, ports, 1, parameters=dict(chosen))._wanted()
    assert kept.wanted != LocalStack(tmp_path, ports, 1)._wanted()


def test_digest_follows_names_and_content_but_not_byte_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "ROOT", tmp_path)
    source = tmp_path / "lambda"
    source.mkdir()
    (source / "a.py").write_text("1")
    first = build.digest([source])
    (source / "a.cpython-311.pyc").write_text("x")
    assert build.digest([source]) == first
    (source / "a.py").write_text("2")
    second = build.digest([source])
    (source / "a.py").rename(source / "b.py")
    assert len({first, second, build.digest([source])}) == 3


def test_sam_remembers_that_it_looked_for_versions_and_sends_nothing(tmp_path: Path) -> None:
    variables = environment({"HOME": "", "PATH": "/bin"}, tmp_path / "sam")
    assert variables["SAM_CLI_TELEMETRY"] == "0"
    assert variables["HOME"] == variables["__SAM_CLI_APP_DIR"] == str(tmp_path / "sam")
    assert "lastVersionCheck" in (tmp_path / "sam" / "metadata.json").read_text()
    assert without_aws({"AWS_PROFILE": "work", "SAM_CLI_TELEMETRY": "1", "PATH": "/bin"}) == {"PATH": "/bin"}


def test_a_failed_sam_command_tells_the_end_of_what_it_wrote(tmp_path: Path) -> None:
    variables = environment({"HOME": "", "PATH": os.defpath}, tmp_path / "sam")
    with pytest.raises(SamError, match=r"(?s)sam nonsense failed.*No such command"):
        run_sam(["nonsense"], variables=variables, log=tmp_path / "log")


def test_artefact_check_tells_what_does_not_import(tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("import boto3\ndef handler(event, context): ...\n")
    (tmp_path / "bad.py").write_text("import pytest\n")
    assert import_faults(tmp_path, ["good.handler"]) == []
    absent, foreign = import_faults(tmp_path, ["good.nothing", "bad.handler"])
    assert absent.startswith("good.nothing: AttributeError")
    assert foreign.startswith("bad.handler: ModuleNotFoundError")


def test_definitions_parse_after_substitution_and_an_unfilled_one_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "machine.asl.json"
    path.write_text('{"TimeoutSeconds": ${PollSeconds}, "Name": "${TableName}"}')
    assert definition(path) == {"TimeoutSeconds": 1, "Name": "TableName"}
    assert definition(path, {"PollSeconds": 30})["TimeoutSeconds"] == 30
    with pytest.raises(KeyError):
        substituted(path.read_text(), {"PollSeconds": 30})


def test_an_emulator_that_does_not_run_or_keeps_nothing_is_not_restarted(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="no emulator runs here that keeps its state"):
        LocalStack(tmp_path, Ports(1, 2), 1, keeps_state=True).restart_emulator()


def test_a_stack_that_shall_keep_its_state_is_another_one(tmp_path: Path) -> None:
    kept, forgetful = (LocalStack(tmp_path, Ports(1, 2), 1, keeps_state=kept) for kept in (True, False))
    assert kept._wanted() != forgetful._wanted()


def test_the_local_stack_ends_quietly_when_whoever_read_its_output_went_away() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tools.local_stack", "status"],
            cwd=ROOT,
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")


def test_the_bench_measures_the_evidence_of_a_large_run() -> None:
    run = reports._large_run()
    made = report(*run)
    assert verify_report(made).intact
    assert len(made["waves"]) == reports.WAVES
    assert made["factors"]["launch"]["launched"] == reports.WAVES * reports.WAVE_SERVERS
    assert all(len(server["phases"]) == 3 for wave in made["waves"] for server in wave["servers"])
