"""Where news are told is read once, and a word that means nothing is refused by its variable's name."""

import pytest

from wavebreak import app as composition
from wavebreak.domain.notifications.message import Kind
from wavebreak.settings import MissingSettingError, NoticeSettings, Settings

ENVIRONMENT = {
    "TABLE_NAME": "t",
    "NOTIFICATION_TOPIC_ARN": "arn:aws:sns:eu-west-3:123456789012:news",
    "CHAT_TOPIC_ARN": "arn:aws:sns:eu-west-3:123456789012:chat",
    "FAILED_EVENTS_QUEUE_URL": "https://queue",
    "NOTIFY_STATUSES": "FAILED,PARTIAL_SUCCESS",
    "MAIL_SENDER": "a@example.com",
    "MAIL_RECIPIENTS": "b@example.com, c@example.com",
}


def test_settings_of_a_function_that_tells_news() -> None:
    read = Settings.read(ENVIRONMENT).notices
    assert read == NoticeSettings(
        ENVIRONMENT["NOTIFICATION_TOPIC_ARN"],
        ENVIRONMENT["CHAT_TOPIC_ARN"],
        "https://queue",
        ("FAILED", "PARTIAL_SUCCESS"),
        "a@example.com",
        ("b@example.com", "c@example.com"),
    )


def test_a_function_that_tells_none_needs_none_of_them() -> None:
    assert Settings.read({"TABLE_NAME": "t"}).notices is None


@pytest.mark.parametrize("name", ["CHAT_TOPIC_ARN", "FAILED_EVENTS_QUEUE_URL"])
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(MissingSettingError, match=name):
        Settings.read({key: value for key, value in ENVIRONMENT.items() if key != name})


def test_nobody_is_written_to_when_nothing_is_chosen_and_no_mail_is_sent_without_addresses() -> None:
    read = Settings.read({**ENVIRONMENT, "NOTIFY_STATUSES": "", "MAIL_SENDER": "", "MAIL_RECIPIENTS": ""}).notices
    assert read is not None
    assert (read.kinds, read.sender, read.recipients) == ((), None, ())


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"TABLE_NAME": "t"}, "NOTIFICATION_TOPIC_ARN is not set"),
        ({**ENVIRONMENT, "NOTIFY_STATUSES": "FAILED,OFTEN"}, "NOTIFY_STATUSES knows no OFTEN"),
    ],
)
def test_channels_are_refused_with_the_variables_name(
    environment: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composition, "settings", lambda: Settings.read(environment))
    with pytest.raises(MissingSettingError, match=why):
        composition._channels.__wrapped__()


def test_the_wanted_kinds_are_those_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composition, "settings", lambda: Settings.read(ENVIRONMENT))
    channels = composition._channels.__wrapped__()
    assert {kind for kind in Kind if channels.wants(kind)} == {Kind.FAILED, Kind.PARTIAL_SUCCESS}
