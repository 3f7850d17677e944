"""Separate accounts and Regions, and where the simulator reads them from."""

from __future__ import annotations

from http.server import HTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import pytest
from tests.simulator.clients import Drs, MakeClient, QuietHandler, server_id, serving

from drs_simulator.client import SimulatorControl
from drs_simulator.credentials import account_in
from drs_simulator.emulator.accounts import StsAccounts
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT

if TYPE_CHECKING:
    from collections.abc import Iterator

    import boto3

    from drs_simulator.clockwork.clock import ManualClock

OTHER = "222222222222"


def test_accounts_and_regions_are_kept_apart(
    control: SimulatorControl, make_client: MakeClient, clock: ManualClock
) -> None:
    sites = [("000000000000", "us-east-1"), (OTHER, "us-east-1"), (OTHER, "eu-west-1")]
    for account, region in sites:
        control.put_source_server(server_id(1), account=account, region=region, tags={"at": f"{account} {region}"})
    clients = [Drs(make_client(key=account, region=region), clock) for account, region in sites]
    job = clients[1].recover(server_id(1))
    assert job["arn"] == f"arn:aws:drs:us-east-1:{OTHER}:job/{job['jobID']}"
    assert [len(client.client.describe_jobs()["items"]) for client in clients] == [0, 1, 0]
    assert [len(client.instances()) for client in clients] == [0, 1, 0]
    tags = [client.client.describe_source_servers()["items"][0]["tags"]["at"] for client in clients]
    assert tags == ["000000000000 us-east-1", f"{OTHER} us-east-1", f"{OTHER} eu-west-1"]
    assert len(control.state()["sourceServers"]) == 3


def test_a_quota_counts_one_account_and_region(control: SimulatorControl, make_client: MakeClient) -> None:
    control.quotas(concurrentJobs=1)
    for account in ("000000000000", OTHER):
        control.put_source_server(server_id(1), account=account)
        requested = [{"sourceServerID": server_id(1)}]
        assert make_client(key=account).start_recovery(sourceServers=requested)["job"]["status"] == "PENDING"


def test_a_key_that_names_no_account_belongs_to_the_default_one(control: SimulatorControl, drs: Drs) -> None:
    control.put_source_server(server_id(1))
    [server] = drs.client.describe_source_servers()["items"]
    assert server["arn"] == f"arn:aws:drs:us-east-1:000000000000:source-server/{server_id(1)}"


@pytest.mark.parametrize(
    ("key", "account"),
    [
        ("222222222222", OTHER),
        # Keys in AWS's own form, the first from its documentation.
        ("ASIAQNZGKIQY56JQ7WML", "029608264753"),
        ("ASIATHPL2AOHCXNTHTFA", OTHER),
        # Sixteen hexadecimal digits are an emulator's random key, though some of them would decode.
        ("ASIA2222222222222222", None),
        ("ASIAABCDEFABCDEFABCD", None),
        ("AKIA0123456789012345", None),
        ("test", None),
    ],
)
def test_the_account_is_read_from_keys_that_encode_it(key: str, account: str | None) -> None:
    assert account_in(key) == account


class StsStub(HTTPServer):
    """Knows one assumed role's key, as an emulator does."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), StsStubHandler)
        self.asked: list[str] = []


class StsStubHandler(QuietHandler):
    server: StsStub

    def do_POST(self) -> None:  # noqa: N802 - http.server looks for this name
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(form["AccessKeyId"][0])
        known = form["AccessKeyId"][0] == "ASIA0000000000000001"
        answer = (
            f"<GetAccessKeyInfoResponse><GetAccessKeyInfoResult><Account>{OTHER}</Account></GetAccessKeyInfoResult>"
            "</GetAccessKeyInfoResponse>"
            if known
            else "<ErrorResponse><Error><Code>ValidationError</Code><Message>unknown</Message></Error></ErrorResponse>"
        )
        self.send_response(200 if known else 400)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())


@pytest.fixture
def sts() -> Iterator[StsStub]:
    with StsStub() as stub, serving(stub):
        yield stub


def test_an_sts_endpoint_is_asked_once_for_the_account_of_an_assumed_role(sts: StsStub) -> None:
    accounts = StsAccounts(f"http://127.0.0.1:{sts.server_port}")
    assert [accounts("ASIA0000000000000001") for _ in range(2)] == [OTHER, OTHER]
    assert accounts("test") is None
    assert sts.asked == ["ASIA0000000000000001"]
    accounts.close()


def test_a_key_that_the_sts_endpoint_does_not_know_is_asked_for_again(
    sts: StsStub, caplog: pytest.LogCaptureFixture
) -> None:
    accounts = StsAccounts(f"http://127.0.0.1:{sts.server_port}")
    assert [accounts("ASIA0000000000000002") for _ in range(2)] == [None, None]
    assert len(sts.asked) == 2
    assert "unknown" in caplog.text
    assert "ASIA0000000000000002" not in caplog.text
    accounts.close()


def test_a_call_of_an_assumed_role_belongs_to_the_account_that_sts_names(
    session: boto3.Session, clock: ManualClock
) -> None:
    with SimulatorServer(clock=clock, account_of={"ASIA0000000000000001": OTHER}.get, manners=STRICT) as server:
        SimulatorControl(server.url).put_source_server(server_id(1), account=OTHER)
        client = session.client(
            "drs",
            endpoint_url=server.url,
            region_name="us-east-1",
            aws_access_key_id="ASIA0000000000000001",
            aws_secret_access_key="test",
            aws_session_token="token",
        )
        assert len(client.describe_source_servers()["items"]) == 1
        client.close()
