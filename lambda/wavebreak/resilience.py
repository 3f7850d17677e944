"""What keeps the product working when a service it depends on does not: time limits, retries, circuit breakers.

An adapter puts its client behind a circuit in one line, where the client is made:

    client = guarded("ssm", place).guard(boto3.client("ssm", config=config("ssm_call")), operation="ssm_call")

and catches FAULTS, which an open circuit (`CircuitOpen`) and a limit that is reached (`OutOfTime`) belong to, where it
catches the errors of the service. A single call goes through `guarded("ssm", place).call(work)`. The limits of a new
client stand in `timeouts.LIMITS`, the rule of its circuit in `circuits.RULES`.
"""

from wavebreak.circuits import Circuit, guarded
from wavebreak.faults import FAULTS, is_transient
from wavebreak.problems import CircuitOpen, OutOfTime
from wavebreak.retries import call as retried
from wavebreak.timeouts import Deadline, ending_in, invocation, limit, remaining
from wavebreak.wire import config, series_seconds

__all__ = [
    "FAULTS",
    "Circuit",
    "CircuitOpen",
    "Deadline",
    "OutOfTime",
    "config",
    "ending_in",
    "guarded",
    "invocation",
    "is_transient",
    "limit",
    "remaining",
    "retried",
    "series_seconds",
]
