"""The console as a process: its credentials and clock, its port, its end."""

import asyncio
import http.client
import json
import re
import signal
import socket
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest
from tests.cli.console_process import Served, refused, running
from tests.cli.fake_api import DRILL, FakeApi, Fault, problem
from tests.support.eventually import eventually

from wavebreak_cli.client.endpoint import Endpoint, StaticKeys
from wavebreak_cli.client.request import CALL_SECONDS, READ_SECONDS
from wavebreak_cli.commands import console
from wavebreak_cli.console.forwarding import Forwarder
from wavebreak_cli.console.signer import Signer


def credentials(name: str, minutes: float) -> str:
    expires = (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()
    given = {"Version": 1, "AccessKeyId": name, "SecretAccessKey": "x", "SessionToken": "t", "Expiration": expires}
    return json.dumps(given)


def test_credentials_say_when_they_expire_and_new_ones_are_taken_up(page: Path, api: FakeApi, tmp_path: Path) -> None:
    kept = tmp_path / "keys.json"
    kept.write_text(credentials("OLD", -5))
    config = tmp_path / "config"
    config.write_text(f"[profile ops]\nregion = eu-central-1\ncredential_process = cat {kept}\n")
    api.answers["GET", "/plans"] = (200, {"items": [], "nextToken": None})
    with running(
        page, "--profile", "ops", AWS_CONFIG_FILE=str(config), AWS_ACCESS_KEY_ID="", AWS_SECRET_ACCESS_KEY=""
    ) as served:
        served.enter()
        answer = served.ask("GET", "/api/plans")
        assert (answer.status, answer.json["code"]) == (HTTPStatus.BAD_GATEWAY, "CREDENTIALS")
        assert "expired" in served.ask("GET", "/local/session").json["credentials"]["problem"]
        assert api.requests == []
        kept.write_text(credentials("NEW", 60))
        assert served.ask("GET", "/api/plans").status == HTTPStatus.OK
        assert "Credential=NEW/" in api.requests[-1].headers["authorization"]
        session = served.ask("GET", "/local/session").json["credentials"]
        assert session["problem"] is None
        assert datetime.fromisoformat(session["expiresAt"]) > datetime.now(UTC) + timedelta(minutes=50)


def test_keys_that_aws_no_longer_takes_are_looked_for_anew(page: Path, api: FakeApi, tmp_path: Path) -> None:
    """Keys that do not say when they expire: AWS says it."""
    kept = tmp_path / "credentials"
    kept.write_text("[ops]\naws_access_key_id = OLD\naws_secret_access_key = x\n")
    refusal = Fault(
        403, problem(403, "FORBIDDEN", "Forbidden", "The security token included in the request is expired")
    )
    api.answers["GET", "/plans"] = (200, {"items": [], "nextToken": None})
    given = {"AWS_SHARED_CREDENTIALS_FILE": str(kept), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    with running(page, "--profile", "ops", **given) as served:
        served.enter()
        api.faults = [refusal]
        answer = served.ask("GET", "/api/plans")
        assert (answer.status, answer.json["code"]) == (HTTPStatus.FORBIDDEN, "FORBIDDEN")
        assert "expired" in served.ask("GET", "/local/session").json["credentials"]["problem"]
        kept.write_text("[ops]\naws_access_key_id = NEW\naws_secret_access_key = x\n")
        time.sleep(2.1)
        api.faults = [refusal]
        assert served.ask("GET", "/api/plans").status == HTTPStatus.OK
        assert "Credential=NEW/" in api.requests[-1].headers["authorization"]
        assert served.ask("GET", "/local/session").json["credentials"]["problem"] is None


def test_a_clock_that_is_off_is_named_and_the_credentials_are_not_blamed(inside: Served, api: FakeApi) -> None:
    theirs = {"Date": format_datetime(datetime.now(UTC) + timedelta(minutes=20), usegmt=True)}
    expired = "Signature expired: 20261121T120000Z is now earlier"
    for refusal in (problem(403, "FORBIDDEN", "Forbidden", expired), {"message": expired}):
        api.faults = [Fault(403, refusal, theirs)] * 2
        answer = inside.ask("GET", "/api/plans")
        assert answer.status == HTTPStatus.FORBIDDEN
        assert re.fullmatch(rf"{expired}; this machine's clock is (19|20)m.* behind: set it.*", answer.json["detail"])
        assert inside.ask("GET", "/local/session").json["credentials"]["problem"] is None


@pytest.mark.parametrize(
    ("method", "path", "seconds"),
    [
        ("GET", "/plans", READ_SECONDS),
        ("GET", f"/executions/{DRILL}/report", CALL_SECONDS),
        ("POST", "/drills", CALL_SECONDS),
        ("PUT", "/plans/shop", CALL_SECONDS),
    ],
)
def test_an_answer_is_waited_for_as_long_as_the_command_line_waits(
    monkeypatch: pytest.MonkeyPatch, method: str, path: str, seconds: float
) -> None:
    sent: list[httpx.Request] = []

    async def send(_client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200)

    monkeypatch.setattr(httpx.AsyncClient, "send", send)
    endpoint = Endpoint("http://127.0.0.1:1/v1", "eu-central-1", StaticKeys("A", "x"), None)
    asyncio.run(Forwarder(endpoint, Signer(endpoint)).call(method, path, "", {}, b""))
    assert [request.extensions["timeout"]["read"] for request in sent] == [seconds]


@pytest.mark.parametrize(("pressed", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_it_at_once_without_noise(page: Path, api: FakeApi, pressed: signal.Signals, code: int) -> None:
    assert api.requests == []
    with running(page) as served:
        served.enter()
        held = closing(http.client.HTTPConnection(served.host))
        asking = closing(http.client.HTTPConnection(served.host))  # a call whose answer takes its time
        with held as idle, asking as waiting:
            idle.request("GET", "/", headers={"cookie": served.cookie})
            idle.getresponse().read()
            api.delay = 30
            waiting.request("GET", "/api/plans", headers={"cookie": served.cookie})
            eventually(lambda: api.requests, complaint="the call never reached the API")
            served.process.send_signal(pressed)
            assert served.process.wait(4) == code
        assert served.process.stderr is not None
        noise = served.process.stderr.read()
    assert re.sub(r"The page of \S+ is open to whoever has this address. Ctrl-C ends it.\n", "", noise) == ""


def test_it_listens_on_the_loopback_interface_alone(served: Served) -> None:
    listening = Path(f"/proc/{served.process.pid}/net/tcp")
    if not listening.exists():
        pytest.skip("sockets are found in /proc")
    port = int(served.host.partition(":")[2])
    rows = [line.split() for line in listening.read_text().splitlines()[1:]]
    assert [row[1] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")] == [f"0100007F:{port:04X}"]


@pytest.mark.usefixtures("api")
def test_a_page_that_is_not_built_or_a_port_that_is_taken_is_told(tmp_path: Path, page: Path) -> None:
    missing = refused(tmp_path / "missing")
    assert (missing.returncode, "make console" in missing.stderr) == (3, True)
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = str(holder.getsockname()[1])
        taken = refused(page, "--port", port)
    assert (taken.returncode, f"port {port}" in taken.stderr) == (3, True)


@pytest.mark.usefixtures("api")
def test_without_the_extra_it_says_what_to_install(page: Path) -> None:
    done = refused(page, before="import sys\nsys.modules['uvicorn'] = None\n")
    assert (done.returncode, "wavebreak[console]" in done.stderr) == (3, True)
    assert console.BUILT.parts[-3:] == ("wavebreak_cli", "console", "built-page")
