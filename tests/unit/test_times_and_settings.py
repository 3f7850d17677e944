"""Times on the wire, the time scale, settings, entity tags, quotas and ids."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from tests.support.execution_builders import NOW, later

from wavebreak.api.etag import version_of
from wavebreak.domain.drs import Quotas, RecentJob, room_for
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.identifiers import new_execution_id
from wavebreak.problems import InvalidRequest
from wavebreak.settings import MissingSettingError, Settings
from wavebreak.timing import Timing, iso, known_time, parse_duration, parse_iso, whole_seconds


def test_times_are_written_in_utc_with_milliseconds() -> None:
    tokyo = datetime(2026, 11, 21, 21, 0, 0, 1999, tzinfo=timezone(timedelta(hours=9)))
    assert iso(tokyo) == "2026-11-21T12:00:00.001Z"
    assert iso(NOW) == "2026-11-21T12:00:00.000Z"
    assert parse_iso(iso(NOW)) == NOW
    assert parse_iso("2026-11-21T21:00:00+09:00") == NOW


def test_a_time_that_may_be_missing_is_read_or_is_none() -> None:
    assert known_time(iso(NOW)) == NOW
    assert [known_time(text) for text in (None, "", "soon", 7, "2026-11-21T12:00:00")] == [None] * 5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0S", 0),
        ("PT5S", 5),
        ("PT1.25S", 1.25),
        ("PT26H3M4S", 93_784),
        ("P1DT2H", 93_600),
        ("P2W", 1_209_600),
        ("P0D", 0),
        ("P", None),
        ("PT", None),
        ("P1DT", None),
        ("P1M", None),
        ("P1Y", None),
        ("-PT5S", None),
        ("PT5", None),
        ("", None),
        ("5", None),
    ],
)
def test_durations_are_read_as_iso_8601_has_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == seconds


def test_naive_times_are_refused() -> None:
    with pytest.raises(ValueError, match="naive"):
        iso(datetime(2026, 11, 21))  # noqa: DTZ001  the naive time is the point
    with pytest.raises(ValueError, match="no offset"):
        parse_iso("2026-11-21T12:00:00")


def test_durations_are_whole_seconds_and_never_negative() -> None:
    assert whole_seconds(NOW, later(59.999)) == 59
    assert whole_seconds(later(5), NOW) == 0
    assert whole_seconds(None, NOW) is None
    assert whole_seconds(NOW, None) is None


@pytest.mark.parametrize(
    ("scale", "seconds", "scaled"), [(1, 60, 60), (0.1, 60, 6), (0.01, 60, 1), (0.1, 0, 0), (2, 30, 60), (0.1, 0.5, 1)]
)
def test_the_time_scale_keeps_every_wait_at_a_second_at_least(scale: float, seconds: float, scaled: float) -> None:
    assert Timing(scale).scaled(seconds) == timedelta(seconds=scaled)


def test_an_intent_outlives_the_function_that_wrote_it_whatever_the_scale() -> None:
    assert Timing(0.01, start_timeout_seconds=60).intent_expiry == timedelta(seconds=61)
    assert Timing().intent_expiry == timedelta(seconds=75)


def test_the_poll_interval_is_that_of_the_machines_whatever_the_scale() -> None:
    assert Timing().poll_interval == timedelta(seconds=30)
    assert Timing(0.1, poll_seconds=7).poll_interval == timedelta(seconds=7)


def test_settings_have_defaults_where_there_is_one() -> None:
    read = Settings.read({"TABLE_NAME": "wavebreak"})
    assert (read.table_name, read.poll_seconds, read.renew_after_rounds) == ("wavebreak", 30, 1000)
    assert (read.timing, read.recovery_machine_arn, read.termination_machine_arn) == (Timing(), None, None)
    assert read.post_launch_actions is False


def test_settings_are_read_from_the_environment() -> None:
    read = Settings.read(
        {
            "TABLE_NAME": "t",
            "POLL_SECONDS": "3",
            "TIME_SCALE": "0.1",
            "RENEW_AFTER_ROUNDS": "7",
            "RECOVERY_STATE_MACHINE_ARN": "arn:r",
            "TERMINATION_STATE_MACHINE_ARN": "arn:t",
            "POST_LAUNCH_ACTIONS": "true",
        }
    )
    assert read.post_launch_actions is True
    assert (read.poll_seconds, read.timing, read.renew_after_rounds) == (3, Timing(0.1, poll_seconds=3), 7)
    assert (read.recovery_machine_arn, read.termination_machine_arn) == ("arn:r", "arn:t")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TABLE_NAME", ""),
        *((name, value) for name in ("POLL_SECONDS", "TIME_SCALE") for value in ("", "x", "0", "-1", "nan", "inf")),
        ("POLL_SECONDS", "0.5"),
        ("RENEW_AFTER_ROUNDS", "1.5"),
        ("POST_LAUNCH_ACTIONS", "yes"),
    ],
)
def test_a_setting_that_is_missing_or_wrong_is_named(name: str, value: str) -> None:
    with pytest.raises(MissingSettingError, match=f"^{name} "):
        Settings.read({"TABLE_NAME": "t", name: value})


@pytest.mark.parametrize(
    ("text", "version"),
    [(None, None), ("", None), (" ", None), ("7", 7), ('"7"', 7), ('W/"12"', 12), (' "3" ', 3)],
)
def test_an_entity_tag_names_a_version_quoted_or_not(text: str | None, version: int | None) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize("text", ["*", "abc", '"a"', "1, 2", "-1", "1.0", "1" * 10, '"1', '1"', "W/1", "\u0661"])
def test_an_entity_tag_of_anything_else_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        version_of(text)


def active(*sizes: int) -> list[RecentJob]:
    return [
        RecentJob(f"job-{number}", "LAUNCH", frozenset(f"s-{number}-{index}" for index in range(size)), {})
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    ("quotas", "jobs", "room"),
    [
        (Quotas(), [], 100),
        (Quotas(), [100, 100, 100, 100], 100),
        (Quotas(), [100, 100, 100, 100, 60], 40),
        (Quotas(), [100] * 5, 0),
        (Quotas(), [100] * 6, 0),
        (Quotas(), [1] * 19, 100),
        (Quotas(), [1] * 20, 0),
        (Quotas(jobs=0), [], 0),
        (Quotas(servers_a_job=300, servers_in_jobs=900), [], 200),
        (Quotas(servers_a_job=10), [], 10),
    ],
)
def test_room_is_what_every_quota_leaves_and_one_call_takes(quotas: Quotas, jobs: list[int], room: int) -> None:
    assert room_for(quotas, active(*jobs)) == room


def test_ids_begin_with_their_mode_and_are_ulids_in_lower_case() -> None:
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert new_execution_id(Mode.DRILL, epoch, 0) == "drill-" + "0" * 26
    last = new_execution_id(Mode.RECOVERY, epoch + timedelta(milliseconds=1), 2**80 - 1)
    assert last == "recovery-" + "0" * 9 + "1" + "z" * 16


def test_ids_sort_by_time_and_differ_within_a_millisecond() -> None:
    made = [new_execution_id(Mode.DRILL, later(0.001 * step), 2**80 - 1 - step) for step in range(50)]
    assert made == sorted(made)
    arguments: dict[str, Any] = {"mode": Mode.DRILL, "now": NOW}
    assert len({new_execution_id(**arguments) for _ in range(50)}) == 50
