"""A page that is built, a fake API and a console between them, for all tests of the console."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.console_process import Served, running
from tests.cli.fake_api import FakeApi, serving

ROUTES = [
    {"method": "GET", "path": "/plans"},
    {"method": "PUT", "path": "/plans/{planId}"},
    {"method": "GET", "path": "/plans/{planId}"},
    {"method": "POST", "path": "/executions/{executionId}/cancel"},
    {"method": "GET", "path": "/executions/{executionId}/report"},
    {"method": "GET", "path": "/executions/{executionId}/events"},
]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page of three files."""
    built = tmp_path_factory.mktemp("built") / "page"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<!doctype html><title>page</title>")
    (built / "assets" / "index.js").write_text("console.log(1)")
    (built / "routes.json").write_text(json.dumps(ROUTES))
    return built


@pytest.fixture(scope="module")
def shared_api() -> Iterator[FakeApi]:
    """One fake API for all tests that a console outlives."""
    with serving(FakeApi()) as api:
        yield api


@pytest.fixture
def api(shared_api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> FakeApi:
    """The fake API, which knows nothing and was asked nothing."""
    for kept in (shared_api.answers, shared_api.listed, shared_api.faults, shared_api.requests):
        kept.clear()
    shared_api.page, shared_api.delay = 1000, 0
    monkeypatch.setenv("WAVEBREAK_API_URL", shared_api.url)
    return shared_api


@pytest.fixture(scope="module")
def shared_console(page: Path, shared_api: FakeApi) -> Iterator[Served]:
    """One console for all tests that it outlives."""
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "eu-central-1"}
    with running(page, WAVEBREAK_API_URL=shared_api.url, **keys) as console:
        console.enter()
        yield console


@pytest.fixture
def served(shared_console: Served, api: FakeApi) -> Served:  # noqa: ARG001 - which is cleared
    """A console of the fake API, without the cookie."""
    return Served(shared_console.process, shared_console.address)


@pytest.fixture
def inside(served: Served, shared_console: Served) -> Served:
    """The same, with the cookie."""
    served.cookie = shared_console.cookie
    return served
