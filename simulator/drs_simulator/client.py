"""A client of the control API, for tests, the demo and scripts; needs nothing but the standard library."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import ProxyHandler, Request, build_opener

_TIMEOUT_SECONDS = 10


class ControlError(Exception):
    """The simulator refused a control call; ``status`` and the message are its answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class SimulatorControl:
    """Steers the simulator at ``url``; parameters have the names of the control API's JSON."""

    def __init__(self, url: str) -> None:
        self._base = f"{url.rstrip('/')}/_simulator"
        # The simulator is on this machine: no proxy from the environment stands in between.
        self._opener = build_opener(ProxyHandler({}))

    def health(self) -> dict[str, Any]:
        """Return the simulator's health; raise OSError while it is not up."""
        return self._call("GET", "health")

    def reset(self) -> None:
        """Forget everything."""
        self._call("POST", "reset")

    def put_source_server(
        self, source_server_id: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add or change a server and return it.

        ``settings`` are tags, launchSeconds, launchResult, rawError, recoverable, conflict, lagSeconds,
        usesPreviousSnapshot, hostname, privateIp, recommendedInstanceType, replicationDirection, replicationState,
        originEnvironment, launchConfiguration, launchActions. The account is 000000000000 and the Region us-east-1
        unless given.
        """
        return self._put_placed("source-servers", source_server_id, account, region, settings)

    def fault(self, operation: str, **settings: Any) -> dict[str, Any]:
        """Make calls of an operation fail: error (and its message), httpStatus, delaySeconds or dropConnection.

        Further settings are count, every, when, and which calls are meant: subject, account, region.
        """
        return self._call("POST", "faults", {"operation": operation, **settings})

    def clear_faults(self) -> None:
        """Clear all faults."""
        self._call("DELETE", "faults")

    def calls(self, operation: str | None = None) -> list[dict[str, Any]]:
        """Return every API call so far, or those of one operation."""
        calls: list[dict[str, Any]] = self._call("GET", "calls")["calls"]
        return [call for call in calls if operation in (None, call["operation"])]

    def state(self) -> dict[str, Any]:
        """Return all that exists, as it is: sourceServers, jobs, recoveryInstances, ec2Instances, launchTemplates.

        And commandInvocations, automationExecutions, and maxCommandsInFlight.
        """
        return self._call("GET", "state")

    def instance(self, instance_id: str, **settings: Any) -> dict[str, Any]:
        """Return how an instance is, or those that a source server's launches will make, by the id of either.

        ``settings`` are reachable, undeliverable, platform, terminable, protected, failbackState, state, and commands,
        each name with ``{exitCode, stdout, stderr, seconds}`` or None for the instance's own. The answer reports the
        ``directory`` that is the machine's root.
        """
        return self._call("PUT", f"instances/{quote(instance_id, safe='')}", settings)

    def forget_record(self, instance_id: str) -> None:
        """Make DRS forget a recovery instance that runs on, as disconnecting it does."""
        self._call("DELETE", f"instances/{quote(instance_id, safe='')}/record")

    def put_existing_instance(
        self, instance_id: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add an EC2 instance that the simulator has not launched, and return it as EC2 describes it.

        ``settings`` are instanceType, name, state, platform, subnetId.
        """
        return self._put_placed("existing-instances", instance_id, account, region, settings)

    def put_subnet(
        self, subnet_id: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add or change a subnet and return it as EC2 describes it.

        ``settings`` are cidrBlock, vpcId, availabilityZone, usedAddresses, takenAddresses.
        """
        return self._put_placed("subnets", subnet_id, account, region, settings)

    def delete_subnet(self, subnet_id: str, *, account: str | None = None, region: str | None = None) -> None:
        """Delete a subnet."""
        self._call("DELETE", f"subnets/{quote(subnet_id, safe='')}{_place_query(account, region)}")

    def put_security_group(
        self, group_id: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add or change a security group (vpcId, name) and return it as EC2 describes it."""
        return self._put_placed("security-groups", group_id, account, region, settings)

    def delete_security_group(self, group_id: str, *, account: str | None = None, region: str | None = None) -> None:
        """Delete a security group."""
        self._call("DELETE", f"security-groups/{quote(group_id, safe='')}{_place_query(account, region)}")

    def put_instance_type(
        self, name: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Return how large an instance type is, and where it is offered: vcpus, memoryMiB, availabilityZones."""
        return self._put_placed("instance-types", name, account, region, settings)

    def put_recovery_plan(
        self, name: str, *, account: str | None = None, region: str | None = None, **settings: Any
    ) -> dict[str, Any]:
        """Add or replace a native Recovery Plan and return it as ``{recoveryPlan, recoveryPlanSteps}``.

        ``settings`` are description and steps, each ``{name, servers: [{sourceServerId, impactLevel?}]}`` or
        ``{name, waitMinutes}``; the account and Region are those of ``put_source_server``.
        """
        return self._put_placed("recovery-plans", name, account, region, settings)

    def put_document(self, name: str, content: dict[str, Any]) -> dict[str, Any]:
        """Add a command document, or a version of it, and return its ``{name, version}``."""
        return self._call("PUT", f"documents/{quote(name, safe='')}", content)

    def put_automation(self, document: str, **settings: Any) -> dict[str, Any]:
        """Add a runbook, with the course of its executions.

        ``settings`` are seconds, result, outputs, failureMessage, parameters, accounts, regions.
        """
        return self._call("PUT", f"automations/{quote(document, safe='')}", settings)

    def missing_lookups(self, count: int) -> dict[str, Any]:
        """Return how often GetCommandInvocation finds no invocation that has just been made."""
        return self._call("PUT", "commands", {"missingLookups": count})

    def quotas(self, **settings: int) -> dict[str, Any]:
        """Set concurrentJobs, serversPerJob, serversInAllJobs, vcpus; what is not given returns to its default."""
        return self._call("PUT", "quotas", settings)

    def events(self, *, enabled: bool) -> dict[str, Any]:
        """Send launch events, or drop them."""
        return self._call("PUT", "events", {"enabled": enabled})

    def manners(self) -> dict[str, Any]:
        """Return the manners in force, with the seed that repeats them."""
        return self._call("GET", "manners")

    def put_manners(self, **settings: Any) -> dict[str, Any]:
        """Set the manners: seed, staleReads, delaySeconds, omit, events, ordered; or strict alone."""
        return self._call("PUT", "manners", settings)

    def _put_placed(
        self, kind: str, name: str, account: str | None, region: str | None, settings: dict[str, Any]
    ) -> dict[str, Any]:
        query = _place_query(account, region)
        return self._call("PUT", f"{kind}/{quote(name, safe='')}{query}", settings)

    def _call(self, method: str, path: str, document: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if document is None else json.dumps(document).encode()
        request = Request(  # noqa: S310 - the caller names the simulator's own URL
            f"{self._base}/{path}", data=body, method=method, headers={"Content-Type": "application/json"}
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
                text = answer.read()
        except HTTPError as error:
            with error:
                raise ControlError(error.code, json.loads(error.read())["message"]) from error
        result: dict[str, Any] = json.loads(text) if text else {}
        return result


def _place_query(account: str | None, region: str | None) -> str:
    place = {name: value for name, value in (("account", account), ("region", region)) if value}
    return f"?{urlencode(place)}" if place else ""
