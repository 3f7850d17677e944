"""The control API under ``/_simulator/``: JSON in, JSON out, and a precise 4xx for what makes no sense."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, Field, StringConstraints, ValidationError

from drs_simulator.credentials import DEFAULT_ACCOUNT, DEFAULT_REGION
from drs_simulator.drs.model import PLAN_NAME, SourceServer
from drs_simulator.drs.quotas import Quotas
from drs_simulator.drs.recovery_plans import PlanSettings, plan_with_steps
from drs_simulator.drs.views import server_view
from drs_simulator.faults import Fault
from drs_simulator.manners import Exact, Manners
from drs_simulator.settings import Settings
from drs_simulator.ssm.documents import NAME as NAME_OF_DOCUMENT
from drs_simulator.ssm.documents import Content
from drs_simulator.ssm.settings import InstanceSettings, LookupSettings
from drs_simulator.wire.messages import JSON_TYPE, Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from drs_simulator.drs.fleet import Fleet
    from drs_simulator.simulation import Simulation
    from drs_simulator.wire.messages import Request

PREFIX = "/_simulator/"

# The query values of the calls that are about one account in one Region; the others take none.
_PLACE = frozenset({"account", "region"})
_TagText = Annotated[str, StringConstraints(max_length=256)]
Input = TypeVar("Input", bound=BaseModel)


class ServerSettings(Settings):
    """A source server's tags and how its launches go; what is left out keeps its value."""

    tags: dict[_TagText, _TagText] | None = None
    launch_seconds: float | None = Field(default=None, ge=0, le=86_400)
    launch_result: Literal["LAUNCHED", "FAILED"] | None = None
    recoverable: bool | None = None
    lag_seconds: int | None = Field(default=None, ge=0, le=604_800)
    hostname: str | None = Field(default=None, min_length=1, max_length=256)

    def apply(self, server: SourceServer) -> None:
        """Change what was given."""
        if self.tags is not None:
            server.tags.declare(dict(self.tags))
        server.launch_seconds = server.launch_seconds if self.launch_seconds is None else self.launch_seconds
        server.launches = server.launches if self.launch_result is None else self.launch_result == "LAUNCHED"
        server.recoverable = server.recoverable if self.recoverable is None else self.recoverable
        server.lag_seconds = server.lag_seconds if self.lag_seconds is None else self.lag_seconds
        server.hostname = server.hostname if self.hostname is None else self.hostname


class EventSettings(Settings):
    """Whether launch events are sent."""

    enabled: bool


class ControlError(Exception):
    """A control call makes no sense; ``errors`` are ``{pointer, message}`` pairs."""

    def __init__(self, status: int, message: str, errors: list[dict[str, str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.errors = errors or []


class ControlApi:
    """Answers control calls; ``operations`` are the API operations that a fault may name."""

    def __init__(self, simulation: Simulation, operations: frozenset[str]) -> None:
        self._simulation = simulation
        self._operations = operations
        self._routes: list[tuple[str, re.Pattern[str], Callable[[Request, str], tuple[int, Any]]]] = [
            ("GET", re.compile("health()"), self._health),
            ("POST", re.compile("reset()"), self._reset),
            ("PUT", re.compile("source-servers/([^/]+)"), self._put_source_server),
            ("POST", re.compile("faults()"), self._add_fault),
            ("DELETE", re.compile("faults()"), self._clear_faults),
            ("GET", re.compile("calls()"), self._calls),
            ("GET", re.compile("state()"), self._state),
            ("PUT", re.compile("instances/([^/]+)"), self._put_instance),
            ("PUT", re.compile("recovery-plans/([^/]+)"), self._put_recovery_plan),
            ("PUT", re.compile("documents/([^/]+)"), self._put_document),
            ("PUT", re.compile("commands()"), self._put_commands),
            ("PUT", re.compile("quotas()"), self._put_quotas),
            ("PUT", re.compile("events()"), self._put_events),
            ("GET", re.compile("manners()"), self._manners),
            ("PUT", re.compile("manners()"), self._put_manners),
        ]
        self._of_a_place = (self._put_source_server, self._put_recovery_plan)

    def answer(self, request: Request) -> Answer:
        """Answer one control call."""
        try:
            status, document = self._dispatch(request)
        except ControlError as error:
            status, document = error.status, {"message": str(error), "errors": error.errors}
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        return Answer(status, body, {"Content-Type": JSON_TYPE} if body else {})

    def _dispatch(self, request: Request) -> tuple[int, Any]:
        path = urlsplit(request.target).path.removeprefix(PREFIX)
        matches = [(method, found, call) for method, route, call in self._routes if (found := route.fullmatch(path))]
        for method, found, call in matches:
            if method == request.method:
                _check_query(request, _PLACE if call in self._of_a_place else frozenset())
                return call(request, unquote(found[1]))
        if matches:
            raise ControlError(405, f"{path} takes {', '.join(sorted(method for method, _, _ in matches))}")
        raise ControlError(404, f"There is no control call {path}")

    def _health(self, _request: Request, _name: str) -> tuple[int, Any]:
        return 200, {"status": "healthy"}

    def _reset(self, _request: Request, _name: str) -> tuple[int, Any]:
        self._simulation.reset()
        return 200, {}

    def _put_source_server(self, request: Request, identifier: str) -> tuple[int, Any]:
        if not re.fullmatch("s-[0-9a-zA-Z]{17}", identifier):
            raise ControlError(400, f"{identifier} is no source server id: s- and 17 letters or digits")
        settings = _read(ServerSettings, request)
        with self._simulation.lock:
            self._simulation.settle()
            fleet, now = self._fleet(request), self._simulation.clock.now()
            created = identifier not in fleet.servers
            server = fleet.servers.setdefault(identifier, SourceServer(identifier, now))
            settings.apply(server)
            return 201 if created else 200, server_view(fleet, server, Exact(now))

    def _add_fault(self, request: Request, _name: str) -> tuple[int, Any]:
        fault = _read(Fault, request)
        if fault.operation not in self._operations:
            known = {"pointer": "/operation", "message": f"{fault.operation} is no operation of a simulated service"}
            raise ControlError(400, known["message"], [known])
        self._simulation.faults.add(fault)
        return 201, fault.model_dump(mode="json", by_alias=True, exclude_none=True)

    def _clear_faults(self, _request: Request, _name: str) -> tuple[int, Any]:
        self._simulation.faults.clear()
        return 204, None

    def _calls(self, _request: Request, _name: str) -> tuple[int, Any]:
        return 200, {"calls": self._simulation.journal.calls()}

    def _state(self, _request: Request, _name: str) -> tuple[int, Any]:
        return 200, self._simulation.state()

    def _put_instance(self, request: Request, identifier: str) -> tuple[int, Any]:
        settings = _read(InstanceSettings, request)
        with self._simulation.lock:
            self._simulation.settle()
            for region in self._simulation.regions():
                ssm, fleet = region.systems_manager, region.fleet
                if identifier in fleet.instances:
                    return 200, settings.apply_to_instance(ssm, fleet.instances[identifier])
                if identifier in fleet.servers:
                    return 200, settings.apply_to_server(ssm, fleet.servers[identifier])
        raise ControlError(404, f"There is no recovery instance and no source server {identifier}")

    def _put_document(self, request: Request, name: str) -> tuple[int, Any]:
        content = _read(Content, request)
        if not re.fullmatch(NAME_OF_DOCUMENT, name):
            raise ControlError(400, f"{name!r} is no name of a document: it must match {NAME_OF_DOCUMENT}")
        with self._simulation.lock:
            document, created = self._simulation.documents.put(name, content)
        return 201 if created else 200, {"name": name, "version": document.version}

    def _put_commands(self, request: Request, _name: str) -> tuple[int, Any]:
        settings = _read(LookupSettings, request)
        with self._simulation.lock:
            self._simulation.missing_lookups = settings.missing_lookups
        return 200, settings.model_dump(by_alias=True)

    def _put_recovery_plan(self, request: Request, name: str) -> tuple[int, Any]:
        settings = _read(PlanSettings, request)
        if not re.fullmatch(PLAN_NAME, name):
            raise ControlError(400, f"{name!r} is no name of a Recovery Plan: it must match {PLAN_NAME}")
        with self._simulation.lock:
            self._simulation.settle()
            fleet = self._fleet(request)
            created = name not in fleet.recovery_plans
            return 201 if created else 200, plan_with_steps(fleet, settings.apply(fleet, name))

    def _put_quotas(self, request: Request, _name: str) -> tuple[int, Any]:
        quotas = _read(Quotas, request)
        with self._simulation.lock:
            self._simulation.quotas = quotas
        return 200, quotas.model_dump(mode="json", by_alias=True)

    def _put_events(self, request: Request, _name: str) -> tuple[int, Any]:
        settings = _read(EventSettings, request)
        with self._simulation.lock:
            self._simulation.events_enabled = settings.enabled
        return 200, {"enabled": settings.enabled}

    def _manners(self, _request: Request, _name: str) -> tuple[int, Any]:
        with self._simulation.lock:
            return 200, _manners_view(self._simulation.lens.manners)

    def _put_manners(self, request: Request, _name: str) -> tuple[int, Any]:
        manners = _read(Manners, request)
        with self._simulation.lock:
            if "seed" not in manners.model_fields_set:
                manners = manners.model_copy(update={"seed": self._simulation.lens.manners.seed})
            self._simulation.lens.use(manners)
        return 200, _manners_view(manners)

    def _fleet(self, request: Request) -> Fleet:
        query = _query_of(request)
        account = query.get("account", [DEFAULT_ACCOUNT])[0]
        if not re.fullmatch(r"\d{12}", account):
            raise ControlError(400, f"{account} is no account: 12 digits")
        region = query.get("region", [DEFAULT_REGION])[0]
        if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", region):
            raise ControlError(400, f"{region!r} is no Region")
        return self._simulation.region(account, region).fleet


def _manners_view(manners: Manners) -> dict[str, Any]:
    return manners.in_force.model_dump(mode="json", by_alias=True) | {"strict": manners.strict}


def _query_of(request: Request) -> dict[str, list[str]]:
    return parse_qs(urlsplit(request.target).query, keep_blank_values=True)


def _check_query(request: Request, known: frozenset[str]) -> None:
    """Refuse what would be ignored: a misspelt name, or a value that a call does not take or takes only once."""
    query = _query_of(request)
    unknown = query.keys() - known
    if unknown:
        raise ControlError(400, f"unknown query value: {', '.join(sorted(unknown))}")
    repeated = [name for name, values in query.items() if len(values) > 1]
    if repeated:
        raise ControlError(400, f"query value given twice: {', '.join(sorted(repeated))}")


def _pointer(location: tuple[int | str, ...]) -> str:
    """Write a place in a document as a JSON pointer (RFC 6901)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)


def _read(kind: type[Input], request: Request) -> Input:
    """Read a body strictly; raises ControlError with a JSON pointer for every problem."""
    try:
        return kind.model_validate_json(request.body or b"{}", strict=True)
    except ValidationError as error:
        problems = [
            {"pointer": _pointer(problem["loc"]), "message": problem["msg"]}
            for problem in error.errors(include_url=False, include_context=False)
        ]
        text = "; ".join(f"{problem['pointer'] or '/'}: {problem['message']}" for problem in problems)
        raise ControlError(400, text, problems) from error
