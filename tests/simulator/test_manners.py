"""Contract 11: the simulator promises no more than the services do, and what it shows was always true.

``SEEDS`` seeds are tried in each history: every read converges, and none invents anything.
"""

from __future__ import annotations

import itertools
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.simulator.clients import START, Drs, MakeClient, server_id
from tests.simulator.run_command import SHELL, SHELL_DOCUMENT, code_of

from drs_simulator.client import ControlFailed, SimulatorControl
from drs_simulator.clockwork.clock import ManualClock
from drs_simulator.http.server import SimulatorServer
from drs_simulator.manners import STRICT, Manners

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drs_simulator.drs.model import LaunchResult

SEEDS = range(25)
DELAY = 10
SERVERS = [server_id(number) for number in range(1, 6)]


@pytest.fixture
def told() -> list[LaunchResult]:
    return []


@pytest.fixture
def simulator(clock: ManualClock, told: list[LaunchResult]) -> Iterator[SimulatorServer]:
    seeded = Random(7)  # noqa: S311 - identifiers, no secrets
    with SimulatorServer(clock=clock, randomness=seeded, listener=told.append, manners=Manners(seed=1)) as server:
        yield server


@pytest.fixture
def fresh(control: SimulatorControl) -> Any:
    def begin(seed: int, **manners: Any) -> None:
        control.reset()
        control.put_manners(seed=seed, **manners)
        for server in SERVERS:
            control.put_source_server(server, tags={"Name": server})

    return begin


def without(view: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in view.items() if name not in names}


class History:
    """What was true at each tick, as far as reads may show it."""

    def __init__(self, control: SimulatorControl, drs: Drs, clock: ManualClock) -> None:
        self.control, self.drs, self.clock = control, drs, clock
        self.past: list[tuple[float, dict[str, dict[str, Any]]]] = []
        self.time = 0.0

    def tick(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.time += seconds
        self.remember()

    def remember(self) -> None:
        state = self.control.state()
        things = {each["jobID"]: each for each in state["jobs"]}
        things |= {each["recoveryInstanceID"]: each for each in state["recoveryInstances"]}
        things |= {each["sourceServerID"]: each for each in state["sourceServers"]}
        self.past.append((self.time, things))

    def was(self, identifier: str) -> list[dict[str, Any]]:
        """Give all that was true of a thing within the last seconds that a read may be late."""
        begin = max((index for index, (at, _) in enumerate(self.past) if at <= self.time - DELAY), default=0)
        return [things[identifier] for _, things in self.past[begin:] if identifier in things]

    def check_job(self, seen: dict[str, Any]) -> None:
        true = self.was(seen["jobID"])
        statuses = [{p["sourceServerID"]: p["launchStatus"] for p in each["participatingServers"]} for each in true]
        assert seen["status"] in {each["status"] for each in true}
        assert {p["sourceServerID"]: p["launchStatus"] for p in seen["participatingServers"]} in statuses
        assert seen["tags"] in [{}, *(each["tags"] for each in true)]
        for part in seen["participatingServers"]:
            named = {p["sourceServerID"]: p.get("recoveryInstanceID") for p in true[-1]["participatingServers"]}
            assert part.get("recoveryInstanceID") in {None, named[part["sourceServerID"]]}

    def check_instance(self, seen: dict[str, Any]) -> None:
        true = self.was(seen["recoveryInstanceID"])
        assert seen["sourceServerID"] == true[-1]["sourceServerID"]
        assert seen["jobID"] == true[-1]["jobID"]
        # EC2 answers for itself: it may not show an instance yet, or have it ended while DRS still lists it.
        assert seen["ec2InstanceState"] in {"NOT_FOUND", "TERMINATED", *(each["ec2InstanceState"] for each in true)}

    def look(self) -> tuple[list[Any], list[Any]]:
        jobs = self.drs.client.describe_jobs()["items"]
        instances = self.drs.instances()
        for job in jobs:
            self.check_job(job)
        for instance in instances:
            self.check_instance(instance)
        return jobs, instances

    def settled(self) -> None:
        """Everything shows, and nothing else: whatever was late has arrived."""
        jobs, instances = self.look()
        state = self.control.state()
        assert {each["jobID"]: (each["status"], each["tags"]) for each in jobs} == {
            each["jobID"]: (each["status"], each["tags"]) for each in state["jobs"]
        }
        assert {each["recoveryInstanceID"]: (each["ec2InstanceState"], each["tags"]) for each in instances} == {
            each["recoveryInstanceID"]: (each["ec2InstanceState"], each["tags"]) for each in state["recoveryInstances"]
        }
        for job in state["jobs"]:
            log = [
                item
                for page in self.drs.client.get_paginator("describe_job_log_items").paginate(jobID=job["jobID"])
                for item in page["items"]
            ]
            assert {each["event"] for each in log} >= {"JOB_START"}


@pytest.mark.parametrize("seed", SEEDS)
def test_every_read_converges_and_nothing_is_invented(
    seed: int, fresh: Any, control: SimulatorControl, drs: Drs, clock: ManualClock
) -> None:
    fresh(seed)
    history = History(control, drs, clock)
    first = drs.start(*SERVERS[:3], tags={"wavebreak:execution": "one"})
    history.remember()
    for _ in range(16):
        history.look()
        history.tick(2)
    second = drs.start(SERVERS[0], SERVERS[3], drill=False)
    history.remember()
    for _ in range(16):
        history.look()
        history.tick(2)
    history.tick(DELAY)
    history.settled()
    assert {each["jobID"] for each in control.state()["jobs"]} == {first, second}
    instances = [each["recoveryInstanceID"] for each in control.state()["recoveryInstances"]]
    drs.client.terminate_recovery_instances(recoveryInstanceIDs=instances)
    history.remember()
    for _ in range(8):
        history.look()
        history.tick(1)
    history.tick(DELAY)
    history.settled()
    assert drs.instances() == []


def test_some_reads_do_not_show_a_job_yet_and_all_do_after_the_delay(
    fresh: Any, control: SimulatorControl, drs: Drs, clock: ManualClock
) -> None:
    early, flickering = set(), 0
    for seed in SEEDS:
        fresh(seed, staleReads=0.5)
        job_id = drs.start(SERVERS[0])
        assert control.state()["jobs"][0]["jobID"] == job_id  # the world behind it is exact
        shown = []
        for _ in range(20):
            shown.append(bool(drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]))
            clock.advance(DELAY / 20)
        early.add(shown[0])
        flickering += any(was and not now for was, now in itertools.pairwise(shown))
        assert all(drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"] for _ in range(10))
    assert early == {False}
    assert flickering > len(SEEDS) / 2


def test_the_delay_scales_with_time() -> None:
    from drs_simulator.clockwork.timing import Timing  # noqa: PLC0415 - of this test only
    from drs_simulator.manners import Lens  # noqa: PLC0415 - likewise

    clock = ManualClock(START)
    for scale in (1.0, 0.05):
        lens = Lens(Manners(seed=3, stale_reads=1), clock, Timing(scale=scale))
        ages = [(START - lens.moment("job")).total_seconds() for _ in range(200)]
        assert 0 < min(ages) <= max(ages) <= DELAY * scale
        assert max(ages) > DELAY * scale / 2


def test_a_log_names_the_instance_later_than_the_job_ends_or_sooner(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    behind = set()
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(SERVERS[0])
        clock.advance(23.5)
        ended = [each["status"] for each in drs.client.describe_jobs()["items"]] == ["COMPLETED"]
        logged = "JOB_END" in {event for event, _ in drs.log(job_id)}
        behind.add((ended, logged))
    assert {(True, False), (False, True)} <= behind


def test_ec2_does_not_find_an_instance_at_first_and_shuts_it_down_for_a_while(
    fresh: Any, drs: Drs, clock: ManualClock
) -> None:
    states: list[list[str]] = []
    for seed in SEEDS:
        fresh(seed)
        drs.start(SERVERS[0])
        clock.advance(20)
        seen: list[str] = []

        def look(steps: int, seen: list[str] = seen) -> None:
            for _ in range(steps):
                seen.extend(each["ec2InstanceState"] for each in drs.instances())
                clock.advance(0.5)

        look(30)
        [instance] = drs.instances()
        drs.client.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
        look(40)
        assert seen[:1] != ["TERMINATED"]
        states.append(seen)
    assert any("NOT_FOUND" in seen for seen in states)
    assert all("RUNNING" in seen for seen in states)
    assert sum("SHUTTING-DOWN" in seen for seen in states) > len(states) / 2


def test_tags_show_later_than_what_they_are_on(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    bare = 0
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(SERVERS[0], tags={"wavebreak:execution": "one"})
        for _ in range(20):
            jobs = drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
            bare += any(not job["tags"] for job in jobs)
            clock.advance(0.5)
        [job] = drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
        assert job["tags"] == {"wavebreak:execution": "one"}
        assert drs.client.list_tags_for_resource(resourceArn=job["arn"])["tags"] == job["tags"]
    assert bare


def test_what_the_control_api_says_of_a_server_has_always_been_so(
    fresh: Any, drs: Drs, control: SimulatorControl
) -> None:
    for seed in SEEDS:
        fresh(seed)
        control.put_source_server(SERVERS[0], tags={"tier": "db"})
        servers = drs.client.describe_source_servers(filters={"sourceServerIDs": SERVERS})["items"]
        assert {each["sourceServerID"]: each["tags"] for each in servers}[SERVERS[0]] == {"tier": "db"}
        assert len(servers) == len(SERVERS)


def test_lists_have_no_order_and_pages_lose_and_double_nothing(
    fresh: Any, drs: Drs, control: SimulatorControl, clock: ManualClock
) -> None:
    orders = set()
    for seed in SEEDS:
        fresh(seed)
        for server in SERVERS:
            drs.start(server)
            clock.advance(1)
        clock.advance(60)
        pages = drs.client.get_paginator("describe_jobs").paginate(PaginationConfig={"PageSize": 2})
        listed = [job["participatingServers"][0]["sourceServerID"] for page in pages for job in page["items"]]
        assert sorted(listed) == SERVERS
        assert len({job["jobID"] for job in control.state()["jobs"]}) == len(SERVERS)
        orders.add(tuple(listed))
    assert len(orders) > len(SEEDS) / 2


def test_a_job_lists_its_servers_and_its_log_in_no_order(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    orders, logs = set(), set()
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(*SERVERS)
        clock.advance(60)
        orders.add(tuple(each["sourceServerID"] for each in drs.job(job_id)["participatingServers"]))
        log = drs.log(job_id)
        assert len(set(log)) == len(log)
        logs.add(log[0])
    assert len(orders) > 5
    assert logs != {("JOB_START", None)}


def test_recovery_points_asked_for_in_an_order_come_in_it(fresh: Any, drs: Drs) -> None:
    def moments(**more: Any) -> list[str]:
        items = drs.client.describe_recovery_snapshots(sourceServerID=SERVERS[0], **more)["items"]
        return [each["expectedTimestamp"] for each in items]

    fresh(5)
    assert moments(order="DESC") == sorted(moments(), reverse=True)
    assert moments(order="ASC") == sorted(moments())
    assert moments() not in (moments(order="ASC"), moments(order="DESC"))


def test_participants_usually_do_not_name_their_instance(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    named = 0
    for seed in SEEDS:
        fresh(seed)
        job_id = drs.start(*SERVERS)
        clock.advance(60)
        named += sum("recoveryInstanceID" in each for each in drs.job(job_id)["participatingServers"])
    assert 0 < named < len(SEEDS) * len(SERVERS) / 4


def test_the_same_server_lacks_the_same_field_in_every_answer(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    fresh(2, omit={"ParticipatingServer.recoveryInstanceID": 0.5})
    job_id = drs.start(*SERVERS)
    clock.advance(60)
    lacking = [
        frozenset(each["sourceServerID"] for each in drs.job(job_id)["participatingServers"] if len(each) == 2)
        for _ in range(5)
    ]
    assert len(set(lacking)) == 1
    assert 0 < len(lacking[0]) < len(SERVERS)


def test_fields_named_in_a_list_are_left_out_of_everything(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    fresh(2, omit=["Job.participatingServers", "Job.jobID", "RecoveryInstance.jobID"])
    drs.start(*SERVERS)
    clock.advance(60)
    [job] = drs.client.describe_jobs()["items"]
    # A member that the model requires stays, whatever is asked for.
    assert "participatingServers" not in job
    assert "jobID" in job
    assert all("jobID" not in each for each in drs.instances())


def test_a_snapshot_that_is_being_taken_has_no_timestamp(
    fresh: Any, drs: Drs, clock: ManualClock, control: SimulatorControl
) -> None:
    def newest() -> Any:
        return drs.client.describe_recovery_snapshots(sourceServerID=SERVERS[0], order="DESC", maxResults=1)["items"][0]

    fresh(1)
    taken = newest()
    assert "timestamp" not in taken
    assert taken["ebsSnapshots"] == []
    asked = [{"sourceServerID": SERVERS[0], "recoverySnapshotID": taken["snapshotID"]}]
    assert code_of(lambda: drs.client.start_recovery(sourceServers=asked)) == "ConflictException"
    clock.advance(180)
    complete = newest()
    assert complete["snapshotID"] == taken["snapshotID"]
    assert complete["timestamp"] == complete["expectedTimestamp"]
    assert drs.client.start_recovery(sourceServers=asked)["job"]["status"] == "PENDING"
    control.put_manners(strict=True)
    assert "timestamp" in newest()


def test_a_conflict_names_nobody(fresh: Any, drs: Drs, control: SimulatorControl) -> None:
    def refusal() -> dict[str, Any]:
        with pytest.raises(ClientError) as caught:
            drs.start(*SERVERS)
        return dict(caught.value.response)

    fresh(1)
    drs.start(SERVERS[0])
    assert refusal().keys().isdisjoint({"resourceId", "resourceType"})
    assert SERVERS[0] not in refusal()["Error"]["Message"]
    control.put_manners(strict=True)
    assert refusal()["resourceId"] == SERVERS[0]


def test_events_come_late_twice_out_of_order_or_not_at_all(
    fresh: Any, drs: Drs, clock: ManualClock, told: list[LaunchResult], control: SimulatorControl
) -> None:
    lost = doubled = disordered = late = 0
    for seed in SEEDS:
        fresh(seed)
        del told[:]
        for number, server in enumerate(SERVERS, start=1):
            control.put_source_server(server, launchSeconds=10 + number)
        drs.start(*SERVERS)
        clock.advance(16)
        late += len(SERVERS) - len({each.source_server_arn for each in told})
        clock.advance(60)
        servers = [each.source_server_arn[-len(SERVERS[0]) :] for each in told]
        assert set(servers) <= set(SERVERS)
        assert all(each.launched for each in told)
        lost += len(set(SERVERS) - set(servers))
        doubled += len(servers) - len(set(servers))
        firsts = list(dict.fromkeys(servers))
        disordered += firsts != sorted(firsts)
    assert 0 < lost < late
    assert doubled
    assert disordered


def test_events_may_be_had_properly_and_reads_not(
    fresh: Any, drs: Drs, clock: ManualClock, told: list[LaunchResult]
) -> None:
    fresh(1, events={"lost": 0, "doubled": 0, "late": 0})
    job_id = drs.start(*SERVERS)
    assert not drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
    clock.advance(21)
    assert [each.source_server_arn[-len(SERVERS[0]) :] for each in told] == SERVERS


def test_late_events_are_gone_with_a_reset(
    fresh: Any, drs: Drs, clock: ManualClock, told: list[LaunchResult], control: SimulatorControl
) -> None:
    fresh(1, events={"lost": 0, "doubled": 0, "late": 1, "lateSeconds": 60})
    drs.start(*SERVERS)
    clock.advance(20.5)
    before = len(told)
    control.reset()
    clock.advance(120)
    assert len(told) == before < len(SERVERS)


def _story(drs: Drs, clock: ManualClock) -> list[Any]:
    """Tell what a caller sees, without the ids, which are drawn anew each time."""
    drs.start(*SERVERS, tags={"a": "b"})
    seen: list[Any] = []
    for _ in range(25):
        for job in drs.client.describe_jobs()["items"]:
            parts = [without(each, "recoveryInstanceID") for each in job["participatingServers"]]
            seen.append((job["status"], job["tags"], parts))
        seen.append([(each["sourceServerID"], each["ec2InstanceState"]) for each in drs.instances()])
        clock.advance(1.25)
    return seen


def test_a_seed_repeats_it_all(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    stories = []
    for seed in (11, 11, 12):
        fresh(seed)
        stories.append(_story(drs, clock))
    assert stories[0] == stories[1]
    assert stories[0] != stories[2]


def test_other_callers_reads_of_other_things_change_nothing(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    def story(*, others: bool) -> list[Any]:
        fresh(4, ordered=True)
        job_id = drs.start(SERVERS[0])
        other = drs.start(SERVERS[1])
        seen = []
        for _ in range(20):
            if others:
                drs.client.describe_jobs(filters={"jobIDs": [other]})
            seen.append([job["status"] for job in drs.client.describe_jobs(filters={"jobIDs": [job_id]})["items"]])
            clock.advance(1)
        return seen

    assert story(others=False) == story(others=True)


def test_an_agent_registers_a_while_after_the_launch(
    fresh: Any, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    control.put_document(SHELL, SHELL_DOCUMENT)
    refused = 0
    for seed in SEEDS:
        fresh(seed)
        drs.start(SERVERS[0])
        clock.advance(20)
        [instance] = control.state()["recoveryInstances"]
        asked = {
            "InstanceIds": [instance["ec2InstanceID"]],
            "DocumentName": SHELL,
            "Parameters": {"Script": ["true"]},
        }
        assert not ssm.describe_instance_information()["InstanceInformationList"]
        assert code_of(partial(ssm.send_command, **asked)) == "InvalidInstanceId"
        for _ in range(DELAY):
            clock.advance(1)
            refused += not ssm.describe_instance_information()["InstanceInformationList"]
        assert len(ssm.describe_instance_information()["InstanceInformationList"]) == 1
        assert ssm.send_command(**asked)["Command"]["Status"] == "Pending"
    assert refused > len(SEEDS)


def test_a_command_is_listed_a_while_after_it_was_sent(
    fresh: Any, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    control.put_document(SHELL, SHELL_DOCUMENT)
    fresh(1)
    drs.start(SERVERS[0])
    clock.advance(60)
    [instance] = drs.instances()
    sent = ssm.send_command(
        InstanceIds=[instance["ec2InstanceID"]], DocumentName=SHELL, Parameters={"Script": ["true"]}
    )["Command"]["CommandId"]
    assert ssm.list_commands()["Commands"] == []
    assert ssm.list_command_invocations(CommandId=sent)["CommandInvocations"] == []
    clock.advance(DELAY)
    assert [each["CommandId"] for each in ssm.list_commands()["Commands"]] == [sent]
    assert len(ssm.list_command_invocations(CommandId=sent)["CommandInvocations"]) == 1


def test_manners_are_told_with_their_seed(control: SimulatorControl) -> None:
    told = control.manners()
    assert told["seed"] == 1
    assert told["strict"] is False
    assert told["omit"]["ParticipatingServer.recoveryInstanceID"] > 0
    assert control.put_manners(staleReads=0.25) == {**told, "staleReads": 0.25}
    assert control.put_manners(seed=9)["staleReads"] == told["staleReads"]
    strict = control.put_manners(strict=True)
    assert strict == {
        "seed": 9,
        "strict": True,
        "staleReads": 0,
        "delaySeconds": 0,
        "omit": {},
        "ordered": True,
        "events": {"lost": 0, "doubled": 0, "late": 0, "lateSeconds": 0},
    }
    control.reset()
    assert control.manners() == told


def test_a_seed_is_drawn_if_none_is_given() -> None:
    assert len({Manners().seed for _ in range(5)}) > 1
    assert STRICT.in_force.stale_reads == 0


@pytest.mark.parametrize(
    ("manners", "pointer"),
    [
        ({"staleReads": 1.5}, "/staleReads"),
        ({"delaySeconds": -1}, "/delaySeconds"),
        ({"seed": -1}, "/seed"),
        ({"omit": ["recoveryInstanceID"]}, "/omit/recoveryInstanceID"),
        ({"omit": {"Job.tags": 2}}, "/omit/Job.tags"),
        ({"events": {"gone": 1}}, "/events/gone"),
        ({"strict": True, "staleReads": 0}, ""),
        ({"polite": True}, "/polite"),
    ],
)
def test_manners_that_make_no_sense_are_refused(
    control: SimulatorControl, manners: dict[str, Any], pointer: str
) -> None:
    before = control.manners()
    with pytest.raises(ControlFailed, match=f"400: {pointer}"):
        control.put_manners(**manners)
    assert control.manners() == before


def test_ec2_shows_an_instance_later_than_it_launches_it(
    fresh: Any, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    late = unknown = 0
    for seed in SEEDS:
        fresh(seed, staleReads=0)  # an instance has its lag, and two looks at one moment show the same
        drs.start(SERVERS[0])
        clock.advance(17.5)
        [instance] = control.state()["ec2Instances"]
        asked = {"InstanceIds": [instance["InstanceId"]]}
        if not ec2.describe_instances()["Reservations"]:
            unknown += 1
            assert code_of(partial(ec2.describe_instances, **asked)) == "InvalidInstanceID.NotFound"
        seen = []
        for _ in range(DELAY):
            clock.advance(1)
            seen += [one["Instances"][0]["State"]["Name"] for one in ec2.describe_instances()["Reservations"]]
        late += DELAY - len(seen)
        assert set(seen) <= {"pending", "running"}
        clock.advance(DELAY)
        [reservation] = ec2.describe_instances(**asked)["Reservations"]
        assert reservation["Instances"][0]["State"]["Name"] == "running"
    assert unknown > len(SEEDS) / 2
    assert late > len(SEEDS)


def test_a_version_just_made_may_not_be_found_yet_and_the_default_is_told_late(
    fresh: Any, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    fresh(3)
    template = drs.client.get_launch_configuration(sourceServerID=SERVERS[0])["ec2LaunchTemplateID"]
    clock.advance(DELAY)
    data = {"KeyName": "k"}
    ec2.create_launch_template_version(LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData=data)
    change = partial(ec2.modify_launch_template, LaunchTemplateId=template, DefaultVersion="2")
    assert code_of(change) == "InvalidLaunchTemplateId.VersionNotFound"
    [latest] = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Latest"])[
        "LaunchTemplateVersions"
    ]
    assert latest["VersionNumber"] == 1
    clock.advance(DELAY)
    assert change()["LaunchTemplate"]["DefaultVersionNumber"] == 2
    exact = {each["LaunchTemplateId"]: each["DefaultVersionNumber"] for each in control.state()["launchTemplates"]}
    assert exact[template] == 2

    def default() -> int:
        found = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])
        return int(found["LaunchTemplateVersions"][0]["VersionNumber"])

    assert default() == 1
    clock.advance(DELAY)
    assert [default() for _ in range(10)] == [2] * 10


def test_an_automation_shows_and_ends_late(
    fresh: Any, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ssm = make_client("ssm")
    for seed in SEEDS:
        fresh(seed)
        control.put_automation("Move-Traffic", seconds=30)
        started = ssm.start_automation_execution(
            DocumentName="Move-Traffic", Tags=[{"Key": "wavebreak-1", "Value": "x"}]
        )

        def found(identifier: str = started["AutomationExecutionId"]) -> list[str]:
            listed = ssm.describe_automation_executions(Filters=[{"Key": "TagKey", "Values": ["wavebreak-1"]}])
            assert {each["AutomationExecutionId"] for each in listed["AutomationExecutionMetadataList"]} <= {identifier}
            return [each["AutomationExecutionStatus"] for each in listed["AutomationExecutionMetadataList"]]

        assert found() == []
        clock.advance(DELAY)
        assert found() == ["InProgress"]
        clock.advance(20)
        assert found() == ["InProgress"]
        clock.advance(DELAY)
        assert found() == ["Success"]


def test_a_missing_failback_is_told_of_some_instances(fresh: Any, drs: Drs, clock: ManualClock) -> None:
    told = missing = 0
    for seed in SEEDS:
        fresh(seed)
        drs.start(*SERVERS)
        clock.advance(60)
        told += sum("failback" in each for each in drs.instances())
        missing += sum("failback" not in each for each in drs.instances())
    assert told > missing > 0


def test_every_description_of_the_other_services_converges(
    fresh: Any, drs: Drs, clock: ManualClock, make_client: MakeClient, control: SimulatorControl
) -> None:
    ec2 = make_client("ec2")
    for seed in SEEDS:
        fresh(seed)
        drs.start(*SERVERS)
        clock.advance(60)
        exact = {each["InstanceId"]: each for each in control.state()["ec2Instances"]}
        shown = {
            one["Instances"][0]["InstanceId"]: one["Instances"][0] for one in ec2.describe_instances()["Reservations"]
        }
        assert shown.keys() == exact.keys()
        assert all(
            (shown[key]["State"]["Name"], shown[key]["SubnetId"]) == (each["State"]["Name"], each["SubnetId"])
            for key, each in exact.items()
        )
        templates = ec2.describe_launch_templates()["LaunchTemplates"]
        assert {each["LaunchTemplateId"] for each in templates} == {
            each["LaunchTemplateId"] for each in control.state()["launchTemplates"]
        }
