"""The same question about many, a few at a time: within the request rates of a service, and one fault is one answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from botocore.exceptions import ClientError

from wavebreak.domain.drs import Trouble
from wavebreak.resilience.aws_errors import FAULTS, is_denied, is_refusal, words_of
from wavebreak.resilience.threads import side_by_side

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

T = TypeVar("T")

AT_ONCE: Final = 4
"""Calls under way at a time: EC2 refills five changing calls a second, and a launch needs rates of its own."""


def each_of(
    operation: str, subjects: Iterable[str], ask: Callable[[str], T], *, over: Callable[[], bool] = lambda: False
) -> Mapping[str, T | Trouble]:
    """Ask about each subject, and return answers or Troubles by subject; nothing is begun once `over` says so."""
    wanted = list(dict.fromkeys(subjects))
    answers = side_by_side((partial(_one, operation, each, ask, over) for each in wanted), AT_ONCE, "few")
    return dict(zip(wanted, answers, strict=True))


def _one(operation: str, subject: str, ask: Callable[[str], T], over: Callable[[], bool]) -> T | Trouble:
    if over():
        return no_time(operation)
    try:
        return ask(subject)
    except FAULTS as error:
        return trouble_of(operation, error)


def no_time(operation: str) -> Trouble:
    """Return the trouble of a question that was not asked for lack of time."""
    return Trouble(operation, "there was no time left to ask", asked=False)


def trouble_of(operation: str, error: Exception) -> Trouble:
    """Return the reason why there is no answer, with the service's own message if it gave one."""
    if isinstance(error, ClientError):
        return Trouble(operation, words_of(error), denied=is_denied(error), refusal=is_refusal(error))
    return Trouble(operation, str(error))
