"""A template with its conditions decided and its references filled in, as one deployment of it would have them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from tools.rights.calls import ACCOUNT, PARTITION, REGION, STACK, arn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tools.template import Json

SUFFIX: Final = "amazonaws.com"
_NOTHING: Final = object()
_PSEUDO: Final = {
    "AWS::Region": REGION,
    "AWS::Partition": PARTITION,
    "AWS::StackName": STACK,
    "AWS::URLSuffix": SUFFIX,
    "AWS::NoValue": _NOTHING,
}
_PLACEHOLDER: Final = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_ARNS: Final = {
    "AWS::DynamoDB::Table": ("dynamodb", "table/{}"),
    "AWS::SQS::Queue": ("sqs", "{}"),
    "AWS::Lambda::Function": ("lambda", "function:{}"),
    "AWS::SNS::Topic": ("sns", "{}"),
    "AWS::KMS::Key": ("kms", "key/{}"),
    "AWS::Logs::LogGroup": ("logs", "log-group:{}:*"),
    "AWS::StepFunctions::StateMachine": ("states", "stateMachine:{}"),
}
_NAMED_BY_ARN: Final = {"AWS::SNS::Topic", "AWS::StepFunctions::StateMachine"}
"""What `Ref` gives the ARN of."""


class Deployment:
    """One deployment of a template, by the values of its parameters; what is not given has its default."""

    def __init__(self, template: Json, parameters: Mapping[str, str], account: str = ACCOUNT) -> None:
        """Keep a template without SAM's resources. KeyError for a parameter that it does not have."""
        self.account = account
        self._pseudo = {**_PSEUDO, "AWS::AccountId": account}
        self.resources: Json = template["Resources"]
        self._conditions: Json = template.get("Conditions", {})
        declared: Json = template.get("Parameters", {})
        unknown = parameters.keys() - declared.keys()
        if unknown:
            raise KeyError(f"no such parameters: {sorted(unknown)}")
        self._parameters = {
            name: self._typed(about, str(parameters.get(name, about.get("Default", ""))))
            for name, about in declared.items()
        }

        self._functions: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::Sub": self._sub,
            "Fn::GetAtt": self._get_att,
            "Fn::If": self._if,
            "Fn::Equals": self._equals,
            "Fn::Not": lambda value: not self.resolved(value[0]),
            "Fn::And": lambda value: all(map(self.resolved, value)),
            "Fn::Or": lambda value: any(map(self.resolved, value)),
            "Fn::Join": lambda value: str(value[0]).join(map(str, self.resolved(value[1]))),
            "Fn::Select": lambda value: self.resolved(value[1])[int(value[0])],
        }

    @staticmethod
    def _typed(about: Json, value: str) -> str | list[str]:
        return value.split(",") if about["Type"] == "CommaDelimitedList" else value

    def of(self, *kinds: str) -> dict[str, Json]:
        """Return the properties of every resource of some kinds that this deployment makes."""
        return {
            name: self.resolved(resource.get("Properties", {}))
            for name, resource in self.resources.items()
            if resource["Type"] in kinds and self.makes(name)
        }

    def makes(self, name: str) -> bool:
        """Return whether a resource is part of this deployment."""
        condition = self.resources[name].get("Condition")
        return condition is None or self.holds(condition)

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template holds."""
        return bool(self.resolved(self._conditions[condition]))

    def resolved(self, node: Any) -> Any:
        """Fill in everything below a node; what is AWS::NoValue is left out."""
        if isinstance(node, list):
            return [value for value in map(self.resolved, node) if value is not _NOTHING]
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            ((key, value),) = node.items()
            if key.startswith("Fn::") or key == "Ref" or (key == "Condition" and isinstance(value, str)):
                return self._function(key, value)
        filled = {key: self.resolved(value) for key, value in node.items()}
        return {key: value for key, value in filled.items() if value is not _NOTHING}

    def _function(self, key: str, value: Any) -> Any:
        """Return what a function of CloudFormation gives; LookupError for one that is not known here."""
        known = self._functions.get(key)
        if known is None:
            raise LookupError(f"{key} is not filled in here")
        return known(value)

    def _sub(self, value: Any) -> str:
        text, own = value if isinstance(value, list) else (value, {})
        return _PLACEHOLDER.sub(
            lambda found: str(self.resolved(own[found[1]])) if found[1] in own else self._named(found[1]), text
        )

    def _get_att(self, value: Any) -> str:
        return self._attribute(*(value if isinstance(value, list) else value.split(".", 1)))

    def _if(self, value: Any) -> Any:
        condition, met, otherwise = value
        return self.resolved(met if self.holds(condition) else otherwise)

    def _equals(self, value: Any) -> bool:
        left, right = map(self.resolved, value)
        return str(left) == str(right)

    def _named(self, name: str) -> str:
        resource, _, attribute = name.partition(".")
        return str(self._attribute(resource, attribute) if attribute else self._ref(name))

    def _ref(self, name: str) -> Any:
        if name in self._pseudo:
            return self._pseudo[name]
        if name in self._parameters:
            return self._parameters[name]
        kind = self.resources[name]["Type"]
        return self._attribute(name, "Arn") if kind in _NAMED_BY_ARN else self.physical(name)

    def physical(self, name: str) -> str:
        """Name a resource as it would be named in the account; a policy keeps the name that it has here."""
        resource = self.resources[name]
        properties = resource.get("Properties", {})
        match resource["Type"]:
            case "AWS::IAM::ManagedPolicy":
                return name
            case "AWS::S3::Bucket":
                return f"{STACK}-{name}".lower()
            case "AWS::Logs::LogGroup" if "LogGroupName" in properties:
                return str(self.resolved(properties["LogGroupName"]))
            case "AWS::StepFunctions::StateMachine":
                return str(self.resolved(properties["StateMachineName"]))
        return f"{STACK}-{name}"

    def _attribute(self, name: str, attribute: str) -> str:
        kind = self.resources[name]["Type"]
        if kind == "AWS::S3::Bucket":
            return f"arn:{PARTITION}:s3:::{self.physical(name)}"
        if kind == "AWS::IAM::Role":
            return f"arn:{PARTITION}:iam::{self.account}:role/{self.physical(name)}"
        if attribute in {"Arn", "StreamArn"} and kind in _ARNS:
            service, form = _ARNS[kind]
            stream = "/stream/*" if attribute == "StreamArn" else ""
            return arn(service, form.format(self.physical(name)) + stream, account=self.account)
        return f"{arn(STACK, name, account=self.account)}/{attribute}"
