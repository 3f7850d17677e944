"""``python -m drs_simulator``: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import errno
import logging
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, NoReturn

from drs_simulator.clockwork.timing import Timing
from drs_simulator.emulator.accounts import StsAccounts
from drs_simulator.emulator.cloudwatch_logs import LogForwarder
from drs_simulator.emulator.event_bridge import DEFAULT_BUS, DEFAULT_SOURCE, EventForwarder
from drs_simulator.http.server import LOOPBACK, SimulatorServer
from drs_simulator.manners import SEED_BITS, Manners
from drs_simulator.ssm.settings import RunCommand

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_PORT = 4567
EXIT_CONFIGURATION = 3
_LAST_PORT = 65_535


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit code: 0, or 3 when the configuration or the port is no good."""
    try:
        options = _parser().parse_args(arguments)
        timing = Timing(scale=options.time_scale, job_end_seconds=options.job_end_seconds)
    except (argparse.ArgumentError, ValueError) as error:
        return _refuse(str(error))
    logging.basicConfig(level=options.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    with ExitStack() as stack:
        listener = accounts = output_listener = None
        if options.events_endpoint:
            listener = EventForwarder(options.events_endpoint, source=options.event_source, bus=options.event_bus)
            stack.callback(listener.close)
        if options.sts_endpoint:
            accounts = StsAccounts(options.sts_endpoint)
            stack.callback(accounts.close)
        if options.logs_endpoint:
            output_listener = LogForwarder(options.logs_endpoint)
            stack.callback(output_listener.close)
        try:
            server = SimulatorServer(
                port=options.port,
                timing=timing,
                listener=listener,
                account_of=accounts,
                run_command=RunCommand(options.instances_dir, output_listener),
                manners=_manners(options.manners, options.manners_seed),
            )
        except ValueError as error:
            return _refuse(str(error))
        except OSError as error:
            what = "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            return _refuse(f"port {options.port} of {LOOPBACK} {what}")
        stopping = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        with server:
            print(f"DRS simulator at {server.url}", flush=True)  # noqa: T201 - its only output, for whoever waits
            stopping.wait()
    return 0


def _refuse(message: str) -> int:
    sys.stderr.write(f"drs-simulator: {message}\n")
    return EXIT_CONFIGURATION


class _Parser(argparse.ArgumentParser):
    """Raises for a wrong argument instead of exiting with 2, which means a partial success in this product."""

    def error(self, message: str) -> NoReturn:
        raise argparse.ArgumentError(None, message)


def _manners(kind: str, seed: int | None) -> Manners:
    seeded = {} if seed is None else {"seed": seed}
    return Manners(strict=True, **seeded) if kind == "strict" else Manners(**seeded)


def _seed(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**SEED_BITS:
        raise ValueError(text)
    return number


def _port(text: str) -> int:
    number = int(text)
    if not 0 <= number <= _LAST_PORT:
        raise ValueError(text)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="drs-simulator", description="AWS Elastic Disaster Recovery and SSM Run Command, over HTTP.")
    env = os.environ
    parser.add_argument("--port", type=_port, default=env.get("WAVEBREAK_SIMULATOR_PORT", DEFAULT_PORT))
    parser.add_argument(
        "--time-scale",
        type=float,
        default=env.get("WAVEBREAK_TIME_SCALE", 1.0),
        help="1 is real time, 0.1 makes a minute 6 s (WAVEBREAK_TIME_SCALE)",
    )
    parser.add_argument(
        "--job-end-seconds",
        type=float,
        default=Timing.job_end_seconds,
        help="how long after its last server a job ends, before scaling",
    )
    parser.add_argument("--events-endpoint", metavar="URL", help="EventBridge endpoint that launch events are put on")
    parser.add_argument("--event-source", default=DEFAULT_SOURCE)
    parser.add_argument("--event-bus", default=DEFAULT_BUS)
    parser.add_argument("--logs-endpoint", metavar="URL", help="CloudWatch Logs that the output of commands is put on")
    parser.add_argument(
        "--instances-dir",
        metavar="DIRECTORY",
        type=Path,
        help="where the directories of the recovery instances are made, and removed at the end",
    )
    parser.add_argument("--sts-endpoint", metavar="URL", help="STS emulator that knows the accounts of assumed roles")
    parser.add_argument(
        "--manners",
        default="default",
        choices=["default", "strict"],
        help="default promises no more than the services do, strict shows everything at once, whole and in order",
    )
    parser.add_argument(
        "--manners-seed",
        type=_seed,
        default=env.get("WAVEBREAK_SEED") or None,
        metavar="NUMBER",
        help="repeats manners; else one is drawn (WAVEBREAK_SEED)",
    )
    parser.add_argument("--log-level", default="WARNING", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser


if __name__ == "__main__":
    sys.exit(main())
