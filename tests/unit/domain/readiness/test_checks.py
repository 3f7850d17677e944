"""What each readiness check says of which facts."""

import ast
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from botocore.loaders import create_loader

from wavebreak.domain.drs import Instance, Quotas, RecentJob, SourceServer, Trouble, room_for
from wavebreak.domain.plans.model import Impact
from wavebreak.domain.readiness import checks as readiness
from wavebreak.domain.readiness import facts as observations
from wavebreak.domain.readiness.checks import (
    in_the_way_of_a_drill,
    judge,
    readiness_view,
    refuses_a_drill,
)
from wavebreak.domain.readiness.facts import ChangedTemplate, Drill, Facts, Load, Member, SiteFacts
from wavebreak.domain.readiness.verdicts import DRILL, MOST_FINDINGS, Check, CheckStatus
from wavebreak.timing import iso
from wavebreak.values import replace

NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
REGION: Final = "us-east-1"
PASS, WARN, FAIL = CheckStatus.PASS, CheckStatus.WARN, CheckStatus.FAIL


def server_id(number: int) -> str:
    return f"s-{number:017d}"


def member(number: int, impact: Impact = Impact.CRITICAL, wave: str = "database") -> Member:
    return Member(server_id(number), impact, wave)


def server(number: int, state: str | None = "CONTINUOUS", lag: str | None = "PT0S") -> SourceServer:
    return SourceServer(server_id(number), state, lag)


def load(*active: RecentJob, quotas: Quotas | None = None) -> Load:
    applied = quotas or Quotas()
    return Load(applied, active, room_for(applied, active))


def healthy(*members: Member) -> SiteFacts:
    """A Region in which nothing is wrong with these servers."""
    ids = [each.source_server_id for each in members]
    return SiteFacts(
        where=REGION,
        members=members,
        servers={identifier: SourceServer(identifier, "CONTINUOUS", "PT0S") for identifier in ids},
        instances=dict.fromkeys(ids, ()),
        snapshots=dict.fromkeys(ids, iso(NOW)),
        load=load(),
    )


def facts(*sites: SiteFacts, **more: Any) -> Facts:
    known: dict[str, Any] = {"plan_id": "three-tier", "plan_version": 2, "rpo_minutes": 15, "now": NOW, "sites": sites}
    return Facts(**{**known, "last_drill": drill(days=3), **more})


def drill(days: float, version: int = 2) -> Drill:
    return Drill("drill-1", version, iso(NOW - timedelta(days=days)))


def found(checks: list[Check], name: str) -> list[tuple[str, CheckStatus]]:
    return [(check.subject, check.status) for check in checks if check.name == name]


def only(checks: list[Check], name: str) -> Check:
    [check] = [check for check in checks if check.name == name]
    return check


def of_server(name: str, impact: Impact, **seen: Any) -> Check:
    """The one check of this name for one server, of which something else than usual is seen."""
    return only(judge(facts(replace(healthy(member(1, impact)), **seen))), name)


def test_a_healthy_plan_passes_every_check_once() -> None:
    view = readiness_view(judge(facts(healthy(member(1), member(2)))))
    assert view["ready"] is True
    assert [(check["check"], check["subject"], check["status"]) for check in view["checks"]] == [
        ("settings", "three-tier", "PASS"),
        ("plan-lock", "three-tier", "PASS"),
        ("last-drill", "three-tier", "PASS"),
        ("drs", REGION, "PASS"),
        ("server", REGION, "PASS"),
        ("replication", REGION, "PASS"),
        ("lag", REGION, "PASS"),
        ("snapshot", REGION, "PASS"),
        ("recovery-instance", REGION, "PASS"),
        ("server-lock", REGION, "PASS"),
        ("launch-template", REGION, "PASS"),
        ("server-job", REGION, "PASS"),
        ("quota", REGION, "PASS"),
    ]
    assert all(check["message"] for check in view["checks"])


@pytest.mark.parametrize(("status", "ready"), [(PASS, True), (WARN, True), (FAIL, False)])
def test_ready_is_no_fail(status: CheckStatus, ready: bool) -> None:
    assert readiness_view([Check("a", "b", PASS, "c"), Check("a", "b", status, "c")])["ready"] is ready


@pytest.mark.parametrize(("impact", "status"), [(Impact.CRITICAL, FAIL), (Impact.OPTIONAL, WARN)])
@pytest.mark.parametrize(
    ("check", "seen"),
    [
        ("server", {"servers": {server_id(1): None}, "snapshots": {}}),
        ("replication", {"servers": {server_id(1): server(1, "DISCONNECTED")}}),
        ("lag", {"servers": {server_id(1): server(1, "CONTINUOUS", "PT15M1S")}}),
        ("snapshot", {"snapshots": {server_id(1): None}}),
    ],
)
def test_what_fails_a_launch_or_an_objective_is_judged_by_impact(
    impact: Impact, status: CheckStatus, check: str, seen: Mapping[str, Any]
) -> None:
    verdict = of_server(check, impact, **seen)
    assert (verdict.subject, verdict.status) == (server_id(1), status)
    assert f"it is {impact.value} in wave 'database'" in verdict.message


def test_nothing_more_is_said_of_a_server_that_is_not_there() -> None:
    site = replace(healthy(member(1)), servers={server_id(1): None}, instances={server_id(1): ()}, snapshots={})
    checks = judge(facts(site))
    assert not found(checks, "replication") + found(checks, "lag") + found(checks, "snapshot")


_STATES = {
    "CONTINUOUS": PASS,
    "CREATING_SNAPSHOT": PASS,
    "BACKLOG": WARN,
    "RESCAN": WARN,
    "PAUSED": WARN,
    "INITIATING": FAIL,
    "INITIAL_SYNC": FAIL,
    "STOPPED": FAIL,
    "STALLED": FAIL,
    "DISCONNECTED": FAIL,
}


@pytest.mark.parametrize(("state", "status"), [*_STATES.items(), ("SOMETHING_NEW", WARN), (None, WARN)])
def test_every_state_of_replication_has_its_verdict(state: str | None, status: CheckStatus) -> None:
    verdict = of_server("replication", Impact.CRITICAL, servers={server_id(1): server(1, state)})
    assert verdict.status is status
    assert status is PASS or str(state) in verdict.message


def test_no_state_of_the_service_model_is_forgotten() -> None:
    model = create_loader().load_service_model("drs", "service-2")
    assert set(model["shapes"]["DataReplicationState"]["enum"]) == set(_STATES)


@pytest.mark.parametrize(
    ("state", "lag", "status"),
    [
        ("CONTINUOUS", "PT15M", PASS),
        ("CONTINUOUS", "PT0.5S", PASS),
        ("CONTINUOUS", None, PASS),
        ("BACKLOG", "PT15M", PASS),
        ("INITIAL_SYNC", "P9D", PASS),
        ("CONTINUOUS", "PT15M0.1S", FAIL),
        ("STALLED", "P1DT2H", FAIL),
        ("STALLED", None, WARN),
        ("BACKLOG", "soon", WARN),
    ],
)
def test_lag_is_held_against_the_recovery_point_objective(state: str, lag: str | None, status: CheckStatus) -> None:
    assert of_server("lag", Impact.CRITICAL, servers={server_id(1): server(1, state, lag)}).status is status


def test_the_lag_check_says_lag_and_objective() -> None:
    verdict = of_server("lag", Impact.CRITICAL, servers={server_id(1): server(1, "STALLED", "P1DT2H")})
    assert "1 day behind, the objective is 15 minutes" in verdict.message


def test_a_server_whose_initial_sync_is_not_done_is_not_asked_for_its_snapshots() -> None:
    site = replace(healthy(member(1)), servers={server_id(1): server(1, "INITIAL_SYNC")}, snapshots={})
    checks = judge(facts(site))
    assert not found(checks, "snapshot")
    assert found(checks, "replication") == [(server_id(1), FAIL)]


def test_servers_whose_snapshots_were_not_looked_at_are_counted() -> None:
    site = healthy(*(member(number) for number in range(5)))
    checks = judge(facts(replace(site, snapshots={server_id(number): iso(NOW) for number in range(2)})))
    assert found(checks, "snapshot") == [(REGION, PASS), (REGION, WARN)]
    assert any("the snapshots of 3 servers were not looked at" in check.message for check in checks)


def test_13_an_instance_that_a_recovery_launched_stands_in_the_way_of_a_drill_and_is_named() -> None:
    instances = (Instance("i-2", server_id(1), "drsjob-2", is_drill=True), Instance("i-1", server_id(1), "drsjob-1"))
    verdict = of_server("recovery-instance", Impact.OPTIONAL, instances={server_id(1): instances})
    assert (verdict.status, verdict.subject) == (WARN, server_id(1))
    assert verdict.message.startswith(DRILL)
    assert refuses_a_drill(verdict)
    assert "i-1" in verdict.message
    assert in_the_way_of_a_drill(instances) == instances[1]


def test_an_instance_of_an_earlier_drill_is_warned_of() -> None:
    instances = (Instance("i-1", server_id(1), "drsjob-1", is_drill=True),)
    verdict = of_server("recovery-instance", Impact.CRITICAL, instances={server_id(1): instances})
    assert verdict.status is WARN
    assert "i-1 of an earlier drill will be replaced" in verdict.message
    assert in_the_way_of_a_drill(instances) is None


@pytest.mark.parametrize(("holder", "status"), [("recovery-9", FAIL), ("drill-9", WARN)])
def test_servers_that_a_recovery_holds_fail_and_a_drill_gives_way_to_a_recovery(
    holder: str, status: CheckStatus
) -> None:
    """Contract 2: a drill never stands in the way of a recovery."""
    verdict = of_server("server-lock", Impact.OPTIONAL, holders={server_id(1): holder})
    assert (verdict.subject, verdict.status) == (server_id(1), status)
    assert verdict.message.startswith(DRILL) is (status is WARN)
    assert refuses_a_drill(verdict)
    assert holder in verdict.message


def test_the_execution_that_holds_the_plan_is_told_once_and_not_for_each_of_its_servers() -> None:
    for holder, status in (("recovery-9", FAIL), ("drill-9", WARN)):
        holders = {server_id(number): holder for number in range(3)}
        site = replace(healthy(*(member(number) for number in range(3))), holders=holders)
        checks = judge(facts(site, holder=holder))
        assert found(checks, "plan-lock") == [("three-tier", status)]
        assert holder in only(checks, "plan-lock").message
        assert found(checks, "server-lock") == [(REGION, PASS)]


def test_a_server_in_somebodys_job_will_wait() -> None:
    job = RecentJob("drsjob-7", "LAUNCH", frozenset({server_id(1), server_id(8)}), {})
    verdict = of_server("server-job", Impact.CRITICAL, load=load(job))
    assert (verdict.subject, verdict.status) == (server_id(1), WARN)
    assert "drsjob-7" in verdict.message


@pytest.mark.parametrize(
    ("initiated_by", "of_a_drill"),
    [("START_DRILL", True), ("START_RECOVERY", False), ("TERMINATE", False), ("", False)],
)
def test_13_the_job_of_a_drill_stands_in_the_way_of_a_drill_alone(initiated_by: str, of_a_drill: bool) -> None:
    job = RecentJob("drsjob-7", "LAUNCH", frozenset({server_id(1)}), {}, initiated_by=initiated_by)
    verdict = of_server("server-job", Impact.CRITICAL, load=load(job))
    assert (verdict.status, verdict.message.startswith(DRILL)) == (WARN, of_a_drill)
    assert not refuses_a_drill(verdict), "it waits until the job ends"


def test_13_what_only_the_start_of_a_drill_refuses_is_a_warning() -> None:
    refusal = {"pointer": "/waves/0/selector", "message": "matches no source server"}
    either, drills = only(judge(facts(refusals=(refusal,))), "settings"), facts(drill_refusals=(refusal,))
    assert (either.status, either.message) == (FAIL, "matches no source server")
    verdict = only(judge(drills), "settings")
    assert (verdict.status, verdict.message) == (WARN, "drill: matches no source server")
    assert refuses_a_drill(verdict)
    assert readiness_view(judge(drills))["ready"] is True
    assert not any(refuses_a_drill(check) for check in judge(facts(healthy(member(1)))))


def jobs(count: int, servers: int = 1) -> list[RecentJob]:
    return [
        RecentJob(f"drsjob-{job}", "LAUNCH", frozenset(f"x-{job}-{at}" for at in range(servers)), {})
        for job in range(count)
    ]


def test_a_wave_that_fits_passes_the_quota() -> None:
    site = healthy(*(member(number) for number in range(100)))
    verdict = only(judge(facts(replace(site, load=load(*jobs(3, 10))))), "quota")
    assert verdict.status is PASS
    assert "3 of 20 jobs run, with 30 of 500 servers" in verdict.message


def test_a_wave_larger_than_the_room_will_start_in_batches() -> None:
    waves = [*(member(number) for number in range(101)), *(member(1000 + number, wave="web") for number in range(100))]
    verdict = only(judge(facts(healthy(*waves))), "quota")
    assert verdict.status is WARN
    assert "wave 'database' has 101 servers, a job has room for 100 now: it will start in batches" in verdict.message
    assert "wait for each other" not in verdict.message


def test_what_others_hold_counts_against_the_room() -> None:
    site = replace(healthy(*(member(number) for number in range(60))), load=load(*jobs(5, 90)))
    assert "has 60 servers, a job has room for 50 now" in only(judge(facts(site)), "quota").message


def test_a_wave_larger_than_all_jobs_together_is_told_to_wait_for_itself() -> None:
    site = replace(healthy(*(member(number) for number in range(60))), load=load(quotas=Quotas(20, 100, 50)))
    assert "wait for each other: all jobs together hold 50 servers" in only(judge(facts(site)), "quota").message


@pytest.mark.parametrize("active", [jobs(20), jobs(5, 100)])
def test_no_room_at_all_means_waiting(active: list[RecentJob]) -> None:
    verdict = only(judge(facts(replace(healthy(member(1)), load=load(*active)))), "quota")
    assert verdict.status is WARN
    assert "the first wave waits until a job ends" in verdict.message


def test_what_a_start_refuses_fails_with_its_pointer() -> None:
    checks = judge(facts(refusals=({"pointer": "/waves/0/selector", "message": "not by this release"},)))
    assert found(checks, "settings") == [("/waves/0/selector", FAIL)]


@pytest.mark.parametrize(
    ("last", "status", "reported"),
    [
        (None, WARN, "no drill"),
        (drill(days=90), PASS, "90 days ago"),
        (drill(days=90.1), WARN, "older than 90 days"),
        (drill(days=1, version=1), PASS, "with version 1 of the plan, which is at version 2 now"),
        (drill(days=-1), PASS, "0 seconds ago"),
        (drill(days=1 / 24), PASS, "1 hour ago"),
    ],
)
def test_the_age_of_the_last_drill(last: Drill | None, status: CheckStatus, reported: str) -> None:
    verdict = only(judge(facts(last_drill=last)), "last-drill")
    assert verdict.status is status
    assert reported in verdict.message


def test_missing_permissions_are_told_and_nothing_is_said_of_what_was_not_seen() -> None:
    denied = Trouble("DescribeSourceServers", "AccessDeniedException: not authorised", denied=True)
    site = SiteFacts(where=REGION, members=(member(1),), troubles=(denied, denied))
    checks = judge(facts(site))
    assert found(checks, "permissions") == [(REGION, FAIL)]
    assert "no permission for DescribeSourceServers in us-east-1" in only(checks, "permissions").message
    of_the_table = {"settings", "plan-lock", "last-drill", "server-lock", "launch-template"}
    assert {check.name for check in checks} == of_the_table | {"permissions"}


def test_an_answer_that_did_not_come_is_a_fail_of_its_own() -> None:
    site = replace(healthy(member(1), member(2)), troubles=(Trouble("DescribeJobs", "InternalServerException"),))
    checks = judge(facts(replace(site, load=None, instances={server_id(1): ()})))
    assert found(checks, "drs") == [(REGION, FAIL)]
    assert not found(checks, "quota")
    assert "1 server: without a live recovery instance" in only(checks, "recovery-instance").message


def test_snapshots_that_could_not_be_asked_for_are_not_called_left_out() -> None:
    trouble = Trouble("DescribeRecoverySnapshots", "ThrottlingException")
    checks = judge(facts(replace(healthy(member(1)), snapshots={}, troubles=(trouble,))))
    assert not found(checks, "snapshot")
    assert found(checks, "drs") == [(REGION, FAIL)]


def test_the_findings_of_one_check_are_bounded_and_the_rest_counted_with_its_worst() -> None:
    optional = [member(number, Impact.OPTIONAL) for number in range(MOST_FINDINGS + 2)]
    site = healthy(*optional, member(9_999))
    checks = judge(facts(replace(site, servers=dict.fromkeys(site.servers), snapshots={})))
    listed = found(checks, "server")
    assert len(listed) == MOST_FINDINGS + 1
    assert listed[-1] == (REGION, FAIL)
    assert any("3 more servers" in check.message for check in checks)


def test_each_region_is_judged_by_itself() -> None:
    there = replace(healthy(member(2)), where="us-west-2", servers={server_id(2): None}, snapshots={})
    checks = judge(facts(healthy(member(1)), there))
    assert found(checks, "server") == [(REGION, PASS), (server_id(2), FAIL)]


@pytest.mark.parametrize("module", [readiness, observations])
def test_the_rules_import_no_adapter_when_they_run(module: Any) -> None:
    tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    ours = {name for name in imported if name and name.startswith("wavebreak")}
    of_readiness = ("launch_checks", "prints", "refusals")
    rules = {
        f"wavebreak.domain.{name}" for name in ("drs", "plans.model", *(f"readiness.{each}" for each in of_readiness))
    }
    ground = {"wavebreak.identifiers", "wavebreak.timing", "wavebreak.values"}
    assert ours <= rules | ground | {"wavebreak.domain.readiness.verdicts"}


@pytest.mark.parametrize("impact", list(Impact))
@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (ChangedTemplate("drill-1", left_behind=False), CheckStatus.WARN, "drill: its launch template is changed"),
        (ChangedTemplate("drill-1", left_behind=True), CheckStatus.FAIL, "could not be put back"),
        (ChangedTemplate("drill-1", left_behind=True, trouble="no"), CheckStatus.FAIL, "could not be put back: no"),
    ],
)
def test_13_a_template_left_behind_is_a_fail_and_one_that_a_drill_launches_by_a_warning(
    impact: Impact, change: ChangedTemplate, status: CheckStatus, words: str
) -> None:
    verdict = of_server("launch-template", impact, changed={server_id(1): change})
    assert verdict.status is status
    assert words in verdict.message
    assert "drill-1" in verdict.message
