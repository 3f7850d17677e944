"""Reports through the API and in the bucket, verdicts, and the logs that they are made of (contract 4 and 8)."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.support.blueprint import REGION
from tests.support.gateway import CALLER
from tests.support.plans import plan, server, servers_of, three_tier, wave

from wavebreak.aws import parallel_reads
from wavebreak.evidence import verify_text
from wavebreak.store import keys
from wavebreak.store.evidence import EvidenceStore
from wavebreak.store.executions import ExecutionStore, VersionConflictError
from wavebreak.timeouts import ending_in
from wavebreak.use_cases import deliver_events
from wavebreak.use_cases.evidence import answer_report, write_reports
from wavebreak.use_cases.evidence.make_report import Report, make_report

if TYPE_CHECKING:
    from tests.support.clock import JumpingClock
    from tests.support.commands import Commands
    from tests.support.stack import Stack

    from wavebreak.app import App
    from wavebreak.domain.executions.model.executions import Execution

Json = dict[str, Any]
BUCKET = "wavebreak-evidencebucket"


@pytest.fixture(autouse=True)
def no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have nobody told anything: there are no topics here."""
    monkeypatch.setattr(deliver_events, "deliver", lambda _app, _execution_id: 0)
    monkeypatch.setattr(deliver_events, "sweep", lambda _app: 0)


def drill(stack: Stack, **asked: Any) -> str:
    """Run a drill of three waves to its end."""
    document = three_tier()
    stack.put_servers(servers_of(document))
    started = stack.start(document, **asked)
    stack.ended(started)
    return started


def report_of(stack: Stack, started: str) -> Json:
    answer = stack.api("GET", f"/executions/{started}/report")
    assert answer.status == 200, answer
    made: Json = answer.json
    return made


def news(stack: Stack, started: str) -> Json:
    """Bring the news of an execution as the stream does."""
    record = {"dynamodb": {"Keys": {"pk": {"S": f"EXEC#{started}"}}}}
    return stack.invoke("NotificationFunction", {"Records": [record]})


def written(started: str) -> dict[str, str]:
    """Every report of an execution in the bucket, by the end of its name."""
    s3 = boto3.client("s3", region_name=REGION)
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"three-tier/{started}/").get("Contents", [])
    bodies = {one["Key"]: s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read().decode() for one in found}
    return {key.rpartition("/")[2]: body for key, body in bodies.items()}


def test_8_the_report_is_answered_as_json_and_as_a_page(stack: Stack) -> None:
    started = drill(stack, reason="quarterly drill")

    answer = stack.api("GET", f"/executions/{started}/report")
    page = stack.api("GET", f"/executions/{started}/report", query={"format": "html"})
    by_header = stack.api("GET", f"/executions/{started}/report", headers={"Accept": "text/html,*/*"})

    assert answer.status == page.status == by_header.status == 200
    assert verify_text(json.dumps(answer.json)).intact
    made = answer.json
    assert (made["status"], made["final"], made["reason"]) == ("COMPLETED", True, "quarterly drill")
    assert made["plan"]["document"]["waves"][0]["name"] == "database"
    assert made["counts"] == {"startRecoveryCalls": 3, "retries": 0, "refusals": 0}
    assert made["trail"] == stack.events(started)
    assert page.body.startswith("<!DOCTYPE html>")
    assert by_header.body.startswith("<!DOCTYPE html>")


def test_8_a_report_needs_no_job_log_of_drs(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    started = drill(stack)
    monkeypatch.setattr(
        "wavebreak.aws.drs.Drs.job_log_items", lambda *_: pytest.fail("DRS was asked for what had been kept")
    )

    made = report_of(stack, started)

    for each in made["waves"]:
        for one in each["servers"]:
            assert [phase["phase"] for phase in one["phases"]] == ["SNAPSHOT", "CONVERSION", "LAUNCH"]


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a round wait for DRS however busy this machine is: what it tells too late is asked for again."""
    for name in ("_ALL_SILENT_SECONDS", "_BEHIND_THE_FIRST_SECONDS", "_KNOWN_SILENT_SECONDS"):
        monkeypatch.setattr(parallel_reads, name, 20.0)


@pytest.mark.usefixtures("patient")
def test_8_one_log_is_read_of_each_job(stack: Stack) -> None:
    # Where a job names no instance, its log may be read while it runs, for a command that waits for the name; one that
    # does not show its end yet is read again.
    stack.control.put_manners(omit=[], delaySeconds=0)
    started = drill(stack)
    report_of(stack, started)

    assert logs_read(stack) == sorted(job for each in stack.get(started)["waves"] for job in each["jobIds"])
    assert len(stack.app().evidence.logs(started)) == 3


def logs_read(stack: Stack) -> list[str]:
    """The jobs whose logs DRS gave; it may not show a job yet."""
    return sorted(
        each["parameters"]["jobID"] for each in stack.control.calls("DescribeJobLogItems") if not each["error"]
    )


@pytest.mark.usefixtures("patient")
@pytest.mark.parametrize("failing", [(), (2,)], ids=["launched", "failed"])
def test_8_a_round_that_lost_a_race_has_not_forgotten_the_logs_that_it_read(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, failing: tuple[int, ...]
) -> None:
    # Of looks that are late the log of a job may be the later one: what does not show its end yet is read again.
    stack.control.put_manners(omit=[], delaySeconds=0)
    save = ExecutionStore.save
    lost: set[str | None] = set()

    def losing_once(
        store: ExecutionStore, before: Execution, after: Execution, *reported: Any, **more: Any
    ) -> Execution:
        """Lose the race in which a log is written down as read, and win the next."""
        logged = {job.job_id for job in after.launch_jobs() if job.logged}
        if logged - {job.job_id for job in before.launch_jobs() if job.logged} - lost:
            lost.update(logged)
            raise VersionConflictError
        return save(store, before, after, *reported, **more)

    monkeypatch.setattr(ExecutionStore, "save", losing_once)
    document = three_tier()
    stack.put_servers(servers_of(document))
    stack.put_servers([server(number) for number in failing], launchResult="FAILED")
    started = stack.start(document)
    stack.ended(started)

    jobs = sorted(job for each in stack.get(started)["waves"] for job in each["jobIds"])
    assert lost == set(jobs)
    # The log of a job that runs is read when a server of it is seen to have failed, for its error.
    assert Counter(logs_read(stack)) - Counter(jobs) in ([Counter(), Counter(jobs[:1])] if failing else [Counter()])


def test_8_refused_calls_are_counted(stack: Stack) -> None:
    document = plan(wave("database", 1))
    stack.put_servers(servers_of(document))
    stack.control.fault("StartRecovery", error="ValidationException", count=1)
    started = stack.start(document)
    stack.ended(started)

    calls = stack.control.calls("StartRecovery")
    counts = report_of(stack, started)["counts"]
    assert counts["startRecoveryCalls"] == len(calls)
    assert counts["refusals"] == sum(1 for each in calls if each["error"])
    assert counts["refusals"] >= 1


def test_8_the_commands_of_a_wave_are_its_steps_with_what_they_came_to(commands: Commands, stack: Stack) -> None:
    document = plan(wave("database", 1, 2, after=[{"command": "status", "required": True}]))
    stack.put_servers(servers_of(document))
    commands.answers(2, "status", exitCode=1)
    started = stack.start(document)
    stack.ended(started)

    (step,) = report_of(stack, started)["waves"][0]["steps"]
    news(stack, started)

    run = commands.get(step["commandId"])
    assert (step["kind"], step["name"], step["phase"], step["status"]) == (
        "command",
        "status",
        "AFTER",
        "PARTIAL",
    )
    assert (step["startedAt"], step["endedAt"], step["output"]) == (run["startedAt"], run["endedAt"], run["summary"])
    (text,) = [body for name, body in written(started).items() if name.endswith(".json")]
    assert json.loads(text)["waves"][0]["steps"] == [step]


def test_8_a_report_is_written_when_an_execution_ends_when_its_termination_does_and_when_it_is_judged(
    stack: Stack,
) -> None:
    started = drill(stack)
    assert news(stack, started)["reports"] == 1
    first = max(int(event["sequence"]) for event in stack.events(started))
    assert written(started).keys() == {f"{first}.json", f"{first}.html"}
    assert news(stack, started)["reports"] == 0

    stack.api("PUT", f"/executions/{started}/verdict", {"verdict": "PASSED", "notes": "as planned"})
    assert news(stack, started)["reports"] == 1
    stack.api("POST", f"/executions/{started}/terminate", {})
    stack.cleaned_up(started)
    assert news(stack, started)["reports"] == 1

    last = max(int(event["sequence"]) for event in stack.events(started))
    reports = written(started)
    assert reports.keys() == {f"{n}.{form}" for n in (first, first + 1, last) for form in ("json", "html")}
    assert all(verify_text(text).intact for name, text in reports.items() if name.endswith("json"))
    assert json.loads(reports[f"{first}.json"])["leftovers"]
    assert json.loads(reports[f"{first}.json"])["verdict"] is None
    judged = json.loads(reports[f"{first + 1}.json"])
    assert (judged["verdict"]["verdict"], judged["verdict"]["by"]) == ("PASSED", CALLER)
    assert json.loads(reports[f"{last}.json"])["leftovers"] == []


def test_8_only_of_an_event_that_calls_for_a_report_is_asked_whether_one_is_owed(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = drill(stack)
    owes, asked = EvidenceStore.owes, []

    def noting(store: EvidenceStore, execution_id: str) -> int | None:
        asked.append(execution_id)
        return owes(store, execution_id)

    monkeypatch.setattr(EvidenceStore, "owes", noting)
    events = [
        item
        for item in stack.items()
        if item["pk"]["S"] == f"EXEC#{started}" and item["sk"]["S"].startswith(keys.EVENT_PREFIX)
    ]
    records = [{"dynamodb": {"Keys": {"pk": item["pk"], "sk": item["sk"]}, "NewImage": item}} for item in events]
    reports = [stack.invoke("NotificationFunction", {"Records": [record]})["reports"] for record in records]
    assert len(events) > 3
    assert (sum(reports), reports[-1], asked) == (1, 1, [started])


@pytest.mark.parametrize(("launches", "status"), [("FAILED", "FAILED"), ("LAUNCHED", "CANCELLED")])
def test_8_failed_and_cancelled_runs_have_their_report_written_too(
    stack: Stack, clock: JumpingClock, launches: str, status: str
) -> None:
    document = three_tier()
    stack.put_servers(servers_of(document), launchSeconds=60, launchResult=launches)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])
    if status == "CANCELLED":
        stack.api("POST", f"/executions/{started}/cancel", {})
    clock.forward(61)
    stack.ended(started)

    news(stack, started)

    (text,) = [body for name, body in written(started).items() if name.endswith(".json")]
    assert (json.loads(text)["status"], json.loads(text)["final"]) == (status, True)


def test_8_what_the_stream_did_not_get_written_the_sweep_makes_up(
    stack: Stack, clock: JumpingClock, commands: Commands
) -> None:
    document = plan(wave("database", 1, after=[{"command": "status"}]))
    stack.put_servers(servers_of(document))
    started = stack.start(document)
    (asked,) = stack.ended(started)["waves"][0]["steps"]
    assert commands.get(asked["commandId"])["status"] == "COMPLETE_SUCCESS"
    s3 = boto3.client("s3", region_name=REGION)
    app = stack.app("NotificationFunction")
    assert write_reports.sweep(app) == 0, "the stream has some seconds first"
    clock.forward(30)
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(s3.exceptions.NoSuchBucket):
        stack.invoke("NotificationSweepFunction", {})
    s3.create_bucket(Bucket=BUCKET)

    assert stack.invoke("NotificationSweepFunction", {})["reports"] == 1

    assert len(written(started)) == 2
    assert write_reports.sweep(app) == 0


def test_8_no_report_is_begun_that_its_function_may_not_live_to_end(stack: Stack, clock: JumpingClock) -> None:
    started = drill(stack)
    app = stack.app("NotificationFunction")
    clock.forward(30)

    with ending_in(write_reports.REPORT_SECONDS - 0.1):
        assert news(stack, started)["reports"] == 0
        assert stack.invoke("NotificationSweepFunction", {})["reports"] == 0
    assert (app.evidence.owes(started) is not None, written(started)) == (True, {})

    assert stack.invoke("NotificationSweepFunction", {})["reports"] == 1


def test_8_a_report_that_is_too_large_is_answered_by_a_signed_address(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = drill(stack)
    monkeypatch.setattr(answer_report, "MOST_BYTES", 1000)

    answer = stack.api("GET", f"/executions/{started}/report")
    again = stack.api("GET", f"/executions/{started}/report")

    assert answer.status == again.status == 303
    address = answer.headers["Location"]
    assert address.startswith(f"https://{BUCKET}.s3.amazonaws.com/three-tier/{started}/")
    assert "X-Amz-Signature=" in address
    s3 = boto3.client("s3", region_name=REGION)
    (only,) = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert verify_text(s3.get_object(Bucket=BUCKET, Key=only["Key"])["Body"].read().decode()).intact


def versions(started: str) -> int:
    """Count what was put into the bucket of an execution."""
    s3 = boto3.client("s3", region_name=REGION)
    found = s3.list_object_versions(Bucket=BUCKET, Prefix=f"three-tier/{started}/").get("Versions", [])
    return len(found)


def test_8_a_final_report_is_put_once_and_one_of_an_execution_that_runs_at_every_ask(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    enabled: Any = {"Status": "Enabled"}
    boto3.client("s3", region_name=REGION).put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
    monkeypatch.setattr(answer_report, "MOST_BYTES", 1000)
    document = three_tier()
    stack.put_servers(servers_of(document), launchSeconds=60)
    started = stack.start(document)
    stack.wait(started, lambda seen: seen["waves"][0]["jobId"])

    def asked() -> int:
        assert stack.api("GET", f"/executions/{started}/report").status == 303
        return versions(started)

    running = [asked(), asked(), asked()]
    stack.api("POST", f"/executions/{started}/cancel", {})
    clock.forward(61)
    stack.ended(started)

    assert running == [1, 2, 3]
    assert [asked(), asked(), asked()] == [4, 4, 4]
    assert news(stack, started)["reports"] == 1
    assert versions(started) == 6, "what is owed is written whoever asked before"


def test_8_a_report_that_cannot_be_made_keeps_no_other_from_being_written(
    stack: Stack, clock: JumpingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = drill(stack), drill(stack)

    def failing(app: App, execution_id: str) -> Report:
        if execution_id == first:
            raise ValueError("odd")
        return make_report(app, execution_id)

    monkeypatch.setattr(write_reports, "make_report", failing)
    clock.forward(30)
    app = stack.app("NotificationSweepFunction")
    assert app.evidence.owing(app.now()) == [first, second]

    with pytest.raises(ValueError, match="odd"):
        stack.invoke("NotificationSweepFunction", {})

    assert (written(first), len(written(second))) == ({}, 2)
    assert app.evidence.owing(app.now()) == [first]
    monkeypatch.setattr(write_reports, "make_report", make_report)
    assert stack.invoke("NotificationSweepFunction", {})["reports"] == 1


@pytest.mark.parametrize("form", ["json", "html"])
def test_8_a_report_is_measured_as_the_text_of_an_answer_which_is_escaped_once(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    started = drill(stack)
    path, query = f"/executions/{started}/report", {"format": form}
    body = stack.api("GET", path, query=query).body
    size = len(json.dumps(body))
    assert size < len(json.dumps(json.dumps(body)))

    monkeypatch.setattr(answer_report, "MOST_BYTES", size + 100)
    assert stack.api("GET", path, query=query).status == 200
    monkeypatch.setattr(answer_report, "MOST_BYTES", size - 100)
    assert stack.api("GET", path, query=query).status == 303
