"""What each function reads from its environment, frozen, read once. Nothing at import needs the environment."""

from __future__ import annotations

import math
import os
from functools import cache
from typing import TYPE_CHECKING, ClassVar

from wavebreak.error_category import Category
from wavebreak.timing import Timing
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Mapping


class MissingSettingError(Exception):
    """An environment variable is missing or is not what it must be; the message begins with its name."""

    category: ClassVar[Category] = Category.CONFIGURATION


class NoticeSettings(Value):
    """The channels of notifications, and which events are sent to people."""

    topic_arn: str
    """ARN of the SNS topic that people and systems subscribe to."""
    chat_topic_arn: str
    """ARN of the SNS topic that chat clients subscribe to."""
    failed_events_queue_url: str
    """URL of the SQS queue for events that no channel accepted."""
    kinds: tuple[str, ...]
    """Kinds of messages that people get, such as `FAILED` (`domain.notifications.message.Kind`)."""
    sender: str | None
    """The address that mail is sent from; None where no mail is sent."""
    recipients: tuple[str, ...]
    """The addresses that mail is sent to."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> NoticeSettings:
        """Read the settings; raise MissingSettingError naming the variable."""
        return cls(
            topic_arn=_text(environment, "NOTIFICATION_TOPIC_ARN"),
            chat_topic_arn=_text(environment, "CHAT_TOPIC_ARN"),
            failed_events_queue_url=_text(environment, "FAILED_EVENTS_QUEUE_URL"),
            kinds=_words(environment, "NOTIFY_STATUSES"),
            sender=environment.get("MAIL_SENDER") or None,
            recipients=_words(environment, "MAIL_RECIPIENTS"),
        )


class Settings(Value):
    """Settings of a Wavebreak function."""

    table_name: str
    """Name of the single DynamoDB table."""
    poll_seconds: int
    """Seconds between two polls of a state machine; not scaled."""
    time_scale: float
    """Factor of every wait and deadline: 1 is real time, less makes a local stack faster."""
    recovery_machine_arn: str | None
    """ARN of the state machine that drives recoveries; None in a function that starts none."""
    termination_machine_arn: str | None
    """ARN of the state machine that drives terminations; None in a function that starts none."""
    renew_after_rounds: int
    """Rounds after which a run of a machine starts its successor: a history holds 25,000 events."""
    idempotency_table_name: str | None
    """Name of the table in which Powertools caches first answers; None where no answer is cached."""
    breaker_table_name: str | None
    """Name of the table in which functions share the state of circuit breakers; None where each has its own."""
    target_role_name: str | None
    """Name of the role that is assumed in other accounts; None where the stack is limited to its own account."""
    target_external_id: str | None
    """External id under which that role is assumed."""
    command_machine_arn: str | None = None
    """ARN of the state machine that forwards commands; None in a function that starts none."""
    document_prefix: str = "wavebreak"
    """First part of the names of the stack's SSM documents."""
    command_log_group: str = "/wavebreak/commands"
    """Name of the CloudWatch log group that the output of commands goes to."""
    errors_table_name: str | None = None
    """Name of the table of recorded errors; None in a function that only logs them."""
    failed_events_queue_url: str | None = None
    """URL of the SQS queue for events that no function could process."""
    stack_name: str = "wavebreak"
    """Name of the CloudFormation stack."""
    post_launch_actions: bool = False
    """Whether DRS runs post-launch actions, so that a server counts as launched only when its job has ended."""
    notices: NoticeSettings | None = None
    """The channels of notifications; None in a function that sends none."""
    evidence_bucket: str | None = None
    """Name of the S3 bucket that reports are written to; None in a function that writes none."""
    schedule_group: str | None = None
    """Name of the EventBridge Scheduler group that holds the schedules of drills; None in a function without them."""
    schedule_function_arn: str | None = None
    """ARN of the function that a schedule invokes."""
    schedule_role_arn: str | None = None
    """ARN of the role that a schedule invokes it with."""
    step_machine_arn: str | None = None
    """ARN of the state machine that drives automation and function steps; None in a function that starts none."""
    function_arns: tuple[str, ...] | None = None
    """ARNs of the functions that steps may invoke, as the template lists them; None in a function without the list."""
    automation_arns: tuple[str, ...] | None = None
    """ARNs of the runbooks that steps may start; None in a function without the list."""
    automation_role_arns: tuple[str, ...] | None = None
    """ARNs of the roles that may be given to those runbooks; None in a function without the list."""
    readiness_minutes: float = 30
    """Minutes between two regular checks of a plan; scaled."""

    @property
    def timing(self) -> Timing:
        """The engine's timing under the stack's time scale and poll interval."""
        return Timing(scale=self.time_scale, poll_seconds=self.poll_seconds)

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings; raise MissingSettingError naming the variable."""
        return cls(
            table_name=_text(environment, "TABLE_NAME"),
            poll_seconds=_whole(environment, "POLL_SECONDS", "30"),
            time_scale=positive_number(environment, "TIME_SCALE", "1"),
            recovery_machine_arn=environment.get("RECOVERY_STATE_MACHINE_ARN"),
            termination_machine_arn=environment.get("TERMINATION_STATE_MACHINE_ARN"),
            renew_after_rounds=_whole(environment, "RENEW_AFTER_ROUNDS", "1000"),
            idempotency_table_name=environment.get("IDEMPOTENCY_TABLE_NAME"),
            breaker_table_name=environment.get("BREAKER_TABLE_NAME"),
            target_role_name=environment.get("TARGET_ROLE_NAME"),
            target_external_id=environment.get("TARGET_EXTERNAL_ID"),
            command_machine_arn=environment.get("COMMAND_STATE_MACHINE_ARN"),
            document_prefix=environment.get("DOCUMENT_PREFIX", "wavebreak"),
            command_log_group=environment.get("COMMAND_LOG_GROUP", "/wavebreak/commands"),
            errors_table_name=environment.get("ERRORS_TABLE_NAME"),
            failed_events_queue_url=environment.get("FAILED_EVENTS_QUEUE_URL"),
            stack_name=environment.get("STACK_NAME", "wavebreak"),
            notices=NoticeSettings.read(environment) if "NOTIFICATION_TOPIC_ARN" in environment else None,
            post_launch_actions=_flag(environment, "POST_LAUNCH_ACTIONS"),
            evidence_bucket=environment.get("EVIDENCE_BUCKET"),
            schedule_group=environment.get("SCHEDULE_GROUP"),
            schedule_function_arn=environment.get("SCHEDULE_FUNCTION_ARN"),
            schedule_role_arn=environment.get("SCHEDULE_ROLE_ARN"),
            step_machine_arn=environment.get("STEP_STATE_MACHINE_ARN"),
            function_arns=_arns(environment, "FUNCTION_ARNS"),
            automation_arns=_arns(environment, "AUTOMATION_ARNS"),
            automation_role_arns=_arns(environment, "AUTOMATION_ROLE_ARNS"),
            readiness_minutes=positive_number(environment, "READINESS_MINUTES", "30"),
        )


def _text(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise MissingSettingError(f"{name} is not set")
    return value


def _flag(environment: Mapping[str, str], name: str) -> bool:
    text = environment.get(name) or "false"
    if text not in {"true", "false"}:
        raise MissingSettingError(f"{name} is neither true nor false: {text!r}")
    return text == "true"


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in environment.get(name, "").split(",") if word.strip())


def _arns(environment: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    """Read a list that may be empty, which is not the same as one that is not there."""
    return _words(environment, name) if name in environment else None


def positive_number(environment: Mapping[str, str], name: str, default: str) -> float:
    """Read a positive number; MissingSettingError names the variable that holds anything else."""
    text = environment.get(name, default)
    try:
        value = float(text)
    except ValueError:
        raise MissingSettingError(f"{name} is no number: {text!r}") from None
    if not 0 < value < math.inf:
        raise MissingSettingError(f"{name} must be positive, not {text}")
    return value


def _whole(environment: Mapping[str, str], name: str, default: str) -> int:
    value = positive_number(environment, name, default)
    if not value.is_integer():
        raise MissingSettingError(f"{name} must be a whole number, not {value}")
    return int(value)


def settings() -> Settings:
    """Return this function's settings. Others stand in for them in every module where `of_environment` is replaced."""
    return of_environment()


@cache
def of_environment() -> Settings:
    """Read this function's settings from its environment, at the first call."""
    return Settings.read(os.environ)
