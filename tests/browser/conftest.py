import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from tests.browser.relay import Relay
from tests.browser.window import Entrance, Window
from tests.cli.console_process import ROOT
from tests.cli.fake_api import FakeApi, serving
from tests.support.manners import seed
from tools.browser.chromium import NoChromiumError, chromium
from tools.local_stack.product import Product
from tools.local_stack.stack import LocalStack, Ports

from wavebreak_cli.commands.console import BUILT

Open = Callable[..., Window]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium; without one the tests fail, and say what helps."""
    assert (BUILT / "index.html").is_file(), "the page is not built: make browser"
    try:
        path = chromium()
    except NoChromiumError as error:
        pytest.fail(str(error))
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=path)
        yield found
        found.close()


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One local stack for all tests of this folder: each uses servers and plans of its own."""
    stack = LocalStack(tmp_path_factory.mktemp("stack"), Ports.free(), 0.1, seed=seed())
    try:
        product = Product(stack, stack.start())
        yield product
        product.close()
    finally:
        stack.stop()


def serve(api_url: str, directory: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start the console of an API, as an operator does."""
    command = [sys.executable, "-m", "wavebreak_cli", *arguments, "console", "--no-browser", "--json"]
    given = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WAVEBREAK_"))},
        "PYTHONPATH": f"{ROOT / 'cli'}:{ROOT / 'lambda'}",
        "WAVEBREAK_API_URL": api_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        **environment,
    }
    return subprocess.Popen(  # noqa: S603 - our own program
        command, env=given, cwd=directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def end(process: subprocess.Popen[str]) -> None:
    """End a console."""
    process.kill()
    process.communicate(timeout=10)


@pytest.fixture(scope="session")
def relay(product: Product) -> Iterator[Relay]:
    """The way from the console to the API."""
    relay = Relay(product.stack.ports.emulator)
    yield relay
    relay.close()


@pytest.fixture(scope="session")
def entrance(product: Product, relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """A console of the local stack."""
    url = str(product.description["apiUrl"]).replace(f":{product.stack.ports.emulator}", f":{relay.port}", 1)
    process = serve(url, tmp_path_factory.mktemp("console"))
    try:
        yield Entrance.of(process)
    finally:
        end(process)


@pytest.fixture
def opened(browser: Browser, entrance: Entrance) -> Iterator[Open]:
    """Open windows of the local stack's console; each is closed, and judged, at the end."""
    with ExitStack() as windows:

        def open_window(**settings: object) -> Window:
            window = Window.opened(browser, entrance, **settings)
            windows.callback(window.close)
            return window

        yield open_window


@pytest.fixture
def window(opened: Open) -> Window:
    """One window of the local stack's console."""
    return opened()


@pytest.fixture(scope="session")
def shared_fake() -> Iterator[FakeApi]:
    """An API that says what a test has it say, for what no local stack can be brought to."""
    with serving(FakeApi()) as api:
        yield api


@pytest.fixture(scope="session")
def fake_entrance(shared_fake: FakeApi, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Entrance]:
    """A console of the fake API."""
    process = serve(shared_fake.url, tmp_path_factory.mktemp("fake"))
    try:
        yield Entrance.of(process)
    finally:
        end(process)


@pytest.fixture
def fake(shared_fake: FakeApi) -> FakeApi:
    """The fake API, which knows nothing."""
    shared_fake.answers.clear()
    shared_fake.listed.clear()
    shared_fake.faults.clear()
    shared_fake.delay = 0
    shared_fake.readings.clear()
    shared_fake.requests.clear()
    shared_fake.runs.clear()
    shared_fake.lines.clear()
    shared_fake.results.clear()
    return shared_fake


@pytest.fixture
def faked(browser: Browser, fake: FakeApi, fake_entrance: Entrance) -> Iterator[Open]:
    """Open windows of the fake API's console."""
    assert fake.requests == []
    with ExitStack() as windows:

        def open_window(**settings: object) -> Window:
            window = Window.opened(browser, fake_entrance, **settings)
            windows.callback(window.close)
            return window

        yield open_window
