"""What surrounds DRS: rights, events, state machines, the gateway, Lambda, commands."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tools.packaging.aws_deployment import LEAST_CONCURRENCY
from tools.verify_aws import observations
from tools.verify_aws.evidence import NotSeenError
from tools.verify_aws.findings import Check, Judgement, differs, holds, named

from wavebreak.aws_error_codes import DENIED
from wavebreak.domain.commands.runs import stream_name
from wavebreak.timing import known_time

if TYPE_CHECKING:
    from tools.verify_aws.evidence import DrillRecord, Evidence, Json, Read

HISTORY_EVENTS: Final = 25_000
"""Events that a history holds (Step Functions quotas)."""
COMMAND_SHOWS: Final = timedelta(seconds=12)
"""How long the product looks for a command whose answer was lost before it is held to have never been sent."""
AUTOMATION_SHOWS: Final = timedelta(seconds=15)
"""How long the product looks for an automation whose start had no answer before it is started again."""
PROBLEM: Final = "application/problem+json"
_THERE_AND_BACK: Final = 3
"""Default versions of a template in a drill with networks: the owner's, the drill's, the owner's."""
_REFUSED: Final = ("UnauthorizedOperation", "AccessDenied", "not authorized", "Encoded authorization failure")


def _definitions(evidence: Evidence) -> Judgement:
    reported = evidence.definitions.get()
    bad = [
        f"{name}: {one.get('code')} {one.get('location', '')} {one.get('message')}"
        for name, answer in reported.items()
        if answer["result"] != "OK"
        for one in answer.get("diagnostics") or [{"message": answer["result"]}]
    ]
    return differs(named(bad)) if bad else holds(f"{named(reported)}: OK")


def _history(evidence: Evidence) -> Judgement:
    events = observations.drill_of(evidence).history.get()
    rounds = sum(_enters(event, "Observe") for event in events)
    if not rounds or not evidence.renew_after_rounds:
        raise NotSeenError("the recovery machine's history tells no round")
    each = len(events) / rounds
    most = each * evidence.renew_after_rounds
    text = f"{each:.1f} events a round, {most:.0f} in the {evidence.renew_after_rounds} rounds until it hands over"
    return differs(text) if most >= HISTORY_EVENTS else holds(text)


def _enters(event: Json, state: str) -> bool:
    return (event.get("stateEnteredEventDetails") or {}).get("name") == state


def _names(evidence: Evidence) -> Judgement:
    reported = evidence.names.get()
    cut = [name for name in reported.values() if not name.startswith(f"{evidence.stack_name}-")]
    if cut:
        return differs(f"names that do not begin with the stack's: {named(cut)}")
    return holds(f"{len(reported)} names of functions and roles begin with the stack's")


def _concurrency(evidence: Evidence) -> Judgement:
    limit = evidence.concurrency.get()
    text = f"{limit} concurrent calls in this account and Region"
    return differs(f"{text}, a recovery wants {LEAST_CONCURRENCY}") if limit < LEAST_CONCURRENCY else holds(text)


def _refusals(evidence: Evidence) -> Judgement:
    reported = evidence.refusals.get()
    odd = [
        f"{each['what']}: {each['status']} {each['contentType']} {each['code']}"
        for each in reported
        if each["contentType"] != PROBLEM or each["code"] != "FORBIDDEN"
    ]
    return differs(named(odd)) if odd else holds(f"{named([each['what'] for each in reported])}: {PROBLEM}")


def _rights(evidence: Evidence) -> Judgement:
    denied = evidence.denied.get()
    if denied:
        return differs(f"{len(denied)} of {evidence.simulated} calls are not allowed: {named(denied, 10)}")
    return holds(f"{evidence.simulated} calls of the stack's roles are allowed")


def _borrowed(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    errors = [
        str((item.get("eventData") or {}).get("rawError"))
        for items in record.logs.values()
        for item in items
        if (item.get("eventData") or {}).get("rawError")
    ]
    refused = [error[:200] for error in errors if any(word in error for word in _REFUSED)]
    if refused:
        return differs(f"DRS lacked a right that it borrows from the role: {named(refused, 1)}")
    return holds(f"{len(observations.launched(record))} servers were launched, no right was missing")


def _as_the_caller(evidence: Evidence) -> Judgement:
    calls = observations.drill_of(evidence).calls_of_drs.get()
    refused = sorted({f"{_action(call)} ({call['errorCode']})" for call in calls if _is_refusal(call.get("errorCode"))})
    if refused:
        return differs(f"refused to DRS in the role's name: {named(refused, 10)}")
    if not calls:
        raise NotSeenError("CloudTrail has no call that DRS made in the functions' names (it may be minutes late)")
    return holds(f"{len(calls)} calls, none refused: {named(sorted({_action(call) for call in calls}), 60)}")


def _action(call: Json) -> str:
    return f"{str(call.get('eventSource')).partition('.')[0]}:{call.get('eventName')}"


def _is_refusal(code: object) -> bool:
    return isinstance(code, str) and code.endswith(tuple(DENIED))  # CloudTrail puts Client. before some


def _events(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    lines = record.launch_events.get()
    odd = [str(line.get("event"))[:300] for line in lines if line.get("unreadable")]
    if odd:
        return differs(f"launch events that tell no job or no server: {named(odd, 1)}")
    reported = {(line["jobId"], server) for line in lines for server in line.get("servers", ())}
    launches = observations.launched(record)
    come = [pair for pair in launches if pair in reported]
    if not come:
        raise NotSeenError(f"none came of {len(launches)} launches; DRS promises its best effort")
    return holds(f"of {len(come)} of {len(launches)} launches an event came")


def _command_shows(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    reported = observations.views(record, observations.LIST_COMMANDS, "CommandId")
    if not reported:
        raise NotSeenError("no command of the drill was sent, or none was shown")
    late, slowest = [], timedelta()
    for command, seen in reported.items():
        sent = known_time(seen[0][1].get("RequestedDateTime"))
        if sent is None:
            raise NotSeenError(f"{command} tells no RequestedDateTime")
        slowest = max(slowest, seen[0][0].at - sent)
        if _hidden_until(record, command) - sent.timestamp() > COMMAND_SHOWS.total_seconds():
            late.append(command)
    if late:
        return differs(f"not listed within {COMMAND_SHOWS.total_seconds():.0f} s: {named(late)}")
    if slowest > COMMAND_SHOWS:
        raise NotSeenError(f"first looked for {slowest.total_seconds():.0f} s after it was sent: too late to tell")
    return holds(
        f"{len(reported)} commands were listed {slowest.total_seconds():.1f} s after they were sent, or sooner"
    )


def _automation_shows(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    started = _started(record)
    never = sorted(name for tag, name in started.items() if name not in _found_by(record, tag))
    if never:
        return differs(f"not found by the key of its tag: {named(never)}")
    late, slowest = [], timedelta()
    for tag, name in started.items():
        seen = _found_by(record, tag)[name]
        begun = known_time(seen[0][1]["ExecutionStartTime"])
        if begun is None:
            raise NotSeenError(f"{name} tells no ExecutionStartTime")
        slowest = max(slowest, seen[0][0].at - begun)
        hidden = [read.until for read in record.of(observations.DESCRIBE_AUTOMATIONS) if read.until < seen[0][0].at]
        if hidden and max(hidden) - begun > AUTOMATION_SHOWS:
            late.append(name)
    if late:
        return differs(f"not found within {AUTOMATION_SHOWS.total_seconds():.0f} s: {named(late)}")
    if slowest > AUTOMATION_SHOWS:
        raise NotSeenError(f"first looked for {slowest.total_seconds():.0f} s after it was started: too late to tell")
    return holds(f"{len(started)} automations were found {slowest.total_seconds():.1f} s after their start, or sooner")


def _one_automation(evidence: Evidence) -> Judgement:
    record = observations.drill_of(evidence)
    started = _started(record)
    several = [f"{tag}: {named(sorted(names))}" for tag in started if len(names := _found_by(record, tag)) > 1]
    if several:
        return differs(f"one token, and several automations: {named(several)}")
    return holds(f"{len(started)} tokens started one automation each")


def _started(record: DrillRecord) -> dict[str, str]:
    """Return the drill's automations by the keys of their tags; raises NotSeenError where none was looked for."""
    found = {tag: name for tag, (_, name) in observations.automations(record).items()}
    if not found or not list(record.of(observations.DESCRIBE_AUTOMATIONS)):
        raise NotSeenError("no automation of the drill was started, or none was looked for")
    return found


def _found_by(record: DrillRecord, tag: str) -> dict[str, list[tuple[Read, Json]]]:
    told = observations.views(record, observations.DESCRIBE_AUTOMATIONS, "AutomationExecutionId")
    return {name: seen for name, seen in told.items() if seen[0][1]["TagKey"] == tag}


def _template_is_kept(evidence: Evidence) -> Judgement:
    """Judge by the default versions before, during and after the launch: a drill with networks puts its own there."""
    record = observations.drill_of(evidence)
    begun = min(
        map(observations.created_at, observations.drill_jobs(record, observations.LAUNCH).values()), default=None
    )
    launched = observations.launched(record)
    told = observations.views(record, observations.DESCRIBE_TEMPLATES, "LaunchTemplateId")
    if begun is None or not any(seen[0][0].at < begun < seen[-1][0].until for seen in told.values()):
        raise NotSeenError("no launch template was read before and after the launch")
    odd = []
    for template, seen in told.items():
        versions = [item["VersionNumber"] for _, item in seen]
        changes = [versions[0], *(later for earlier, later in pairwise(versions) if earlier != later)]
        if changes[-1] != changes[0] or len(changes) > _THERE_AND_BACK:
            odd.append(f"{template}: {' then '.join(map(str, changes))}")
    if odd:
        return differs(f"another default version than before: {named(odd)}")
    return holds(f"{len(launched)} servers were launched, and {len(told)} templates have the default that they had")


def _hidden_until(record: DrillRecord, command: str) -> float:
    """Return the last moment at which a command was not listed yet; 0 if there was no such look."""
    hidden = 0.0
    for read in record.of(observations.LIST_COMMANDS):
        if any(item["CommandId"] == command for item in read.items or ()):
            break
        hidden = read.until.timestamp()
    return hidden


def _streams(evidence: Evidence) -> Judgement:
    reported = observations.drill_of(evidence).log_streams.get()
    printed = [each for each in reported if each["streams"]]
    if not printed:
        raise NotSeenError("no command of the drill printed anything to CloudWatch Logs")
    odd = [
        named(each["streams"])
        for each in printed
        if not any(name == stream_name(each["commandId"], each["instanceId"]) for name in each["streams"])
        and any(name.endswith("/stdout") for name in each["streams"])
    ]
    return differs(f"named otherwise: {named(odd)}") if odd else holds(f"{len(printed)} commands")


CHECKS: Final = (
    Check("sfn-definitions", "stepfunctions", _definitions),
    Check("sfn-history", "stepfunctions", _history, needs_drill=True),
    Check("cfn-names", "cloudformation", _names),
    Check("lambda-concurrency", "lambda", _concurrency),
    Check("apigateway-problems", "apigateway", _refusals),
    Check("iam-roles", "iam", _rights),
    Check("drs-borrows", "iam", _borrowed, needs_drill=True),
    Check("drs-calls-as-caller", "cloudtrail", _as_the_caller, needs_drill=True),
    Check("drs-launch-events", "drs", _events, needs_drill=True),
    Check("ssm-command-shows", "ssm", _command_shows, needs_drill=True),
    Check("ssm-log-streams", "ssm", _streams, needs_drill=True),
    Check("drs-template-kept", "drs", _template_is_kept, needs_drill=True),
    Check("ssm-automation-tag", "ssm", _automation_shows, needs_drill=True),
    Check("ssm-automation-token", "ssm", _one_automation, needs_drill=True),
)
