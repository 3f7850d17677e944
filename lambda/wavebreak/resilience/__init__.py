"""Time limits, retries and circuit breakers: the product keeps working when a service does not.

Mechanisms only: nothing in this package makes a client or reads the settings of a stack. An adapter puts its client
behind a circuit in one line, where the client is made (`aws.clients`):

    client = guarded("ssm", site).guard(boto3.client("ssm", config=config("ssm_call")), operation="ssm_call")

and catches `aws_errors.FAULTS`, which an open circuit (`CircuitOpen`) and a limit that is reached (`OutOfTime`) belong
to, where it catches the errors of the service. A single call goes through `guarded("ssm", site).call(work)`. The
limits of a new client stand in `timeouts.LIMITS`, the rule of its circuit in `circuit_breaker.RULES`.
"""
