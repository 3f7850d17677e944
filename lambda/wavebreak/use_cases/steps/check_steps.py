"""Whether the automations and functions of a plan could run: permission by the template's lists, existence, parameters.

It only looks: SSM is asked for the runbooks in the account and Region of each wave, Lambda for the functions.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Asking, Question
from wavebreak.domain.drs import Trouble
from wavebreak.domain.executions.creation import site_of
from wavebreak.domain.readiness.verdicts import Check, CheckStatus
from wavebreak.domain.steps.step_checks import planned_steps, runbook_faults
from wavebreak.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from wavebreak.domain.steps.step_checks import PlannedStep
    from wavebreak.ports.capabilities import HasAllowances, HasFunctions, HasRunbooks

    class Ports(HasAllowances, HasFunctions, HasRunbooks, Protocol):
        """What checking steps needs."""


NAME = "steps"
"""Of these checks, in the answer of `validate`."""


def check_steps(
    app: Ports,
    document: Mapping[str, Any],
    own: Site,
    asking: Asking | None = None,
    troubles: list[Trouble] | None = None,
    *,
    of_drills: bool = False,
) -> list[Check]:
    """Check the automations and functions of a plan document, in its order; none for a plan without any.

    `own` is the stack's account and Region. A step that may not be run is not looked for: it cannot be seen here. What
    could not be checked goes to `troubles`, too; questions are begun for as long as `asking` has time. With
    `of_drills` only the steps that run in drills are checked.
    """
    planned = planned_steps((wave, site_of(wave, own)) for wave in document["waves"])
    steps = [step for step in planned if step.in_drills or not of_drills]
    if not steps:
        return []
    faults: list[list[str]] = [_refusals(app, step) for step in steps]
    allowed = [index for index, found in enumerate(faults) if not found]
    answers = _asked(app, [steps[index] for index in allowed], asking or Asking())
    if troubles is not None:
        troubles += [answer for answer in answers if isinstance(answer, Trouble)]
    unanswered = set[int]()
    for index, answer in zip(allowed, answers, strict=True):
        faults[index] = list(_read(steps[index], answer))
        if isinstance(answer, Trouble) and not answer.denied:
            unanswered.add(index)
    return [check for index, step in enumerate(steps) for check in _checks(step, faults[index], index in unanswered)]


def _refusals(app: Ports, step: PlannedStep) -> list[str]:
    may = app.allowances()
    if step.function is not None:
        missing = may.missing_for_function(step.function)
    else:
        missing = may.missing_for_runbook(str(step.automation), step.parameters, step.site)
    return [missing] if missing else []


def _asked(app: Ports, steps: Sequence[PlannedStep], asking: Asking) -> list[Any]:
    """Ask for all runbooks and functions side by side, each once; return an answer or the Trouble for each step."""
    questions: dict[tuple[str | None, str | None, Site], Question] = {}
    unreachable: dict[tuple[str | None, str | None, Site], Trouble] = {}
    for step in steps:
        try:
            questions.setdefault(_key(step), _question(app, step))
        except UnsupportedSiteError as error:
            unreachable[_key(step)] = Trouble("sts:AssumeRole", str(error), denied=True)
    found = dict(zip(questions, asking.all(list(questions.values()), to_the_end=False), strict=True))
    return [unreachable.get(_key(step)) or found[_key(step)] for step in steps]


def _key(step: PlannedStep) -> tuple[str | None, str | None, Site]:
    return step.automation, step.function, Site() if step.function else step.site


def _question(app: Ports, step: PlannedStep) -> Question:
    call: Callable[[], Any]
    if step.function is not None:
        call = partial(app.functions().exists, app.allowances().function_arn(step.function))
        return Question("GetFunctionConfiguration", lambda: (call(),), Site())
    call = partial(app.runbooks_at(step.site).runbook, str(step.automation))
    return Question("DescribeDocument", lambda: (call(),), step.site)


def _read(step: PlannedStep, answer: Any) -> Iterator[str]:
    if isinstance(answer, Trouble):
        yield f"it could not be looked at: {answer.operation}: {answer.reason}"
        return
    (found,) = answer
    if step.function is None:
        yield from runbook_faults(step, found)
    elif not found:
        yield f"there is no function {step.function} in the stack's own account and Region"


def _checks(step: PlannedStep, faults: Sequence[str], unanswered: bool) -> Iterator[Check]:
    if not faults:
        yield Check(NAME, step.subject, CheckStatus.PASS, "it is there, and may be run")
    for fault in faults:
        yield Check(NAME, step.subject, CheckStatus.FAIL if step.required else CheckStatus.WARN, fault, unanswered)
