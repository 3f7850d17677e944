"""The product deployed into this process, fresh for every test; no address but loopback is ever reached."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest
from tests.support import called_operations as called
from tests.support.blueprint import REGION, Blueprint
from tests.support.circuit_clock import forget_streaks
from tests.support.clock import TIME_SCALE, JumpingClock, QuickTiming
from tests.support.commands import Commands
from tests.support.emulation import BRIEF_SECONDS, POLL_SECONDS, emulated_aws
from tests.support.manners import manners
from tests.support.own_requests import keep_requests_apart
from tests.support.stack import Stack
from tools.rights import record

from drs_simulator.http.server import SimulatorServer
from drs_simulator.ssm.settings import RunCommand
from wavebreak import app as composition
from wavebreak import settings
from wavebreak.resilience import retries

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

HERE = "tests/integration"
_PATIENCE_SECONDS = 30
_ENVIRONMENT = {
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
}


@contextmanager
def deployed() -> Iterator[Stack]:
    """Deploy the product, and see that it leaves no thread behind and never scanned a table."""
    clock = JumpingClock()
    quotas: dict[str, int] = {}
    intervals = {"PollSeconds": str(POLL_SECONDS), "BriefSeconds": str(BRIEF_SECONDS)}
    stack = Stack(Blueprint({**intervals, "TimeScale": f"{TIME_SCALE:g}"}), clock, quotas)
    threads = set(threading.enumerate())
    with (
        pytest.MonkeyPatch.context() as patches,
        TemporaryDirectory() as instances,
        SimulatorServer(
            clock=clock,
            timing=QuickTiming(),
            listener=stack.launched,
            run_command=RunCommand(Path(instances), stack.printed),
            manners=manners(),
        ) as simulator,
        emulated_aws(stack.invoke, quotas, stack.table_actions, stack.drop),
    ):
        simulated = {f"AWS_ENDPOINT_URL_{service}": simulator.url for service in ("DRS", "EC2", "SSM")}
        for name, value in {**_ENVIRONMENT, **simulated}.items():
            patches.setenv(name, value)
        _install(stack, patches)
        stack.deploy(simulator.url)
        yield stack
        stack.tear_down()
    _forget()
    assert not stack.failures
    assert not stack.dropped
    called.check_recorded_calls()
    assert "Scan" not in stack.table_actions
    assert not _left_behind(threads)


def _left_behind(before: set[threading.Thread]) -> list[str]:
    """Name the threads that do not end: a question that was given up goes on until its call fails or returns."""
    left = [thread for thread in set(threading.enumerate()) - before if thread.is_alive()]
    deadline = time.monotonic() + _PATIENCE_SECONDS
    for thread in left:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in left if thread.is_alive()]


@pytest.fixture
def stack() -> Iterator[Stack]:
    with deployed() as fresh:
        yield fresh


@pytest.fixture(scope="module")
def shared_stack() -> Iterator[Stack]:
    """One stack for all tests of a module, which leave nothing in it."""
    with deployed() as fresh:
        yield fresh


@pytest.fixture
def commands(stack: Stack) -> Commands:
    return Commands(stack)


@pytest.fixture
def clock(stack: Stack) -> JumpingClock:
    return stack.clock


def _install(stack: Stack, patches: pytest.MonkeyPatch) -> None:
    """Have every module find app and settings of the function that it runs as."""
    _forget()
    keep_requests_apart(patches)
    patches.setattr(composition, "utc_now", stack.clock.now)
    patches.setattr(composition, "composed", stack.current_app)
    patches.setattr(settings, "of_environment", stack.current_settings)
    patches.setattr(retries, "sleep", lambda _seconds: None)


def _forget() -> None:
    """Have everything made anew that the product keeps for the life of an execution environment."""
    forget_streaks()
    for module in [module for name, module in sys.modules.items() if name.startswith("wavebreak.")]:
        for kept in list(vars(module).values()):
            if getattr(kept, "__module__", None) == module.__name__ and hasattr(kept, "cache_clear"):
                kept.cache_clear()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: pytest.Session) -> None:
    """Take what was called in another process, as pytest-xdist ends it."""
    written = getattr(node, "workeroutput", {}).get("calls")
    if written:
        called.LEDGER.take(record.loads(written))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the record of calls anew, if that was asked for, from what a run of all these tests called."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["calls"] = called.dumped()
    elif _is_complete(session) and called.is_recording():
        record.write(called.LEDGER.made)


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    """Name the calls of the record that no test made: some depend on the moment, so that this alone fails no run."""
    session = terminalreporter._session
    if session and not hasattr(config, "workeroutput") and _is_complete(session) and not called.is_recording():
        unmade = called.LEDGER.unmade()
        if unmade:
            called.tell(terminalreporter, unmade)


def _is_complete(session: pytest.Session) -> bool:
    """Tell whether all of these tests ran, and passed."""
    chosen = session.config.option
    narrowed = chosen.keyword or chosen.markexpr or getattr(chosen, "lf", False) or chosen.deselect
    asked = [argument.rstrip("/") for argument in session.config.args]
    return HERE in asked and not narrowed and session.testsfailed == 0 and not session.shouldstop
