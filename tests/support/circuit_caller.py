"""A function's process that calls DRS through its circuit as it is told on standard input; run by test_circuits.

`ok` and `fail` are calls that end so, `slow` one that takes half a second, `die` one in which the process is killed.
Answers what became of the call, and whether it was made.
"""

from __future__ import annotations

import os
import sys
import time

from botocore.exceptions import EndpointConnectionError

from wavebreak.aws.circuits import guarded
from wavebreak.problems import CircuitOpen


def _work(order: str) -> str:
    if order == "fail":
        raise EndpointConnectionError(endpoint_url="https://drs")
    if order == "slow":
        time.sleep(0.5)
    if order == "die":
        os._exit(9)
    return "called"


def main() -> None:
    """Call once for each line, until there are no more."""
    circuit = guarded("drs")
    for line in sys.stdin:
        order = line.strip()
        try:
            print(circuit.call(lambda order=order: _work(order)), flush=True)  # type: ignore[misc]  # noqa: T201  mypy infers no default; the answer
        except CircuitOpen:
            print("open", flush=True)  # noqa: T201
        except EndpointConnectionError:
            print("failed", flush=True)  # noqa: T201


main()
