"""Prompts that save people: what cannot be undone is shown whole, and confirmed by a name that is typed."""

from typing import Any

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import DRILL, RECOVERY, FakeApi, execution, problem, run_reading, server, wave

from wavebreak.domain.executions.views.next_steps import next_steps

START = ("run", "three-tier", "--mode", "recovery")
PLAN: dict[str, Any] = {
    "planId": "three-tier",
    "name": "3TierRecoveryPlan",
    "waves": [
        {"name": "database", "servers": [{"sourceServerId": f"s-{n:017}"} for n in (1, 2)]},
        {"name": "web", "servers": [{"sourceServerId": f"s-{3:017}"}]},
    ],
}
NAMES = {f"s-{number:017}": name for number, name in ((1, "db-1"), (2, "db-2"), (3, "web-1"))}


def live_recovery(**more: Any) -> dict[str, Any]:
    """Make a recovery whose first two servers run."""
    waves = [wave(1, "database", "COMPLETED", [server(1, name="db-1"), server(2, name="db-2")])]
    return execution("COMPLETED", waves, executionId=RECOVERY, mode="RECOVERY", instancesLeft=2, **more)


@pytest.fixture
def ready(api: FakeApi) -> FakeApi:
    """Let a plan be there, ready, with nothing that runs."""
    api.answers["GET", "/plans/three-tier"] = (200, {"plan": PLAN, "version": 4})
    api.answers["POST", "/plans/three-tier/validate"] = (200, {"ready": True, "checks": [], "names": NAMES})
    api.answers["POST", "/recoveries"] = (202, execution("PENDING", [], executionId=RECOVERY, mode="RECOVERY"))
    api.listed["/executions"] = []
    return api


def started(api: FakeApi) -> int:
    return sum((request.method, request.path) == ("POST", "/recoveries") for request in api.requests)


@pytest.mark.parametrize("word", ["y", "yes", "Yes", "", "three-tie", "THREE-TIER", "recovery"])
def test_b1_nothing_but_the_plans_id_starts_a_recovery(ready: FakeApi, wavebreak: Terminal, word: str) -> None:
    wavebreak.typed = word
    outcome = wavebreak(*START)
    assert outcome.exit_code == 3
    assert "nothing was started" in outcome.err
    assert not started(ready)


def test_b1_the_prompt_shows_what_will_be_recovered_and_where(ready: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.typed = "three-tier"
    outcome = wavebreak(*START)
    assert outcome.exit_code == 0
    output = outcome.err
    assert "RECOVERY  three-tier  3TierRecoveryPlan, version 4" in output
    assert ready.url in output
    assert "Region eu-central-1" in output
    assert "3 in 2 waves: db-1, db-2, web-1" in output
    assert "✓ ready" in output
    assert "no instances of these servers" in output
    assert wavebreak.asked == ["Type the plan's id, three-tier, to start its recovery: "]
    assert "RECOVERY" in outcome.out


def test_b2_the_prompt_names_the_instances_that_will_be_ended(ready: FakeApi, wavebreak: Terminal) -> None:
    ready.listed["/executions"] = [{"executionId": RECOVERY, "instancesLeft": 2}, {"executionId": DRILL}]
    ready.readings[RECOVERY] = [live_recovery()]
    ready.readings[DRILL] = [execution("COMPLETED", [wave(1, "w", "COMPLETED", [server(2), server(3)])])]
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert f"2 of {RECOVERY} (since 2026-11-21 12:00:00Z): db-1, db-2" in output
    assert f"1 of {DRILL} (since 2026-11-21 12:00:00Z): web-1" in output, "of a server only the newest instance runs"
    assert "THEY WILL BE ENDED" in output


def test_b2_what_is_not_known_is_said_and_keeps_no_recovery_from_its_start(ready: FakeApi, wavebreak: Terminal) -> None:
    down = (503, problem(503, "UNAVAILABLE", "Temporarily unavailable", "DRS does not answer"))
    ready.answers["POST", "/plans/three-tier/validate"] = down
    ready.answers["GET", "/executions"] = down
    wavebreak.typed = "three-tier"
    outcome = wavebreak(*START)
    assert outcome.exit_code == 0
    assert outcome.err.count("not known: DRS does not answer") == 2
    assert started(ready) == 1


BY_TAGS: dict[str, Any] = {**PLAN, "waves": [{"name": "tagged", "selector": {"tags": {"tier": "db"}}}]}
UNREADY = (503, problem(503, "UNAVAILABLE", "Temporarily unavailable", "DRS does not answer"))
NOT_KNOWN = "which servers the selectors match is not known"


def test_b2_the_prompt_names_running_instances_of_servers_that_a_selector_matches(
    ready: FakeApi, wavebreak: Terminal
) -> None:
    ready.answers["GET", "/plans/three-tier"] = (200, {"plan": BY_TAGS, "version": 4})
    ready.listed["/executions"] = [{"executionId": RECOVERY, "instancesLeft": 2}]
    ready.readings[RECOVERY] = [live_recovery()]
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert f"2 of {RECOVERY} (since 2026-11-21 12:00:00Z): db-1, db-2" in output
    assert "THEY WILL BE ENDED" in output
    assert "no instances of these servers" not in output
    assert NOT_KNOWN not in output


def test_b2_where_nobody_says_what_a_selector_matches_nothing_is_denied(ready: FakeApi, wavebreak: Terminal) -> None:
    ready.answers["GET", "/plans/three-tier"] = (200, {"plan": BY_TAGS, "version": 4})
    ready.answers["POST", "/plans/three-tier/validate"] = UNREADY
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert NOT_KNOWN in output
    assert "no instances of these servers" not in output


def test_b2_what_runs_of_named_servers_is_told_beside_a_selector_that_is_not_known(
    ready: FakeApi, wavebreak: Terminal
) -> None:
    mixed = {**PLAN, "waves": [*PLAN["waves"], *BY_TAGS["waves"]]}
    ready.answers["GET", "/plans/three-tier"] = (200, {"plan": mixed, "version": 4})
    ready.answers["POST", "/plans/three-tier/validate"] = UNREADY
    ready.listed["/executions"] = [{"executionId": RECOVERY, "instancesLeft": 2}]
    ready.readings[RECOVERY] = [live_recovery()]
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert f"2 of {RECOVERY} (since 2026-11-21 12:00:00Z): s-00000000000000001, s-00000000000000002" in output
    assert "THEY WILL BE ENDED" in output
    assert NOT_KNOWN in output


def with_many(api: FakeApi, count: int = 60) -> list[str]:
    """Let executions be there that have left an instance each, of no server of the plan."""
    names = [f"drill-01k0000000000000000000{n:04}" for n in range(count)]
    api.listed["/executions"] = [{"executionId": name, "instancesLeft": 1} for name in names]
    api.readings.update({name: [execution("COMPLETED", [], executionId=name)] for name in names})
    api.page = 10
    return names


def looked_into(api: FakeApi) -> list[str]:
    paths = (request.path for request in api.requests)
    return [path.removeprefix("/executions/") for path in paths if path.startswith("/executions/")]


def test_b2_a_prompt_finds_what_runs_however_many_executions_came_after_it(ready: FakeApi, wavebreak: Terminal) -> None:
    names = with_many(ready)
    ready.listed["/executions"].append({"executionId": RECOVERY, "instancesLeft": 2})
    ready.readings[RECOVERY] = [live_recovery()]
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert f"2 of {RECOVERY}" in output
    assert "not looked into" not in output
    assert looked_into(ready) == [*names, RECOVERY]


def test_b2_a_prompt_looks_no_further_once_every_server_of_the_plan_is_found(
    ready: FakeApi, wavebreak: Terminal
) -> None:
    with_many(ready)
    every = execution("COMPLETED", [wave(1, "w", "COMPLETED", [server(1), server(2), server(3)])])
    ready.listed["/executions"].insert(0, {"executionId": DRILL, "instancesLeft": 3})
    ready.readings[DRILL] = [every]
    wavebreak.typed = "no"
    assert f"3 of {DRILL}" in wavebreak(*START).err
    assert looked_into(ready) == [DRILL]


def test_b2_a_prompt_keeps_nobody_waiting_and_says_what_it_did_not_look_into(
    ready: FakeApi, wavebreak: Terminal
) -> None:
    names = with_many(ready)

    def slow() -> dict[str, Any]:
        wavebreak.clock.sleep(1)
        return execution("COMPLETED", [])

    ready.readings.update({name: [slow] for name in names})
    wavebreak.typed = "no"
    output = wavebreak(*START).err
    assert len(looked_into(ready)) == 8
    assert "52 older execution(s) with instances left were not looked into: wavebreak instances" in output
    assert "no instances of these servers" not in output


def test_b1_a_prompt_asks_once_for_what_it_only_shows(ready: FakeApi, wavebreak: Terminal) -> None:
    ready.answers["GET", "/executions"] = UNREADY
    wavebreak.typed = "no"
    assert "not known: DRS does not answer" in wavebreak(*START).err
    assert [request.path for request in ready.requests].count("/executions") == 1
    assert wavebreak.clock.slept == []


def test_b1_a_plan_that_is_not_ready_says_so_in_one_line(ready: FakeApi, wavebreak: Terminal) -> None:
    checks = [
        {"check": "server", "subject": "s-1", "status": "FAIL", "message": "unknown to DRS"},
        {"check": "lag", "subject": "s-2", "status": "FAIL", "message": "late"},
    ]
    ready.answers["POST", "/plans/three-tier/validate"] = (200, {"ready": False, "checks": checks})
    wavebreak.typed = "no"
    assert "✗ NOT READY: s-1: unknown to DRS (and 1 more" in wavebreak(*START).err


@pytest.mark.parametrize("verb", ["stop", "uninstall"])
def test_b4_what_takes_recovered_servers_down_asks_for_the_executions_id(
    api: FakeApi, wavebreak: Terminal, verb: str
) -> None:
    api.answers["POST", "/commands"] = (202, run_reading({}, 1, over=True)[0])
    api.runs = [run_reading({}, 0, over=True)]
    assert wavebreak("command", verb, "--execution", RECOVERY).exit_code == 3
    wavebreak.typed = "yes"
    assert "nothing was sent" in wavebreak("command", verb, "--execution", RECOVERY).err
    assert [request.method for request in api.requests] == ["GET"], "it is only looked at"
    wavebreak.typed = RECOVERY
    wavebreak("command", verb, "--execution", RECOVERY)
    wavebreak.typed = None
    wavebreak("command", verb, "--execution", RECOVERY, "--confirm", RECOVERY)
    wavebreak("command", verb, "--execution", DRILL)
    wavebreak("command", "status", "--execution", RECOVERY)
    assert [request.path for request in api.requests if request.method == "POST"] == ["/commands"] * 4


@pytest.mark.parametrize("target", [f"s-{1:017}", f"i-{2:017}"])
def test_b4_servers_named_one_by_one_are_protected_like_their_recovery(
    api: FakeApi, wavebreak: Terminal, target: str
) -> None:
    api.listed["/executions"] = [{"executionId": RECOVERY, "instancesLeft": 2}]
    api.readings[RECOVERY] = [live_recovery()]
    outcome = wavebreak("command", "stop", "--targets", f"i-{9:017},{target}")
    assert outcome.exit_code == 3
    assert f"--confirm {RECOVERY}" in outcome.err
    assert not [request for request in api.requests if request.method == "POST"]
    api.answers["POST", "/commands"] = (202, run_reading({}, 1, over=True)[0])
    api.runs = [run_reading({}, 0, over=True)]
    wavebreak("command", "stop", "--targets", f"i-{9:017}")
    assert api.requests[0].query["mode"] == "RECOVERY"
    assert [request.path for request in api.requests if request.method == "POST"] == ["/commands"]


def test_b4_servers_of_a_recovery_are_protected_however_many_came_after_it(api: FakeApi, wavebreak: Terminal) -> None:
    names = [f"recovery-01k0000000000000000000{n:04}" for n in range(21)]
    api.listed["/executions"] = [{"executionId": name, "instancesLeft": 1} for name in names]
    for number, name in enumerate(names, start=1):
        waves = [wave(1, "w", "COMPLETED", [server(number)])]
        api.readings[name] = [execution("COMPLETED", waves, executionId=name, mode="RECOVERY")]
    outcome = wavebreak("command", "stop", "--targets", f"s-{21:017}")
    assert outcome.exit_code == 3
    assert f"--confirm {names[-1]}" in outcome.err
    assert not [request for request in api.requests if request.method == "POST"]


@pytest.mark.parametrize("status", ["COMPLETED", "PARTIAL_SUCCESS", "CANCELLED", "FAILED"])
def test_b5_the_first_suggestion_of_a_live_recovery_is_never_its_end_and_none_is_confirmed(status: str) -> None:
    found = live_recovery()
    found["status"] = status
    steps = [step.command for step in next_steps(found)]
    assert not steps[0].startswith(("wavebreak terminate", "wavebreak cancel"))
    assert [step for step in steps if "--confirm" in step] == []
    assert steps[-1] == f"wavebreak terminate {RECOVERY}"


def test_b5_recovery_is_loud_and_drill_is_quiet(api: FakeApi, wavebreak: Terminal) -> None:
    wavebreak.live = True
    api.readings[RECOVERY] = [live_recovery()]
    api.readings[DRILL] = [execution("COMPLETED", [])]
    assert "\x1b[1;37;41m RECOVERY \x1b[0m" in wavebreak("show", RECOVERY).out
    drill = wavebreak("show", DRILL).out
    assert "41m" not in drill
    assert "(DRILL)" in drill


def test_b12_f4_instances_that_are_gone_are_shown_as_gone_and_servers_by_name(
    api: FakeApi, wavebreak: Terminal
) -> None:
    servers = [
        server(1, name="db-1", ending="REPLACED"),
        server(2, name="db-2", ending="TERMINATED"),
        server(3, name="web-1"),
        server(4, "FAILED", name="web-2", impact="OPTIONAL", error="The instance did not pass its checks"),
    ]
    api.readings[DRILL] = [execution("COMPLETED", [wave(1, "w", "COMPLETED", servers)])]
    shown = wavebreak("show", DRILL, "--servers").out
    assert "1  db-1  s-00000000000000001  replaced since" in shown
    assert "1  db-2  s-00000000000000002  terminated" in shown
    assert "1  web-1  s-00000000000000003  LAUNCHED" in shown
    assert "1  web-2  s-00000000000000004  FAILED  optional\n   The instance did not pass its checks" in shown
    assert "✗ web-2 s-00000000000000004  wave 1, optional: The instance" in shown, "F11: wave and impact first"
    wavebreak.width = 140
    row = next(line for line in wavebreak("show", DRILL, "--servers").out.splitlines() if "db-1" in line)
    assert row.split() == [
        "1",
        "db-1",
        "s-00000000000000001",
        "CRITICAL",
        "replaced",
        "since",
        "i-00000000000000001",
        "\N{EN DASH}",
    ]


def test_recovery_points_of_servers_are_chosen(api: FakeApi, wavebreak: Terminal) -> None:
    api.answers["POST", "/drills"] = (202, execution("PENDING", []))
    first, second = (f"s-{number:017}=pit-{number:017}" for number in (1, 2))
    run = ("run", "three-tier", "--mode", "drill")
    assert wavebreak(*run, "--snapshot", first, "--snapshot", second).exit_code == 0
    points = {f"s-{number:017}": f"pit-{number:017}" for number in (1, 2)}
    assert api.requests[-1].body == {"planId": "three-tier", "snapshots": points}
    count = len(api.requests)
    assert "is no recovery point of a server" in wavebreak(*run, "--snapshot", "s-1=pit-1").err
    assert "is given two recovery points" in wavebreak(*run, "--snapshot", first, "--snapshot", first).err
    assert len(api.requests) == count


@pytest.mark.parametrize(
    "arguments",
    [
        ("terminate", RECOVERY),
        ("cancel", RECOVERY, "--then", "terminate"),
        ("command", "stop", "--execution", RECOVERY),
    ],
)
def test_9_whoever_is_asked_for_a_recoverys_id_sees_its_plan_place_and_servers(
    api: FakeApi, wavebreak: Terminal, arguments: tuple[str, ...]
) -> None:
    found = live_recovery()
    found["waves"][0] |= {"accountId": "111122223333", "region": "eu-west-1"}
    api.readings[RECOVERY] = [found]
    wavebreak.typed = "no"
    outcome = wavebreak(*arguments)
    assert outcome.exit_code == 3
    output = " ".join(outcome.err.split())
    for part in ("RECOVERY three-tier 3TierRecoveryPlan", "111122223333, Region eu-west-1", "servers 2: db-1, db-2"):
        assert part in output
    assert {request.method for request in api.requests} == {"GET"}


def test_9_recovery_is_loud_in_lists_and_in_lines(api: FakeApi, wavebreak: Terminal) -> None:
    drill = execution("COMPLETED", [])
    api.listed["/executions"] = [live_recovery(), drill]
    for width in (80, 160):
        wavebreak.width = width
        rows = wavebreak("executions").out.splitlines()
        assert f"RECOVERY {RECOVERY}" in " ".join(next(row for row in rows if RECOVERY in row).split())
        assert " RECOVERY " not in next(row for row in rows if DRILL in row)
    api.readings[RECOVERY] = [live_recovery()]
    assert f"12:03:04Z RECOVERY execution {RECOVERY} COMPLETED" in wavebreak("watch", RECOVERY).out


@pytest.mark.parametrize("marked", [False, True])
def test_b4_of_a_server_only_the_newest_recovery_is_asked_for(
    api: FakeApi, wavebreak: Terminal, *, marked: bool
) -> None:
    older, newer = RECOVERY, RECOVERY.replace("aa", "bb")
    api.listed["/executions"] = [{"executionId": name, "instancesLeft": 2} for name in (newer, older)]
    earlier = live_recovery()
    for one in earlier["waves"][0]["servers"] if marked else []:
        one["ending"] = "REPLACED"
    api.readings = {newer: [{**live_recovery(), "executionId": newer}], older: [earlier]}
    api.answers["POST", "/commands"] = (202, run_reading({}, 1)[0])
    api.runs = [run_reading({}, 1, over=True)]
    wavebreak("command", "stop", "--targets", f"s-{1:017}", "--confirm", newer)
    assert [request.path for request in api.requests if request.method == "POST"] == ["/commands"]
