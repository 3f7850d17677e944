"""What steps may run, as the template's parameters name it: anything else is refused before AWS is asked.

The lists are those that the roles are made of, so they are read as IAM reads resources: `*` and `?` stand for anything.
What may run in another account, the role there decides.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wavebreak.domain.steps.step_checks import given_roles
from wavebreak.values import Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wavebreak.site import Site

_ARN: Final = "arn:"
_AMAZONS: Final = ("AWS-", "AWSSupport-", "AWSConfigRemediation-", "AWSEC2-", "AWSDocs-")
_LIST_OF_FUNCTIONS: Final = "FunctionArns"
_LIST_OF_RUNBOOKS: Final = "AutomationArns"
_LIST_OF_ROLES: Final = "AutomationRoleArns"
_VERSION: Final = re.compile(r"(?<=[A-Za-z0-9_.-]):([0-9]{1,9}|\$[A-Z]+)$")


class Allowances(Value):
    """The stack's own place, and what its parameters FunctionArns, AutomationArns and AutomationRoleArns name."""

    partition: str
    region: str
    account_id: str
    functions: tuple[str, ...] = ()
    runbooks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, machine_arn: str, functions: Iterable[str], runbooks: Iterable[str], roles: Iterable[str]
    ) -> Allowances:
        """Make the allowances of the stack that a state machine belongs to."""
        _, partition, _, region, account_id, *_ = machine_arn.split(":")
        return cls(partition, region, account_id, tuple(functions), tuple(runbooks), tuple(roles))

    def function_arn(self, name: str) -> str:
        """Return the ARN of a function of the stack's own account and Region; an ARN stays as it is."""
        if name.startswith(_ARN):
            return name
        return f"arn:{self.partition}:lambda:{self.region}:{self.account_id}:function:{name}"

    def missing_for_function(self, name: str) -> str | None:
        """Return which permission is missing to invoke a function; None when it is there."""
        arn = self.function_arn(name)
        if any(_covers(each, arn) for each in self.functions):
            return None
        return _missing("lambda:InvokeFunction", arn, _LIST_OF_FUNCTIONS)

    def missing_for_runbook(self, name: str, parameters: Mapping[str, Sequence[str]], site: Site) -> str | None:
        """Return which permission is missing to start a runbook so; None when none is, or another account decides."""
        if site.account_id not in {None, self.account_id}:
            return None
        arns = self._runbook_arns(name, site.region or self.region)
        if not any(_covers(each, arn) for each in self.runbooks for arn in arns):
            return _missing("ssm:StartAutomationExecution", arns[0], _LIST_OF_RUNBOOKS)
        for role in given_roles(parameters):
            if not any(_covers(each, role) for each in self.roles):
                return _missing("iam:PassRole", role, _LIST_OF_ROLES)
        return None

    def _runbook_arns(self, name: str, region: str) -> list[str]:
        """Return the ARNs under which IAM may know a runbook: Amazon's own belong to no account."""
        bare = _VERSION.sub("", name)
        if name.startswith(_ARN):
            return list(dict.fromkeys([name, bare, bare.replace(":automation-definition/", ":document/")]))
        owner = "" if name.startswith(_AMAZONS) else self.account_id
        stem = f"arn:{self.partition}:ssm:{region}"
        return [
            f"{stem}:{account}:{kind}"
            for account in dict.fromkeys([owner, self.account_id])
            for kind in (f"document/{bare}", f"automation-definition/{bare}:$DEFAULT")
        ]


def _missing(action: str, resource: str, parameter: str) -> str:
    return f"{action} on {resource} is not permitted: name it in the stack's parameter {parameter}"


def _covers(pattern: str, arn: str) -> bool:
    """Return whether a resource of a policy names an ARN."""
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in re.split(r"([*?])", pattern))
    return re.fullmatch("".join(parts), arn) is not None
