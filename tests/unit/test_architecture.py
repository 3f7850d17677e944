"""Which package may import which: one table. Rules reach no AWS library, and nothing goes in circles.

What a type is imported for counts like anything else: a module that names another's types knows it.
"""

import ast
import builtins
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from tests.support.modules import (
    CLI_MODULES,
    MODULES,
    OURS,
    PACKAGE,
    SIMULATOR_MODULES,
    TOOLS_MODULES,
    imports_of,
    known_to,
    tree_of,
)

AWS = {"boto3", "botocore", "aws_lambda_powertools"}
HANDLER_LINES = 60
MOST_FILES = 22
"""Files of a folder: more than that and nobody finds a room in it."""

GROUND = frozenset(
    {
        "aws_error_codes",
        "error_category",
        "execution_utils",
        "harmless_text",
        "identifiers",
        "json_pointers",
        "problems",
        "settings",
        "site",
        "strict_json",
        "timeouts",
        "timing",
        "values",
    }
)
"""The ground floor, which everybody stands on; these import each other and the standard library."""

MAY_IMPORT = {
    "domain.drs": set(),
    "domain.errors": set(),
    "domain.launch_templates": set(),
    "domain.commands": set(),
    "domain.plans": {"domain.commands", "domain.steps"},
    "domain.steps": {"domain.commands"},
    "domain.executions": {
        "domain.commands",
        "domain.drs",
        "domain.launch_templates",
        "domain.plans",
        "domain.steps",
    },
    "domain.checks": {"domain.commands", "domain.executions", "domain.plans"},
    "domain.evidence": {
        "domain.checks",
        "domain.commands",
        "domain.errors",
        "domain.executions",
        "domain.plans",
        "domain.status_colors",
    },
    "domain.readiness": {"domain.drs", "domain.launch_templates", "domain.plans"},
    "domain.status_colors": set(),
    "domain.notifications": {"domain.commands", "domain.errors", "domain.executions", "domain.status_colors"},
    "consolidation": {"domain.checks", "domain.plans"},
    "evidence": {"domain.evidence"},
    "fanout": {"domain.commands"},
    "resilience": set(),
    "store": {
        "resilience",
        "domain.checks.statuses",
        "domain.commands",
        "domain.errors",
        "domain.executions",
        "domain.launch_templates",
        "domain.plans",
        "domain.steps",
    },
    # Of the store the wake tokens alone, which Step Functions is woken by.
    "aws": {"resilience", "store.keys", "store.wake_tokens", "domain"},
    "observability": {"resilience", "store", "aws", "domain.errors", "domain.executions"},
    "app": {"aws", "store", "observability", "domain"},
    # What use cases may ask for: the signatures alone, and the stores themselves.
    "ports": {"observability.metrics", "store", "domain"},
    "lambda_entry": {"app", "observability", "resilience", "domain.errors", "domain.executions", "domain.steps"},
    "use_cases": {"ports", "observability", "aws", "store", "resilience", "domain"},
    "api": {"lambda_entry", "observability", "domain", "aws.state_client", "store.table"},
    "handlers": {"api", "use_cases", "lambda_entry", "app", "observability.health", "domain"},
}
"""What each room may import beside itself and the ground floor: rooms, or single modules of one."""


def reached_from(module: str) -> set[str]:
    """A module, and everything it imports directly or on the way."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += imports_of(name) if name in MODULES else ()
    return reached


def room_of(module: str) -> str:
    """The room that a module is in: the longest name of the table that its own begins with."""
    name = module.removeprefix("wavebreak.")
    rooms = [room for room in (*MAY_IMPORT, *GROUND) if within(name, room)]
    assert rooms, f"{module} is in no room"
    return max(rooms, key=len)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(f"{room}.")


def circles(arrows: Mapping[str, Iterable[str]]) -> set[str]:
    """What is left when everything is taken away, again and again, that points to nothing: what goes in circles."""
    left = {name: set(targets) for name, targets in arrows.items()}
    while ends := {name for name, targets in left.items() if not targets & left.keys()}:
        left = {name: targets for name, targets in left.items() if name not in ends}
    return set(left)


FACES = sorted(name for name in MODULES if MODULES[name].name == "__init__.py")
"""The packages."""
PLACED = sorted(MODULES.keys() - set(FACES))
PUBLIC = ("consolidation", "evidence", "fanout")
"""The faces of rooms of rules, by the paths that the contract names."""
PURE = sorted(name for name in PLACED if room_of(name) in {*GROUND, *PUBLIC} or room_of(name).startswith("domain."))
ADAPTERS = {name for name in MODULES if {item.split(".")[0] for item in imports_of(name)} & AWS}
HANDLERS = sorted(name for name in MODULES if name.startswith("wavebreak.handlers."))


def test_the_rules_below_speak_of_modules_that_exist() -> None:
    assert {room_of(name) for name in PLACED} == {*MAY_IMPORT, *GROUND}
    assert {
        "wavebreak.aws.unrepeated",
        "wavebreak.aws.clients",
        "wavebreak.aws.step_functions",
        "wavebreak.store.table",
    } <= ADAPTERS
    assert "botocore" in reached_from("wavebreak.use_cases.start_execution")
    assert HANDLERS


@pytest.mark.parametrize("module", PLACED)
def test_a_module_imports_only_what_its_room_may(module: str) -> None:
    room = room_of(module)
    allowed = {*GROUND, room, *MAY_IMPORT.get(room, ())}
    names = {name.removeprefix("wavebreak.") for name in known_to(module)}
    assert not {name for name in names if not any(within(name, other) for other in allowed)}


def test_no_import_goes_in_circles() -> None:
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == {"a", "b", "c", "d"}
    assert circles({"a": {"b"}, "b": {"c"}}) == set()
    assert circles({name: known_to(name) for name in PLACED}) == set()
    rooms: dict[str, set[str]] = {}
    for name in PLACED:
        rooms.setdefault(room_of(name), set()).update(map(room_of, known_to(name)))
    assert circles({room: others - {room} for room, others in rooms.items()}) == set()


FOLDERS = sorted({name.rpartition(".")[0] for name in PLACED})


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_parts_of_a_folder_go_in_no_circle(folder: str) -> None:
    """A part is a module that lies there, or a folder with all that is in it."""
    depth = folder.count(".") + 2
    arrows: dict[str, set[str]] = {}
    for name in (name for name in PLACED if within(name, folder)):
        part = ".".join(name.split(".")[:depth])
        others = {".".join(other.split(".")[:depth]) for other in known_to(name) if within(other, folder)}
        arrows.setdefault(part, set()).update(others - {part})
    assert circles(arrows) == set()


@pytest.mark.parametrize("package", sorted({*FACES} - {"wavebreak.handlers"}))
def test_a_package_is_a_docstring_and_nothing_else(package: str) -> None:
    """Whoever imports one module of a package would pay for whatever stands here; handlers hold back the collector."""
    assert ast.get_docstring(tree_of(package))
    assert len(tree_of(package).body) == 1


def test_no_folder_holds_more_than_can_be_surveyed() -> None:
    folders = Counter(path.parent for path in MODULES.values() if path.name != "__init__.py")
    assert {str(folder): count for folder, count in folders.items() if count > MOST_FILES} == {}


def test_the_command_line_knows_rules_and_the_ground_floor_alone() -> None:
    assert CLI_MODULES
    for module in CLI_MODULES:
        names = {name.removeprefix("wavebreak.") for name in known_to(module) if name.startswith("wavebreak.")}
        assert not {name for name in names if not any(within(name, room) for room in {*GROUND, "domain"})}, module


@pytest.mark.parametrize("modules", [CLI_MODULES, SIMULATOR_MODULES, TOOLS_MODULES], ids=["cli", "simulator", "tools"])
def test_no_import_beside_the_functions_goes_in_circles(modules: Mapping[str, Path]) -> None:
    """Neither between modules nor between rooms: the folders of a source root, and the modules that lie beside them."""
    known = {name: known_to(name) & modules.keys() for name, path in modules.items() if path.name != "__init__.py"}
    assert any(known.values())
    assert circles(known) == set()
    rooms: dict[str, set[str]] = {}
    for name, others in known.items():
        rooms.setdefault(first_two(name), set()).update(map(first_two, others))
    assert circles({room: others - {room} for room, others in rooms.items()}) == set()


def first_two(name: str) -> str:
    return ".".join(name.split(".")[:2])


def test_the_simulated_recovery_service_knows_nothing_of_systems_manager() -> None:
    recovery = [name for name in SIMULATOR_MODULES if within(name, "drs_simulator.drs")]
    assert "drs_simulator.ec2.model" in known_to("drs_simulator.drs.fleet")
    assert not {name for module in recovery for name in known_to(module) if within(name, "drs_simulator.ssm")}


@pytest.mark.parametrize("module", PURE)
def test_a_pure_module_reaches_no_aws_library_and_no_adapter(module: str) -> None:
    reached = reached_from(module)
    assert not {name.split(".")[0] for name in reached} & AWS
    assert not reached & ADAPTERS


def test_importing_every_pure_module_loads_no_aws_library() -> None:
    program = f"import sys; {'; '.join(f'import {name}' for name in PURE)}; print(*sorted({AWS!r} & set(sys.modules)))"
    done = subprocess.run(  # noqa: S603  runs this interpreter on the line above
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == ""


def test_the_status_model_imports_nothing_else_of_the_project() -> None:
    assert not {name for name in imports_of("wavebreak.execution_utils") if name.startswith("wavebreak")}


@pytest.mark.parametrize("module", [name for name in MODULES if name not in HANDLERS])
def test_nothing_but_handlers_imports_a_handler(module: str) -> None:
    assert not {name for name in imports_of(module) if name.startswith("wavebreak.handlers.")}


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_leaves_aws_to_the_adapters(module: str) -> None:
    assert not {name.split(".")[0] for name in imports_of(module)} & {"boto3", "botocore"}


@pytest.mark.parametrize("module", HANDLERS)
def test_a_handler_is_a_doorway(module: str) -> None:
    assert len(MODULES[module].read_text(encoding="utf-8").splitlines()) <= HANDLER_LINES


NO_ERRORS = {"Finished"}
"""Exceptions that tell of no error: the command line ends a command with them."""


def bases_of_exceptions() -> dict[str, tuple[str, set[str]]]:
    """Our exceptions outside the tree of problems, which is named by what callers are told: module and bases."""
    known = {
        node.name: (module, {ast.unparse(base).split(".")[-1] for base in node.bases})
        for module in OURS
        if module != "wavebreak.problems"
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ClassDef)
    }
    problems = {node.name for node in tree_of("wavebreak.problems").body if isinstance(node, ast.ClassDef)}
    raised = problems | {name for name, kind in vars(builtins).items() if is_exception(kind)}
    while more := {name for name, (_, bases) in known.items() if bases & raised and name not in raised}:
        raised |= more
    return {name: found for name, found in known.items() if name in raised}


def is_exception(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


@pytest.mark.parametrize("module", PLACED)
def test_a_value_is_no_dataclass(module: str) -> None:
    """Its class would be compiled at every cold start (docs/decisions/0013)."""
    assert "dataclasses" not in imports_of(module)


def test_an_exception_is_called_an_error() -> None:
    found = bases_of_exceptions()
    assert {"VersionConflictError", "NotWrittenError", "UnavailableError", "ApiError"} <= found.keys()
    assert {name: module for name, (module, _) in found.items() if not name.endswith("Error")}.keys() == NO_ERRORS
