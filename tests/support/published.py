"""What a stack in this process published to its topics."""

from __future__ import annotations

import json
from typing import Any

import boto3
from moto.sns.models import sns_backends
from tests.support.blueprint import ACCOUNT, REGION, STACK_NAME


def notification_topic() -> str:
    """Make the topics of the stack, and return the ARN of that of the notifications."""
    sns: Any = boto3.client("sns", region_name=REGION)
    sns.create_topic(Name=f"{STACK_NAME}-ChatTopic")
    return str(sns.create_topic(Name=f"{STACK_NAME}-NotificationTopic")["TopicArn"])


def published(topic: str) -> list[str]:
    """Return what was published to a topic, oldest first."""
    return [str(each[1]) for each in sns_backends[ACCOUNT][REGION].topics[topic].sent_notifications]


def mails(topic: str) -> list[str]:
    """Return the mails among what was published to a topic, oldest first."""
    return [str(json.loads(each)["email"]) for each in published(topic)]
