"""Circuit breakers: a service that fails several times in a row is left alone for a while, and then tried once.

One for each dependency, account and Region, on Powertools' circuit breaker. Its state is shared between all functions
through a table of its own; DynamoDB's own state is kept in each execution environment, because a table that does not
answer could not report itself. Where the table is away, calls are made as if every circuit were closed.

A circuit stands outside of all retries, those of botocore and of `retries`: an exhausted series of attempts is one
failure. Errors that a service answers with while it is well (validation, access, conflict, quota) are answers here.
A fault may be due to a subject that the call names. Before such faults open a circuit, the service is therefore
asked for something that names no subject, and an answer ends the streak.
Requirements S3-7 to S3-10 and S3-22.
"""

from __future__ import annotations

import logging
import math
import os
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Generic, TypeVar, cast

from botocore.exceptions import BotoCoreError, ClientError

from wavebreak.problems import CircuitOpen
from wavebreak.resilience.aws_errors import is_answered_fault, is_denied, is_dependency_fault
from wavebreak.resilience.client_config import ATTEMPTS
from wavebreak.resilience.guarded_client import guard_client
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.circuit_breaker import CircuitInfo, CircuitTransition
    from aws_lambda_powertools.utilities.circuit_breaker.persistence import CircuitBreakerPersistenceLayer

    from wavebreak.resilience.guarded_client import Neutral
    from wavebreak.site import Site

logger = logging.getLogger(__name__)

T = TypeVar("T")
C = TypeVar("C")

_OPEN: Final = "OPEN"
_CLOSED: Final = "CLOSED"
SHARED_WITHIN_SECONDS: Final = 5
"""How long an environment goes by what it last read of a circuit."""


class Rule(Value):
    """After how many failures in a row a circuit opens, and for how many seconds."""

    failures: int
    seconds: int
    critical: bool = False
    shared: bool = True

    def window(self, scale: float) -> int:
        """Return the seconds that a circuit stays open under the time scale, at least one."""
        return max(1, math.ceil(self.seconds * scale))


_SLOW: Final = Rule(3, 60)
RULES: Final[Mapping[str, Rule]] = MappingProxyType(
    {
        "drs": Rule(5, 30, critical=True),
        "drs-read": Rule(5, 30),
        "dynamodb": Rule(5, 30, critical=True, shared=False),
        "ec2": _SLOW,
        "ec2-read": _SLOW,
        "lambda-read": _SLOW,
        "ssm": _SLOW,
        "ssm-read": _SLOW,
        "sts": _SLOW,
        "sts-read": _SLOW,
        "sns": _SLOW,
        "sesv2": _SLOW,
        "events": _SLOW,
        "sqs": _SLOW,
    }
)
"""The dependencies; requirement S3-8. Reads for people have circuits of their own, `-read`."""


def circuit_name(dependency: str, site: Site | None = None) -> str:
    """Name a dependency of a site, `drs/us-east-1` in this account, `drs/123456789012/us-east-1` in another one."""
    region = (site.region if site else None) or os.environ.get("AWS_REGION", "local")
    return "/".join([dependency, *([site.account_id] if site and site.account_id else []), region])


class _Outcome(Value, Generic[T]):
    """What a service that is well answered: a value or a refusal."""

    value: T | None = None
    refusal: Exception | None = None


def _answered(work: Callable[[], T], is_well: Callable[[], bool]) -> _Outcome[T]:
    """Do the work; only what shows that the service is not well is raised as what the circuit counts.

    `is_well` is asked of a fault that the service answered with.
    """
    try:
        return _Outcome(work())
    except (BotoCoreError, ClientError) as error:
        if is_dependency_fault(error) and not (is_answered_fault(error) and is_well()):
            raise
        return _Outcome(refusal=error)


class Circuit:
    """The circuit of one dependency in one site; calls go through it, one by one or those of a whole client."""

    def __init__(
        self,
        name: str,
        rule: Rule,
        states: CircuitBreakerPersistenceLayer,
        *,
        scale: float = 1.0,
        behind: Circuit | None = None,
    ) -> None:
        """Keep the name, the rule, where the state is kept, the time scale, and the circuit that this one is `behind`.

        While that one is open nothing is called through this one either; what fails here does not count there.
        """
        from aws_lambda_powertools.utilities.circuit_breaker import (  # noqa: PLC0415  no import pays for it
            CircuitBreakerConfig,
            circuit_breaker,
        )

        self.name = name
        self.rule = rule
        self.states = states
        self.behind = behind
        self.window = rule.window(scale)
        self._failures = 0
        """Failures in a row in this environment."""
        self._config = config = CircuitBreakerConfig(
            failure_threshold=rule.failures,
            recovery_timeout=self.window,
            success_threshold=1,
            handled_exceptions=(BotoCoreError, ClientError),
            local_cache_max_age=min(SHARED_WITHIN_SECONDS, self.window),
        )
        self._protected = circuit_breaker(
            name=name,
            persistence_store=states,
            config=config,
            on_circuit_open=self._refuse,
            on_transition=self._report,
        )(_answered)

    def call(self, work: Callable[[], T], neutral: Neutral | None = None) -> T:
        """Do `work`, which calls the service; raise CircuitOpen without doing it while the circuit is open.

        `neutral` reads something that names no subject and that the function may read; it is not guarded itself.
        """
        if self.behind is not None:
            self.behind.refuse_while_open()
        try:
            outcome: _Outcome[T] = self._protected(work, lambda: self._is_well(neutral))
        except (BotoCoreError, ClientError):
            self._failures += 1
            raise
        self._failures = 0
        if outcome.refusal is not None:
            raise outcome.refusal
        return cast("T", outcome.value)

    def _is_well(self, neutral: Neutral | None) -> bool:
        """Return whether the service answers a call without subjects; asked only where one more fault would open."""
        at_stake = self._failures + 1 >= self.rule.failures or str(self.states.get_state(self.name).state) != _CLOSED
        if neutral is None or not at_stake:
            return False
        try:
            neutral()
        except (BotoCoreError, ClientError) as error:
            # A function without the permission learns nothing.
            return not is_dependency_fault(error) and not (isinstance(error, ClientError) and is_denied(error))
        return True

    def refuse_while_open(self) -> None:
        """Raise CircuitOpen while this circuit is left alone; else nothing comes of it, not even a probe."""
        self.states.configure(self._config, self.name)
        known = self.states.get_state(self.name)
        opened_at = known.opened_at
        if str(known.state) == _OPEN and opened_at is not None and time.time() < opened_at + self.window:
            self._refuse(circuit=known.to_circuit_info())

    def guard(
        self,
        client: C,
        *,
        operation: str,
        pages: str = "drs_read",
        attempts: int = ATTEMPTS,
        neutral: Neutral | None = None,
    ) -> C:
        """Route all calls of a boto3 client through this circuit, and return the client (see `guard_client`)."""
        return guard_client(client, self, operation=operation, pages=pages, attempts=attempts, neutral=neutral)

    def _refuse(self, *_call: object, circuit: CircuitInfo) -> None:
        wait = self.window if circuit.opened_at is None else circuit.opened_at + self.window - int(time.time())
        raise CircuitOpen(
            f"{self.name} failed {self.rule.failures} times in a row and is left alone for now",
            retry_after_seconds=max(1, wait),
        )

    def _report(self, transition: CircuitTransition) -> None:
        fields = {"name": self.name, "from": transition.from_state.value, "to": transition.to_state.value}
        logger.warning("circuit %s: %s", self.name, transition.to_state.value, extra={"circuit": fields})
