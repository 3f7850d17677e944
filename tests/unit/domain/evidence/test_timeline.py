"""The timeline: every bar where its times say, at any width, in pictures that fit a page, and in words."""

import re
from datetime import timedelta
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.evidence_runs import Trail, job_log, server_shown, shown, to, wave_shown, wave_to
from tests.support.evidence_samples import completed_drill, large_drill, retried_recovery, running_drill
from tests.support.execution_builders import NOW, job_id, later, server_id

from wavebreak.domain.evidence.time_axis import Axis, since
from wavebreak.domain.evidence.timeline import PANEL_HEIGHT, TALLEST
from wavebreak.domain.status_colors import DARK, LIGHT
from wavebreak.evidence import TIMELINE, legend, report, timeline

Bar = tuple[str, float, float]


def drawn(*run: Any, **options: Any) -> list[ET.Element]:
    """The pictures of a run's timeline, as well-formed XML."""
    return [ET.fromstring(picture) for picture in timeline(report(*run, **options))]  # noqa: S314  our own picture


def bars(picture: ET.Element) -> list[Bar]:
    """Every bar in percent: what it is, where it begins and how wide it is."""
    found = [rect.attrib for rect in picture.iter("rect") if rect.attrib["width"].endswith("%")]
    return [(rect["class"], float(rect["x"][:-1]), float(rect["width"][:-1])) for rect in found]


def words(picture: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in picture.iter("text")]


def test_8_waves_and_phases_are_drawn_where_their_times_say() -> None:
    (picture,) = drawn(*completed_drill())
    whole = 36.72  # 1 percent of an axis that reaches to just behind the objective of an hour
    found = bars(picture)
    assert [bar[0] for bar in found] == [
        *("fill-green", "p1", "p2", "p3"),
        *("ask", "fill-green", "p1", "p2", "p3"),
        *("fill-green", "p1", "p2", "p3"),
    ]
    expected = [(1, 1100), (111, 217), (217, 641), (641, 1065), (1100, 1400), (1400, 2300)]
    for (_, x, width), (begin, end) in zip(found, expected, strict=False):
        assert x == pytest.approx(begin / whole, abs=0.02)
        assert width == pytest.approx((end - begin) / whole, abs=0.03)


def test_8_the_objective_is_drawn_when_it_is_near_and_not_when_it_would_squeeze_the_run() -> None:
    (near,), (far,) = drawn(*completed_drill()), drawn(*retried_recovery())
    assert "objective 1h" in words(near)
    assert not [line for line in far.iter("line") if line.attrib["class"] == "goal"]
    execution, events, logs = retried_recovery()
    execution["plan"]["objectives"]["rtoMinutes"] = 10
    (missed,) = drawn(execution, events, logs)
    goal = next(line for line in missed.iter("line") if line.attrib["class"] == "goal")
    assert goal.attrib["x1"] == f"{round(100 * 600 / 2100, 2)}%"


def test_8_a_name_a_state_and_a_duration_stand_above_each_wave_and_a_name_above_each_server() -> None:
    (picture,) = drawn(*completed_drill())
    reported = words(picture)
    assert "1\N{NO-BREAK SPACE} database✓ Completed18m 19s" in reported
    assert {"db-1✓ Launched", "host-2✓ Launched"} <= set(reported)


def test_8_the_picture_says_in_words_what_it_shows() -> None:
    (picture,) = drawn(*completed_drill())
    assert picture.attrib["role"] == "img"
    label = picture.attrib["aria-label"]
    assert label.startswith(
        "Timeline, part 1 of 1. Wave 1, database: Completed, 1s to 18m 20s, 1 of 1 servers launched."
    )


def test_8_each_attempt_has_its_own_bar_in_the_colour_of_its_end() -> None:
    (picture,) = drawn(*retried_recovery())
    assert [bar[0] for bar in bars(picture) if bar[0].startswith("fill")] == ["fill-green", "fill-red", "fill-green"]


def test_8_how_a_launch_ended_is_marked_at_the_end_of_its_bar() -> None:
    wave = wave_shown(1, "FAILED", 1, 100, servers=[server_shown(1), server_shown(2, "FAILED")])
    logs = {job_id(1): job_log([server_id(1), server_id(2)], 0, 90, failed=[server_id(2)])}
    (picture,) = drawn(shown("FAILED", [wave], 100), [], logs)
    marks = [rect.attrib["class"] for rect in picture.iter("rect") if not rect.attrib["width"].endswith("%")]
    assert marks == ["ok", "bad"]


def test_8_a_phase_that_has_not_ended_reaches_to_now_and_is_drawn_as_open() -> None:
    (picture,) = drawn(*running_drill(), made_at=later(700))
    kind, x, width = bars(picture)[-1]
    assert (kind, x, width) == ("p2 open", round(100 * 165 / 700, 2), round(100 * 535 / 700, 2))
    (early,) = drawn(*running_drill())
    assert all(0 <= x <= 100 and width > 0 for _, x, width in bars(early))


def test_8_a_server_without_a_log_is_drawn_faintly_over_the_time_of_its_wave() -> None:
    execution, events, _ = completed_drill()
    (picture,) = drawn(execution, events, {})
    assert [bar[0] for bar in bars(picture)][:2] == ["fill-green", "faint"]


def test_8_an_approval_that_is_not_given_yet_is_waited_for_until_now() -> None:
    trail = Trail()
    trail.tell(0, to("IN_PROGRESS"), wave_to(1, "AWAITING_APPROVAL", "NOT_STARTED"))
    (picture,) = drawn(shown("IN_PROGRESS", [wave_shown(1, "AWAITING_APPROVAL")]), trail.events, {}, made_at=later(60))
    assert bars(picture) == [("ask", 0.0, 100.0)]
    assert "not started" in picture.attrib["aria-label"]


def test_8_nothing_is_drawn_of_what_never_began() -> None:
    assert drawn({}, [], {}) == []
    assert drawn(shown("CANCELLED", [wave_shown(1, "CANCELLED", None, 5)], 5), [], {}) == []


@pytest.mark.parametrize(("waves", "servers"), [(1, 1), (3, 8), (6, 50), (1, 500), (60, 50), (80, 50), (9, 400)])
def test_8_every_server_is_drawn_and_every_picture_fits_a_page(waves: int, servers: int) -> None:
    pictures = drawn(*large_drill(waves, servers))
    assert sum(len(picture.findall("g")) for picture in pictures) == waves * servers
    for picture in pictures:
        lanes = sum("lane" in text.attrib["class"] for text in picture.iter("text"))
        assert int(picture.attrib["height"]) <= (TALLEST if lanes == 1 else PANEL_HEIGHT)
        assert {"width": "100%", "class": "tl"}.items() <= picture.attrib.items()
        assert "viewBox" not in picture.attrib


def test_8_names_are_cut_to_what_fits_a_phone() -> None:
    execution, events, logs = completed_drill()
    execution["waves"][0]["servers"][0]["name"] = "\N{GRINNING FACE}" * 256
    (picture,) = drawn(execution, events, logs)
    assert "\N{GRINNING FACE}" * 18 + "…✓ Launched" in words(picture)


def test_8_every_class_that_is_drawn_has_its_style_in_light_and_dark() -> None:
    runs = [completed_drill(), retried_recovery(), running_drill(), large_drill(8, 5)]
    markup = "".join(picture for run in runs for picture in timeline(report(*run))) + legend()
    used = {name for names in re.findall(r'class="([^"]+)"', markup) for name in names.split()}
    styled = set(re.findall(r"\.([a-z][a-z0-9-]*)", TIMELINE))
    assert used - styled <= {"lane"}
    assert LIGHT.keys() == DARK.keys()


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [
        (3, ["0", "1s", "2s", "3s"]),
        (60, ["0", "15s", "30s", "45s", "1m"]),
        (3600, ["0", "15m", "30m", "45m", "1h"]),
        (5400, ["0", "20m", "40m", "1h", "1h 20m"]),
        (86_400, ["0", "6h", "12h", "18h", "1d"]),
        (60 * 86_400, ["0", "14d", "28d", "42d", "56d"]),
    ],
)
def test_8_the_axis_counts_in_steps_that_people_use(seconds: int, marks: list[str]) -> None:
    assert [mark for _, mark in Axis(NOW, seconds).ticks] == marks


@given(st.floats(0.5, 1e9))
def test_8_an_axis_has_few_marks_and_all_of_them_on_it(seconds: float) -> None:
    ticks = Axis(NOW, seconds).ticks
    assert 1 <= len(ticks) <= 6
    assert all(0 <= x <= 100 for x, _ in ticks)
    assert ticks[0] == (0.0, "0")


@given(st.floats(1, 1e6), st.floats(-1e6, 2e6), st.floats(0, 1e6))
def test_8_what_lies_outside_the_axis_is_drawn_at_its_edge_and_nothing_is_invisible(
    seconds: float, begin: float, lasts: float
) -> None:
    axis = Axis(NOW, seconds)
    start = NOW + timedelta(seconds=begin)
    x, width = axis.x(start), axis.width(start, start + timedelta(seconds=lasts))
    assert 0 <= x <= 100
    assert 0 < width <= 100.12


@pytest.mark.parametrize(
    ("seconds", "reported"),
    [(0, "0"), (0.5, "0"), (59, "59s"), (61, "1m 1s"), (3600, "1h"), (5400, "1h 30m"), (90_000, "1d 1h")],
)
def test_8_times_on_the_axis_are_short(seconds: float, reported: str) -> None:
    assert since(seconds) == reported
