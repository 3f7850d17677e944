"""Nobody has to ask how it went: messages and mails of a drill as their receivers get them, with nothing secret."""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import httpx
import jsonschema  # type: ignore[import-untyped]  # the package ships no types
import pytest
from tools.chaos.inbox import CHANNELS, Inbox, delivered, expected, trail_of, waiting
from tools.local_stack.deployment import MAIL_RECIPIENT, MAIL_SENDER, log_group
from tools.local_stack.processes import free_ports
from tools.local_stack.product import chain, until
from tools.template import ROOT

from wavebreak.timing import parse_iso

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.local_stack.product import Product

LATEST_SECONDS: Final = 2.0
NAME: Final = 'Tiers <b>& "co"</b> 🧨 Bcc: all@example.com'
QUIET_SECONDS: Final = 1.5
SECRETS: Final = re.compile(
    r"(AKIA|ASIA)[A-Z0-9]{16}|aws_?secret|SecretAccessKey|SessionToken|X-Amz-Security-Token", re.IGNORECASE
)
ACCOUNT: Final = re.compile(r"(?<![0-9a-z])000000000000(?![0-9a-z])")


def mails(product: Product) -> list[dict[str, Any]]:
    """Read the emulator's outbox."""
    url = f"{product.description['endpointUrl']}/_ministack/ses/messages"
    found = httpx.get(url, trust_env=False, timeout=20).json()
    return [mail for mail in _dictionaries(found) if "BodyHtml" in mail]


def _dictionaries(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for child in node.values():
            yield from _dictionaries(child)
    elif isinstance(node, list):
        for child in node:
            yield from _dictionaries(child)


@pytest.fixture
def inbox(product: Product) -> Iterator[Inbox]:
    inbox = Inbox(product, f"inbox-{time.time_ns()}", product.description["topicArn"])
    yield inbox
    inbox.close()


@pytest.fixture
def chat(product: Product) -> Iterator[Inbox]:
    outputs = product.aws("cloudformation").describe_stacks(StackName="wavebreak")["Stacks"][0]["Outputs"]
    topic = next(output["OutputValue"] for output in outputs if output["OutputKey"] == "ChatTopicArn")
    inbox = Inbox(product, f"chat-{time.time_ns()}", topic, raw=True)
    yield inbox
    inbox.close()


@pytest.fixture
def bus(product: Product) -> Iterator[Inbox]:
    """Everything that is on the event bus: a rule to a topic, so that an inbox gets it."""
    name = f"bus-{time.time_ns()}"
    topic = product.aws("sns").create_topic(Name=name)["TopicArn"]
    events = product.aws("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": ["wavebreak"]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": topic}])
    inbox = Inbox(product, name, topic, raw=True)
    yield inbox
    inbox.close()
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def partial_drill(product: Product) -> str:
    """Run a drill whose second wave fails, to its end."""
    broken = product.servers(1, launchResult="FAILED")
    plan_id = product.plan(*chain(product.servers(2), broken, product.servers(1)), name=NAME)
    execution_id = product.start(plan_id)
    assert product.ended(execution_id)["status"] == "PARTIAL_SUCCESS"
    return execution_id


def test_a_partial_drill_tells_each_message_once_in_order_and_in_time(
    product: Product, inbox: Inbox, chat: Inbox, bus: Inbox
) -> None:
    _warm_up(product, inbox)
    execution_id = partial_drill(product)
    until(lambda: delivered(inbox, execution_id), lambda seen: seen == expected(product, execution_id), within=5)
    product.terminated(execution_id)
    wanted = expected(product, execution_id)
    assert [kind for kind, _ in wanted] in (
        ["STARTED", "WAVE_FAILED", "PARTIAL_SUCCESS", "TERMINATED"],
        ["STARTED", "PARTIAL_SUCCESS", "TERMINATED"],
    )
    until(lambda: delivered(inbox, execution_id), lambda seen: seen == wanted, within=5)
    time.sleep(QUIET_SECONDS)
    assert delivered(inbox, execution_id) == wanted

    _arrived_in_time(product, inbox, execution_id)
    _is_as_published(inbox, bus, execution_id, product)
    _mails_are(product, inbox, execution_id)
    threads = [message["body"]["metadata"]["threadId"] for message in chat.read()]
    assert threads.count(execution_id) == len(wanted)
    _nothing_secret_left(product, [inbox, chat, bus], execution_id)


def _warm_up(product: Product, inbox: Inbox) -> None:
    """Have the function be running: on a stack that was just deployed the first event also waits for its start."""
    first = product.run(*chain(product.servers(1)))
    until(lambda: delivered(inbox, first), bool, within=15)
    product.ended(first)


def _arrived_in_time(product: Product, inbox: Inbox, execution_id: str) -> None:
    written = {event["sequence"]: parse_iso(event["at"]).timestamp() for event in trail_of(product, execution_id)}
    took = {
        document["sequence"]: message["sentAt"] - written[document["sequence"]]
        for message in inbox.messages
        if (document := json.loads(message["body"]["Message"]))["executionId"] == execution_id
    }
    assert all(seconds < LATEST_SECONDS for seconds in took.values()), took


def _is_as_published(inbox: Inbox, bus: Inbox, execution_id: str, product: Product) -> None:
    def schema(name: str) -> Any:
        return jsonschema.Draft202012Validator(json.loads((ROOT / "docs" / name).read_text(encoding="utf-8")))

    for document in inbox.documents(execution_id):
        schema("notification.schema.json").validate(document)
        assert document["waves"]
    changes = sum(len(event["data"]["changes"]) for event in trail_of(product, execution_id))

    def of_ours() -> list[dict[str, Any]]:
        bodies = [message["body"] for message in bus.read()]
        return [body for body in bodies if body["detail"]["executionId"] == execution_id]

    seen = until(of_ours, lambda found: len(found) == changes, within=5)
    for event in seen:
        schema("events.schema.json").validate(event)
    order = [(event["detail"]["sequence"], event["detail"]["change"]) for event in seen]
    assert order == sorted(set(order))


def _mails_are(product: Product, inbox: Inbox, execution_id: str) -> None:
    documents = inbox.documents(execution_id)
    ours = [mail for mail in mails(product) if execution_id in mail["BodyHtml"]]
    assert Counter(mail["Subject"] for mail in ours) == Counter(document["subject"] for document in documents)
    flat = NAME
    (partial,) = (mail for mail in ours if "Partially Completed" in mail["Subject"])
    assert partial["Subject"] == f"⚠️ DRS Execution Partially Completed - {flat}"
    assert (partial["Source"], partial["To"]) == (MAIL_SENDER, [MAIL_RECIPIENT])
    assert "Partial Success" in partial["BodyHtml"]
    assert "✗ 1 wave(s) failed" in partial["BodyHtml"]
    assert "<b>" not in partial["BodyHtml"]
    assert "✓ 1 wave(s) completed | ✗ 1 wave(s) failed" in partial["BodyText"]
    assert f"wavebreak terminate {execution_id}" in partial["BodyText"]
    assert f"wavebreak retry {execution_id} 2" in partial["BodyText"]


def _nothing_secret_left(product: Product, inboxes: list[Inbox], execution_id: str) -> None:
    """Look through every message, mail and log line there is."""
    for_people = [mail[part] for mail in mails(product) for part in ("Subject", "BodyText", "BodyHtml")]
    for_people += [
        json.dumps(message["body"]["content"]) for message in inboxes[1].read() if "content" in message["body"]
    ]
    assert not [text for text in for_people if ACCOUNT.search(text)]
    documents = [json.dumps(document) for document in inboxes[0].documents(execution_id)]
    lines = _log_lines(product)
    assert log_group("NotificationFunction") in {group for group, _ in lines}
    tokens = _task_tokens(product)
    events = [json.dumps(message["body"]) for message in inboxes[2].read()]
    trail = [json.dumps(event) for event in trail_of(product, execution_id)]
    for text in [*for_people, *documents, *events, *trail, *(line for _, line in lines)]:
        assert not SECRETS.search(text), text
        assert not [token for token in tokens if token in text], text


def _log_lines(product: Product) -> list[tuple[str, str]]:
    logs = product.aws("logs")
    groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    return [
        (group, event["message"])
        for group in groups
        for page in logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        for event in page["events"]
    ]


def _task_tokens(product: Product) -> set[str]:
    """Give task tokens as they are in use: a drill that waits for an approval sleeps with one."""
    wave = {**chain(product.servers(1))[0], "requiresApproval": True}
    waiting = product.run(wave)
    product.wave_seen(waiting, 1, "AWAITING_APPROVAL")
    until(lambda: product.sleeping_since(waiting), bool, within=10)
    tokens = {item["token"]["S"] for item in product.items() if "token" in item}
    product.operate(waiting, "cancel")
    product.ended(waiting)
    assert tokens
    return tokens


def test_while_sns_does_not_answer_nothing_is_lost_and_then_all_is_told_in_order(
    product: Product, inbox: Inbox
) -> None:
    (closed,) = free_ports(1)
    product.lead(CHANNELS, "SNS", f"http://127.0.0.1:{closed}")
    try:
        execution_id = partial_drill(product)
        time.sleep(QUIET_SECONDS)
        assert delivered(inbox, execution_id) == []
        assert waiting(product, execution_id)
    finally:
        product.lead(CHANNELS, "SNS", None)

    def swept() -> list[tuple[str, int]]:
        product.aws("lambda").invoke(FunctionName=product.function(CHANNELS[1]))
        return delivered(inbox, execution_id)

    wanted = expected(product, execution_id)
    seen = until(swept, lambda found: len(found) >= len(wanted), within=60)
    assert seen == wanted
    time.sleep(QUIET_SECONDS)
    assert swept() == wanted
    until(lambda: waiting(product, execution_id), lambda left: not left, within=5)
    ours = [mail for mail in mails(product) if execution_id in mail["BodyHtml"]]
    assert len(ours) == len(wanted)


def test_a_plans_topic_that_is_gone_holds_up_nothing(product: Product, inbox: Inbox) -> None:
    gone = product.description["topicArn"].rpartition(":")[0] + ":gone"
    plan_id = product.plan(*chain(product.servers(1)), notifyTopicArn=gone)
    execution_id = product.start(plan_id)
    product.ended(execution_id)
    wanted = expected(product, execution_id)
    assert until(lambda: delivered(inbox, execution_id), lambda seen: len(seen) >= len(wanted), within=5) == wanted
    assert until(lambda: waiting(product, execution_id), lambda seen: not seen, within=5) == []
