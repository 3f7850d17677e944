"""Contract 13: what is known of a changed launch template before it counts as put back, or as left."""

import threading
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.execution_builders import NOW, TIMING, later, server, server_id, wave
from tests.support.fake_app import FakeApp
from tests.support.unasked import UnaskedTemplates

from wavebreak.domain.launch_templates.changes import Stage, TemplateChange
from wavebreak.domain.launch_templates.model import TemplateVersion
from wavebreak.problems import Unavailable
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.use_cases.networks import follow_launches
from wavebreak.use_cases.networks.left_changed import changed_templates
from wavebreak.use_cases.networks.restore_version import restore
from wavebreak.values import replace

CHANGE = TemplateChange(
    Site(), "s-1", "drill-1", 1, 1, "lt-1", 1, (), "subnet-drill", ("sg-drill",), "token", NOW, Stage.CHANGED, version=2
)


class Young(UnaskedTemplates):
    """EC2 that shows the original as the default, and does not know our version yet."""

    def delete_version(self, _template_id: str, number: int, /, *, shown: bool = True) -> bool:
        if not shown:
            raise Unavailable(f"version {number} may not show yet")
        return True

    def versions_from(self, _template_id: str, _least: int, /) -> list[TemplateVersion]:
        return []


class Answering(UnaskedTemplates):
    """EC2 whose read was late: somebody made version 3 of ours, with the drill's subnet in it, and chose it."""

    def __init__(self, *shown: int) -> None:
        self.data = {"NetworkInterfaces": [{"DeviceIndex": 0, "SubnetId": "subnet-drill", "Groups": ["sg-drill"]}]}
        self.versions = {
            number: TemplateVersion("lt-1", number, is_default=False, data=self.data, created_at=later(100))
            for number in shown
        }
        self.made: list[tuple[int, str]] = []
        self.chosen: list[int] = []
        self.deleted: list[int] = []

    def versions_from(self, _template_id: str, least: int, /) -> list[TemplateVersion]:
        return [each for number, each in self.versions.items() if number >= least]

    def make_default(self, _template_id: str, number: int, /) -> int:
        self.chosen.append(number)
        return 3

    def create_version(
        self, _template_id: str, source: int, _data: Mapping[str, Any], _description: str, token: str, /
    ) -> int:
        self.made.append((source, token))
        return 4

    def delete_version(self, _template_id: str, number: int, /, *, shown: bool = True) -> bool:
        assert shown
        self.deleted.append(number)
        return True


def no_step(change: TemplateChange) -> None:
    pytest.fail(f"nothing is begun: {change}")


def test_13_a_version_that_ec2_does_not_know_is_gone_only_when_it_would_show_by_then() -> None:
    """A call that made it may be about to make it the default: no RECOVERY launches before that is certain."""
    original = TemplateVersion("lt-1", 1, is_default=True, data={})
    young = Young()
    with pytest.raises(Unavailable):
        restore(young, CHANGE, original, later(119), no_step)
    assert not restore(young, CHANGE, original, later(120), no_step)


OURS = TemplateVersion("lt-1", 2, is_default=True, data={})
INTERFACES = ({"DeviceIndex": 0, "SubnetId": "subnet-home", "Groups": ["sg-home"]},)


def test_13_what_the_answer_of_ec2_shows_to_be_somebodys_is_kept_without_the_drills_values_and_told() -> None:
    ec2 = Answering(3)
    steps: list[TemplateChange] = []
    reported = restore(ec2, replace(CHANGE, interfaces=INTERFACES), OURS, later(130), steps.append)
    assert reported == "somebody made version 3 the default meanwhile; version 4 has it without what the drill changed"
    assert (ec2.chosen, ec2.made, ec2.deleted) == ([1, 4], [(3, "token-3")], [2])
    assert [(each.restoring_since, each.cleaned) for each in steps] == [(later(130), ()), (later(130), (4,))]


def test_13_what_somebody_made_earlier_and_did_not_choose_stays_unchosen() -> None:
    ec2 = Answering(3)
    assert not restore(ec2, replace(CHANGE, interfaces=INTERFACES), OURS, later(700), lambda _change: None)
    assert (ec2.chosen, ec2.made, ec2.deleted) == ([1], [], [2])


def test_13_a_version_that_ec2_names_and_does_not_show_is_waited_for() -> None:
    ec2 = Answering()
    with pytest.raises(Unavailable, match="does not show version 3"):
        restore(ec2, replace(CHANGE, interfaces=INTERFACES), OURS, later(130), lambda _change: None)
    assert not ec2.deleted


def test_13_the_original_that_a_read_shows_is_not_believed_while_somebodys_version_is_young() -> None:
    ec2 = Answering(3)
    original = TemplateVersion("lt-1", 1, is_default=True, data={})
    with pytest.raises(Unavailable, match="just made version 3"):
        restore(ec2, CHANGE, original, later(130), no_step)
    assert not restore(ec2, CHANGE, original, later(161), no_step)


@pytest.mark.parametrize(
    ("idle", "trouble", "seconds", "left"),
    [(None, None, 0, False), (NOW, None, 599, False), (NOW, None, 600, True), (NOW, "refused", 1, True)],
)
def test_13_a_template_that_is_just_being_put_back_is_not_left(
    idle: datetime | None, trouble: str | None, seconds: int, left: bool
) -> None:
    app = FakeApp(lambda: NOW)
    assert app.templates.intend([replace(CHANGE, idle_since=idle, trouble=trouble)])
    (found,) = changed_templates(app, {Site(): ["s-1"]}, NOW + timedelta(seconds=seconds))[Site()].values()
    assert found.left_behind is left


class Several:
    """The store of changes in two places, of which EC2 hangs in one."""

    def __init__(self) -> None:
        self.templates = self
        self.timing = TIMING

    def now(self) -> Any:
        return NOW

    def listed(self, _now: Any) -> list[str]:
        return [keys.server(site, name) for site, name in ((HERE, server_id(1)), (THERE, server_id(2)))]

    def of(self, site: Site, wanted: list[str]) -> dict[str, TemplateChange]:
        return {name: replace(CHANGE, site=site, source_server_id=name, execution_id=EXECUTION) for name in wanted}

    def templates_at(self, _site: Site) -> None:
        """Make an adapter."""


HERE, THERE = Site(), Site(None, "us-west-2")
EXECUTION = "drill-hung"


def test_a9_a_region_that_hangs_holds_up_neither_the_round_nor_what_is_put_back_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    over, begun, done = threading.Event(), list[Site](), list[Site]()

    def slow(_app: Any, changes: list[TemplateChange], *, over: Any, _event: threading.Event = over) -> None:
        del over
        for site in {each.site for each in changes}:
            begun.append(site)
            if site == THERE:
                _event.wait(20)
            done.append(site)

    monkeypatch.setattr(follow_launches, "put_back", slow)
    monkeypatch.setattr(follow_launches, "is_needed", lambda *_: False)
    waves = [wave(number, servers=(server(number),), site=site) for number, site in ((1, HERE), (2, THERE))]
    execution: Any = SimpleNamespace(execution_id=EXECUTION, networks=("some",), waves=waves)
    app: Any = Several()
    try:
        times = []
        for _ in range(3):
            begin = time.monotonic()
            follow_launches.follow(app, execution)
            times.append(time.monotonic() - begin)
        assert times[0] < 2, "the first round waits a second"
        assert begun.count(THERE) == 1, "and the next ones leave it alone"
        assert done.count(HERE) >= 1
    finally:
        over.set()
