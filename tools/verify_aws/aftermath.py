"""What is read of a drill once it is over: logs of its jobs, of the product, of AWS, and a last question to DRS."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from tools.verify_aws import observations
from tools.verify_aws.evidence import Known, asked, probed
from tools.verify_aws.reading import items

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from tools.verify_aws.evidence import DrillRecord, Json, Probe
    from tools.verify_aws.stack import Stack
    from tools.verify_aws.watching import Watcher

LAUNCH_EVENTS: Final = "LaunchEventsLogGroup"
COMMAND_OUTPUT: Final = "CommandOutputLogGroup"
BORROWED_FROM: Final = ("StartWaveFunction", "TerminateInstancesFunction")
"""Functions in whose names DRS calls EC2."""
_DRS: Final = "drs.amazonaws.com"
_LATE: Final = timedelta(minutes=5)
_MOST_EVENTS: Final = 2_000


def collect(stack: Stack, watcher: Watcher) -> None:
    """Read it all into the watcher's record; what may not be read is noted in its place."""
    record = watcher.record
    watcher.read_logs()
    if record.execution_id is None or record.started_at is None:
        return
    record.launch_events = _launch_events(stack, record, record.started_at)
    record.history = asked("states:GetExecutionHistory", lambda: _history(stack, str(record.execution_id)))
    record.calls_of_drs = asked("cloudtrail:LookupEvents", lambda: list(_calls_of_drs(stack, record)))
    record.log_streams = _log_streams(stack, record)
    record.terminated_again = _terminated_again(watcher)


def _launch_events(stack: Stack, record: DrillRecord, since: datetime) -> Known[list[Json]]:
    group = stack.resources.get(LAUNCH_EVENTS)
    if group is None:
        return Known(gap="the group of logs of LaunchEvents is not known")
    jobs = observations.drill_jobs(record, "LAUNCH").keys()

    def read() -> list[Json]:
        pages = (
            stack.client("logs")
            .get_paginator("filter_log_events")
            .paginate(logGroupName=group, startTime=int((since - _LATE).timestamp() * 1000))
        )
        lines = [line for page in pages for event in page["events"] for line in parsed(event["message"])]
        return [line for line in lines if line.get("unreadable") or line.get("jobId") in jobs]

    return asked("logs:FilterLogEvents", read)


def parsed(message: str) -> Iterator[Json]:
    """Read a line of a function's log that reports a launch event; the platform's own lines are none."""
    try:
        line = json.loads(message)
    except ValueError:
        return
    if isinstance(line, dict) and "launchEvent" in line and isinstance(line["launchEvent"], dict):
        yield line["launchEvent"]


def _history(stack: Stack, execution_id: str) -> list[Json]:
    arn = stack.machines["recovery"].replace(":stateMachine:", ":execution:")
    return items(
        stack.client("stepfunctions"),
        "get_execution_history",
        "events",
        executionArn=f"{arn}:{execution_id}",
        includeExecutionData=False,
    )


def _calls_of_drs(stack: Stack, record: DrillRecord) -> Iterator[Json]:
    cloudtrail = stack.client("cloudtrail")
    for logical in BORROWED_FROM:
        name = stack.resources.get(logical)
        if name is None:
            continue
        pages = cloudtrail.get_paginator("lookup_events").paginate(
            LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": name}],
            StartTime=record.started_at,
            PaginationConfig={"MaxItems": _MOST_EVENTS},
        )
        for page in pages:
            for event in page["Events"]:
                reported = json.loads(event["CloudTrailEvent"])
                if _DRS in {reported.get("sourceIPAddress"), (reported.get("userIdentity") or {}).get("invokedBy")}:
                    yield {key: reported.get(key) for key in ("eventTime", "eventSource", "eventName", "errorCode")}


def _log_streams(stack: Stack, record: DrillRecord) -> Known[list[Json]]:
    group = stack.resources.get(COMMAND_OUTPUT)
    if group is None:
        return Known(gap="the group of logs of commands is not known")
    sent = observations.views(record, observations.LIST_COMMANDS, "CommandId")

    def read() -> list[Json]:
        found = []
        for command, seen in sent.items():
            last, item = seen[-1]
            logs = stack.client("logs", last.region)
            listed = items(
                logs, "describe_log_streams", "logStreams", logGroupName=group, logStreamNamePrefix=f"{command}/"
            )
            names = [each["logStreamName"] for each in listed]
            found.append({"commandId": command, "instanceId": item["InstanceId"], "streams": names})
        return found

    return asked("logs:DescribeLogStreams", read)


def _terminated_again(watcher: Watcher) -> Known[Probe]:
    """Ask DRS to end an instance once more that this drill launched and that is gone."""
    record = watcher.record
    gone = [name for name in observations.drill_instances(record) if name not in record.left and _is_gone(record, name)]
    if not gone:
        return Known(gap="no instance of the drill is gone")
    drs = watcher.drs_in(watcher.region_of(gone[0]))

    def again() -> Probe:
        return probed(lambda: [drs.terminate_recovery_instances(recoveryInstanceIDs=gone[:1])])

    return asked("drs:TerminateRecoveryInstances", again)


def _is_gone(record: DrillRecord, name: str) -> bool:
    seen: list[Any] = observations.drill_instances(record)[name]
    reads = [last for last in record.of(observations.DESCRIBE_INSTANCES) if last.region == seen[-1][0].region]
    return bool(record.terminate_asked_at) and (reads[-1] is not seen[-1][0] or not observations.is_alive(seen[-1][1]))
