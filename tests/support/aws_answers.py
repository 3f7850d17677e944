"""Answers of AWS about one drill of two servers, as they should be: tests make some of them different."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tools.verify_aws import observations
from tools.verify_aws.evidence import DrillRecord, Evidence, Known, Probe, Read

from wavebreak.domain.drs import JOBS_QUOTA, SERVERS_A_JOB_QUOTA, SERVERS_IN_JOBS_QUOTA
from wavebreak.domain.steps.step_ids import step_id, tag_key
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Callable

BEGIN = datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
REGION = "eu-west-1"
EXECUTION = "drill-01jzzzzzzzzzzzzzzzzzzzzzzz"
SERVERS = ("s-11111111111111111", "s-22222222222222222")
INSTANCES = ("i-11111111111111111", "i-22222222222222222")
LAUNCH_JOB = "drsjob-11111111111111111"
END_JOB = "drsjob-22222222222222222"
OLD_JOB = "drsjob-00000000000000001"
COMMAND = "11111111-2222-3333-4444-555555555555"
AUTOMATION = "22222222-3333-4444-5555-666666666666"
TEMPLATE = "lt-11111111111111111"


STEPS = [
    {"kind": "command", "phase": "AFTER", "commandId": COMMAND},
    {"kind": "automation", "phase": "AFTER", "automationExecutionId": AUTOMATION},
]


def at(minutes: float) -> datetime:
    """Give a moment of the drill."""
    return BEGIN + timedelta(minutes=minutes)


def job(status: str, *words: str, **fields: Any) -> dict[str, Any]:
    """Give the launch job, its servers in these states."""
    members = [{"sourceServerID": server, "launchStatus": word} for server, word in zip(SERVERS, words, strict=True)]
    about = {
        "jobID": LAUNCH_JOB,
        "arn": f"arn:aws:drs:{REGION}:123456789012:job/{LAUNCH_JOB}",
        "type": "LAUNCH",
        "initiatedBy": "START_DRILL",
        "creationDateTime": iso(at(1)),
        "status": status,
        "participatingServers": members,
        "tags": {observations.TAG_EXECUTION: EXECUTION},
    }
    return {**about, **fields}


def end_job(status: str, **fields: Any) -> dict[str, Any]:
    """Give the terminate job."""
    members = [
        {"sourceServerID": server, "recoveryInstanceID": instance, "launchStatus": "TERMINATED"}
        for server, instance in zip(SERVERS, INSTANCES, strict=True)
    ]
    about = {
        "jobID": END_JOB,
        "type": "TERMINATE",
        "initiatedBy": "TERMINATE_RECOVERY_INSTANCES",
        "creationDateTime": iso(at(41)),
        "status": status,
        "participatingServers": members,
    }
    return {**job(status, "", ""), **about, "tags": {}, **fields}


def old_job(**fields: Any) -> dict[str, Any]:
    """Give a job of days ago, in which a server failed."""
    about = {
        "jobID": OLD_JOB,
        "creationDateTime": iso(at(-14_400)),
        "endDateTime": iso(at(-14_377)),
        "tags": {observations.TAG_EXECUTION: "drill-old"},
    }
    found = {**job("COMPLETED", "LAUNCHED", "FAILED"), **about, **fields}
    found["participatingServers"][0]["recoveryInstanceID"] = "i-0123456789abcdef0"
    return found


def item(event: str, minutes: float, server: str | None = None, **data: Any) -> dict[str, Any]:
    """Give an item of a job's log."""
    reported = {"eventData": {"sourceServerID": server, **data}} if server else {}
    return {"event": event, "logDateTime": iso(at(minutes)), **reported}


def log(*, at_minute: float = 0) -> list[dict[str, Any]]:
    """Give the log of the launch job."""
    items = [item("JOB_START", at_minute + 1)]
    for server, instance in zip(SERVERS, INSTANCES, strict=True):
        items += [
            item("SNAPSHOT_START", at_minute + 1, server),
            item("SNAPSHOT_END", at_minute + 2, server),
            item("CONVERSION_START", at_minute + 2, server),
            item("CONVERSION_END", at_minute + 16, server),
            item("LAUNCH_START", at_minute + 16, server),
            item("LAUNCH_END", at_minute + 22, server, targetInstanceID=instance),
        ]
    return [*items, item("JOB_END", at_minute + 23)]


def failed_log() -> list[dict[str, Any]]:
    """Give the log of the job of days ago."""
    first, second = SERVERS
    items = [one for one in log(at_minute=-14_400) if (one.get("eventData") or {}).get("sourceServerID") != second]
    launched = [
        {**one, "eventData": {**one["eventData"], "targetInstanceID": "i-0123456789abcdef0"}}
        if one["event"] == "LAUNCH_END"
        else one
        for one in items
    ]
    assert first
    return [*launched, item("LAUNCH_FAILED", -14_380, second, rawError="InsufficientInstanceCapacity: none is left")]


def instances(state: str = "RUNNING", **fields: Any) -> list[dict[str, Any]]:
    """Give both recovery instances."""
    return [
        {
            "recoveryInstanceID": instance,
            "ec2InstanceID": instance,
            "sourceServerID": server,
            "jobID": LAUNCH_JOB,
            "isDrill": True,
            "ec2InstanceState": state,
            "pointInTimeSnapshotDateTime": iso(at(1)),
            "originEnvironment": "AWS",
            **fields,
        }
        for server, instance in zip(SERVERS, INSTANCES, strict=True)
    ]


def source_servers(**fields: Any) -> list[dict[str, Any]]:
    """Give both source servers, as they are told while their instances live."""
    return [
        {
            "sourceServerID": server,
            "recoveryInstanceId": instance,
            "replicationDirection": "FAILOVER",
            "dataReplicationInfo": {"lagDuration": "PT12S"},
            "lifeCycle": {
                "lastLaunch": {"initiated": {"type": "DRILL", "jobID": LAUNCH_JOB, "apiCallDateTime": iso(at(1))}}
            },
            **fields,
        }
        for server, instance in zip(SERVERS, INSTANCES, strict=True)
    ]


def ec2(*states: str) -> list[dict[str, Any]]:
    """Give both instances as EC2 tells them."""
    return [{"InstanceId": name, "State": state} for name, state in zip(INSTANCES, states, strict=False)]


def read(operation: str, minutes: float, items: list[dict[str, Any]], until: float | None = None) -> Read:
    """Give a look, and until when it showed the same."""
    return Read(at(minutes), at(minutes if until is None else until), operation, REGION, items)


def automations(*names: str, begun: float = 31) -> list[dict[str, Any]]:
    """Give the automations that are found by the tag of the drill's one automation step."""
    tag = tag_key(step_id(EXECUTION, 1, "after", 2, 1))
    return [
        {"TagKey": tag, "AutomationExecutionId": name, "ExecutionStartTime": iso(at(begun))}
        for name in names or (AUTOMATION,)
    ]


def template(version: int) -> list[dict[str, Any]]:
    """Give which version of a launch template is the default one."""
    return [{"LaunchTemplateId": TEMPLATE, "VersionNumber": version}]


def usual_reads() -> dict[str, list[Read]]:
    """Give what the drill shows where AWS does what we hold of it."""
    return {
        "jobs": [
            read(observations.DESCRIBE_JOBS, 0, [], 1),
            read(observations.DESCRIBE_JOBS, 1.1, [job("PENDING", "PENDING", "PENDING")], 2),
            read(observations.DESCRIBE_JOBS, 2.1, [job("STARTED", "IN_PROGRESS", "IN_PROGRESS")], 21),
            read(observations.DESCRIBE_JOBS, 22, [job("STARTED", "LAUNCHED", "LAUNCHED")], 23),
            read(observations.DESCRIBE_JOBS, 24, [job("COMPLETED", "LAUNCHED", "LAUNCHED")], 41),
            read(observations.DESCRIBE_JOBS, 41.1, [job("COMPLETED", "LAUNCHED", "LAUNCHED"), end_job("STARTED")], 43),
            read(observations.DESCRIBE_JOBS, 44, [job("COMPLETED", "LAUNCHED", "LAUNCHED"), end_job("COMPLETED")], 50),
        ],
        "instances": [
            read(observations.DESCRIBE_INSTANCES, 0, [], 21),
            read(observations.DESCRIBE_INSTANCES, 22, instances("PENDING"), 23),
            read(observations.DESCRIBE_INSTANCES, 24, instances(), 41),
            read(observations.DESCRIBE_INSTANCES, 42, instances("SHUTTING-DOWN"), 43),
            read(observations.DESCRIBE_INSTANCES, 44, [], 50),
        ],
        "servers": [read(observations.DESCRIBE_SERVERS, 30, source_servers(), 41)],
        "ec2": [
            read(observations.DESCRIBE_EC2, 22, ec2("running", "running"), 41),
            read(observations.DESCRIBE_EC2, 42, ec2("shutting-down", "shutting-down"), 43),
            read(observations.DESCRIBE_EC2, 44, ec2("terminated", "terminated"), 50),
        ],
        "commands": [
            read(observations.LIST_COMMANDS, 29, [], 29.9),
            read(
                observations.LIST_COMMANDS,
                30.1,
                [{"CommandId": COMMAND, "InstanceId": INSTANCES[0], "RequestedDateTime": iso(at(30))}],
                41,
            ),
        ],
        "templates": [
            read(observations.DESCRIBE_TEMPLATES, 0, template(1), 0.9),
            read(observations.DESCRIBE_TEMPLATES, 1.1, template(2), 21),
            read(observations.DESCRIBE_TEMPLATES, 24, template(1), 50),
        ],
        "automations": [
            read(observations.DESCRIBE_AUTOMATIONS, 31, [], 31),
            read(observations.DESCRIBE_AUTOMATIONS, 31.1, automations(), 41),
        ],
    }


def drill(**reads: list[Read]) -> DrillRecord:
    """Give the record of the drill; the reads of something may be others: jobs, instances, templates and so on."""
    usual = usual_reads()
    return DrillRecord(
        servers=frozenset(SERVERS),
        execution_id=EXECUTION,
        started_at=at(0.5),
        terminate_asked_at=at(41),
        execution={"waves": [{"jobIds": [LAUNCH_JOB], "servers": [], "steps": STEPS}]},
        reads=[each for name in usual for each in reads.get(name, usual[name])],
        logs={LAUNCH_JOB: log()},
        launch_events=Known([{"jobId": LAUNCH_JOB, "servers": list(SERVERS)}]),
        history=Known(history(rounds=4)),
        calls_of_drs=Known([{"eventSource": "ec2.amazonaws.com", "eventName": "RunInstances", "errorCode": None}]),
        log_streams=Known(
            [
                {
                    "commandId": COMMAND,
                    "instanceId": INSTANCES[0],
                    "streams": [f"{COMMAND}/{INSTANCES[0]}/aws-runShellScript/stdout"],
                }
            ]
        ),
        terminated_again=Known(Probe("ConflictException", 409, "it is gone")),
    )


def history(rounds: int, others: int = 10) -> list[dict[str, Any]]:
    """Give a history in which each round of the recovery machine costs one event, and so many others."""
    entered = {"stateEnteredEventDetails": {"name": "Observe"}}
    return [entered] * rounds + [{"type": "TaskScheduled"}] * others * rounds


def evidence(change: Callable[[Evidence], None] | None = None, *, with_drill: bool = True) -> Evidence:
    """Give what a verification saw at which nothing differs; `change` makes something different."""
    found = Evidence(
        at=at(55),
        jobs=Known([old_job()]),
        jobs_since=Known([old_job()]),
        logs=Known({OLD_JOB: failed_log()}),
        source_servers=Known(source_servers()),
        instances=Known(instances()),
        snapshots=Known(
            {
                SERVERS[0]: [
                    {"snapshotID": "pit-33333333333333333", "expectedTimestamp": iso(at(50))},
                    {"snapshotID": "pit-22222222222222222", "expectedTimestamp": iso(at(40)), "timestamp": iso(at(40))},
                    {"snapshotID": "pit-11111111111111111", "expectedTimestamp": iso(at(30)), "timestamp": iso(at(30))},
                ]
            }
        ),
        ec2_states=Known(dict.fromkeys(INSTANCES, "running")),
        requests=Known({"DescribeJobs": Probe(items=1)}),
        unknown_ids=Known({"DescribeJobs": Probe(), "ec2:DescribeInstances": Probe()}),
        quotas=Known({JOBS_QUOTA: 20.0, SERVERS_A_JOB_QUOTA: 100.0, SERVERS_IN_JOBS_QUOTA: 500.0}),
        definitions=Known({"recovery": {"result": "OK", "diagnostics": []}}),
        concurrency=Known(1000),
        names=Known({"ObserveFunction": "wavebreak-ObserveFunction-1A"}),
        stack_name="wavebreak",
        refusals=Known(
            [{"what": "unsigned", "status": 403, "contentType": "application/problem+json", "code": "FORBIDDEN"}]
        ),
        denied=Known([]),
        simulated=1121,
        renew_after_rounds=1000,
        drill=drill() if with_drill else None,
    )
    if found.drill is not None:
        _with_actions(found.drill)
        found.drill.earlier = {"i-0000000000000000e": SERVERS[0]}
    if change is not None:
        change(found)
    return found


def _with_actions(record: DrillRecord) -> None:
    """Have an action run on each server."""
    for each in record.of(observations.DESCRIBE_JOBS):
        for one in each.items or ():
            for member in one["participatingServers"] if one["jobID"] == LAUNCH_JOB else ():
                status = "SUCCEEDED" if one["status"] == "COMPLETED" else "IN_PROGRESS"
                member["launchActionsStatus"] = {"runs": [{"runId": "run", "status": status}]}
