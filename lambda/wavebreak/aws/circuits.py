"""The circuits of the services that the adapters call, one for each dependency, account and Region."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from wavebreak.resilience.circuit_breaker import RULES, Circuit, circuit_name
from wavebreak.settings import MissingSettingError, settings
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.resilience.breaker_states import LocalStates, SharedStates

_BEHIND: Final = {"drs-read": "drs", "ec2-read": "ec2", "ssm-read": "ssm", "sts-read": "sts"}
"""Circuits of reads for people, and those that launches go through: a call that only reads never opens the latter."""


@cache
def guarded(dependency: str, site: Site | None = None) -> Circuit:
    """Return the circuit of a dependency (`RULES`) in a site, the stack's own Region and account if there is none."""
    rule, chosen = RULES[dependency], settings()
    shared = rule.shared and chosen.breaker_table_name is not None
    states = shared_states() if shared else _local_states()
    before = guarded(_BEHIND[dependency], site) if dependency in _BEHIND else None
    return Circuit(circuit_name(dependency, site), rule, states, scale=chosen.time_scale, behind=before)


@cache
def shared_states() -> SharedStates:
    """Return the states that all functions share; raise MissingSettingError where there is no table of them."""
    from wavebreak.aws.state_client import states  # noqa: PLC0415  which puts its clients behind circuits
    from wavebreak.resilience.breaker_states import SharedStates  # noqa: PLC0415  no import pays for it

    table = settings().breaker_table_name
    if table is None:
        raise MissingSettingError("BREAKER_TABLE_NAME is not set")
    return SharedStates(states(), table)


@cache
def _local_states() -> LocalStates:
    from wavebreak.resilience.breaker_states import LocalStates  # noqa: PLC0415  no import pays for it

    return LocalStates()


def read_together(called: Iterable[tuple[str, str | None]]) -> None:
    """Read the circuits of dependencies that are about to be called in one call.

    Each comes with its Region, None for the stack's own; all are of the stack's account.
    """
    if settings().breaker_table_name is not None:
        sites = ((dependency, Site(None, region) if region else None) for dependency, region in called)
        shared_states().read_together(circuit_name(dependency, site) for dependency, site in sites)


class CircuitsOfJobs:
    """The circuits of DRS that a round of a machine calls through, read in one call with the execution."""

    def wanted(self, execution: Execution) -> Mapping[str, tuple[str, Mapping[str, Any]]]:
        """Return the records of the sites where an execution has jobs in flight, by the names of their circuits."""
        if settings().breaker_table_name is None:
            return {}
        names = {circuit_name("drs", job.site) for job in execution.jobs if job.in_flight}
        return {name: shared_states().key_of(name) for name in sorted(names)}

    def keep(self, found: Mapping[str, Any]) -> None:
        """Have the circuits go by what was found."""
        for name, item in found.items():
            shared_states().keep(name, item)
