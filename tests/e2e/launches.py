"""Launches whose record was lost: what the simulator knows of them, and what the product must make of it."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.local_stack.product import chain, launch_jobs, until

if TYPE_CHECKING:
    from tools.local_stack.product import Product


def assert_recovered_once(product: Product, execution_id: str, servers: list[str], within: float = 30) -> None:
    """Wait for the end: everything is recovered, by the very jobs that are recorded, each server by one."""
    after = product.ended(execution_id, within)
    assert after["status"] == "COMPLETED", after
    jobs = launch_jobs(product, servers)
    assert [len(some) for some in jobs] == [1] * len(servers), (jobs, after)
    recorded = [set(wave["jobIds"]) for wave in after["waves"]]
    launching = iter(jobs)
    made = [{job for _ in wave["servers"] for job in next(launching)} for wave in after["waves"]]
    assert recorded == made, (recorded, made)


@dataclass(frozen=True)
class KilledLaunch:
    """An execution whose function was killed after its StartRecovery call and before it wrote the job down."""

    execution_id: str
    servers: list[str]

    def jobs(self, product: Product) -> list[str]:
        """Name the launch jobs of its servers."""
        return sorted({job_id for some in launch_jobs(product, self.servers) for job_id in some})


def kill_a_launch(product: Product) -> KilledLaunch:
    """Start an execution and kill its StartWave function while the answer of StartRecovery is under way."""
    product.quiet()
    servers = product.servers(3, launchSeconds=40)
    plan_id = product.plan(*chain(servers))
    product.control.fault("StartRecovery", when="after", delaySeconds=4)
    execution_id = product.start(plan_id)
    until(lambda: launch_jobs(product, servers)[0], bool, within=10)
    killed = workers(product, "StartWaveFunction")
    assert killed
    for worker in killed:
        os.kill(worker, signal.SIGKILL)
    return KilledLaunch(execution_id, servers)


def workers(product: Product, logical_id: str) -> list[int]:
    """Find the worker processes that this very stack runs a function in."""
    folder = str(product.scratch() / f"ministack-lambda-{product.function(logical_id)}")
    return [
        int(process.name)
        for process in Path("/proc").iterdir()
        if process.name.isdecimal() and any(part.startswith(folder) for part in _command(process))
    ]


def _command(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
