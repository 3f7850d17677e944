"""A custom action of ARC Region switch: start a recovery of Wavebreak and wait for its end.

Region switch invokes a function again after the step's retry interval until it succeeds or the step's time is over. So
this one answers when the recovery is COMPLETED, and raises otherwise: while it runs, when it failed, when nobody
answered. However often it is invoked in one run of the Region switch plan, it starts one execution: the id of that run
is the Idempotency-Key. An operator who retries a wave of a failed recovery lets the next invocation succeed.

Environment: WAVEBREAK_API_URL (the stack's output ApiUrl), PLAN_ID, MODE (recovery or drill), and ARC_PLAN_ARN.
"""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from typing import Any

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

LOOK_SECONDS = 15
RESERVE_SECONDS = 60
"""Left of an invocation when the last look begins."""
ANSWER_SECONDS = 35
_PATHS = {"recovery": "/recoveries", "drill": "/drills"}
_UNDER_WAY = ("inProgress", "pausedByFailedStep", "pausedByOperator", "pendingManualApproval", "pending")
_ENDED_BADLY = ("CANCELLED", "FAILED", "PARTIAL_SUCCESS")


class NotDoneError(Exception):
    """What Region switch is told: it invokes again after the retry interval."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Start the recovery of this run of Region switch, once, and return how it ended."""
    switch = str(event.get("regionSwitchExecutionId") or switch_under_way())
    execution_id = started(switch)
    while True:
        execution = call("GET", f"/executions/{execution_id}")
        status = execution["status"]
        if status == "COMPLETED":
            return {"executionId": execution_id, "status": status, "durationSeconds": execution["durationSeconds"]}
        label = execution["display"]["label"]
        if status in _ENDED_BADLY:
            raise NotDoneError(f"{execution_id} ended as {label}: wavebreak show {execution_id} says why")
        if context.get_remaining_time_in_millis() < 1000 * (RESERVE_SECONDS + LOOK_SECONDS):
            raise NotDoneError(f"{execution_id} is {label}: it goes on, and is looked at again")
        time.sleep(LOOK_SECONDS)


def started(switch: str) -> str:
    """Start the execution of a run of Region switch and return its id; a repeat gets that of the first call."""
    body = {"planId": os.environ["PLAN_ID"], "reason": f"ARC Region switch, plan execution {switch}"}
    path = _PATHS[os.environ.get("MODE", "recovery")]
    return str(call("POST", path, body, {"Idempotency-Key": f"arc-{switch}"})["executionId"])


def switch_under_way() -> str:
    """Return the id of the plan execution of Region switch that is under way, from the Region that this runs in."""
    client = boto3.client("arc-region-switch")
    pages = client.get_paginator("list_plan_executions").paginate(planArn=os.environ["ARC_PLAN_ARN"])
    running = [one for page in pages for one in page["items"] if one["executionState"] in _UNDER_WAY]
    if not running:
        raise NotDoneError("no execution of the Region switch plan is under way")
    return str(max(running, key=lambda one: one["startTime"])["executionId"])


def call(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """Call Wavebreak's API, signed as this function's role; raise NotDoneError in the API's words, or for no answer."""
    content = None if body is None else json.dumps(body)
    given = {"Content-Type": "application/json", **(headers or {})}
    session = boto3.Session()
    credentials = session.get_credentials()
    if credentials is None:
        raise NotDoneError("this function has no credentials")
    signed = AWSRequest(method=method, url=os.environ["WAVEBREAK_API_URL"] + path, data=content, headers=given)
    SigV4Auth(credentials.get_frozen_credentials(), "execute-api", session.region_name).add_auth(signed)
    return sent(signed)


def sent(signed: AWSRequest) -> dict[str, Any]:
    """Send a signed request and return the answer's body."""
    data = signed.data.encode() if isinstance(signed.data, str) else signed.data
    request = urllib.request.Request(  # noqa: S310  the address is this function's own setting
        str(signed.url), data=data, headers=dict(signed.headers.items()), method=signed.method
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as answer:  # noqa: S310  likewise
            found: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        raise NotDoneError(f"{signed.method} {signed.url}: {error.code}: {error.read().decode()[:500]}") from error
    except OSError as error:
        raise NotDoneError(f"{signed.method} {signed.url} was not answered: {error}") from error
    return found
