"""Say something in a Slack channel, through an incoming webhook whose address is a secret.

A message that was lost on the way back is sent again with the same step: the channel then has it twice, so it carries
the first letters of the step's id.
"""

from __future__ import annotations

import json
import os
import urllib.request
from typing import Any

import boto3


def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Post `payload.text` with what is recovered and how many servers it concerns."""
    wave, count = event["wave"], len(event["servers"])
    text = (
        f"{event['payload']['text']}\n{event['mode']} of {event['planId']}, wave {wave['number']} ({wave['name']}), "
        f"{count} server(s), {event['executionId']} [{event['stepId'][:8]}]"
    )
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=os.environ["WEBHOOK_SECRET_ARN"])
    request = urllib.request.Request(  # noqa: S310  the address is the secret's
        secret["SecretString"], data=json.dumps({"text": text}).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  likewise
        return {"posted": answer.status}
