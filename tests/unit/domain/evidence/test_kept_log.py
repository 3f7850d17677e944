"""Job logs as they are kept: small, within the size of an item, and enough for a report (contract 8)."""

import random

from tests.support.evidence_runs import item, job_log

from wavebreak.domain.evidence.job_log import read_job_log
from wavebreak.domain.evidence.kept_log import MOST_CHARACTERS, MOST_ITEMS, packed, unpacked

SERVERS = [f"s-{number:017d}" for number in range(100)]


def test_8_a_kept_log_tells_what_the_log_told() -> None:
    log = job_log(SERVERS, 10, 600, failed=SERVERS[:3])
    text = packed(log)
    assert read_job_log(unpacked(text)) == read_job_log(log)
    assert unpacked(text)[-1] == log[-1]
    assert len(text) < 20_000


def test_8_a_log_that_repeats_itself_is_kept_from_both_ends() -> None:
    noise = [
        item("SNAPSHOT_START", 11 + number / 1000, sourceServerID=SERVERS[number % 100]) for number in range(9_000)
    ]
    log = [*job_log(SERVERS, 10, 600), *noise]
    kept = unpacked(packed(log))
    assert len(kept) <= MOST_ITEMS
    assert {one["event"] for one in kept} == {one["event"] for one in log}
    assert read_job_log(kept).ended_at == read_job_log(log).ended_at


def test_8_however_long_the_words_of_failures_are_the_log_fits_an_item() -> None:
    dice = random.Random(1)  # noqa: S311  a seed tells a text again
    words = "".join(chr(dice.randrange(0x4E00, 0x9FFF)) for _ in range(5_000))
    log = [
        item("CONVERSION_FAIL", number, sourceServerID=SERVERS[number % 100], rawError=words[number:])
        for number in range(3_900)
    ]
    text = packed(log)
    assert len(text) <= MOST_CHARACTERS
    assert len(unpacked(text)) == len(log)


def test_8_what_a_log_says_of_a_failure_is_kept_without_secrets() -> None:
    (kept,) = unpacked(packed([item("LAUNCH_FAILED", 1, sourceServerID="s-1", rawError="password=hunter2 was wrong")]))
    assert kept["eventData"]["rawError"] == "password=***** was wrong"
