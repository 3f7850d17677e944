"""An execution's entity tag (RFC 9110, 8.8 and 13.1.2)."""

from typing import Any

import pytest

from wavebreak.api.etag import execution_tag, is_unchanged

WAVE = {"name": "database", "durationSeconds": 38, "servers": [{"launchStatus": "IN_PROGRESS"}]}
SHOWN: dict[str, Any] = {
    "executionId": "drill-1",
    "version": 12,
    "durationSeconds": 38,
    "lastSeenAt": "2026-11-21T12:00:38.000Z",
    "waves": [WAVE],
}
TAG = execution_tag(SHOWN)


def test_a_tag_is_weak_and_names_the_version() -> None:
    assert TAG.startswith('W/"12-')
    assert TAG.endswith('"')


def test_passing_seconds_change_no_tag() -> None:
    later = {**SHOWN, "durationSeconds": 39, "waves": [{**WAVE, "durationSeconds": 39}]}

    assert execution_tag(later) == TAG


@pytest.mark.parametrize(
    "change",
    [
        {"version": 13},
        {"lastSeenAt": "2026-11-21T12:00:53.000Z"},
        {"actions": ["cancel"]},
        {"waves": [{**WAVE, "servers": [{"launchStatus": "LAUNCHED"}]}]},
    ],
    ids=str,
)
def test_everything_else_changes_the_tag(change: dict[str, object]) -> None:
    assert execution_tag({**SHOWN, **change}) != TAG


@pytest.mark.parametrize("given", [TAG, TAG.removeprefix("W/"), "*", f'"other", {TAG}', f' W/"1" ,{TAG} '])
def test_a_tag_is_known_by_weak_comparison(given: str) -> None:
    assert is_unchanged(TAG, given)


@pytest.mark.parametrize("given", [None, "", '"other"', "12", TAG.strip('W/"'), f"{TAG[:-1]}x"])
def test_any_other_tag_is_not_known(given: str | None) -> None:
    assert not is_unchanged(TAG, given)
