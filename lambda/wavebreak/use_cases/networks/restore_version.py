"""One launch template put back at EC2: the original is the default again, and our version is gone.

EC2's reads may show an earlier default. That our version is deleted is the proof that it is not the default, and that
it cannot become it any more, whatever a delayed call still does: EC2 keeps a default version. A late read may not show
that somebody chose another version meanwhile; the answer of ModifyLaunchTemplate does, as it names the newest version.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from botocore.exceptions import ClientError
from msgspec import Struct

from wavebreak.aws_error_codes import NO_LAUNCH_TEMPLATE, NO_TEMPLATE_VERSION
from wavebreak.domain.launch_templates.changing import put_back
from wavebreak.problems import Unavailable
from wavebreak.resilience.aws_errors import error_code
from wavebreak.values import replace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import datetime

    from wavebreak.domain.launch_templates.changes import TemplateChange
    from wavebreak.domain.launch_templates.model import TemplateVersion
    from wavebreak.ports.ec2 import TemplateChanges

    Note: TypeAlias = Callable[[TemplateChange], None]

SHOWN_AFTER: Final = timedelta(seconds=60)
"""After it EC2 shows every version that was made."""
_CERTAIN_AFTER: Final = 2 * SHOWN_AFTER
"""Since the intent: then the call that made a version is over, too, and one that EC2 does not know is no more."""
_KEPT: Final = "somebody made version {} the default meanwhile; it has nothing of the drill and stays"
_CLEANED: Final = "somebody made version {} the default meanwhile; version {} has it without what the drill changed"


def restore(
    templates: TemplateChanges, change: TemplateChange, shown: TemplateVersion | None, now: datetime, note: Note
) -> str:
    """Put a template back; `shown` is its default version as a read shows it, None of one that it does not show.

    Returns what is to be reported, empty unless another caller changed it. Safe to repeat after a fault: `note` stores
    a step before it is made.
    """
    try:
        if change.version is None:
            _delete_unrecorded(templates, change, now)
            return ""
        return _Restoring(templates, now, note, change).run(shown)
    except ClientError as error:
        if error_code(error) in NO_LAUNCH_TEMPLATE:
            return ""
        raise


class _Restoring(Struct):
    """A template of which our version is known, and may be the default."""

    templates: TemplateChanges
    now: datetime
    note: Note
    change: TemplateChange

    def run(self, shown: TemplateVersion | None) -> str:
        """Put the template back; return what is to be reported."""
        change = self.change
        if shown is not None and shown.number not in {change.version, change.original}:
            later = [each for each in self._just_made(self._newer()) if each.number > shown.number]
            return self._with_theirs(later[-1] if later else shown, chosen=not later)
        if shown is not None and shown.number == change.original and change.restoring_since is None and self._deleted():
            self._must_be_certain()
            return ""
        if change.restoring_since is None:
            self._note(restoring_since=self.now)
        newest = self._to_original()
        versions = self._up_to(newest) if newest > (change.version or 0) else []
        # The original has just replaced what another caller may have chosen: the read before that was late.
        since = (self.change.restoring_since or self.now) - SHOWN_AFTER
        if theirs := self.change.others(versions, since):
            return self._with_theirs(theirs[-1], chosen=False)
        self._must_be_deleted(change.original, versions)
        return ""

    def _note(self, **known: Any) -> None:
        self.change = replace(self.change, **known)
        self.note(self.change)

    def _deleted(self) -> bool:
        """Delete our version, unless it is the default; one that may only not show yet proves nothing: Unavailable."""
        change = self.change
        shown = self.now - change.intended_at >= _CERTAIN_AFTER
        return change.version is None or self.templates.delete_version(change.template_id, change.version, shown=shown)

    def _must_be_deleted(self, chosen: int, versions: Iterable[TemplateVersion]) -> None:
        """Delete our version, and what else `versions` show of ours but the `chosen` one."""
        if not self._deleted():
            raise Unavailable(
                f"EC2 still has version {self.change.version} of {self.change.template_id} as its default"
            )
        self._delete_cleaned(chosen, versions)

    def _delete_cleaned(self, chosen: int, versions: Iterable[TemplateVersion]) -> None:
        """Delete what we made of others' choices, as far as it was written down or `versions` show it, but `chosen`."""
        shown = {each.number for each in versions if each.description == self.change.description}
        for number in sorted({*self.change.cleaned, *shown} - {chosen, self.change.version}):
            self.templates.delete_version(self.change.template_id, number)

    def _must_be_certain(self) -> None:
        """Check that no read was late: the default may be a version that was just made, with ours in it."""
        versions = self._newer()
        young = self._just_made(versions)
        if young:
            raise Unavailable(
                f"Somebody has just made version {young[-1].number} of {self.change.template_id}: EC2 may not show yet"
                " that it is the default"
            )
        self._delete_cleaned(self.change.original, versions)

    def _just_made(self, versions: Iterable[TemplateVersion]) -> list[TemplateVersion]:
        """Return the versions that others made so lately that a read may not show yet which of them is the default."""
        return self.change.others(versions, self.now - SHOWN_AFTER)

    def _newer(self) -> list[TemplateVersion]:
        return self.templates.versions_from(self.change.template_id, (self.change.version or 0) + 1)

    def _to_original(self) -> int:
        """Make the original the default; if it was deleted, a version of ours without what the drill changed.

        Returns the number of the newest version there is.
        """
        change = self.change
        try:
            return self.templates.make_default(change.template_id, change.original)
        except ClientError as error:
            if error_code(error) != NO_TEMPLATE_VERSION or change.version is None:
                raise
            ours = self.templates.versions_from(change.template_id, change.version)
            source = next((each for each in ours if each.number == change.version), None)
            if source is None or self._make_default_without_ours(source) is None:
                raise
            return self.change.version or 0

    def _up_to(self, newest: int) -> list[TemplateVersion]:
        """Return the versions that are newer than ours, once EC2 shows all of them."""
        versions = self._newer()
        if newest not in {each.number for each in versions}:
            raise Unavailable(f"EC2 does not show version {newest} of {self.change.template_id} yet")
        return versions

    def _with_theirs(self, theirs: TemplateVersion, *, chosen: bool) -> str:
        """Keep the default that another caller made, without the values that are ours.

        `chosen` says that it is the default, as far as a read shows.
        """
        number = self._make_default_without_ours(theirs)
        if number is None and not (chosen and self._deleted()):
            # The read was older than a change of ours: theirs is what that came over.
            self.templates.make_default(self.change.template_id, theirs.number)
        left = theirs.number if number is None else number
        self._must_be_deleted(left, self._newer())
        return _KEPT.format(theirs.number) if number is None else _CLEANED.format(theirs.number, number)

    def _make_default_without_ours(self, version: TemplateVersion) -> int | None:
        """Make and choose a version like another one, without the drill's values; None when it has none of them."""
        change = self.change
        data = put_back(version.data, change.interfaces, change.subnet_id, change.group_ids)
        if data is None:
            return None
        token = f"{change.token}-{version.number}"
        number = self.templates.create_version(change.template_id, version.number, data, change.description, token)
        if number not in change.cleaned:
            self._note(cleaned=(*change.cleaned, number))
        self.templates.make_default(change.template_id, number)
        return number


def _delete_unrecorded(templates: TemplateChanges, change: TemplateChange, now: datetime) -> None:
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
