"""Move traffic by routing controls of ARC: set their states on whichever endpoint of the cluster answers.

A cluster has five endpoints in five Regions, each of which takes a change as long as a quorum of them is there. All
changes go in one call, so that safety rules see them together. Doing it twice does no harm.
"""

from __future__ import annotations

import json
import os
import random
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_BRIEF = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 1})
_REFUSED = ("AccessDeniedException", "ConflictException", "ResourceNotFoundException", "ValidationException")
"""What every endpoint would say: a safety rule that forbids the change among it."""


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Set the states that `payload` names: `{controls: {ARN: On | Off}}`."""
    controls: dict[str, str] = event["payload"]["controls"]
    entries = [{"RoutingControlArn": arn, "RoutingControlState": state} for arn, state in controls.items()]
    endpoints: list[dict[str, str]] = json.loads(os.environ["CLUSTER_ENDPOINTS"])
    random.shuffle(endpoints)
    failures = []
    for endpoint in endpoints:
        client = boto3.client(
            "route53-recovery-cluster",
            region_name=endpoint["Region"],
            endpoint_url=endpoint["Endpoint"],
            config=_BRIEF,
        )
        try:
            client.update_routing_control_states(UpdateRoutingControlStateEntries=entries)
        except ClientError as error:
            if error.response["Error"]["Code"] in _REFUSED:
                raise
            failures.append(f"{endpoint['Region']}: {error}")
        except BotoCoreError as error:
            failures.append(f"{endpoint['Region']}: {error}")
        else:
            return {"states": controls, "endpoint": endpoint["Region"]}
    raise RuntimeError("no endpoint of the cluster took the change: " + "; ".join(failures))
