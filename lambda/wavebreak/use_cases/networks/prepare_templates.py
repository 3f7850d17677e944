"""Launch templates changed just before a drill's StartRecovery, so that its servers land in the drill's network.

Every step is written down before it is made: the change with the original before EC2 is asked for a version, the
version's number before it becomes the default. A call that dies leaves a change that the next one goes on with, or that
is put back.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final, Protocol

from msgspec import Struct

from wavebreak.aws.few_at_once import each_of
from wavebreak.domain.drs import Trouble
from wavebreak.domain.executions.model.executions import Mode
from wavebreak.domain.launch_templates.changes import Stage, TemplateChange
from wavebreak.domain.launch_templates.changing import NotForDrillsError, changed, interfaces_of
from wavebreak.domain.launch_templates.choosing import NoPlaceError, Places, PlaceTakenError, wish_of
from wavebreak.use_cases.networks.addresses_in_use import addresses_in_use
from wavebreak.use_cases.networks.put_back import before_launch, put_back
from wavebreak.use_cases.preemption.give_way import servers_left_to_recoveries
from wavebreak.values import Value, field, replace

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from wavebreak.domain.drs import SourceServer
    from wavebreak.domain.executions.model.executions import Execution
    from wavebreak.domain.executions.model.waves import Wave
    from wavebreak.domain.launch_templates.choosing import Wish
    from wavebreak.domain.launch_templates.model import DrillNetwork, LaunchConfiguration, TemplateVersion
    from wavebreak.ports.capabilities import HasLocks
    from wavebreak.ports.drs import DrsServers
    from wavebreak.use_cases.networks.put_back import Ports as PutBackPorts

    class Ports(PutBackPorts, HasLocks, Protocol):
        """What leading a drill into its network needs."""


_CREATE: Final = "CreateLaunchTemplateVersion"
_CHOOSE: Final = "ModifyLaunchTemplate"
_NO_TIME: Final = "Waits for its launch template to be changed"
_TAKEN: Final = "Its launch template is being put back by another call"
_MOVED: Final = "Somebody made another version of its launch template the default just now"
_LAUNCHES_INTO: Final = (
    "It is launched into the existing instance {}, wherever that is: no drill in a network of its own"
)
_TEMPLATE_UNKNOWN: Final = "DRS names no launch template of it that EC2 knows"
_UNSHOWN: Final = "EC2 does not show {}; looked for once more, for it may only be too young"


class Unready(Struct):
    """Servers that cannot be launched now: those that have failed by it, and those that wait."""

    failed: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def take(self, name: str, trouble: Trouble) -> None:
        """Record the trouble with a server; waiting does not cure a missing permission."""
        if trouble.denied:
            self.failed[name] = f"{trouble.operation}: {trouble.reason}"
        else:
            self.waiting[name] = f"{trouble.operation}: {trouble.reason}" if trouble.asked else _NO_TIME

    def without(self, names: Iterable[str]) -> list[str]:
        """Return those of some servers that are neither."""
        return [name for name in names if name not in self.failed and name not in self.waiting]


def network_of(execution: Execution, wave: Wave) -> DrillNetwork | None:
    """Return the network that a wave's servers are to land in; None where their own templates say."""
    if execution.mode is not Mode.DRILL:
        return None
    return next((each for each in execution.networks if each.site == wave.site), None)


def prepare(
    app: Ports,
    execution: Execution,
    wave: Wave,
    names: Sequence[str],
    drs: DrsServers,
    known: Mapping[str, SourceServer],
    over: Callable[[], bool],
) -> Unready:
    """See that servers will land where they should: in the drill's network, or where their own templates say.

    What another drill left changed is put back, before a RECOVERY above all. Nothing more is begun once `over` says so.
    """
    found = app.templates.of(wave.site, names)
    network = network_of(execution, wave)
    own = {
        name: change
        for name, change in found.items()
        if network is not None and change.is_of(execution.execution_id, wave.number, wave.attempt)
    }
    strange = [change for name, change in found.items() if name not in own or change.stage is Stage.PUTTING_BACK]
    unready = Unready(waiting=before_launch(app, strange, execution.execution_id, over))
    if network is None:
        return unready
    own = {name: change for name, change in own.items() if change.stage is not Stage.PUTTING_BACK}
    _keep_what_others_chose(
        app, execution, unready, [own[each] for each in unready.without(names) if each in own], over
    )
    left = [name for name in unready.without(names) if name not in own or own[name].stage is not Stage.READY]
    if left:
        _Preparing(app, execution, wave, drs, network, known, over, unready, own).run(left)
    return unready


def _keep_what_others_chose(
    app: Ports, execution: Execution, unready: Unready, own: Sequence[TemplateChange], over: Callable[[], bool]
) -> None:
    """Put back what was ready and waited for its call, where another version became the default meanwhile."""
    ready = [each for each in own if each.stage is Stage.READY]
    if not ready:
        return
    defaults = app.templates_at(ready[0].site).defaults({each.template_id for each in ready})
    moved = [
        each
        for each in ready
        if (default := defaults.get(each.template_id)) is not None
        and default.number not in {each.original, each.version}
    ]
    _restart_later(app, execution, unready, moved, over)


def _restart_later(
    app: Ports, execution: Execution, unready: Unready, moved: Sequence[TemplateChange], over: Callable[[], bool]
) -> None:
    """Put back the templates that others changed meanwhile; their servers wait, and their change starts again."""
    unready.waiting |= dict.fromkeys((each.source_server_id for each in moved), _MOVED)
    put_back(app, moved, launcher=execution.execution_id, over=over)


def are_prepared(app: Ports, execution: Execution, wave: Wave, names: Sequence[str]) -> bool:
    """Return, after a call for servers was intended, whether all of their templates are still changed for it."""
    if network_of(execution, wave) is None:
        return True
    found = app.templates.of(wave.site, names)
    return all(
        (change := found.get(name)) is not None
        and change.stage is Stage.READY
        and change.is_of(execution.execution_id, wave.number, wave.attempt)
        for name in names
    )


class _Preparing(Value):
    """The change of several servers' templates for one attempt of a wave."""

    app: Ports
    execution: Execution
    wave: Wave
    drs: DrsServers
    network: DrillNetwork
    known: Mapping[str, SourceServer]
    over: Callable[[], bool]
    unready: Unready
    own: Mapping[str, TemplateChange]
    """What an earlier call of the same attempt had begun."""
    free: dict[str, int] = field(default_factory=dict)
    """The free addresses of the drill's subnets, as EC2 reported them."""

    def run(self, names: Sequence[str]) -> None:
        """Change the templates of servers; those that cannot be launched now are in `unready` then."""
        templates = self.app.templates_at(self.wave.site)
        configurations = self._configurations(names)
        defaults = templates.defaults({each.template_id or "" for each in configurations.values()})
        planned = self._planned(configurations, defaults)
        data = {
            each.source_server_id: changed(defaults[each.template_id].data, each.subnet_id, each.group_ids)
            for each in planned
        }
        begun = self._intended(planned)
        made = self._made(begun, data)
        chosen = self._chosen(made, templates.defaults({each.template_id for each in made}) if made else {})
        ready = {each.source_server_id for each in self.app.templates.ready(chosen)}
        for name in self.unready.without(names):
            if name not in ready:
                self.unready.waiting[name] = _TAKEN

    def _configurations(self, names: Sequence[str]) -> dict[str, LaunchConfiguration]:
        found: dict[str, LaunchConfiguration] = {}
        for name, answer in self.drs.launch_configurations(names, self.over).items():
            if isinstance(answer, Trouble):
                self.unready.take(name, answer)
            elif answer.launches_into:
                self.unready.failed[name] = _LAUNCHES_INTO.format(answer.launches_into)
            else:
                found[name] = answer
        return found

    def _planned(
        self, configurations: Mapping[str, LaunchConfiguration], defaults: Mapping[str, TemplateVersion]
    ) -> list[TemplateChange]:
        """Return what to change; a template that was changed meanwhile is put back, and begun again later."""
        resumed, moved, fresh = [], [], []
        for name, configuration in configurations.items():
            default = defaults.get(configuration.template_id or "")
            change = self.own.get(name)
            if default is None:
                self._unshown(name, f"its launch template {configuration.template_id}", _TEMPLATE_UNKNOWN)
            elif change is None:
                fresh.append((configuration, default))
            elif change.template_id == default.template_id and default.number in {change.original, change.version}:
                resumed.append(change)
            else:
                moved.append(change)
        _restart_later(self.app, self.execution, self.unready, moved, self.over)
        return [*resumed, *self._fresh(fresh)]

    def _fresh(self, wanted: Sequence[tuple[LaunchConfiguration, TemplateVersion]]) -> list[TemplateChange]:
        if not wanted:
            return []
        templates = self.app.templates_at(self.wave.site)
        wishes = {each.source_server_id: self._wish(each, default) for each, default in wanted}
        types = {each.instance_type for each in wishes.values() if each.instance_type}
        subnets = templates.subnets(self.network.subnet_ids)
        self.free.update({name: each.free for name, each in subnets.items()})
        led = addresses_in_use(self.app, self.execution, self.wave.site)
        places = Places(self.network, subnets, templates.zones_of(types), led=led)
        planned: list[TemplateChange] = []
        for configuration, default in wanted:
            name = configuration.source_server_id
            try:
                subnet = places.choose(wishes[name])
                changed(default.data, subnet.subnet_id, self.network.group_ids)
            except PlaceTakenError as taken:
                self.unready.waiting[name] = str(taken)
                continue
            except (NoPlaceError, NotForDrillsError) as error:
                unshown = [each for each in self.network.subnet_ids if each not in subnets]
                if unshown and isinstance(error, NoPlaceError):
                    self._unshown(name, f"subnet {', '.join(unshown)}", str(error))
                else:
                    self.unready.failed[name] = str(error)
                continue
            planned.append(self._change(name, default, subnet.subnet_id))
        return planned

    def _unshown(self, name: str, what: str, verdict: str) -> None:
        """Record that EC2 does not show something; only a second time proves that it is absent."""
        words = _UNSHOWN.format(what)
        before = next((each.error for each in self.wave.servers if each.source_server_id == name), None)
        if before == words:
            self.unready.failed[name] = verdict
        else:
            self.unready.waiting[name] = words

    def _wish(self, configuration: LaunchConfiguration, default: TemplateVersion) -> Wish:
        server = self.known.get(configuration.source_server_id)
        known = (server.recommended_type, server.address) if server is not None else (None, None)
        return wish_of(configuration, default.data, *known)

    def _change(self, name: str, default: TemplateVersion, subnet_id: str) -> TemplateChange:
        return TemplateChange(
            site=self.wave.site,
            source_server_id=name,
            execution_id=self.execution.execution_id,
            wave=self.wave.number,
            attempt=self.wave.attempt,
            template_id=default.template_id,
            original=default.number,
            interfaces=tuple(interfaces_of(default.data)),
            subnet_id=subnet_id,
            group_ids=self.network.group_ids,
            token=uuid.uuid4().hex,
            intended_at=self.app.now(),
        )

    def _intended(self, planned: Sequence[TemplateChange]) -> list[TemplateChange]:
        """Write the changes down; then see that no recovery has the servers: it would have looked before that."""
        fresh = [each for each in planned if each.source_server_id not in self.own]
        resumed = [each for each in planned if each.source_server_id in self.own]
        begun = [*resumed, *self.app.templates.intend(fresh)]
        held = servers_left_to_recoveries(
            self.app, self.execution, self.wave, [each.source_server_id for each in begun]
        )
        held |= dict.fromkeys(self._beyond_what_is_free(fresh, held), str(PlaceTakenError()))
        self.unready.waiting |= held
        for change in fresh:
            if change.source_server_id in held:
                self.app.templates.done(change)
        return [each for each in begun if each.source_server_id not in held]

    def _beyond_what_is_free(self, fresh: Sequence[TemplateChange], held: Collection[str]) -> list[str]:
        """Return the servers without an address, given those that other waves took meanwhile.

        Each wave writes its changes first and then reads all of them, so of two waves at least one sees the other.
        """
        mine = [each for each in fresh if each.source_server_id not in held]
        if not mine:
            return []
        led = addresses_in_use(self.app, self.execution, self.wave.site)
        for change in mine:
            led[change.subnet_id] -= change.addresses
        beyond: list[str] = []
        for change in mine:
            led[change.subnet_id] += change.addresses
            if led[change.subnet_id] > self.free[change.subnet_id]:
                led[change.subnet_id] -= change.addresses
                beyond.append(change.source_server_id)
        return beyond

    def _made(self, begun: Sequence[TemplateChange], data: Mapping[str, Mapping[str, object]]) -> list[TemplateChange]:
        """Create the versions in EC2, and store their numbers; a repeated request creates them once."""
        templates = self.app.templates_at(self.wave.site)
        missing = {each.source_server_id: each for each in begun if each.version is None}

        def create(name: str) -> int:
            change = missing[name]
            return templates.create_version(
                change.template_id, change.original, data[name], change.description, change.token
            )

        numbers: dict[str, int] = {}
        for name, answer in each_of(_CREATE, missing, create, over=self.over).items():
            if isinstance(answer, Trouble):
                self.unready.take(name, answer)
                if name not in self.own and (answer.denied or not answer.asked):
                    self.app.templates.done(missing[name])
            else:
                numbers[name] = answer
        noted = self.app.templates.made([replace(missing[name], version=number) for name, number in numbers.items()])
        return [*(each for each in begun if each.version is not None), *noted]

    def _chosen(self, made: Sequence[TemplateChange], defaults: Mapping[str, TemplateVersion]) -> list[TemplateChange]:
        """Make our versions the defaults, unless another one was chosen since the read."""
        templates = self.app.templates_at(self.wave.site)
        by_name = {each.source_server_id: each for each in made}
        moved = [
            each
            for each in made
            if (shown := defaults.get(each.template_id)) is None or shown.number not in {each.original, each.version}
        ]
        _restart_later(self.app, self.execution, self.unready, moved, self.over)
        left = [each for each in made if each not in moved]

        def choose(name: str) -> int:
            return templates.make_default(by_name[name].template_id, by_name[name].version or 0)

        chosen: list[TemplateChange] = []
        overtaken: list[TemplateChange] = []
        for name, answer in each_of(_CHOOSE, [each.source_server_id for each in left], choose, over=self.over).items():
            if isinstance(answer, Trouble):
                self.unready.take(name, answer)
            elif answer > (by_name[name].version or 0):
                overtaken.append(by_name[name])  # a version was made since, and may have been chosen
            else:
                chosen.append(by_name[name])
        _restart_later(self.app, self.execution, self.unready, overtaken, self.over)
        return chosen
