"""What the tests of manners share: seeds, servers, and what was true at each moment of a history."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from tests.simulator.clients import Drs, server_id

if TYPE_CHECKING:
    from drs_simulator.client import SimulatorControl
    from drs_simulator.clockwork.clock import ManualClock

SEEDS = range(25)
DELAY = 10
SERVERS = [server_id(number) for number in range(1, 6)]


class Fresh(Protocol):
    """Begin anew under a seed, with all servers."""

    def __call__(self, seed: int, **manners: Any) -> None: ...


class History:
    """What was true at each tick, as far as reads may show it."""

    def __init__(self, control: SimulatorControl, drs: Drs, clock: ManualClock) -> None:
        self.control, self.drs, self.clock = control, drs, clock
        self.past: list[tuple[float, dict[str, dict[str, Any]]]] = []
        self.time = 0.0

    def tick(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.time += seconds
        self.remember()

    def remember(self) -> None:
        state = self.control.state()
        things = {each["jobID"]: each for each in state["jobs"]}
        things |= {each["recoveryInstanceID"]: each for each in state["recoveryInstances"]}
        things |= {each["sourceServerID"]: each for each in state["sourceServers"]}
        self.past.append((self.time, things))

    def was(self, identifier: str) -> list[dict[str, Any]]:
        """Give all that was true of a thing within the last seconds that a read may be late."""
        begin = max((index for index, (at, _) in enumerate(self.past) if at <= self.time - DELAY), default=0)
        return [things[identifier] for _, things in self.past[begin:] if identifier in things]

    def check_job(self, seen: dict[str, Any]) -> None:
        true = self.was(seen["jobID"])
        statuses = [{p["sourceServerID"]: p["launchStatus"] for p in each["participatingServers"]} for each in true]
        assert seen["status"] in {each["status"] for each in true}
        assert {p["sourceServerID"]: p["launchStatus"] for p in seen["participatingServers"]} in statuses
        assert seen["tags"] in [{}, *(each["tags"] for each in true)]
        for part in seen["participatingServers"]:
            named = {p["sourceServerID"]: p.get("recoveryInstanceID") for p in true[-1]["participatingServers"]}
            assert part.get("recoveryInstanceID") in {None, named[part["sourceServerID"]]}

    def check_instance(self, seen: dict[str, Any]) -> None:
        true = self.was(seen["recoveryInstanceID"])
        assert seen["sourceServerID"] == true[-1]["sourceServerID"]
        assert seen["jobID"] == true[-1]["jobID"]
        # EC2 answers for itself: it may not show an instance yet, or have it ended while DRS still lists it.
        assert seen["ec2InstanceState"] in {"NOT_FOUND", "TERMINATED", *(each["ec2InstanceState"] for each in true)}

    def read(self) -> tuple[list[Any], list[Any]]:
        jobs = self.drs.client.describe_jobs()["items"]
        instances = self.drs.instances()
        for job in jobs:
            self.check_job(job)
        for instance in instances:
            self.check_instance(instance)
        return jobs, instances

    def settled(self) -> None:
        """Everything shows, and nothing else: whatever was late has arrived."""
        jobs, instances = self.read()
        state = self.control.state()
        assert {each["jobID"]: (each["status"], each["tags"]) for each in jobs} == {
            each["jobID"]: (each["status"], each["tags"]) for each in state["jobs"]
        }
        assert {each["recoveryInstanceID"]: (each["ec2InstanceState"], each["tags"]) for each in instances} == {
            each["recoveryInstanceID"]: (each["ec2InstanceState"], each["tags"]) for each in state["recoveryInstances"]
        }
        for job in state["jobs"]:
            log = [
                item
                for page in self.drs.client.get_paginator("describe_job_log_items").paginate(jobID=job["jobID"])
                for item in page["items"]
            ]
            assert {each["event"] for each in log} >= {"JOB_START"}
