"""One launch template put back at EC2: the original is the default again, and our version is gone.

EC2's reads may show an earlier default. That our version is deleted is the proof that it is not the default, and that
it cannot become it any more, whatever a call that was held up still does: EC2 keeps a default version.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from wavebreak.aws_error_codes import NO_LAUNCH_TEMPLATE, NO_TEMPLATE_VERSION
from wavebreak.domain.launch_templates.changing import put_back
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import error_code

if TYPE_CHECKING:
    from datetime import datetime

    from wavebreak.aws.ec2.launch_templates import LaunchTemplates
    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.domain.launch_templates.model import TemplateVersion

SHOWN_AFTER: Final = timedelta(seconds=60)
"""After it EC2 shows every version that was made."""
_CERTAIN_AFTER: Final = 2 * SHOWN_AFTER
"""Since the intent: then the call that made a version is over, too, and one that EC2 does not know is no more."""
_KEPT: Final = "somebody made version {} the default meanwhile; it has nothing of the drill and stays"
_CLEANED: Final = "somebody made version {} the default meanwhile; version {} has it without what the drill changed"


def restore(templates: LaunchTemplates, change: TemplateChange, shown: TemplateVersion | None, now: datetime) -> str:
    """Put a template back; `shown` is its default version as a read shows it, None of one that it does not show.

    Gives what is to be told, empty when nobody else had a hand in it. May be done again after any fault.
    """
    try:
        if change.version is None:
            _clean_up(templates, change, now)
            return ""
        theirs = shown if shown is not None and shown.number not in {change.version, change.original} else None
        if theirs is not None:
            return _with_theirs(templates, change, theirs, now)
        if shown is not None and shown.number == change.original and _deleted(templates, change, now):
            return ""
        _to_original(templates, change)
        _must_be_deleted(templates, change, now)
    except ClientError as error:
        if error_code(error) in NO_LAUNCH_TEMPLATE:
            return ""
        raise
    return ""


def _deleted(templates: LaunchTemplates, change: TemplateChange, now: datetime) -> bool:
    """Delete our version, unless it is the default; one that may only not show yet proves nothing: Unavailable."""
    shown = now - change.intended_at >= _CERTAIN_AFTER
    return change.version is None or templates.delete_version(change.template_id, change.version, shown=shown)


def _must_be_deleted(templates: LaunchTemplates, change: TemplateChange, now: datetime) -> None:
    if not _deleted(templates, change, now):
        raise Unavailable(f"EC2 still has version {change.version} of {change.template_id} as its default")


def _to_original(templates: LaunchTemplates, change: TemplateChange) -> None:
    """Make the original the default; if somebody deleted it, a version of ours without what the drill changed."""
    try:
        templates.make_default(change.template_id, change.original)
    except ClientError as error:
        if error_code(error) != NO_TEMPLATE_VERSION or change.version is None:
            raise
        ours = templates.versions_from(change.template_id, change.version)
        source = next((each for each in ours if each.number == change.version), None)
        if source is None:
            raise
        _make_default_without_ours(templates, change, source)


def _with_theirs(templates: LaunchTemplates, change: TemplateChange, theirs: TemplateVersion, now: datetime) -> str:
    """Keep what somebody else made the default, without the values that are ours."""
    number = _make_default_without_ours(templates, change, theirs)
    if number is None and not _deleted(templates, change, now):
        # The read was older than our own change: theirs is what that came over.
        templates.make_default(change.template_id, theirs.number)
    _must_be_deleted(templates, change, now)
    return _KEPT.format(theirs.number) if number is None else _CLEANED.format(theirs.number, number)


def _make_default_without_ours(
    templates: LaunchTemplates, change: TemplateChange, version: TemplateVersion
) -> int | None:
    """Make and choose a version like another one, without the drill's values; None when it has none of them."""
    data = put_back(version.data, change.interfaces, change.subnet_id, change.group_ids)
    if data is None:
        return None
    token = f"{change.token}-{version.number}"
    number = templates.create_version(change.template_id, version.number, data, change.description, token)
    templates.make_default(change.template_id, number)
    return number


def _clean_up(templates: LaunchTemplates, change: TemplateChange, now: datetime) -> None:
    """Delete a version that was made and never written down; it was never the default."""
    found = [
        each
        for each in templates.versions_from(change.template_id, change.original + 1)
        if each.description == change.description
    ]
    for each in found:
        templates.delete_version(change.template_id, each.number)
    if not found and now - change.intended_at < SHOWN_AFTER:
        raise Unavailable(f"A version of {change.template_id} that may have just been made does not show yet")
