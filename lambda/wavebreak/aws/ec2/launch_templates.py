"""EC2 launch templates of one account and Region: their default versions read, versions made, chosen and deleted.

EC2 lists the default versions of all templates in one call, and takes changes one template at a time. Its reads are
eventually consistent: a version that was just made may not be found yet, and a read may show an earlier default. The
answer of DeleteLaunchTemplateVersions is true at that moment: EC2 keeps a version that is the default.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from wavebreak.aws_error_codes import NO_LAUNCH_TEMPLATE, NO_TEMPLATE_VERSION
from wavebreak.domain.launch_templates.reading import subnet, template_version
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import error_code, is_dependency_fault
from wavebreak.resilience.retries import call as retried

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from wavebreak.domain.launch_templates.model import Subnet, TemplateVersion

DEFAULT: Final = "$Default"
_ABSENT: Final = frozenset({"launchTemplateVersionDoesNotExist", "launchTemplateIdDoesNotExist"})
_A_FILTER: Final = 200
"""Values that one filter takes."""


class LaunchTemplates:
    """Launch templates, and what else EC2 reports about where an instance may land."""

    def __init__(self, client: Any) -> None:
        """Keep a client that repeats failed calls: all of these may be made twice. EC2's types are not installed."""
        self.client = client

    def defaults(self, template_ids: Collection[str]) -> dict[str, TemplateVersion]:
        """Return the default versions of templates by their ids; one that EC2 does not show is left out.

        One listing reports all templates, whatever their number: a call for each would be many.
        """
        if not template_ids:
            return {}
        found: dict[str, TemplateVersion] = {}
        for page in self.client.get_paginator("describe_launch_template_versions").paginate(Versions=[DEFAULT]):
            versions = (template_version(item) for item in page["LaunchTemplateVersions"])
            found |= {each.template_id: each for each in versions if each.template_id in template_ids}
        return found

    def versions_from(self, template_id: str, least: int) -> list[TemplateVersion]:
        """Return the versions of a template from a number on; none of a template that is gone."""
        pages = self.client.get_paginator("describe_launch_template_versions").paginate(
            LaunchTemplateId=template_id, MinVersion=str(least)
        )
        try:
            return [template_version(item) for page in pages for item in page["LaunchTemplateVersions"]]
        except ClientError as error:
            if error_code(error) in NO_LAUNCH_TEMPLATE:
                return []
            raise

    def create_version(
        self, template_id: str, source: int, data: Mapping[str, Any], description: str, token: str
    ) -> int:
        """Make a version from another one with other `data`, and return its number; the same token makes no second."""
        answer = retried(
            "templates",
            lambda: self.client.create_launch_template_version(
                LaunchTemplateId=template_id,
                SourceVersion=str(source),
                LaunchTemplateData=dict(data),
                VersionDescription=description,
                ClientToken=token,
            ),
            _may_pass,
        )
        return int(answer["LaunchTemplateVersion"]["VersionNumber"])

    def make_default(self, template_id: str, number: int) -> int:
        """Make a version the default; wait a moment for a version that was just made.

        Returns the number of the newest version there is at that moment.
        """
        answer = retried(
            "templates",
            lambda: self.client.modify_launch_template(LaunchTemplateId=template_id, DefaultVersion=str(number)),
            _may_pass,
        )
        return int(answer["LaunchTemplate"]["LatestVersionNumber"])

    def delete_version(self, template_id: str, number: int, *, shown: bool = True) -> bool:
        """Delete a version; return whether it is gone: False when it is the default one, which EC2 keeps.

        A version or template that does not exist is gone. Raise Unavailable for what EC2 did not do for another reason,
        and for a version that EC2 does not know unless it would be `shown` by now: a new one may not show yet.
        """
        try:
            answer = retried(
                "templates",
                lambda: self.client.delete_launch_template_versions(
                    LaunchTemplateId=template_id, Versions=[str(number)]
                ),
                _is_held_back,
            )
        except ClientError as error:
            if error_code(error) in NO_LAUNCH_TEMPLATE:
                return True
            raise
        kept = answer.get("UnsuccessfullyDeletedLaunchTemplateVersions") or []
        if not kept:
            return True
        reason = kept[0].get("ResponseError", {})
        if reason.get("Code") in _ABSENT and shown:
            return True
        if "default version" in str(reason.get("Message", "")).lower():
            return False
        raise Unavailable(f"EC2 keeps version {number} of {template_id}: {reason.get('Code')}: {reason.get('Message')}")

    def subnets(self, subnet_ids: Collection[str]) -> dict[str, Subnet]:
        """Return subnets by their ids; one that EC2 does not know is left out."""
        found = filtered(self.client, "describe_subnets", "Subnets", "subnet-id", subnet_ids)
        return {each.subnet_id: each for each in map(subnet, found)}

    def zones_of(self, instance_types: Collection[str]) -> dict[str, frozenset[str]]:
        """Return the zones that offer each of some instance types; none of a type that the Region does not have."""
        zones: dict[str, set[str]] = {name: set() for name in sorted(instance_types)}
        asked = ("describe_instance_type_offerings", "InstanceTypeOfferings", "instance-type")
        for offering in filtered(self.client, *asked, instance_types, LocationType="availability-zone"):
            zones.setdefault(offering["InstanceType"], set()).add(offering["Location"])
        return {name: frozenset(places) for name, places in zones.items()}


def filtered(
    client: Any, operation: str, listed: str, name: str, values: Collection[str], **more: Any
) -> Iterator[Mapping[str, Any]]:
    """Yield what EC2 lists by a filter, as many values a call as one filter takes."""
    wanted = sorted(values)
    for start in range(0, len(wanted), _A_FILTER):
        filters = [{"Name": name, "Values": wanted[start : start + _A_FILTER]}]
        for page in client.get_paginator(operation).paginate(Filters=filters, **more):
            yield from page[listed]


def _is_held_back(error: BaseException) -> bool:
    """Return whether EC2 holds calls back, or has a fault: its rates refill slower than botocore repeats.

    A call that got no answer at all has taken long enough.
    """
    return isinstance(error, ClientError) and is_dependency_fault(error)


def _may_pass(error: BaseException) -> bool:
    """Return whether a change may succeed a moment later: EC2 throttles, or does not show a version yet."""
    return _is_held_back(error) or (isinstance(error, ClientError) and error_code(error) == NO_TEMPLATE_VERSION)
