"""What the Describe operations answer: filters, order, pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import Drs, server_id

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock

Servers = tuple[str, str, str]


def ids(items: list[Any], name: str) -> list[str]:
    return [item[name] for item in items]


def test_pages_of_source_servers_hold_every_server_once(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    servers = fill(120)
    paginator = drs.client.get_paginator("describe_source_servers")
    by_default = [ids(page["items"], "sourceServerID") for page in paginator.paginate()]
    assert [len(page) for page in by_default] == [50, 50, 20]
    assert [server for page in by_default for server in page] == servers
    by_seven = [page["items"] for page in paginator.paginate(PaginationConfig={"PageSize": 7})]
    assert [len(page) for page in by_seven] == [7] * 17 + [1]


def test_a_full_last_page_has_no_token(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    fill(4)
    first = drs.client.describe_source_servers(maxResults=2)
    second = drs.client.describe_source_servers(maxResults=2, nextToken=first["nextToken"])
    assert len(second["items"]) == 2
    assert "nextToken" not in second


def test_a_page_is_at_most_a_thousand(drs: Drs, fill: Callable[[int], list[str]]) -> None:
    fill(1001)
    assert len(drs.client.describe_source_servers(maxResults=5000)["items"]) == 1000


def test_jobs_come_latest_first_and_new_ones_do_not_shift_the_pages(
    drs: Drs, clock: ManualClock, fill: Callable[[int], list[str]]
) -> None:
    servers = fill(6)
    jobs = []
    for server in servers[:5]:
        jobs.append(drs.start(server))
        clock.advance(1)
    first = drs.client.describe_jobs(maxResults=2)
    drs.start(servers[5])
    second = drs.client.describe_jobs(maxResults=2, nextToken=first["nextToken"])
    third = drs.client.describe_jobs(maxResults=2, nextToken=second["nextToken"])
    seen = [job for page in (first, second, third) for job in ids(page["items"], "jobID")]
    assert seen == jobs[::-1]


def test_jobs_are_filtered_by_id_and_date(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    jobs = []
    for server in three_servers:
        jobs.append(drs.start(server))
        clock.advance(60)

    def found(**filters: Any) -> list[str]:
        return ids(drs.client.describe_jobs(filters=filters)["items"], "jobID")

    unknown = "drsjob-00000000000000000"
    assert found(jobIDs=[jobs[0], unknown]) == [jobs[0]]
    assert found(jobIDs=[]) == jobs[::-1]
    assert found(fromDate="2026-03-01T12:01:00Z") == [jobs[2], jobs[1]]
    assert found(toDate="2026-03-01T12:01:00.000Z") == [jobs[1], jobs[0]]
    assert found(jobIDs=[jobs[0]], fromDate="2026-03-01T12:00:30Z") == []


def test_job_log_items_come_in_pages(drs: Drs, three_servers: Servers) -> None:
    job = drs.recover(*three_servers)
    paginator = drs.client.get_paginator("describe_job_log_items")
    pages = [
        ids(page["items"], "event")
        for page in paginator.paginate(jobID=job["jobID"], PaginationConfig={"PageSize": 10})
    ]
    assert [len(page) for page in pages] == [10, 10]
    assert (pages[0][0], pages[1][-1]) == ("JOB_START", "JOB_END")


def test_source_servers_are_filtered(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    control.put_source_server(three_servers[1], hostname="db-1")

    def found(**filters: Any) -> list[str]:
        return ids(drs.client.describe_source_servers(filters=filters)["items"], "sourceServerID")

    assert found(sourceServerIDs=[three_servers[2], server_id(9)]) == [three_servers[2]]
    assert found(sourceServerIDs=[]) == list(three_servers)
    assert found(hardwareId="db-1") == [three_servers[1]]
    assert found(stagingAccountIDs=["000000000000"]) == list(three_servers)
    assert found(stagingAccountIDs=["111111111111"]) == []


def test_recovery_instances_are_filtered_and_come_in_pages(drs: Drs, three_servers: Servers) -> None:
    drs.recover(*three_servers)
    everything = drs.instances()
    assert len(everything) == 3
    one = everything[1]
    assert drs.instances(recoveryInstanceIDs=[one["recoveryInstanceID"]]) == [one]
    assert drs.instances(sourceServerIDs=[one["sourceServerID"]]) == [one]
    paginator = drs.client.get_paginator("describe_recovery_instances")
    pages = [page["items"] for page in paginator.paginate(PaginationConfig={"PageSize": 2})]
    assert [len(page) for page in pages] == [2, 1]


def test_replication_tells_the_lag(drs: Drs, control: SimulatorControl, three_servers: Servers) -> None:
    current, lagging, syncing = three_servers
    control.put_source_server(lagging, lagSeconds=5400)
    control.put_source_server(syncing, recoverable=False)
    items = drs.client.describe_source_servers()["items"]
    replication = {item["sourceServerID"]: item["dataReplicationInfo"] for item in items}
    assert replication == {
        current: {"dataReplicationState": "CONTINUOUS", "lagDuration": "PT0S"},
        lagging: {"dataReplicationState": "BACKLOG", "lagDuration": "PT5400S"},
        syncing: {"dataReplicationState": "INITIAL_SYNC"},
    }


def test_recovery_snapshots_follow_the_point_in_time_policy(drs: Drs, three_servers: Servers) -> None:
    def times(**more: Any) -> list[str]:
        pages = drs.client.get_paginator("describe_recovery_snapshots").paginate(
            sourceServerID=three_servers[0], PaginationConfig={"PageSize": 5}, **more
        )
        return ids([item for page in pages for item in page["items"]], "timestamp")

    newest_first = times()
    assert newest_first[:8] == [
        "2026-03-01T12:00:00.000Z",
        "2026-03-01T11:50:00.000Z",
        "2026-03-01T11:40:00.000Z",
        "2026-03-01T11:30:00.000Z",
        "2026-03-01T11:20:00.000Z",
        "2026-03-01T11:10:00.000Z",
        "2026-03-01T11:00:00.000Z",
        "2026-03-01T10:00:00.000Z",
    ]
    assert newest_first[-1] == "2026-02-23T00:00:00.000Z"
    assert times(order="ASC") == newest_first[::-1]
    window = {"fromDateTime": "2026-03-01T11:15:00Z", "toDateTime": "2026-03-01T11:45:00Z"}
    assert times(filters=window) == newest_first[2:5]


def test_the_snapshots_of_a_lagging_server_are_older_and_a_syncing_one_has_none(
    drs: Drs, control: SimulatorControl, three_servers: Servers
) -> None:
    control.put_source_server(three_servers[0], lagSeconds=1800)
    control.put_source_server(three_servers[1], recoverable=False)
    lagging = drs.client.describe_recovery_snapshots(sourceServerID=three_servers[0])["items"]
    assert lagging[0]["timestamp"] == "2026-03-01T11:30:00.000Z"
    assert drs.client.describe_recovery_snapshots(sourceServerID=three_servers[1])["items"] == []


def test_a_snapshot_keeps_its_id_while_time_goes_on(drs: Drs, clock: ManualClock, three_servers: Servers) -> None:
    before = drs.client.describe_recovery_snapshots(sourceServerID=three_servers[0])["items"]
    clock.advance(600)
    after = drs.client.describe_recovery_snapshots(sourceServerID=three_servers[0])["items"]
    assert after[1:3] == before[:2]


@pytest.mark.parametrize("token", ["nonsense", "e30=", "eyJhZnRlciI6IDF9"])
def test_a_token_that_nobody_gave_is_refused(drs: Drs, token: str, three_servers: Servers) -> None:
    assert three_servers
    with pytest.raises(ClientError) as caught:
        drs.client.describe_source_servers(nextToken=token)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    response: Any = caught.value.response
    assert response["fieldList"][0]["name"] == "nextToken"
