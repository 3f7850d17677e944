"""Recorded errors found by time, severity, category, service and type, page by page, and counted."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from wavebreak.domain.errors.record import ErrorRecord, Severity, Span
from wavebreak.error_category import Category
from wavebreak.identifiers import ulid
from wavebreak.store import errors as error_store

if TYPE_CHECKING:
    from datetime import datetime

    from tests.support.stack import Stack

    from wavebreak.store.errors import ErrorStore

S, C = Severity, Category
HISTORY = (
    # minutes ago, severity, category, service, type
    (5, S.CRITICAL, C.CONFIGURATION, "Plans", "MissingSettingError"),
    (30, S.WARNING, C.DRS, "Observe", "ThrottlingException"),
    (50, S.ERROR, C.DATABASE, "Plans", "KeyError"),
    (70, S.CRITICAL, C.CRASH, "Plans", "Runtime.ExitError"),
    (23 * 60, S.WARNING, C.DRS, "Observe", "ThrottlingException"),
    (25 * 60, S.WARNING, C.DRS, "StartWave", "CallRejectedError"),
    (60 * 24 * 60, S.ERROR, C.INTERNAL, "Plans", "KeyError"),
)


@pytest.fixture
def now(stack: Stack) -> datetime:
    return stack.clock.now()


@pytest.fixture
def store(stack: Stack, now: datetime) -> ErrorStore:
    """A store with a history; its errors are named by how many minutes ago they were."""
    found = stack.app("ErrorsFunction").recorded()
    for minutes, severity, category, service, kind in HISTORY:
        at = now - timedelta(minutes=minutes)
        record = ErrorRecord(f"err-{ulid(at)}", at, severity, category, service, kind, str(minutes))
        found.create_error(record)
    return found


def ages(found: list[dict[str, Any]]) -> list[int]:
    return [int(error["message"]) for error in found]


@pytest.mark.parametrize(
    ("hours", "filters", "expected"),
    [
        (1, {}, [5, 30, 50]),
        (24, {}, [5, 30, 50, 70, 1380]),
        (2160, {}, [5, 30, 50, 70, 1380, 1500, 86400]),
        (48, {"severity": "WARNING"}, [30, 1380, 1500]),
        (1, {"severity": "WARNING"}, [30]),
        (24, {"category": "DRS"}, [30, 1380]),
        (24, {"service": "Plans"}, [5, 50, 70]),
        (2160, {"errorType": "KeyError"}, [50, 86400]),
        (2160, {"severity": "CRITICAL", "category": "CRASH"}, [70]),
        (2160, {"severity": "ERROR", "service": "Plans", "errorType": "KeyError"}, [50, 86400]),
        (24, {"severity": "DEBUG"}, []),
    ],
    ids=str,
)
def test_s3_12_errors_are_found_by_every_field_and_time(
    store: ErrorStore, now: datetime, hours: int, filters: dict[str, str], expected: list[int]
) -> None:
    found, token = store.get_errors(Span(hours, now), filters, limit=50)
    assert (ages(found), token) == (expected, None)


@pytest.mark.parametrize("filters", [{}, {"severity": "WARNING"}, {"service": "Plans", "severity": "ERROR"}], ids=str)
@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_pages_join_to_the_whole_list(store: ErrorStore, now: datetime, filters: dict[str, str], size: int) -> None:
    whole, _ = store.get_errors(Span(2160, now), filters, limit=50)
    joined: list[dict[str, Any]] = []
    token: str | None = None
    while True:
        page, token = store.get_errors(Span(2160, now), filters, limit=size, token=token)
        joined += page
        assert len(page) <= size
        if token is None:
            break
    assert joined == whole


def test_a_page_is_no_larger_than_an_answer_may_be(
    store: ErrorStore, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(error_store, "_LARGEST_PAGE", 500)
    page, token = store.get_errors(Span(24, now), {}, limit=50)
    assert 1 <= len(page) < 5
    rest, _ = store.get_errors(Span(24, now), {}, limit=50, token=token)
    assert ages(rest)[0] == ages([*page, *store.get_errors(Span(24, now), {}, limit=50, token=token)[0]])[len(page)]


def test_s3_13_critical_errors_counts_and_categories(store: ErrorStore, now: datetime) -> None:
    assert ages(store.get_critical_errors(Span(1, now))) == [5]
    assert ages(store.get_critical_errors(Span(24, now))) == [5, 70]
    assert store.get_error_count_by_severity(Span(1, now)) == {
        "DEBUG": 0,
        "INFO": 0,
        "WARNING": 1,
        "ERROR": 1,
        "CRITICAL": 1,
    }
    assert ages(store.get_errors_by_category(C.DRS, Span(24, now))) == [30, 1380]


def test_s3_13_the_summary_counts_by_everything_and_by_hour(store: ErrorStore, now: datetime) -> None:
    summary = store.get_error_summary(Span(24, now))
    assert (summary["hours"], summary["total"]) == (24, 5)
    assert summary["bySeverity"] == {"DEBUG": 0, "INFO": 0, "WARNING": 2, "ERROR": 1, "CRITICAL": 2}
    assert summary["byCategory"] == {"DRS": 2, "CONFIGURATION": 1, "DATABASE": 1, "CRASH": 1}
    assert summary["byService"] == {"Plans": 3, "Observe": 2}
    assert summary["byType"]["ThrottlingException"] == 2
    assert sum(entry["count"] for entry in summary["hourly"]) == 5
    hours = [entry["hour"] for entry in summary["hourly"]]
    assert hours == sorted(hours, reverse=True)
    assert all(hour.endswith(":00:00.000Z") for hour in hours)


def test_s3_12_the_api_answers_the_views(store: ErrorStore, stack: Stack) -> None:
    assert store.reads.name == "wavebreak-ErrorsTable"
    document = stack.api("GET", "/errors/summary").json
    assert (document["total"], document["lastHour"]["CRITICAL"]) == (5, 1)
    assert ages(document["critical"]) == [5]
    listed = stack.api("GET", "/errors", query={"severity": "WARNING", "hours": "48", "limit": "2"}).json
    assert ages(listed["items"]) == [30, 1380]
    rest = stack.api(
        "GET", "/errors", query={"severity": "WARNING", "hours": "48", "limit": "2", "nextToken": listed["nextToken"]}
    ).json
    assert (ages(rest["items"]), rest["nextToken"]) == ([1500], None)


@pytest.mark.usefixtures("store")
def test_s3_12_records_expire_after_ninety_days(stack: Stack, now: datetime) -> None:
    item = next(item for item in stack.error_items() if item["message"] == {"S": "5"})
    expires = int(item["expiresAt"]["N"])
    assert expires == int((now - timedelta(minutes=5) + timedelta(days=90)).timestamp())


@pytest.mark.usefixtures("store")
def test_errors_of_a_day_share_a_partition_and_no_longer(stack: Stack) -> None:
    days = {item["pk"]["S"] for item in stack.error_items()}
    assert len(days) >= 3
    assert all(day.startswith("DAY#") for day in days)
