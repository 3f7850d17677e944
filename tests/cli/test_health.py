"""`wavebreak health`: every circuit is shown, and the exit code tells a script what matters."""

import json

import pytest
from tests.cli.conftest import Clock, Terminal, lines
from tests.cli.fake_api import FakeApi, Fault, Json, problem


def health(**states: str) -> Json:
    names = {name: f"{name}/eu-central-1" for name in states}
    return {
        "status": "healthy" if set(states.values()) == {"closed"} else "degraded",
        "circuit_breakers": {
            names[name]: {"state": state, "failure_count": 5 if state == "open" else 0}
            for name, state in states.items()
        },
        "critical_circuits_open": [
            names[name] for name, state in states.items() if state == "open" and name in {"drs", "dynamodb"}
        ],
    }


@pytest.mark.parametrize(
    ("status", "answer", "code", "last"),
    [
        (200, health(drs="closed", dynamodb="closed"), 0, "✓ healthy"),
        (200, health(drs="half_open", dynamodb="closed"), 1, "⚠ degraded"),
        (200, health(drs="closed", sns="open"), 1, "⚠ degraded"),
        (503, health(drs="open", dynamodb="closed"), 4, "✗ critical: drs/eu-central-1"),
    ],
)
def test_s3_11_health_shows_every_circuit_and_ends_with_what_matters(
    api: FakeApi, wavebreak: Terminal, status: int, answer: Json, code: int, last: str
) -> None:
    api.answers["GET", "/health"] = (status, answer)
    outcome = wavebreak("health")
    output = lines(outcome.out)
    assert (outcome.exit_code, output[-1], outcome.err) == (code, last, "")
    for name, breaker in answer["circuit_breakers"].items():
        assert any(name in line and breaker["state"].replace("_", " ") in line for line in output)


def test_s3_11_health_in_json_is_the_apis_answer_also_when_it_is_503(api: FakeApi, wavebreak: Terminal) -> None:
    answer = health(drs="open", dynamodb="closed")
    api.answers["GET", "/health"] = (503, answer)
    outcome = wavebreak("health", "--json")
    assert (outcome.exit_code, json.loads(outcome.out)) == (4, answer)


def test_health_is_asked_once_and_a_503_of_something_else_is_told_as_ever(
    api: FakeApi, wavebreak: Terminal, clock: Clock
) -> None:
    api.faults = [Fault(503, problem(503, "UNAVAILABLE", "Temporarily unavailable", "come again"))]
    outcome = wavebreak("health")
    assert (outcome.exit_code, outcome.out) == (4, "")
    assert "come again" in outcome.err
    assert (len(api.requests), clock.slept) == (1, [])
