"""Launch templates and their versions: immutable, numbered, one of them the default."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

from drs_simulator.ec2.model import LaunchTemplate, Version
from drs_simulator.ec2.pages import filters_of, page, passes
from drs_simulator.ec2.refusals import (
    missing,
    must_be_known,
    must_look_like,
    not_together,
    unknown_template,
    unknown_template_name,
    unknown_version,
)
from drs_simulator.ec2.views import template_view, version_view
from drs_simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from drs_simulator.ec2.cloud import Ec2

    Parameters = dict[str, Any]
    Operation = Callable[[Ec2, Parameters], dict[str, Any]]

DEFAULT: Final = "$Default"
LATEST: Final = "$Latest"
# The model lets CreateLaunchTemplate take any text, and names no others than these.
_NAME: Final = r"[a-zA-Z0-9().\-/_]{3,128}"
_MOST_AT_ONCE: Final = 200
_SIZES: Final = (1, _MOST_AT_ONCE)
_MOST_VERSIONS: Final = 10_000
_MISMATCH: Final = "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."


def create(
    ec2: Ec2, name: str, data: dict[str, Any], tags: dict[str, str], *, by: str, description: str | None = None
) -> LaunchTemplate:
    """Make a template with its first version."""
    now = ec2.world.clock.now()
    template = LaunchTemplate(ec2.world.ids.launch_template(), name, now, by, tags)
    template.add(Version(1, data, description, now, by))
    ec2.templates[template.template_id] = template
    return template


def create_launch_template(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """Make a template with its first version; the same token and parameters give the same template again."""

    def made() -> LaunchTemplate:
        name = parameters["LaunchTemplateName"]
        if not re.fullmatch(_NAME, name):
            message = f"A launch template name must match {_NAME}; {name} does not."
            raise ApiError("InvalidLaunchTemplateName.MalformedException", message)
        if any(each.name == name for each in ec2.templates.values()):
            raise ApiError("InvalidLaunchTemplateName.AlreadyExistsException", "Launch template name already in use.")
        tags = {
            tag["Key"]: tag.get("Value", "")
            for each in parameters.get("TagSpecifications") or []
            if each.get("ResourceType") == "launch-template"
            for tag in each.get("Tags") or []
        }
        data, description = deepcopy(parameters["LaunchTemplateData"]), parameters.get("VersionDescription")
        return create(ec2, name, data, tags, by=_caller(ec2), description=description)

    template = _once(ec2, "CreateLaunchTemplate", parameters, made)
    return {"LaunchTemplate": template_view(template, ec2.world.clock.now())}


def create_launch_template_version(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """Add a version: with a source version, that one's parameters but for those that are given."""
    template = _template(ec2, parameters)

    def made() -> Version:
        if template.latest >= _MOST_VERSIONS:
            raise ApiError("VersionLimitExceeded", f"A launch template has at most {_MOST_VERSIONS} versions.")
        data = deepcopy(parameters["LaunchTemplateData"])
        source = parameters.get("SourceVersion")
        if source is not None:
            inherited = deepcopy(_version(ec2, template, source).data)
            for mapping in inherited.get("BlockDeviceMappings") or []:
                # A source version's snapshots are not inherited.
                mapping.get("Ebs", {}).pop("SnapshotId", None)
            data = inherited | data
        number, now = template.latest + 1, ec2.world.clock.now()
        version = Version(number, data, parameters.get("VersionDescription"), now, _caller(ec2))
        template.add(version)
        return version

    version = _once(ec2, "CreateLaunchTemplateVersion", parameters, made)
    return {"LaunchTemplateVersion": version_view(template, version, ec2.world.clock.now())}


def modify_launch_template(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """Make another version the default."""
    template = _template(ec2, parameters)
    now = ec2.world.clock.now()
    wanted = parameters.get("DefaultVersion")
    if wanted is None:
        raise missing("DefaultVersion")

    def made() -> LaunchTemplate:
        template.default.set(_version(ec2, template, wanted).number, now)
        return template

    return {"LaunchTemplate": template_view(_once(ec2, "ModifyLaunchTemplate", parameters, made), now)}


def delete_launch_template_versions(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """Delete versions, each for itself; the default one stays."""
    template = _template(ec2, parameters)
    if len(parameters["Versions"]) > _MOST_AT_ONCE:
        raise ApiError("InvalidParameterValue", f"At most {_MOST_AT_ONCE} versions can be deleted at once.")
    deleted, kept = [], []
    for text in parameters["Versions"]:
        number = int(text) if re.fullmatch("[0-9]{1,9}", text) else 0
        who = {
            "LaunchTemplateId": template.template_id,
            "LaunchTemplateName": template.name,
            "VersionNumber": number,
        }
        if number not in template.versions:
            message = unknown_version(text, template.template_id).message
            kept.append({**who, "ResponseError": {"Code": "launchTemplateVersionDoesNotExist", "Message": message}})
        elif number == template.default.now:
            message = "You cannot delete the default version of a launch template."
            kept.append({**who, "ResponseError": {"Code": "unexpectedError", "Message": message}})
        else:
            del template.versions[number]
            deleted.append(who)
    return {
        "SuccessfullyDeletedLaunchTemplateVersions": deleted,
        "UnsuccessfullyDeletedLaunchTemplateVersions": kept,
    }


def delete_launch_template(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """Delete a template with all its versions."""
    template = _template(ec2, parameters)
    del ec2.templates[template.template_id]
    return {"LaunchTemplate": template_view(template, ec2.world.clock.now())}


def describe_launch_templates(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List templates by id, name or filter."""
    filters = filters_of(parameters)
    must_be_known(filters, ("launch-template-name", "create-time", "tag-key", "tag:"))
    found = _named(ec2, parameters.get("LaunchTemplateIds") or [], parameters.get("LaunchTemplateNames") or [])
    for name, values in filters.items():
        found = [each for each in found if _matches(each, name, values)]
    lens = ec2.world.lens
    seen = [(each, lens.moment(f"{each.name}/template")) for each in found]
    shown = [(each, moment) for each, moment in seen if each.created_at <= moment]
    return page(
        ec2,
        "LaunchTemplates",
        shown,
        parameters,
        lambda entry: entry[0].template_id,
        lambda entry: template_view(*entry),
        subject=lambda entry: entry[0].name,
        sizes=_SIZES,
    )


def describe_launch_template_versions(ec2: Ec2, parameters: Parameters) -> dict[str, Any]:
    """List the versions of a template; of all templates only the latest and the default ones are to be had."""
    filters = filters_of(parameters)
    must_be_known(filters, ())
    wanted = parameters.get("Versions") or []
    if wanted and (parameters.get("MinVersion") or parameters.get("MaxVersion")):
        raise not_together("Versions", "MinVersion")
    if wanted and parameters.get("MaxResults"):
        raise not_together("Versions", "MaxResults")
    one = parameters.get("LaunchTemplateId") or parameters.get("LaunchTemplateName")
    if not one and not (wanted and {DEFAULT, LATEST}.issuperset(wanted)):
        raise missing("LaunchTemplateId")
    templates = [_template(ec2, parameters)] if one else list(ec2.templates.values())
    lens = ec2.world.lens
    found = [
        (template, version, moment)
        for template in templates
        for moment in (lens.moment(f"{template.name}/template"),)
        if template.created_at <= moment
        for version in _versions(template, wanted, parameters, moment)
    ]
    return page(
        ec2,
        "LaunchTemplateVersions",
        found,
        parameters,
        lambda entry: f"{entry[0].template_id}/{entry[1].number:09d}",
        lambda entry: version_view(*entry),
        subject=lambda entry: f"{entry[0].name}/{entry[1].number}",
        sizes=_SIZES,
    )


def version_at_launch(template: LaunchTemplate) -> Version:
    """Return the version that DRS launches from: the default one, as it is at that moment."""
    return template.versions[template.default.now]


def _versions(template: LaunchTemplate, wanted: list[str], parameters: Parameters, moment: datetime) -> list[Version]:
    shown = {number: each for number, each in template.versions.items() if each.created_at <= moment}
    if not wanted:
        least, most = (_number(template, parameters.get(name)) for name in ("MinVersion", "MaxVersion"))
        return [
            each
            for number, each in shown.items()
            if (least is None or number >= least) and (most is None or number <= most)
        ]
    default = template.default.at(moment)
    # A late read does not show a default that was deleted since: the present one stands for it.
    numbers = {
        DEFAULT: default if default in template.versions else template.default.now,
        LATEST: max(shown, default=0),
    }
    shown |= {number: template.versions[number] for number in (numbers[DEFAULT],) if DEFAULT in wanted}
    chosen: dict[int, Version] = {}
    for text in wanted:
        number = numbers[text] if text in numbers else _number(template, text)
        if number not in shown:
            raise unknown_version(text, template.template_id)
        chosen[number] = shown[number]
    return list(chosen.values())


def _number(template: LaunchTemplate, text: str | None) -> int | None:
    if text is None:
        return None
    if not re.fullmatch("[0-9]{1,9}", text):
        raise unknown_version(text, template.template_id)
    return int(text)


def _version(ec2: Ec2, template: LaunchTemplate, text: str) -> Version:
    """Find a version for a change: EC2 is eventually consistent, so that one just made may not be found yet."""
    moment = ec2.world.lens.moment(f"{template.name}/versions")
    numbers = {DEFAULT: template.default.now, LATEST: template.latest}
    number = numbers[text] if text in numbers else _number(template, text)
    version = template.versions.get(number or 0)
    if version is None or version.created_at > moment:
        raise unknown_version(text, template.template_id)
    return version


def _template(ec2: Ec2, parameters: Parameters) -> LaunchTemplate:
    identifier, name = parameters.get("LaunchTemplateId"), parameters.get("LaunchTemplateName")
    if identifier and name:
        raise not_together("LaunchTemplateId", "LaunchTemplateName")
    if not identifier and not name:
        raise missing("LaunchTemplateId")
    [template] = _named(ec2, [identifier] if identifier else [], [name] if name else [])
    return template


def _named(ec2: Ec2, identifiers: list[str], names: list[str]) -> list[LaunchTemplate]:
    must_look_like("lt-", "InvalidLaunchTemplateId.Malformed", identifiers)
    if not identifiers and not names:
        return list(ec2.templates.values())
    by_name = {each.name: each for each in ec2.templates.values()}
    for identifier in identifiers:
        if identifier not in ec2.templates:
            raise unknown_template(identifier)
    for name in names:
        if name not in by_name:
            raise unknown_template_name(name)
    return [*(ec2.templates[each] for each in identifiers), *(by_name[each] for each in names)]


def _matches(template: LaunchTemplate, name: str, values: Iterable[str]) -> bool:
    if name == "launch-template-name":
        return template.name in values
    if name == "tag-key":
        return any(key in values for key in template.tags)
    if name.startswith("tag:"):
        return passes([template.tags.get(name.removeprefix("tag:"))], values)
    return template.created_at.isoformat() in values


def _once(ec2: Ec2, operation: str, parameters: Parameters, make: Callable[[], Any]) -> Any:
    """Make a thing once for a client token; raise ApiError if the token came with other parameters."""
    token = parameters.get("ClientToken")
    if token is None:
        return make()
    asked = deepcopy(parameters)
    key = (operation, token)
    if key in ec2.tokens:
        before, result = ec2.tokens[key]
        if before != asked:
            message = (
                "Arguments on this idempotent request are inconsistent with arguments used in previous request(s)."
            )
            raise ApiError("IdempotentParameterMismatch", message)
        return result
    result = make()
    ec2.tokens[key] = (asked, result)
    return result


def _caller(ec2: Ec2) -> str:
    return f"arn:aws:iam::{ec2.account}:root"


OPERATIONS: dict[str, Operation] = {
    "CreateLaunchTemplate": create_launch_template,
    "CreateLaunchTemplateVersion": create_launch_template_version,
    "ModifyLaunchTemplate": modify_launch_template,
    "DeleteLaunchTemplate": delete_launch_template,
    "DeleteLaunchTemplateVersions": delete_launch_template_versions,
    "DescribeLaunchTemplates": describe_launch_templates,
    "DescribeLaunchTemplateVersions": describe_launch_template_versions,
}
