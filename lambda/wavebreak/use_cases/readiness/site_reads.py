"""The facts that are read of the sites of plans, and the questions that are asked there."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from wavebreak.aws.clients import UnsupportedSiteError
from wavebreak.aws.parallel_reads import Question
from wavebreak.domain.drs import DESCRIBE_INSTANCES, DESCRIBE_SNAPSHOTS, Trouble, in_batches
from wavebreak.values import Value, field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from wavebreak.aws.parallel_reads import Asking
    from wavebreak.domain.drs import Instance, RecentJob, SourceServer
    from wavebreak.domain.launch_templates.model import DrillNetwork
    from wavebreak.domain.readiness.facts import ChangedTemplate
    from wavebreak.domain.readiness.launch_facts import LaunchFacts
    from wavebreak.ports.capabilities import HasBriefDrs
    from wavebreak.ports.drs import DrsPoints, DrsReads
    from wavebreak.site import Site

    class Ports(HasBriefDrs, Protocol):
        """What looking at a site needs."""


class SiteReads(Struct):
    """What is being learnt of one site, of the servers of all plans that are checked."""

    site: Site
    drs: DrsReads | None
    ids: Sequence[str]
    """The source servers."""
    servers: dict[str, SourceServer | None] = field(default_factory=dict)
    instances: dict[str, tuple[Instance, ...]] = field(default_factory=dict)
    snapshots: dict[str, str | None] = field(default_factory=dict)
    active: tuple[RecentJob, ...] | None = None
    troubles: list[Trouble] = field(default_factory=list)
    refused: dict[str, list[Trouble]] = field(default_factory=dict)
    """Questions about one server that were refused, by server."""
    launches: LaunchFacts | None = None
    networks: list[DrillNetwork] = field(default_factory=list)
    """Where plans have their drills of this site land."""
    changed: Mapping[str, ChangedTemplate] = field(default_factory=dict)
    """Launch templates that drills have changed, by server."""

    def saw_servers(self, asked: Sequence[str], found: Mapping[str, SourceServer]) -> None:
        """Store the answer to a DescribeSourceServers."""
        self.servers |= {server: found.get(server) for server in asked}

    def saw_instances(self, asked: Sequence[str], found: Iterable[Instance]) -> None:
        """Store the answer to a DescribeRecoveryInstances."""
        self.instances |= _by_server(asked, found)

    def saw_jobs(self, found: Iterable[RecentJob]) -> None:
        """Store the answer to a DescribeJobs."""
        self.active = tuple(found)

    def saw_snapshot(self, server: str, newest: str | None) -> None:
        """Store the answer to a DescribeRecoverySnapshots."""
        self.snapshots[server] = newest


class Ask(Value):
    """A call of a service, and the function that takes its answer."""

    reads: SiteReads
    operation: str
    call: Callable[[], Any]
    take: Callable[[Any], None]
    server: str | None = None
    """The source server that it is about, if it is about one alone."""

    def failed(self, trouble: Trouble) -> None:
        """Record a trouble: a refusal about one server is that server's, all else is the site's."""
        if self.server is not None and trouble.refusal:
            self.reads.refused.setdefault(self.server, []).append(trouble)
        else:
            self.reads.troubles.append(trouble)


def site_reads_of(app: Ports, site: Site, ids: Sequence[str]) -> SiteReads:
    """Return an empty sight of a site. Its client is made here, in one thread: making several at a time is not safe."""
    try:
        return SiteReads(site, app.brief_drs_at(site), ids)
    except UnsupportedSiteError as error:
        return SiteReads(site, None, ids, troubles=[Trouble("sts:AssumeRole", str(error), denied=True)])


def questions(reads: SiteReads, now: datetime) -> Iterator[Ask]:
    """Ask DRS of a site for servers and instances, two hundred a call, and for the jobs that run."""
    drs = reads.drs
    if drs is None:
        return
    for batch in in_batches(reads.ids):
        take = partial(reads.saw_servers, batch)
        yield Ask(reads, "DescribeSourceServers", partial(drs.source_servers, batch), take)
        yield Ask(reads, DESCRIBE_INSTANCES, partial(drs.instances, batch), partial(reads.saw_instances, batch))
    yield Ask(reads, "DescribeJobs", partial(drs.active_jobs, now), reads.saw_jobs)


def snapshot_question(reads: SiteReads, drs: DrsPoints, server: str) -> Ask:
    """Ask for a server's newest snapshot."""
    call, take = partial(drs.newest_snapshot, server), partial(reads.saw_snapshot, server)
    return Ask(reads, DESCRIBE_SNAPSHOTS, call, take, server)


def put(asking: Asking, asked: Sequence[Ask], *, spare: bool = False, spared: float = 0.0) -> None:
    """Ask questions, and pass each answer to its `take`; with `spare` some may stay unasked.

    No question is begun in the part of the time that is `spared` for later ones.
    """
    answers = asking.all([Question(each.operation, each.call, each.reads.site) for each in asked], spared=spared)
    for question, answer in zip(asked, answers, strict=True):
        if not isinstance(answer, Trouble):
            question.take(answer)
        elif answer.asked or not spare:
            question.failed(answer)


def _by_server(asked: Iterable[str], found: Iterable[Instance]) -> dict[str, tuple[Instance, ...]]:
    instances: dict[str, tuple[Instance, ...]] = dict.fromkeys(asked, ())
    for instance in found:
        instances[instance.source_server_id] = (*instances.get(instance.source_server_id, ()), instance)
    return instances
