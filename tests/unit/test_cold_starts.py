"""A function imports what it needs and no more: whatever stands here would be paid for at every cold start."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tools.bench.imports import API_LIMIT, handler_modules

import wavebreak
from wavebreak.handlers import OBJECTS_BEFORE_COLLECTION

SOURCE = Path(wavebreak.__file__).parent.parent
API = sorted(module for module, limit in handler_modules().items() if limit == API_LIMIT)
TASKS = sorted(module for module, limit in handler_modules().items() if limit != API_LIMIT)
PLANS = {"wavebreak.handlers.plans", "wavebreak.handlers.executions"}
"""What takes in plans, or lists executions by a plan's id."""
RARE = (
    "wavebreak.aws.drs",
    "wavebreak.aws.ssm",
    "wavebreak.aws.channels",
    "wavebreak.evidence",
    "wavebreak.domain.evidence",
    "wavebreak.consolidation",
    *(f"wavebreak.domain.checks.{name}" for name in ("check_", "consolidation", "reducers")),
    "wavebreak.domain.notifications",
    "wavebreak.domain.readiness",
    "wavebreak.domain.plans.drs_recovery_plans",
    *(f"wavebreak.use_cases.{verb}" for verb in ("readiness.survey", "plans.import_drs_plan", "start_execution")),
)
"""What only some calls of the API need."""


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Name every module that a function has loaded once it is ready, and the collector's threshold as `gc=...`."""
    program = f"import gc, sys; import {module}; print(*sys.modules, f'gc={{gc.get_threshold()[0]}}')"
    done = subprocess.run(  # noqa: S603  runs this interpreter on the line above
        [sys.executable, "-c", program], cwd=SOURCE, capture_output=True, text=True, check=True, timeout=60
    )
    return frozenset(done.stdout.split())


def test_there_are_functions_of_both_kinds() -> None:
    assert {"wavebreak.handlers.steering", "wavebreak.handlers.cancellation"} | PLANS <= set(API)
    assert {"wavebreak.handlers.machines.recovery", "wavebreak.handlers.machines.command"} <= set(TASKS)


@pytest.mark.parametrize("module", TASKS)
def test_a_task_brings_no_framework_of_the_api(module: str) -> None:
    assert not loaded_by(module) & {"pydantic", "pydantic_core", "aws_lambda_powertools.event_handler"}


@pytest.mark.parametrize("module", sorted({*API} - {"wavebreak.handlers.plans"}))
def test_what_few_calls_need_is_not_loaded_for_all(module: str) -> None:
    assert not {name for name in loaded_by(module) if name.startswith(RARE)}


@pytest.mark.parametrize("module", sorted({*API} - PLANS - {"wavebreak.handlers.commands"}))
def test_who_takes_in_no_plan_loads_no_model_of_one(module: str) -> None:
    assert "wavebreak.domain.plans.document" not in loaded_by(module)


@pytest.mark.parametrize("module", [*API, *TASKS])
def test_the_collector_waits_until_a_function_is_ready(module: str) -> None:
    assert f"gc={OBJECTS_BEFORE_COLLECTION}" in loaded_by(module)
