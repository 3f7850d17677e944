"""What is read of the services that the stack is made of: definitions, names, concurrency, the gateway's answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
from tools.template import FUNCTION, load
from tools.verify_aws.evidence import Known, asked

from wavebreak_cli.errors import UnavailableError

if TYPE_CHECKING:
    from tools.verify_aws.evidence import Evidence, Json
    from tools.verify_aws.stack import Stack

_SECONDS: Final = 20


def read_platform(stack: Stack, evidence: Evidence) -> None:
    """Read everything; raise UnavailableError when the API does not answer at all."""
    evidence.stack_name = stack.name
    evidence.renew_after_rounds = int(stack.parameters.get("RenewAfterRounds", "0") or "0")
    evidence.definitions = asked("states:ValidateStateMachineDefinition", lambda: _definitions(stack))
    evidence.concurrency = asked("lambda:GetAccountSettings", lambda: _concurrency(stack))
    evidence.names = _names(stack)
    evidence.refusals = Known(_refusals(stack))


def _definitions(stack: Stack) -> dict[str, Json]:
    client = stack.client("stepfunctions")
    found = {}
    for name, arn in stack.machines.items():
        deployed = client.describe_state_machine(stateMachineArn=arn)
        answer = client.validate_state_machine_definition(
            definition=deployed["definition"], type="STANDARD", severity="ERROR"
        )
        found[name] = {"result": answer["result"], "diagnostics": answer.get("diagnostics", [])}
    return found


def _concurrency(stack: Stack) -> int:
    return int(stack.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])


def _names(stack: Stack) -> Known[dict[str, str]]:
    """Return the names of the functions, and of the roles that SAM makes for them."""
    if not stack.resources:
        return Known(gap="no permission: cloudformation:ListStackResources")
    functions = {name for name, about in load()["Resources"].items() if about["Type"] == FUNCTION}
    wanted = functions | {f"{name}Role" for name in functions}
    return Known({name: physical for name, physical in stack.resources.items() if name in wanted and physical})


def _refusals(stack: Stack) -> list[Json]:
    """Make calls that the gateway refuses by itself: unsigned, to a route that is there and to one that is not."""
    paths = {"unsigned": "/plans", "no such route": "/no-such-route"}
    try:
        with httpx.Client(timeout=_SECONDS, trust_env=not stack.local) as client:
            return [_reported(what, client.get(stack.endpoint.url + path)) for what, path in paths.items()]
    except httpx.HTTPError as error:
        raise UnavailableError.unreachable(stack.endpoint.url, str(error) or type(error).__name__) from error


def _reported(what: str, answer: httpx.Response) -> Json:
    try:
        document: Any = answer.json()
    except ValueError:
        document = None
    code = document.get("code") if isinstance(document, dict) else None
    content_type = answer.headers.get("content-type", "").partition(";")[0]
    return {"what": what, "status": answer.status_code, "contentType": content_type, "code": code}
