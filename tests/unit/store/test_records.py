"""Executions written down as items and read back."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.execution_builders import EXECUTION_ID, NOW, asked_to_cancel, execution, job, job_id, server, wave
from tests.support.value_strategies import values

from wavebreak.domain.executions.batch_search import Suspicion
from wavebreak.domain.executions.kept_words import kept
from wavebreak.domain.executions.model.approvals import ApprovalWait
from wavebreak.domain.executions.model.attribution import Attribution
from wavebreak.domain.executions.model.executions import (
    Cancel,
    CancelThen,
    Execution,
    Failure,
    Mode,
    PausedBy,
    Termination,
)
from wavebreak.domain.executions.model.final_check import FinalCheck
from wavebreak.domain.executions.model.jobs import Job, JobKind, JobState
from wavebreak.domain.executions.model.servers import LaunchStatus, Server
from wavebreak.domain.executions.model.terminations import EndingOutcome, Hold, InstanceEnding, kept_in_bytes
from wavebreak.domain.executions.model.waves import Wave
from wavebreak.domain.plans.model import ApprovalThen, Impact, OnFailure
from wavebreak.execution_utils import ExecutionStatus, TerminationStatus, WaveStatus
from wavebreak.site import Site
from wavebreak.store import keys
from wavebreak.store.records.executions import meta_record, read_execution
from wavebreak.store.records.jobs import job_record
from wavebreak.store.records.waves import server_records, wave_record
from wavebreak.values import replace

ITEM_LIMIT = 400_000
Item = dict[str, Any]

texts = st.text(min_size=1, max_size=20)
maybe_texts = st.none() | texts
counts = st.integers(0, 500)
moments = st.integers(0, 10**12).map(lambda ms: datetime(2000, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms))
maybe_moments = st.none() | moments
sites = values(Site, maybe_texts, maybe_texts)
suspicions = values(Suspicion, words=texts, not_before=moments, times=counts, call=maybe_texts)
endings = values(
    InstanceEnding,
    outcome=st.none() | st.sampled_from(EndingOutcome),
    reason=maybe_texts,
    missing_since=maybe_moments,
    reported_terminated=st.none() | st.booleans(),
    launched_into=st.none() | st.booleans(),
    not_before=maybe_moments,
    refusals=counts,
    suspicion=st.none() | suspicions,
)
servers = values(
    Server,
    source_server_id=texts,
    impact=st.sampled_from(Impact),
    launch_status=st.sampled_from(LaunchStatus),
    recovery_instance_id=maybe_texts,
    error=maybe_texts,
    snapshot_id=maybe_texts,
    actions_running=st.booleans(),
    suspicion=st.none() | suspicions,
    snapshot_at=maybe_moments,
    older_snapshot=st.booleans(),
    ending=st.none() | endings,
)
jobs = values(
    Job,
    wave=st.integers(0, 3),
    attempt=st.integers(1, 12),
    batch=st.integers(1, 12),
    subjects=st.lists(texts, unique=True, max_size=3).map(tuple),
    state=st.sampled_from(JobState),
    intended_at=moments,
    check_after=moments,
    kind=st.sampled_from(JobKind),
    site=sites,
    job_id=maybe_texts,
    ended_at=maybe_moments,
    asked_at=maybe_moments,
    instance_reads=st.integers(0, 99),
    logged=st.booleans(),
)


words = values(Attribution, texts, moments, maybe_texts)


approval_waits = values(
    ApprovalWait,
    minutes=counts,
    lasts=st.integers(1, 10_000_000).map(lambda milliseconds: timedelta(milliseconds=milliseconds)),
    then=st.sampled_from(ApprovalThen),
    not_by_requester=st.booleans(),
    asked_at=maybe_moments,
    due_at=maybe_moments,
    reminders=counts,
)


def waves_numbered(number: int) -> st.SearchStrategy[Wave]:
    return values(
        Wave,
        number=st.just(number),
        name=texts,
        servers=st.lists(servers, min_size=1, max_size=3).map(tuple),
        depends_on=st.lists(st.integers(1, 80), max_size=3).map(tuple),
        site=sites,
        requires_approval=st.booleans(),
        wait_before_seconds=counts,
        timeout_minutes=counts,
        on_failure=st.sampled_from(OnFailure),
        status=st.sampled_from(WaveStatus),
        attempt=st.integers(1, 9),
        approved=st.booleans(),
        approval=st.none() | words,
        rejected=st.booleans(),
        started_at=maybe_moments,
        ended_at=maybe_moments,
        error=maybe_texts,
        blocked_until=maybe_moments,
        start_lease=maybe_moments,
        waited=st.booleans(),
        approval_wait=st.none() | approval_waits,
    )


terminations = values(
    Termination,
    status=st.sampled_from(TerminationStatus),
    attempt=counts,
    requested_at=maybe_moments,
    requested_by=maybe_texts,
    ended_at=maybe_moments,
    holds=st.lists(
        values(Hold, until=moments, words=texts, site=sites, refusals=counts, silent=st.booleans()), max_size=3
    ).map(tuple),
)
executions = values(
    Execution,
    execution_id=st.just(EXECUTION_ID),
    plan_id=texts,
    plan_name=texts,
    plan_version=counts,
    plan_hash=texts,
    mode=st.sampled_from(Mode),
    requested_by=texts,
    started_at=moments,
    waves=st.integers(1, 3).flatmap(lambda size: st.tuples(*map(waves_numbered, range(1, size + 1)))),
    status=st.sampled_from(ExecutionStatus),
    reason=maybe_texts,
    final_check=st.none() | values(FinalCheck, st.lists(texts, max_size=2).map(tuple), moments),
    ended_at=maybe_moments,
    paused_by=st.frozensets(st.sampled_from(PausedBy)),
    pause=st.none() | words,
    cancel=st.none() | values(Cancel, words, st.sampled_from(CancelThen), st.none() | words),
    jobs=st.lists(jobs, unique_by=lambda item: item.key, max_size=3).map(
        lambda made: tuple(sorted(made, key=lambda item: item.key))
    ),
    termination=terminations,
    last_failure=st.none() | values(Failure, moments, texts, texts),
    version=counts,
    event_sequence=counts,
    event_hash=maybe_texts,
    before=maybe_moments,
)


def items_of(subject: Execution) -> list[Item]:
    """All items of an execution, as DynamoDB gives them back."""
    made = [
        meta_record(subject),
        *(wave_record(subject.execution_id, wave) for wave in subject.waves),
        *(item for wave in subject.waves for item in server_records(subject.execution_id, wave)),
        *(job_record(subject.execution_id, job) for job in subject.jobs),
    ]
    serialize, deserialize = TypeSerializer().serialize, TypeDeserializer().deserialize
    return [{name: deserialize(serialize(value)) for name, value in item.items()} for item in made]


@settings(deadline=None, max_examples=60)
@given(executions, st.randoms(use_true_random=False))
def test_an_execution_reads_back_as_it_was_written_whatever_the_order_of_its_items(
    subject: Execution, random: Any
) -> None:
    items = items_of(subject)
    random.shuffle(items)
    assert read_execution(items) == subject


def test_without_its_meta_there_is_no_execution() -> None:
    assert read_execution([]) is None
    assert read_execution(items_of(execution(wave(1)))[1:]) is None


def test_every_item_has_a_key_of_its_own() -> None:
    subject = execution(wave(1), wave(2), jobs=(job(1), job(2), job(2, batch=2), job(2, attempt=2)))
    found = {(item["pk"], item["sk"]) for item in items_of(subject)}
    assert len(found) == len(items_of(subject)) == 9
    assert all(sort_key >= keys.STATE_FROM for _, sort_key in found)


def large_wave(number: int, size: int, letter: str = "⚠") -> Wave:
    members = tuple(
        server(
            1000 * number + index,
            LaunchStatus.FAILED,
            recovery_instance_id=f"i-{index:017d}",
            snapshot_id=f"pit-{index:017d}",
            error=letter * 100_000,
            suspicion=Suspicion(2 * letter, NOW),
        )
        for index in range(size)
    )
    return wave(number, WaveStatus.FAILED, servers=members, depends_on=())


def size_of(item: Item) -> int:
    """A DynamoDB item's size, near enough: names and values in UTF-8."""
    return sum(len(name.encode()) + len(str(value).encode()) for name, value in item.items())


@pytest.mark.parametrize(("servers", "items"), [(1, 1), (100, 1), (101, 2), (500, 5)])
def test_a_hundred_servers_share_an_item_that_stays_under_the_limit(servers: int, items: int) -> None:
    records = server_records(EXECUTION_ID, large_wave(1, servers))
    assert [record["sk"] for record in records] == [f"WAVE#001#SERVERS#{chunk:02d}" for chunk in range(1, items + 1)]
    assert max(size_of(record) for record in records) < ITEM_LIMIT


def test_words_of_four_bytes_a_letter_are_cut_shorter_where_they_would_not_fit() -> None:
    (record,) = server_records(EXECUTION_ID, large_wave(1, 100, "🛑"))
    assert size_of(record) < ITEM_LIMIT
    read = read_execution(items_of(execution(large_wave(1, 100, "🛑"))))
    assert read is not None
    assert {server.error for server in read.wave(1).servers} == {"🛑" * 242 + " … (cut)"}


def test_words_are_kept_whole_up_to_a_thousand_characters_and_say_where_the_rest_is() -> None:
    assert kept("a" * 1000, "anywhere") == "a" * 1000
    cut = kept("a" * 65_536, "the log of drsjob-1")
    assert len(cut) == 1000
    assert cut.endswith("aaa … (cut; the log of drsjob-1 has all 65,536 characters)")


def test_a_long_error_is_cut_once_and_then_stays() -> None:
    subject = execution(large_wave(1, 1))
    once = read_execution(items_of(subject))
    assert once is not None
    assert once.wave(1).servers[0].error == "⚠" * 992 + " … (cut)"
    assert read_execution(items_of(once)) == once


def test_a19_reasons_of_servers_and_waves_are_kept_without_secrets() -> None:
    words = "ClientError: X-Amz-Security-Token=" + "IQoJb3JpZ2luX2VjE" * 9 + " is not valid"
    failing = large_wave(1, 2)
    ending = InstanceEnding(reason=words, suspicion=Suspicion(words, NOW))
    failing = replace(failing.with_servers(lambda item: replace(item, error=words, ending=ending)), error=words)
    once = read_execution(items_of(execution(failing)))
    assert once is not None
    wanted = "ClientError: X-Amz-Security-Token=***** is not valid"
    assert {(server.ending.reason, server.ending.suspicion.words) for server in once.wave(1).servers} == {  # type: ignore[union-attr]  # they have one
        (wanted, wanted)
    }
    assert {server.error for server in once.wave(1).servers} == {wanted}
    assert once.wave(1).error == wanted


def test_a_plan_of_four_thousand_servers_fits_and_reads_back() -> None:
    made = tuple(large_wave(number, 50) for number in range(1, 81))
    short = tuple(wave.with_servers(lambda item: replace(item, error=None)) for wave in made)
    refused = InstanceEnding(
        reason="⚠" * 100, suspicion=Suspicion(kept_in_bytes("⚠" * 5000), NOW, 9, "1.2.3"), refusals=3
    )
    left = tuple(
        wave.with_servers(
            lambda item: replace(item, recovery_instance_id=f"i{item.source_server_id[1:]}", ending=refused)
        )
        for wave in short
    )
    subject = execution(*left, termination=Termination(TerminationStatus.INCOMPLETE))
    items = items_of(subject)
    assert len(items) == 1 + 80 + 80
    assert max(map(size_of, items)) < ITEM_LIMIT
    assert read_execution(items) == subject


@pytest.mark.parametrize("status", ExecutionStatus)
@pytest.mark.parametrize("termination", TerminationStatus)
def test_an_execution_is_listed_as_active_while_it_holds_locks(
    status: ExecutionStatus, termination: TerminationStatus
) -> None:
    record = meta_record(execution(wave(1), status=status, termination=Termination(termination)))
    ended = status in {"COMPLETED", "PARTIAL_SUCCESS", "FAILED", "CANCELLED"}
    assert ("activePk" in record) is (not ended or termination is TerminationStatus.IN_PROGRESS)


@pytest.mark.parametrize("state", JobState)
def test_a_job_awaits_its_servers_only_while_it_runs(state: JobState) -> None:
    record = job_record(EXECUTION_ID, job(1, state))
    assert ("awaited" in record) is (state is JobState.STARTED)
    assert ("jobId" in record) is (state in {JobState.STARTED, JobState.ENDED})


def test_meta_tells_the_last_job_of_each_wave() -> None:
    subject = execution(wave(1), wave(2), jobs=(job(1), job(1, attempt=2, job_id=job_id(7))))
    assert meta_record(subject)["waveBriefs"] == [
        {"status": "NOT_STARTED", "jobId": job_id(7)},
        {"status": "NOT_STARTED", "jobId": None},
    ]


def test_s2_10_records_in_older_words_and_with_fewer_fields_still_read() -> None:
    subject = execution(wave(1), wave(2), status=ExecutionStatus.PARTIAL_SUCCESS, cancel=asked_to_cancel())
    items = items_of(subject)
    newer = ["cancel", "pause", "termination", "pausedBy", "lastFailure", "eventSequence", "eventHash", "reason"]
    meta = {name: value for name, value in items[0].items() if name not in newer} | {"status": "partial"}
    first, second = items[1] | {"status": "launched"}, items[2] | {"status": "Polling"}
    kept = ["pk", "sk", "number", "name", "status", "dependsOn"]
    old = [meta, {name: first[name] for name in kept}, {name: second[name] for name in kept}, *items[3:]]
    read = read_execution(old)
    assert read is not None
    assert read.status is ExecutionStatus.PARTIAL_SUCCESS
    assert [item.status for item in read.waves] == [WaveStatus.COMPLETED, WaveStatus.IN_PROGRESS]
    assert (read.cancel, read.termination, read.started_at) == (None, Termination(), NOW)


def test_what_was_written_before_words_were_kept_still_reads() -> None:
    waiting = wave(1, WaveStatus.AWAITING_APPROVAL, approved=True)
    items = items_of(execution(waiting, cancel=asked_to_cancel(CancelThen.TERMINATE)))
    del items[0]["cancel"]["terminationRequestedBy"]
    del items[1]["approval"]
    read = read_execution(items)
    assert read is not None
    assert read.cancel == asked_to_cancel(CancelThen.TERMINATE)
    assert (read.wave(1).approved, read.wave(1).approval) == (True, None)


def test_an_execution_in_an_unheard_of_status_is_refused() -> None:
    items = items_of(execution(wave(1)))
    items[0]["status"] = "MELTED"
    with pytest.raises(ValueError, match="MELTED"):
        read_execution(items)
