"""The ten rules of safety, each by itself: what makes it true, in as little as shows it.

Regions, retries and timeouts (7, 8, 9) are in test_safety_rules_declared.py; what hangs on the store, on machines or on
DRS goes on in tests/integration/executions.
"""

from __future__ import annotations

import re
from datetime import timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import botocore.session
import pytest
from botocore.exceptions import ClientError
from tests.support.execution_builders import (
    NOW,
    OPERATOR,
    TIMING,
    asked_to_cancel,
    decide_round,
    execution,
    instance_id,
    job,
    job_id,
    server,
    server_id,
    statuses,
    view,
    wave,
)
from tests.support.fake_app import FakeApp
from tests.support.sources import method_calls
from tests.support.unasked import UnaskedDrs
from tools.template import ROOT, functions, load

from wavebreak.aws.drs import Drs
from wavebreak.aws.service_quotas import AppliedQuotas
from wavebreak.domain.drs import IDS_A_CALL, Instance, Quotas, RecentJob, room_for
from wavebreak.domain.executions.audit_trail import IllegalTransitionError, status_changes
from wavebreak.domain.executions.ending import termination
from wavebreak.domain.executions.ending.instances_left import remaining
from wavebreak.domain.executions.engine import Directive, decide, finalise
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import Mode, Termination
from wavebreak.domain.executions.model.jobs import JobState
from wavebreak.domain.executions.model.servers import LaunchStatus
from wavebreak.domain.executions.observing.instances import Ec2Answer, TerminationObservation
from wavebreak.domain.executions.observing.launches import JobView, Observation
from wavebreak.domain.executions.steering import cancel
from wavebreak.execution_utils import (
    EXECUTION_TRANSITIONS,
    TERMINAL_STATUSES,
    ExecutionStatus,
    TerminationStatus,
    WaveStatus,
)
from wavebreak.identifiers import new_execution_id
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.metrics import Meter
from wavebreak.site import Site
from wavebreak.use_cases import machine_round
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLE_WRITES = {
    "put_item",
    "update_item",
    "delete_item",
    "transact_write_items",
    "batch_write_item",
    "execute_statement",
    "execute_transaction",
    "batch_execute_statement",
}
WITHOUT_CLIENT_TOKEN = {"start_recovery", "terminate_recovery_instances", "send_command"}


def throttled(*_: Any, **__: Any) -> NoReturn:
    answer: Any = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": {"HTTPStatusCode": 429}}
    raise ClientError(answer, "DescribeJobs")


# ---------------------------------------------------------------- 1: one writer


def test_rule_1_one_writer_nothing_but_the_store_writes_to_the_table() -> None:
    writers = {path.parts[0] for path, _, method, _ in method_calls() if method in TABLE_WRITES}
    assert writers == {"store"}


def test_rule_1_one_writer_no_change_that_the_table_of_transitions_does_not_know() -> None:
    for old, allowed in EXECUTION_TRANSITIONS.items():
        for new in set(ExecutionStatus) - allowed - {old}:
            before = execution(wave(1), status=old)
            with pytest.raises(IllegalTransitionError):
                status_changes(before, replace(before, status=new))


def test_rule_1_one_writer_a_poll_does_not_overwrite_a_cancel() -> None:
    running = execution(wave(1, WaveStatus.IN_PROGRESS), wave(2)).with_job(job(1))
    cancelled = cancel(running, asked_to_cancel())

    after = decide_round(cancelled, job1=view({1: LaunchStatus.LAUNCHED}, completed=True)).execution

    assert (after.cancel, statuses(after)) == (cancelled.cancel, ["CANCELLED", "CANCELLED"])
    assert decide_round(after).directive is Directive.FINISH


# ---------------------------------------------------------------- 2: start once


def test_rule_2_start_once_calls_without_a_client_token_go_through_the_client_that_never_repeats() -> None:
    aws = {"sourceServers", "recoveryInstanceIDs", "DocumentName"}
    made = [
        (on, method)
        for _, on, method, call in method_calls()
        if method in WITHOUT_CLIENT_TOKEN and aws & {keyword.arg for keyword in call.keywords}
    ]
    assert {method for _, method in made} >= {"start_recovery", "terminate_recovery_instances"}
    assert {on.rpartition(".")[2] for on, _ in made} == {"once"}


def test_rule_2_start_once_an_intent_without_an_outcome_keeps_its_servers() -> None:
    waiting = execution(wave(1, WaveStatus.IN_PROGRESS)).with_job(job(1, JobState.INTENDED))
    assert decide_round(waiting).directive is Directive.SLEEP
    overdue = decide_round(waiting, now=NOW + TIMING.intent_expiry)
    assert (overdue.directive, overdue.waves) == (Directive.START, (1,))  # to look for the job, not to call again
    found = Observation(found={(1, 1, 1): job_id(7)})
    adopted = decide(waiting, found, NOW, TIMING)
    assert [one.job_id for one in adopted.execution.jobs] == [job_id(7)]
    assert adopted.directive is Directive.SLEEP


# ---------------------------------------------------------------- 3: terminate only your own


def test_rule_3_terminate_only_your_own_waves_of_every_status_count() -> None:
    ended = execution(
        *(wave(number, status, servers=(server(number, LaunchStatus.LAUNCHED),), depends_on=())
          for number, status in enumerate(WaveStatus, start=1)),
        status=ExecutionStatus.CANCELLED,
    )  # fmt: skip
    asked = ended.with_job(job(1, JobState.ENDED))
    asked = replace(asked, termination=Termination(TerminationStatus.IN_PROGRESS))
    left = {entry["recoveryInstanceId"] for entry in remaining(asked)}
    assert left == {instance_id(number + 1) for number in range(len(WaveStatus))}


def test_rule_3_terminate_only_your_own_batches_fit_one_call() -> None:
    model = botocore.session.Session().get_service_model("drs")
    for operation, member in (
        ("TerminateRecoveryInstances", "recoveryInstanceIDs"),
        ("StartRecovery", "sourceServers"),
    ):
        shape = model.operation_model(operation).input_shape
        assert shape is not None
        assert shape.members[member].metadata["max"] >= IDS_A_CALL


def test_rule_3_terminate_only_your_own_it_is_done_when_drs_shows_none_and_not_before() -> None:
    asked = termination.request(
        execution(wave(1, WaveStatus.COMPLETED), status=ExecutionStatus.COMPLETED).with_job(job(1, JobState.ENDED)),
        Attribution(OPERATOR, NOW),
    )
    runs = Instance(instance_id(1), server_id(1), job_id(1), is_drill=True, state="RUNNING")
    minute_later = NOW + TIMING.second_read
    once, _ = termination.decide(asked, TerminationObservation(), NOW, TIMING)
    for before, instances, at, status in (
        (asked, None, NOW, TerminationStatus.IN_PROGRESS),
        (asked, (runs,), NOW, TerminationStatus.IN_PROGRESS),
        (asked, (runs,), NOW + TIMING.termination_deadline, TerminationStatus.INCOMPLETE),
        (asked, (), NOW, TerminationStatus.IN_PROGRESS),
        (once, (), minute_later, TerminationStatus.COMPLETED),
    ):
        silent = frozenset({Site()}) if instances is None else frozenset[Site]()
        gone = {instance_id(1): Ec2Answer("terminated")}
        seen = TerminationObservation(instances=instances or (), silent=silent, ec2=gone)
        after, _ = termination.decide(before, seen, at, TIMING)
        assert after.termination.status is status
        assert bool(remaining(after)) is (status is not TerminationStatus.COMPLETED)


# ---------------------------------------------------------------- 4: a poll error is not a failure


class ThrottledDrs(UnaskedDrs):
    """DRS that is asked too much."""

    def jobs(self, job_ids: Sequence[str], /) -> tuple[dict[str, JobView], frozenset[str]]:
        return throttled(job_ids)


class ThrottledApp(FakeApp):
    """What looks at DRS."""

    def drs_at(self, _site: Site, /) -> ThrottledDrs:
        return ThrottledDrs()


def test_rule_4_a_poll_error_changes_nothing() -> None:
    running = execution(wave(1, WaveStatus.IN_PROGRESS)).with_job(job(1))
    errors = ErrorTracker(None, Meter("test", lambda: NOW, lambda _line: None), lambda: NOW)
    seen = machine_round.observe_jobs(ThrottledApp(lambda: NOW, errors=errors), running.launch_jobs())

    assert seen == Observation()
    decision = decide_round(running)
    assert (decision.execution, decision.directive) == (running, Directive.SLEEP)


def test_rule_4_a_poll_error_and_unknown_words_never_mean_success() -> None:
    shown = {"jobID": job_id(1), "status": "DONE_SOMEHOW"}
    member = {"sourceServerID": server_id(1), "launchStatus": "FLYING", "recoveryInstanceID": instance_id(1)}
    client: Any = SimpleNamespace(
        get_paginator=lambda _: SimpleNamespace(
            paginate=lambda **_: [{"items": [{**shown, "participatingServers": [member]}]}]
        )
    )
    views, _ = Drs(client, client).jobs([job_id(1)])
    after = decide_round(execution(wave(1, WaveStatus.IN_PROGRESS)).with_job(job(1)), job1=views[job_id(1)])
    assert (statuses(after.execution), after.directive) == (["IN_PROGRESS"], Directive.SLEEP)


def test_rule_4_a_completed_job_is_not_success_each_server_tells() -> None:
    running = execution(
        wave(1, WaveStatus.IN_PROGRESS, servers=(server(1), server(2), server(3)), timeout_minutes=60)
    ).with_job(job(1, subjects=(server_id(1), server_id(2), server_id(3))))
    shown = view({1: LaunchStatus.LAUNCHED, 2: LaunchStatus.FAILED, 3: None}, completed=True)

    after = decide_round(running, job1=shown).execution

    assert [one.launch_status.value for one in after.wave(1).servers] == ["LAUNCHED", "FAILED", "FAILED"]
    assert statuses(after) == ["FAILED"]


# ---------------------------------------------------------------- 5: always an end


def test_rule_5_always_an_end_even_when_drs_forgets_a_job() -> None:
    current = execution(wave(1, WaveStatus.IN_PROGRESS, timeout_minutes=60), wave(2)).with_job(job(1))
    limit = NOW + timedelta(minutes=60)
    assert statuses(decide_round(current, limit - timedelta(seconds=1)).execution) == ["IN_PROGRESS", "NOT_STARTED"]
    current = decide_round(current, limit).execution
    assert statuses(current) == ["FAILED", "NOT_STARTED"]
    assert finalise(current, limit) is current, "its job is still in flight"
    forgotten = Observation(missing=frozenset({job_id(1)}))
    given_up = limit + TIMING.lost_job
    ended = finalise(decide(current, forgotten, given_up, TIMING).execution, given_up)
    assert ended.status is ExecutionStatus.FAILED
    assert not ended.holds_locks


@pytest.mark.parametrize("status", sorted(TERMINAL_STATUSES))
def test_rule_5_always_an_end_locks_go_with_it(status: ExecutionStatus) -> None:
    assert not execution(wave(1), status=status).holds_locks


def test_rule_5_always_an_end_a_dead_machine_is_seen_and_swept_up() -> None:
    triggers = [
        (name, event["Type"], event["Properties"])
        for name, function in functions(load()).items()
        for event in function.get("Events", {}).values()
    ]
    ended = {
        status
        for _, kind, properties in triggers
        if kind == "EventBridgeRule" and properties["Pattern"]["source"] == ["aws.states"]
        for status in properties["Pattern"]["detail"]["status"]
    }
    assert ended == {"FAILED", "TIMED_OUT", "ABORTED"}
    assert [
        properties["Schedule"] for name, kind, properties in triggers if (name, kind) == ("SweepFunction", "Schedule")
    ]


# ---------------------------------------------------------------- 6: quotas


@pytest.mark.parametrize(
    ("held", "room"),
    [
        ([], 100),
        ([100] * 4, 100),
        ([100] * 4 + [30], 70),
        ([100] * 5, 0),
        ([1] * 19, 100),
        ([1] * 20, 0),
    ],
)
def test_rule_6_quotas_leave_the_room_that_anybodys_jobs_leave(held: list[int], room: int) -> None:
    others = [
        RecentJob(f"j{number}", "LAUNCH", frozenset(map(str, range(size))), {}) for number, size in enumerate(held)
    ]
    assert room_for(Quotas(), others) == room


def test_rule_6_quotas_are_asked_for_and_count_at_the_defaults_when_nobody_answers() -> None:
    applied = {"L-D88FAC3A": 7.0, "L-B827C881": 50.0, "L-05AFA8C6": 900.0}
    granted = SimpleNamespace(
        get_service_quota=lambda **asked: {"Quota": {"Value": applied[asked["QuotaCode"]]}}  # as Service Quotas answers
    )
    silent = SimpleNamespace(get_service_quota=throttled)
    assert AppliedQuotas(lambda _: granted, lambda: NOW).at(Site()) == Quotas(7, 50, 900)
    assert AppliedQuotas(lambda _: silent, lambda: NOW).at(Site()) == Quotas(20, 100, 500)


# ---------------------------------------------------------------- 10: drill and recovery


def test_rule_10_drill_and_recovery_are_resources_of_their_own_and_tell_themselves_by_their_ids() -> None:
    assert new_execution_id(Mode.DRILL, NOW, 0).startswith("drill-")
    assert new_execution_id(Mode.RECOVERY, NOW, 0).startswith("recovery-")
    events = [event for function in functions(load()).values() for event in function.get("Events", {}).values()]
    routes = {
        (event["Properties"]["Method"], event["Properties"]["Path"]) for event in events if event["Type"] == "Api"
    }
    assert {("POST", "/drills"), ("POST", "/recoveries")} <= routes
    assert ("POST", "/executions") not in routes


def test_rule_10_drill_and_recovery_a_drill_operator_has_no_right_to_any_recovery() -> None:
    policies = load(ROOT / "infra" / "operator-policies.yaml")["Resources"]
    document = policies["DrillOperatorPolicy"]["Properties"]["PolicyDocument"]
    resources = [
        text["Fn::Sub"].rpartition("/v1/")[2]
        for statement in document["Statement"]
        for text in (statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]])
    ]
    writing = [resource for resource in resources if not resource.startswith("GET/")]
    allowed = r"POST/(drills|plans/\*/validate|executions/drill-\*/[a-z*/]+)|PUT/executions/drill-\*/verdict"
    assert [resource for resource in writing if not re.fullmatch(allowed, resource)] == []
