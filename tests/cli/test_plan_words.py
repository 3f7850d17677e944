"""What is valid in a plan file and hardly meant, and words that YAML takes for something else."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Terminal
from tests.cli.fake_api import FakeApi
from tests.cli.test_plan_files import GOOD, here, stored

__all__ = ["here"]
SINGLE = "\N{LEFT SINGLE QUOTATION MARK}all\N{RIGHT SINGLE QUOTATION MARK}"
ODD = "the quotation marks of “Odd” are part of it: write straight ones, or none"


@pytest.mark.parametrize("word", ["no", "Off", "yes", "on"])
def test_a_word_that_yaml_takes_for_a_boolean_is_named_as_it_was_written(
    here: Path, wavebreak: Terminal, word: str
) -> None:
    (here / "p.yaml").write_text(GOOD.replace("name: Shop", f"name: {word}"))
    taken = "true" if word in {"yes", "on"} else "false"
    output = wavebreak("plan", "validate", "p.yaml").err
    assert f'p.yaml:2: /name: must be a string: YAML takes {word} for {taken}, write "{word}" in quotes' in output


def test_a_word_in_quotes_is_a_word(here: Path, wavebreak: Terminal) -> None:
    (here / "p.yaml").write_text(GOOD.replace("name: Shop", 'name: "no"'))
    outcome = wavebreak("plan", "validate", "p.yaml")
    assert (outcome.exit_code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("written", "output"),
    [
        ("name: “Odd”\n", f"p.yaml:2: {ODD}"),
        (f"name: Shop\ndescription: the best of {SINGLE}\n", f"p.yaml:3: the quotation marks of the best of {SINGLE}"),
        ("name: it\N{RIGHT SINGLE QUOTATION MARK}s fine\n", None),
    ],
)
def test_smart_quotes_are_warned_of_where_they_take_the_place_of_straight_ones(
    here: Path, wavebreak: Terminal, written: str, output: str | None
) -> None:
    (here / "p.yaml").write_text(GOOD.replace("name: Shop\n", written))
    outcome = wavebreak("plan", "validate", "p.yaml")
    assert outcome.exit_code == 0, "it is valid"
    assert (f"warning: {output}" in outcome.err) if output else outcome.err == ""


def test_an_account_id_without_quotes_that_yaml_reads_as_text_is_warned_of(here: Path, wavebreak: Terminal) -> None:
    line = "    accountId: 012345678901\n    servers: [{sourceServerId: s-11111111111111111}]\n"
    (here / "p.yaml").write_text(GOOD.replace("    servers: [{sourceServerId: s-11111111111111111}]\n", line))
    outcome = wavebreak("plan", "validate", "p.yaml")
    assert outcome.exit_code == 0
    assert "warning: p.yaml:5: write the account id in quotes: to other readers of YAML 012345678901" in outcome.err
    (here / "p.yaml").write_text((here / "p.yaml").read_text().replace("012345678901", '"012345678901"'))
    assert wavebreak("plan", "validate", "p.yaml").err == ""


def test_warnings_reach_programs_pull_requests_and_whoever_stores_a_plan(
    here: Path, api: FakeApi, wavebreak: Terminal
) -> None:
    (here / "p.yaml").write_text(GOOD.replace("name: Shop", "name: “Odd”"))
    document = json.loads(wavebreak("plan", "validate", "p.yaml", "--json").out)
    assert document == {"valid": True, "errors": [], "warnings": [{"pointer": "", "message": ODD, "line": 2}]}
    output = wavebreak("plan", "validate", "p.yaml", "--format", "github").out
    assert output == f"::warning file=p.yaml,line=2,title=Plan::{ODD}\n"
    api.answers["PUT", "/plans/shop"] = (201, {"plan": {}, "version": 1})
    outcome = wavebreak("plan", "apply", "p.yaml")
    assert outcome.exit_code == 0
    assert f"warning: p.yaml:2: {ODD}" in outcome.err


def test_b7_a_file_that_is_named_like_a_plan_is_told(here: Path, api: FakeApi, wavebreak: Terminal) -> None:
    (here / "shop").write_text(GOOD)
    api.answers["GET", "/plans/shop"] = (200, stored())
    api.answers["POST", "/plans/shop/validate"] = (200, {"ready": True, "checks": []})
    outcome = wavebreak("plan", "validate", "shop", "--live")
    assert outcome.exit_code == 0
    assert "shop is a file here and read as one: for the stored plan shop go to another directory" in outcome.err
    (here / "shop").rename(here / "shop.yaml")
    assert wavebreak("plan", "validate", "shop", "--live").err == ""


def test_f17_a_plan_is_shown_with_the_timeouts_of_its_steps(api: FakeApi, wavebreak: Terminal) -> None:
    steps = [{"command": "status", "timeoutSeconds": 90}, {"function": "notify", "required": True}]
    wave = {"name": "w", "servers": [{"sourceServerId": f"s-{1:017}"}], "after": steps}
    api.answers["GET", "/plans/shop"] = (200, {"plan": {"planId": "shop", "name": "S", "waves": [wave]}, "version": 1})
    shown = wavebreak("plan", "show", "shop").out.splitlines()
    assert "   after: status (times out after 1m 30s)" in shown
    assert "   after: function notify (required)" in shown
