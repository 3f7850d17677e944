"""Contract 13: what is known of a changed launch template before it counts as put back, or as left."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.execution_builders import NOW, later

from wavebreak.domain.launch_templates.changes import Stage, TemplateChange
from wavebreak.domain.launch_templates.model import TemplateVersion
from wavebreak.problems import Unavailable
from wavebreak.site import Site
from wavebreak.use_cases.networks.left_changed import changed_templates
from wavebreak.use_cases.networks.restore_version import restore

CHANGE = TemplateChange(
    Site(), "s-1", "drill-1", 1, 1, "lt-1", 1, (), "subnet-drill", ("sg-drill",), "token", NOW, Stage.CHANGED, version=2
)


class Young:
    """EC2 that shows the original as the default, and does not know our version yet."""

    def delete_version(self, _template_id: str, number: int, *, shown: bool = True) -> bool:
        if not shown:
            raise Unavailable(f"version {number} may not show yet")
        return True


class Kept:
    """The store of one change, as a check reads it."""

    def __init__(self, change: TemplateChange) -> None:
        self.change = change
        self.templates = self

    def listed(self, _now: Any) -> list[str]:
        return ["SERVER#own#own#s-1"]

    def of(self, _site: Site, wanted: list[str]) -> dict[str, TemplateChange]:
        return dict.fromkeys(wanted, self.change)


def test_13_a_version_that_ec2_does_not_know_is_gone_only_when_it_would_show_by_then() -> None:
    """A call that made it may be about to make it the default: no RECOVERY launches before that is certain."""
    original: Any = TemplateVersion("lt-1", 1, is_default=True, data={})
    young: Any = Young()
    with pytest.raises(Unavailable):
        restore(young, CHANGE, original, later(119))
    assert not restore(young, CHANGE, original, later(120))


@pytest.mark.parametrize(
    ("idle", "trouble", "seconds", "left"),
    [(None, None, 0, False), (NOW, None, 599, False), (NOW, None, 600, True), (NOW, "refused", 1, True)],
)
def test_13_a_template_that_is_just_being_put_back_is_not_left(
    idle: Any, trouble: str | None, seconds: int, left: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wavebreak.store.keys.server", lambda _site, name: f"SERVER#own#own#{name}")
    app: Any = Kept(replace(CHANGE, idle_since=idle, trouble=trouble))
    (found,) = changed_templates(app, {Site(): ["s-1"]}, NOW + timedelta(seconds=seconds))[Site()].values()
    assert found.left_behind is left
