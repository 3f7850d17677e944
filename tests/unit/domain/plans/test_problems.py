"""Plans that are refused as a whole: what no field can tell, everything at once, hostile input, pointers."""

from typing import Any

import pytest
from tests.support.plan_documents import plan, problems, server, wave

from wavebreak.domain.plans.document import MAX_PROBLEMS, MAX_STORED_BYTES, PlanDocument, canonical_json, parse_plan
from wavebreak.domain.plans.pydantic_errors import problems_of
from wavebreak.json_pointers import PlanInvalidError, json_pointer, quoted


def test_eighty_one_waves_are_refused() -> None:
    document = plan(*(wave(f"w{number}", number) for number in range(81)))
    assert problems(document) == [("/waves", "must have at most 80 items, not 81")]


def test_lengths_count_what_was_given_when_items_are_wrong_too() -> None:
    assert problems(plan(wave("a", 1) | {"servers": [5] * 501}))[:2] == [
        ("/waves/0/servers", "must have at most 500 items, not 501"),
        ("/waves/0/servers/0", "must be an object, not 5"),
    ]
    assert problems(plan(5)) == [("/waves/0", "must be an object, not 5")]


def test_more_than_four_thousand_servers_in_all_are_refused() -> None:
    waves: list[dict[str, Any]] = [
        {"name": f"w{number}", "servers": [server(number * 400 + one) for one in range(400)]} for number in range(10)
    ]
    parse_plan(plan(*waves))
    waves[0]["servers"] += [server(9999)]
    assert problems(plan(*waves)) == [("/waves", "must have at most 4000 servers in all, not 4001")]


def padded(size: int) -> dict[str, Any]:
    """A valid plan whose canonical JSON has exactly this many bytes."""
    waves = [wave(f"w{number}", number, after=[]) for number in range(80)]
    for item in waves:
        item["after"] = [{"command": "status", "args": [""] * 20}]
    document = plan(*waves)
    missing = size - len(canonical_json(parse_plan(document)))
    for item in waves:
        args = item["after"][0]["args"]
        for index in range(20):
            args[index] = "x" * min(256, missing)
            missing -= len(args[index])
    assert missing == 0
    return document


def test_the_stored_document_is_at_most_300_kb() -> None:
    assert MAX_STORED_BYTES == 300 * 1024
    parse_plan(padded(MAX_STORED_BYTES))
    assert problems(padded(MAX_STORED_BYTES + 1)) == [("", "the plan is larger than 300 KB")]


def test_a_document_too_large_is_told_so_beside_its_other_problems() -> None:
    document = padded(MAX_STORED_BYTES) | {"extra": "x" * 100_000}
    assert problems(document) == [("", "the plan is larger than 300 KB"), ("/extra", "unknown field 'extra'")]


def test_a_document_far_too_large_is_refused_for_that_alone() -> None:
    document = plan(wave("a", 1)) | {f"extra{number}": 1 for number in range(100_000)}
    assert problems(document) == [("", "the plan is larger than 300 KB")]


def test_another_plan_id_than_the_paths_is_refused() -> None:
    document = plan(wave("a", 1))
    assert parse_plan(document, plan_id="three-tier").plan_id == "three-tier"
    assert problems(document, "other") == [("/planId", "must be 'other' as in the path, not 'three-tier'")]


def test_a_plan_id_that_is_missing_is_only_that() -> None:
    document = plan(wave("a", 1))
    del document["planId"]
    assert problems(document, "other") == [("/planId", "is required")]


def test_a_wave_name_given_twice_is_refused_at_each_repeat() -> None:
    document = plan(wave("a", 1), wave("a", 2), wave("b", 3), wave("a", 4))
    assert problems(document) == [
        ("/waves/1/name", "'a' is already the name of wave 1"),
        ("/waves/3/name", "'a' is already the name of wave 1"),
    ]


def test_a_dependency_on_an_unknown_wave_is_refused() -> None:
    document = plan(wave("a", 1), wave("b", 2, dependsOn=["a", "A", "x/y"]))
    assert problems(document) == [
        ("/waves/1/dependsOn/1", "no wave is named 'A'"),
        ("/waves/1/dependsOn/2", "no wave is named 'x/y'"),
    ]


def test_a_dependency_on_a_wave_whose_name_is_malformed_is_no_second_problem() -> None:
    document = plan(wave("a!", 1), wave("b", 2, dependsOn=["a!"]))
    assert [pointer for pointer, _ in problems(document)] == ["/waves/0/name"]


def test_a_wave_that_depends_on_itself_is_refused() -> None:
    assert problems(plan(wave("a", 1, dependsOn=["a"]))) == [("/waves/0/dependsOn/0", "a wave cannot depend on itself")]


def test_a_cycle_is_refused_naming_the_waves_on_it() -> None:
    document = plan(wave("free", 1), wave("a", 2, dependsOn=["free", "c"]), wave("b", 3), wave("c", 4), wave("d", 5))
    assert problems(document) == [
        ("/waves/1/dependsOn/1", "waves depend on each other in a cycle: 'a' → 'c' → 'b' → 'a'")
    ]


def test_two_cycles_are_both_refused() -> None:
    document = plan(
        wave("a", 1, dependsOn=["b"]), wave("b", 2), wave("c", 3, dependsOn=["d"]), wave("d", 4, dependsOn=["c"])
    )
    assert [pointer for pointer, _ in problems(document)] == ["/waves/0/dependsOn/0", "/waves/2/dependsOn/0"]


def test_a_cycle_of_eighty_waves_is_refused_naming_all_of_them() -> None:
    document = plan(wave("w0", 0, dependsOn=["w79"]), *(wave(f"w{number}", number) for number in range(1, 80)))
    ((pointer, message),) = problems(document)
    assert pointer == "/waves/0/dependsOn/0"
    assert all(f"'w{number}'" in message for number in range(80))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"region": "us-east-1"}, {"region": "us-east-1"}),
        ({"accountId": "123456789012"}, {"accountId": "123456789012", "region": None}),
    ],
)
def test_a_server_in_two_waves_is_refused(first: dict[str, Any], second: dict[str, Any]) -> None:
    document = plan(wave("a", 1, **first), wave("b", 1, **second))
    assert problems(document) == [("/waves/1/servers/0/sourceServerId", "'s-00000000000000001' is already in wave 'a'")]


def test_a_server_twice_in_one_wave_is_refused() -> None:
    document = plan(wave("a", 1) | {"servers": [server(1), server(1) | {"impact": "OPTIONAL"}]})
    assert problems(document) == [("/waves/0/servers/1/sourceServerId", "'s-00000000000000001' is already in wave 'a'")]


@pytest.mark.parametrize("given", [{}, {"servers": None}, {"selector": None}])
def test_a_wave_with_neither_servers_nor_selector_is_refused(given: dict[str, Any]) -> None:
    assert problems(plan({"name": "a"} | given)) == [("/waves/0", "needs servers or a selector")]


def test_a_wave_with_both_servers_and_selector_is_refused() -> None:
    document = plan(wave("a", 1, selector={"tags": {"tier": "app"}}))
    assert problems(document) == [("/waves/0/selector", "a wave has either servers or a selector, not both")]


@pytest.mark.parametrize("said", [{}, {"dependsOn": []}])
def test_commands_before_in_a_wave_that_depends_on_none_are_refused(said: dict[str, Any]) -> None:
    document = plan(wave("a", 1, **said, before=[{"command": "status"}]))
    assert problems(document) == [
        ("/waves/0/before", "commands run on the servers of the waves that this one depends on, and it depends on none")
    ]


def test_every_problem_is_told_at_once_in_the_order_of_the_document() -> None:
    document = {
        "zzz": 1,
        "waves": [
            wave("a", 1, dependsOn=["c", "nowhere"], timeoutMinutes=0),
            7,
            wave("b", 1, dependsOn=["a"], onFailure=None) | {"selector": 5},
            wave("c", 2, dependsOn=["b"]),
            wave("a", 3, dependsOn=[], before=[{"command": "reboot"}]),
        ],
        "planId": "three-tier",
        "name": 5,
    }
    assert [pointer for pointer, _ in problems(document, "other")] == [
        "/zzz",
        "/waves/0/dependsOn/0",
        "/waves/0/dependsOn/1",
        "/waves/0/timeoutMinutes",
        "/waves/1",
        "/waves/2/servers/0/sourceServerId",
        "/waves/2/onFailure",
        "/waves/2/selector",
        "/waves/2/selector",
        "/waves/4/name",
        "/waves/4/before",
        "/waves/4/before/0/command",
        "/planId",
        "/name",
    ]


@pytest.mark.parametrize("name", ["x" * 10_000, "\x00\x1b]0;\x07", "🔥\u2028", "", "\\", "{message}", "%s"])
def test_hostile_names_are_pointed_at_exactly_and_shown_in_short(name: str) -> None:
    ((pointer, message),) = problems(plan(wave("a", 1)) | {name: 1})
    assert pointer == "/" + name
    assert len(message) < 100
    assert message.isprintable()


def test_hostile_unicode_is_refused_without_a_crash() -> None:
    assert problems(plan(wave("a", 1)) | {"\ud800": 1})
    assert problems(plan({"name": "a", "selector": {"tags": {"\ud800": "x"}}}))


def test_a_document_that_holds_itself_is_refused() -> None:
    document = plan(wave("a", 1))
    document["self"] = document
    assert problems(document) == [("/self", "unknown field 'self'")]


def test_endless_problems_are_cut() -> None:
    found = problems(plan(*[{}] * 90_000))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[0] == ("/waves", "must have at most 80 items, not 90000")
    assert found[-1] == ("", "has more problems than these 10000")


def test_the_error_reads_as_one_line() -> None:
    with pytest.raises(PlanInvalidError, match=r"^/name: is required; /planId: is required; /waves: is required$"):
        parse_plan({})


def test_problems_are_the_same_from_an_exception_and_from_its_listed_errors() -> None:
    with pytest.raises(ValueError, match="planId") as caught:
        PlanDocument.model_validate(plan(wave("a", 1, dependsOn=["x"])) | {"planId": 5})
    listed = [error | {"loc": ("body", *error["loc"])} for error in caught.value.errors()]  # type: ignore[attr-defined]  # pydantic's
    assert problems_of(listed, ("body",)) == problems_of(caught.value)  # type: ignore[arg-type]  # likewise
    assert len(listed) == 2


def test_an_error_without_wording_keeps_its_own() -> None:
    ((problem),) = problems_of([{"type": "new_in_pydantic", "loc": ("a", 0), "msg": "Something", "input": 1}])
    assert (problem.pointer, problem.message) == ("/a/0", "Something")


def test_a_refused_key_of_any_model_is_pointed_at_by_itself() -> None:
    error = {
        "type": "string_pattern_mismatch",
        "loc": ("snapshots", "x", "[key]"),
        "msg": "",
        "input": "x",
        "ctx": {"pattern": "^s-"},
    }
    (problem,) = problems_of([error])
    assert (problem.pointer, problem.message) == ("/snapshots/x", "'x' does not match ^s-")


def test_a_location_without_the_prefix_is_pointed_at_as_it_is() -> None:
    (problem,) = problems_of([{"type": "missing", "loc": ("path", "n"), "msg": "", "input": {}}], ("body",))
    assert (problem.pointer, problem.message) == ("/path/n", "is required")


@pytest.mark.parametrize(
    ("location", "pointer"),
    [((), ""), (("",), "/"), (("a", 0, "b"), "/a/0/b"), (("~1",), "/~01"), (("a/b", "m~n"), "/a~1b/m~0n")],
)
def test_pointers_follow_rfc_6901(location: tuple[int | str, ...], pointer: str) -> None:
    assert json_pointer(location) == pointer


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 60, f"'{'a' * 60}'"),
        ("a" * 61, f"'{'a' * 60}'…"),
        ("a\r\nb\x7f\x9b", r"'a\r\nb\x7f\x9b'"),
        ({"a": 1}, "an object"),
        (-(2**63), str(-(2**63))),
        (2**64, "a number of more than 64 bits"),
        (object(), "a value of type object"),
    ],
)
def test_values_are_quoted_short_and_printable(value: object, shown: str) -> None:
    assert quoted(value) == shown


def test_checks_of_one_name_are_the_same_check_and_a_factor_comes_from_one_of_them() -> None:
    check = {
        "name": "smoke",
        "type": "DOCUMENT",
        "command": "status",
        "factors": {"f_x": {"of": "x", "reducer": "max"}},
    }
    waves = [
        {"name": "a", "servers": [{"sourceServerId": f"s-{1:017d}"}], "checks": [check, {**check, "args": ["-v"]}]},
        {"name": "b", "servers": [{"sourceServerId": f"s-{2:017d}"}], "checks": [{**check, "command": "query"}]},
        {
            "name": "c",
            "servers": [{"sourceServerId": f"s-{3:017d}"}],
            "checks": [{**check, "type": "STIPULATION"}, {**check, "name": "other"}],
        },
    ]
    assert problems({"planId": "three-tier", "name": "x", "waves": waves}) == [
        ("/waves/0/checks/1/name", "'smoke' is already the name of a check of this wave"),
        ("/waves/2/checks/0/name", "'smoke' has another type or other factors in wave 'a'"),
        ("/waves/2/checks/1/factors/f_x", "is already a factor of check 'smoke'"),
    ]
