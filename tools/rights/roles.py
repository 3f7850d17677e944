"""Every role of a deployment with its rights, the roles that SAM makes for functions and state machines among them."""

from __future__ import annotations

import copy
import logging
import os
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final
from unittest.mock import patch

from tools.rights import aws_managed
from tools.rights.calls import ACCOUNT, REGION
from tools.rights.cloudformation import Deployment
from tools.rights.evaluation import rights_of
from tools.template import ROOT, load

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.rights.evaluation import Right
    from tools.template import Json

TEMPLATE: Final = ROOT / "template.yaml"
TARGET: Final = ROOT / "infra" / "target-account-role.yaml"
TARGET_ACCOUNT: Final = "210987654321"


@dataclass
class Role:
    """A role: what our own templates give it, and what SAM and AWS add."""

    name: str
    own: list[Right] = field(default_factory=list)
    added: list[Right] = field(default_factory=list)
    managed_policies: list[str] = field(default_factory=list)

    @property
    def rights(self) -> list[Right]:
        """All of them."""
        return [*self.own, *self.added]


@cache
def _translated(path: Path) -> Json:
    """Return a template with SAM's resources turned into those of CloudFormation, as a deployment does."""
    # The package ships no types, and takes most of a second to import.
    from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]  # noqa: PLC0415  see above
    from samtranslator.translator.translator import (  # type: ignore[import-untyped]  # noqa: PLC0415  see above
        Translator,
    )

    document = copy.deepcopy(load(path))
    for resource in document["Resources"].values():
        for uri in ("CodeUri", "DefinitionUri"):
            if uri in resource.get("Properties", {}):
                resource["Properties"][uri] = "s3://bucket/key"
        if resource["Type"] == "AWS::Serverless::Application":
            resource["Properties"]["Location"] = "https://s3.amazonaws.com/bucket/key"
    document["Globals"]["Function"]["CodeUri"] = "s3://bucket/key"
    logging.getLogger("samtranslator").setLevel(logging.ERROR)
    with patch.dict(os.environ, {"AWS_DEFAULT_REGION": REGION}):
        translated: Json = Translator({}, Parser()).translate(document, {"AWS::Region": REGION})
    return translated


def deployment(path: Path, parameters: Mapping[str, str]) -> Deployment:
    """Deploy a template of ours, the main one or that of a target account."""
    if path == TARGET:
        return Deployment(load(path), parameters, TARGET_ACCOUNT)
    return Deployment(_translated(path), parameters, ACCOUNT)


def roles(deployed: Deployment) -> dict[str, Role]:
    """Return the roles of a deployment by name."""
    policies = deployed.of("AWS::IAM::ManagedPolicy")
    found = {}
    for name, properties in deployed.of("AWS::IAM::Role").items():
        role = found[name] = Role(name)
        for policy in properties.get("ManagedPolicyArns", []):
            role.managed_policies.append(policy)
            if policy in policies:
                role.own += rights_of(policy, policies[policy]["PolicyDocument"])
            else:
                role.added += aws_managed.rights_of(policy)
        for inline in properties.get("Policies", []):
            rights = rights_of(inline["PolicyName"], inline["PolicyDocument"])
            (role.own if _is_ours(inline) else role.added).extend(rights)
    return found


def _is_ours(inline: Mapping[str, Any]) -> bool:
    """Return whether a policy stands in the template; one that SAM makes for a destination has no version."""
    return "Version" in inline["PolicyDocument"]
