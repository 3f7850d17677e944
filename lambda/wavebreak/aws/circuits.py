"""The circuits of the services that the adapters call, one for each dependency, account and Region."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from wavebreak.settings import MissingSettingError, settings

if TYPE_CHECKING:
    from wavebreak.resilience.breaker_states import LocalStates, SharedStates
    from wavebreak.site import Site
from wavebreak.resilience.circuit_breaker import RULES, Circuit, circuit_name

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
    """Return the states that all functions share; raises MissingSettingError where there is no table of them."""
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
