"""What EC2 refuses, with its own codes and in its own words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Ids of 8 or 17 hexadecimal digits; EC2 distinguishes anything else from what it does not know.
_DIGITS: Final = "(?:[0-9a-f]{8}|[0-9a-f]{17})"


def unknown_instances(identifiers: list[str]) -> ApiError:
    """Refuse instances that EC2 does not know, or not yet, or no more."""
    many = len(identifiers) > 1
    text = f"The instance IDs '{', '.join(identifiers)}' do not exist"
    return ApiError(
        "InvalidInstanceID.NotFound", text if many else f"The instance ID '{identifiers[0]}' does not exist"
    )


def unknown_subnet(identifier: str) -> ApiError:
    """Refuse a subnet that EC2 does not know."""
    return ApiError("InvalidSubnetID.NotFound", f"The subnet ID '{identifier}' does not exist")


def unknown_group(identifier: str) -> ApiError:
    """Refuse a security group that EC2 does not know."""
    return ApiError("InvalidGroup.NotFound", f"The security group '{identifier}' does not exist")


def unknown_interface(identifier: str) -> ApiError:
    """Refuse a network interface that EC2 does not know."""
    return ApiError("InvalidNetworkInterfaceID.NotFound", f"The networkInterface ID '{identifier}' does not exist")


def unknown_template(identifier: str) -> ApiError:
    """Refuse the id of a launch template that EC2 does not know."""
    message = f"The specified launch template, with template ID {identifier}, does not exist."
    return ApiError("InvalidLaunchTemplateId.NotFound", message)


def unknown_template_name(name: str) -> ApiError:
    """Refuse the name of a launch template that EC2 does not know."""
    message = f"The specified launch template, with template name {name}, does not exist."
    return ApiError("InvalidLaunchTemplateName.NotFoundException", message)


def unknown_version(version: str, template_id: str) -> ApiError:
    """Refuse a version that a launch template does not have, or not yet."""
    message = f"Could not find the specified version {version} for the launch template with ID {template_id}."
    return ApiError("InvalidLaunchTemplateId.VersionNotFound", message)


def unknown_type(instance_type: str) -> ApiError:
    """Refuse an instance type that EC2 does not have."""
    message = f"The following supplied instance types do not exist: [{instance_type}]"
    return ApiError("InvalidInstanceType", message)


def not_together(*names: str) -> ApiError:
    """Refuse parameters that exclude each other."""
    return ApiError("InvalidParameterCombination", f"The parameters {' and '.join(names)} cannot be used together")


def missing(name: str) -> ApiError:
    """Refuse a request without a parameter that it needs."""
    return ApiError("MissingParameter", f"The request must contain the parameter {name}")


def must_look_like(kind: str, code: str, identifiers: Iterable[str]) -> None:
    """Refuse the first of ``identifiers`` that is no id of a ``kind`` (``subnet-``) with ``code``."""
    for identifier in identifiers:
        if not re.fullmatch(f"{kind}{_DIGITS}", identifier):
            raise ApiError(code, f'Invalid id: "{identifier}" (expecting "{kind}...")')


def must_be_known(filters: Mapping[str, list[str]], known: Iterable[str]) -> None:
    """Refuse filters that an operation does not have; ``tag:`` stands for every filter of a tag."""
    for name in filters:
        if name not in known and not (name.startswith("tag:") and "tag:" in known):
            raise ApiError("InvalidParameterValue", f"The filter '{name}' is invalid")
