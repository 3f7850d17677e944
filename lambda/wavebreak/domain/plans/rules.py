"""The rules of a plan that concern more than one field: names, dependencies, servers.

They read the document as received, check what is well formed and skip the rest, which the models report,
so that every problem is found in one go.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, TypeAlias

from wavebreak.domain.plans import graph, step_rules
from wavebreak.json_pointers import Location, quoted
from wavebreak.values import Value

MAX_SERVERS_IN_PLAN: Final = 4_000
MAX_SERVERS_IN_WAVE: Final = 500

RESERVED_PLAN_IDS: Final = frozenset({"import", "diff"})
"""Words of the API's own that follow `/plans/`: a plan of such an id could be stored and never be read again."""

Finding: TypeAlias = tuple[Location, str]


def dependency_indexes(names: list[str | None], depends_on: list[list[Any] | None]) -> list[list[int]]:
    """Return, for each wave, the positions of the waves that it depends on, each once and in the order written.

    None for `depends_on` means the wave listed before. A name that no wave has gives nothing; of several waves with
    one name the first is meant.
    """
    position_of: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is not None:
            position_of.setdefault(name, index)
    resolved: list[list[int]] = []
    for index, wanted in enumerate(depends_on):
        if wanted is None:
            resolved.append([index - 1] if index else [])
        else:
            known = (position_of[name] for name in wanted if isinstance(name, str) and name in position_of)
            resolved.append(list(dict.fromkeys(known)))
    return resolved


class Rules(Value, dict=True):
    """The rules, applied to one document (`findings`); `plan_id` is what its planId must be, if anything."""

    document: dict[str, Any]
    plan_id: str | None

    def findings(self) -> Iterator[Finding]:
        """Yield every broken rule as where and what, in no order."""
        yield from self._plan_id_of_another()
        yield from self._reserved_plan_id()
        yield from self._duplicate_names()
        yield from self._unsaid_dependencies()
        yield from self._unknown_dependencies()
        yield from self._cycles()
        yield from self._commands_before_anything()
        yield from self._server_sources()
        yield from self._duplicate_servers()
        yield from self._too_many_servers()
        yield from self._checks_that_clash()
        yield from self._schedule_without_lease()
        yield from self._approvals_said_oddly()
        yield from step_rules.placeholder_findings(self._waves, self._indexes)
        yield from self._networks_that_do_not_match()

    @cached_property
    def _waves(self) -> list[dict[str, Any]]:
        """The waves; one that is no object counts as empty, so that positions stay true."""
        waves = self.document.get("waves")
        return [wave if isinstance(wave, dict) else {} for wave in waves] if isinstance(waves, (list, tuple)) else []

    @cached_property
    def _names(self) -> list[str | None]:
        return [name if isinstance(name := wave.get("name"), str) else None for wave in self._waves]

    @cached_property
    def _depends_on(self) -> list[list[Any] | None]:
        """What each wave says it depends on: None when it does not say, nothing when it says it wrongly."""
        written = [wave.get("dependsOn") for wave in self._waves]
        return [list(item) if isinstance(item, (list, tuple)) else None if item is None else [] for item in written]

    @cached_property
    def _indexes(self) -> list[list[int]]:
        return dependency_indexes(self._names, self._depends_on)

    def _shown(self, index: int) -> str:
        name = self._names[index]
        return f"wave {index + 1}" if name is None else quoted(name)

    def _plan_id_of_another(self) -> Iterator[Finding]:
        written = self.document.get("planId")
        if self.plan_id is not None and isinstance(written, str) and written != self.plan_id:
            yield ("planId",), f"must be {quoted(self.plan_id)} as in the path, not {quoted(written)}"

    def _reserved_plan_id(self) -> Iterator[Finding]:
        written = self.document.get("planId")
        if isinstance(written, str) and written in RESERVED_PLAN_IDS:
            yield ("planId",), f"must not be {quoted(written)}: /plans/{written} is a call of the API itself"

    def _duplicate_names(self) -> Iterator[Finding]:
        first_with: dict[str, int] = {}
        for index, name in enumerate(self._names):
            if name is None:
                continue
            first = first_with.setdefault(name, index)
            if first != index:
                yield ("waves", index, "name"), f"{quoted(name)} is already the name of wave {first + 1}"

    def _unsaid_dependencies(self) -> Iterator[Finding]:
        """Report `dependsOn:` with nothing behind it: it could mean none, or the wave before (contract 3)."""
        for index, wave in enumerate(self._waves):
            if "dependsOn" in wave and wave["dependsOn"] is None:
                yield ("waves", index, "dependsOn"), "must be a list, not null: [] for a wave that waits for none"

    def _unknown_dependencies(self) -> Iterator[Finding]:
        known = set(self._names)
        for index, wanted in enumerate(self._depends_on):
            for position, name in enumerate(wanted or ()):
                if not isinstance(name, str):
                    continue
                where: Location = ("waves", index, "dependsOn", position)
                if name == self._names[index]:
                    yield where, "a wave cannot depend on itself"
                elif name not in known:
                    yield where, f"no wave is named {quoted(name)}"

    def _cycles(self) -> Iterator[Finding]:
        """Report each cycle where its first wave, which always names a later one, depends on the next."""
        edges = {index: [other for other in others if other != index] for index, others in enumerate(self._indexes)}
        for cycle in graph.cycles(edges):
            first, following = cycle[0], cycle[1]
            position = (self._depends_on[first] or []).index(self._names[following])
            round_trip = " → ".join(self._shown(index) for index in (*cycle, first))
            yield ("waves", first, "dependsOn", position), f"waves depend on each other in a cycle: {round_trip}"

    def _schedule_without_lease(self) -> Iterator[Finding]:
        """Report a schedule that would leave instances running for ever: a scheduled drill must end by itself."""
        drill = self.document.get("drill")
        if isinstance(drill, dict) and drill.get("schedule") and drill.get("terminateAfterMinutes") is None:
            yield ("drill", "schedule"), "needs terminateAfterMinutes: what starts by itself must end by itself"

    def _networks_that_do_not_match(self) -> Iterator[Finding]:
        """Report entries of `networks` that are not one for each account and Region of the waves (contract 13)."""
        drill = self.document.get("drill")
        networks = drill.get("networks") if isinstance(drill, dict) else None
        if not isinstance(networks, (list, tuple)):
            return
        first_with: dict[tuple[str, str], int] = {}
        for position, network in enumerate(networks):
            if isinstance(network, dict):
                first = first_with.setdefault(_written_site(network), position)
                if first != position:
                    yield ("drill", "networks", position), f"is for the same account and Region as entry {first + 1}"
        for index, wave in enumerate(self._waves):
            if _written_site(wave) not in first_with:
                message = f"have no entry for the account and Region of wave {self._shown(index)}"
                yield ("drill", "networks"), message

    def _commands_before_anything(self) -> Iterator[Finding]:
        for index, wave in enumerate(self._waves):
            written = wave.get("dependsOn")
            depends_on_none = written in ([], ()) if written is not None else index == 0
            if depends_on_none and step_rules.commands_without_servers(wave):
                message = "commands run on the servers of the waves that this one depends on, and it depends on none"
                yield ("waves", index, "before"), message

    def _server_sources(self) -> Iterator[Finding]:
        given = self.document.get("waves")
        for index, wave in enumerate(self._waves):
            if not isinstance(given[index], dict):  # type: ignore[index]  # a list, or there would be no waves
                continue
            has_servers, has_selector = (wave.get(key) is not None for key in ("servers", "selector"))
            if has_servers and has_selector:
                yield ("waves", index, "selector"), "a wave has either servers or a selector, not both"
            elif not has_servers and not has_selector:
                yield ("waves", index), "needs servers or a selector"

    def _listed(self, name: str) -> Iterator[tuple[int, int, Any]]:
        """Return what the waves list under a name, with the indices of wave and entry."""
        for index, wave in enumerate(self._waves):
            entries = wave.get(name)
            for position, entry in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
                yield index, position, entry

    def _duplicate_servers(self) -> Iterator[Finding]:
        """Compare servers with the Regions and accounts as written."""
        first_with: dict[tuple[str, str, str], int] = {}
        for index, position, server in self._listed("servers"):
            server_id = server.get("sourceServerId") if isinstance(server, dict) else None
            if not isinstance(server_id, str):
                continue
            wave = self._waves[index]
            key = (*_written_site(wave), server_id)
            if key in first_with:
                message = f"{quoted(server_id)} is already in wave {self._shown(first_with[key])}"
                yield ("waves", index, "servers", position, "sourceServerId"), message
            first_with.setdefault(key, index)

    def _too_many_servers(self) -> Iterator[Finding]:
        total = sum(1 for _ in self._listed("servers"))
        if total > MAX_SERVERS_IN_PLAN:
            yield ("waves",), f"must have at most {MAX_SERVERS_IN_PLAN} servers in all, not {total}"

    def _checks(self) -> Iterator[tuple[int, int, dict[str, Any]]]:
        for index, position, check in self._listed("checks"):
            if isinstance(check, dict) and isinstance(check.get("name"), str):
                yield index, position, check

    def _checks_that_clash(self) -> Iterator[Finding]:
        """Report checks of one name that differ between waves, and factors that come from several checks."""
        meant: dict[str, tuple[int, Any]] = {}
        seen: set[tuple[str, int]] = set()
        owner: dict[str, str] = {}
        for index, position, check in self._checks():
            where: Location = ("waves", index, "checks", position)
            name, factors = check["name"], check.get("factors")
            first, known = meant.setdefault(name, (index, (check.get("type"), factors)))
            if (name, index) in seen:
                yield (*where, "name"), f"{quoted(name)} is already the name of a check of this wave"
            elif known != (check.get("type"), factors):
                shown = self._shown(first)
                yield (*where, "name"), f"{quoted(name)} has another type or other factors in wave {shown}"
            seen.add((name, index))
            for factor in factors if isinstance(factors, dict) else ():
                if isinstance(factor, str) and owner.setdefault(factor, name) != name:
                    yield (*where, "factors", factor), f"is already a factor of check {quoted(owner[factor])}"

    def _approvals_said_oddly(self) -> Iterator[Finding]:
        """Report an approval that is said twice, and `approval:` with nothing behind it (contract 12)."""
        for index, wave in enumerate(self._waves):
            if "approval" in wave and wave["approval"] is None:
                yield ("waves", index, "approval"), "must be an object, not null: {} for one with the defaults"
            elif "approval" in wave and "requiresApproval" in wave:
                yield ("waves", index, "requiresApproval"), "a wave has either requiresApproval or approval, not both"


def _written_site(part: dict[str, Any]) -> tuple[str, str]:
    """Return account and Region as written: what is left out is the same for all that leave it out."""
    return str(part.get("accountId")), str(part.get("region"))
