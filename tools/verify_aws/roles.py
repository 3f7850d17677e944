"""IAM's own answer to whether the stack's roles may do what the product calls: SimulatePrincipalPolicy.

What each role must be allowed is what the tests hold the templates to (`tools.rights.needs`), with the names that
things have in the account. Unlike those tests, IAM also knows the organisation's policies.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tools.rights import record
from tools.rights.calls import ACCOUNT, REGION, SENDER, STACK, Request
from tools.rights.needs import OTHER_REGION, needs
from tools.rights.roles import TEMPLATE, deployment
from tools.template import load
from tools.verify_aws.evidence import Known, asked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tools.rights.cloudformation import Deployment
    from tools.verify_aws.evidence import Evidence
    from tools.verify_aws.stack import Stack

_BOOLEANS: Final = frozenset({"aws:ViaAWSService", "kms:GrantIsForAWSResource"})
_LISTS: Final = frozenset({"aws:CalledVia", "dynamodb:LeadingKeys"})
_SAMPLE: Final = "x0123456789abcdef"
"""Stands for an id in a resource's name: a simulation takes no patterns."""
_HIDDEN: Final = "****"
_GROUP: Final = "AWS::Logs::LogGroup"


@dataclass(frozen=True, order=True)
class Question:
    """What a role is asked for in one call: actions on resources, in one context."""

    role: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    context: tuple[tuple[str, tuple[str, ...]], ...]


def read_rights(stack: Stack, evidence: Evidence, report: Callable[[str], None]) -> None:
    """Let IAM simulate everything that the stack's roles are needed for."""
    if not stack.resources:
        evidence.denied = Known(gap="no permission: cloudformation:ListStackResources")
        return
    questions = sorted(_questions(stack))
    evidence.simulated = sum(len(each.actions) * len(each.resources) for each in questions)
    report(f"asking IAM about {evidence.simulated} calls of the stack's roles ...")
    iam = stack.client("iam")
    evidence.denied = asked(
        "iam:SimulatePrincipalPolicy", lambda: [line for each in questions for line in _denied(iam, stack, each)]
    )


def _questions(stack: Stack) -> Iterator[Question]:
    deployed = deployment(TEMPLATE, _parameters(stack))
    renamed = _renaming(stack, deployed)
    for role, wanted in needs(deployed, record.read()).items():
        asked_of: dict[tuple[str, Any], set[str]] = defaultdict(set)
        for need in wanted:
            if f":{OTHER_REGION}:" not in need.request.resource:
                request = renamed(need.request)
                asked_of[request.resource, request.context].add(request.action)
        together: dict[tuple[Any, tuple[str, ...]], set[str]] = defaultdict(set)
        for (resource, context), several in asked_of.items():
            together[context, tuple(sorted(several))].add(resource)
        for (context, actions), resources in together.items():
            yield Question(stack.resources.get(role, role), actions, tuple(sorted(resources)), context)


def _parameters(stack: Stack) -> dict[str, str]:
    known = load()["Parameters"]
    return {name: value for name, value in stack.parameters.items() if name in known and value != _HIDDEN}


def _renaming(stack: Stack, deployed: Deployment) -> Callable[[Request], Request]:
    """Return what puts the account's names in the place of those that the record and the template have."""
    names = dict(_names(stack, deployed))
    ours = re.compile(
        "|".join(rf"(?<![\w-]){re.escape(name)}(?![\w-])" for name in sorted(names, key=len, reverse=True))
    )
    fixed = {
        f"document/{STACK}-": f"document/{stack.parameters.get('CommandDocumentPrefix', STACK)}-",
        SENDER: stack.parameters.get("SenderAddress") or SENDER,
        f":{ACCOUNT}:": f":{stack.account}:",
        f":{REGION}:": f":{stack.region}:",
        "arn:aws:": f"arn:{stack.partition}:",
    }

    def in_the_account(text: str) -> str:
        found = ours.sub(lambda match: names[match[0]], text)
        for sample, real in fixed.items():
            found = found.replace(sample, real)
        return found if found == "*" else found.replace("*", _SAMPLE)

    def renamed(request: Request) -> Request:
        context = tuple((key, tuple(map(in_the_account, values))) for key, values in request.context)
        return replace(request, resource=in_the_account(request.resource), context=context)

    return renamed


def _names(stack: Stack, deployed: Deployment) -> Iterator[tuple[str, str]]:
    for logical, resource in deployed.resources.items():
        physical = stack.resources.get(logical)
        if physical and deployed.makes(logical):
            whole = resource["Type"] == _GROUP
            yield deployed.physical(logical), physical if whole else re.split(r"[/:]", physical)[-1]


def _denied(iam: Any, stack: Stack, question: Question) -> Iterator[str]:
    """Name what one question is answered with no to."""
    chosen: dict[str, Any] = {"ResourceArns": list(question.resources)} if question.resources != ("*",) else {}
    pages = iam.get_paginator("simulate_principal_policy").paginate(
        PolicySourceArn=f"arn:{stack.partition}:iam::{stack.account}:role/{question.role}",
        ActionNames=list(question.actions),
        ContextEntries=list(_context(question.context)),
        **chosen,
    )
    for page in pages:
        for result in page["EvaluationResults"]:
            for resource, decision in _decisions(result):
                if decision != "allowed":
                    by = "" if _by_organisation(result) else ", by the organisation"
                    yield f"{question.role}: {result['EvalActionName']} on {resource} ({decision}{by})"


def _decisions(result: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Return the decision on each resource; IAM reports one for all where it makes no difference."""
    specific = result.get("ResourceSpecificResults") or []
    if specific:
        return [(each["EvalResourceName"], each["EvalResourceDecision"]) for each in specific]
    return [(result.get("EvalResourceName", "*"), result["EvalDecision"])]


def _by_organisation(result: Mapping[str, Any]) -> bool:
    return bool(result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True))


def _context(context: tuple[tuple[str, tuple[str, ...]], ...]) -> Iterator[dict[str, Any]]:
    for key, values in context:
        kind = "boolean" if key in _BOOLEANS else "stringList" if key in _LISTS else "string"
        yield {"ContextKeyName": key, "ContextKeyValues": list(values), "ContextKeyType": kind}
