"""Register recovery instances in a target group and wait until they are healthy.

Registering twice does no harm, so a repeat of the same step does what the first call did not come to.
"""

from __future__ import annotations

import time
from typing import Any

import boto3

LOOK_SECONDS = 10
RESERVE_SECONDS = 30


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Register the instances of `payload`, `{targetGroupArn, instanceIds, port?}`, and return the healthy ones."""
    payload = event["payload"]
    group = payload["targetGroupArn"]
    port = {"Port": int(payload["port"])} if "port" in payload else {}
    targets = [{"Id": instance, **port} for instance in payload["instanceIds"]]
    if not targets:
        return {"healthy": []}
    client = boto3.client("elbv2")
    client.register_targets(TargetGroupArn=group, Targets=targets)
    while True:
        seen = client.describe_target_health(TargetGroupArn=group, Targets=targets)["TargetHealthDescriptions"]
        states = {each["Target"]["Id"]: each["TargetHealth"] for each in seen}
        waiting = {name: told for name, told in states.items() if told["State"] != "healthy"}
        if len(states) == len(targets) and not waiting:
            return {"healthy": sorted(states)}
        if context.get_remaining_time_in_millis() < 1000 * (RESERVE_SECONDS + LOOK_SECONDS):
            why = ", ".join(f"{name} is {told['State']} ({told.get('Reason', '-')})" for name, told in waiting.items())
            raise TimeoutError(f"not all targets are healthy: {why}")
        time.sleep(LOOK_SECONDS)
