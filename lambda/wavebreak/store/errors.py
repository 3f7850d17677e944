"""Recorded errors in a table of their own: by time, severity, category, service and type, never by a scan.

pk is the day, sk the error's id, which sorts by time. The indexes share the day's bucket, so that no partition grows
for ever; they hold what is counted, and the keys by which whole records are fetched.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

from wavebreak.domain.errors.record import ID_PREFIX, KEPT, ErrorRecord, Severity, Span, error_view
from wavebreak.identifiers import moment_of
from wavebreak.store.list_tokens import no_token
from wavebreak.store.table import from_attributes, to_attributes
from wavebreak.timing import iso

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from wavebreak.error_category import Category
    from wavebreak.store.table import Item, Table

INDEXES: Final = {"severity": "bySeverity", "category": "byCategory", "service": "byService", "errorType": "byType"}
"""Index of each field that errors are found by; its hash key is `<field>Day`."""
_ERROR_ID: Final = re.compile(rf"{ID_PREFIX}[0-9a-hjkmnp-tv-z]{{26}}")
_LARGEST_PAGE: Final = 4_000_000
"""Characters of one page of a list: an answer of a function may have six million bytes."""
_NARROWEST: Final = ("errorType", "service", "category", "severity")
_FETCHED_AT_ONCE: Final = 100


class ErrorStore:
    """Errors of the last ninety days."""

    def __init__(self, reads: Table, writes: Table) -> None:
        """Keep the table twice: read with patience, written with none."""
        self.reads = reads
        self.writes = writes

    def create_error(self, record: ErrorRecord) -> None:
        """Store a record; faults of the table pass through."""
        day = record.at.astimezone(UTC).date().isoformat()
        shown = error_view(record, iso(record.at))
        item = {name: value for name, value in shown.items() if name != "context" and value is not None}
        item |= {"pk": f"DAY#{day}", "sk": record.error_id, "context": json.dumps(shown["context"], ensure_ascii=False)}
        item |= {f"{name}Day": f"{shown[name]}#{day}" for name in INDEXES}
        item["expiresAt"] = int((record.at + KEPT).timestamp())
        self.writes.client.put_item(TableName=self.writes.name, Item=to_attributes(item))

    def get_errors(
        self, span: Span, filters: Mapping[str, str], *, limit: int, token: str | None = None
    ) -> tuple[list[dict[str, Any]], str | None]:
        """List errors, newest first, and the token of the rest: the id of the last one listed.

        `filters` holds values of the fields of INDEXES. Raise InvalidRequest for a token that is no error's id.
        """
        if token is not None and not _ERROR_ID.fullmatch(token):
            raise no_token()
        found: list[dict[str, Any]] = []
        size = 0
        for item in self._records(span, filters, token, limit):
            shown = _view(item)
            size += len(json.dumps(shown, ensure_ascii=False))
            if len(found) == limit or (found and size > _LARGEST_PAGE):
                return found, str(found[-1]["errorId"])
            found.append(shown)
        return found, None

    def get_critical_errors(self, span: Span, limit: int = 50) -> list[dict[str, Any]]:
        """List the CRITICAL errors, newest first."""
        return self.get_errors(span, {"severity": Severity.CRITICAL}, limit=limit)[0]

    def get_errors_by_category(self, category: Category, span: Span, limit: int = 50) -> list[dict[str, Any]]:
        """List the errors of a category, newest first."""
        return self.get_errors(span, {"category": category}, limit=limit)[0]

    def get_error_count_by_severity(self, span: Span) -> dict[str, int]:
        """Count the errors of each severity, none left out."""
        return {severity.value: sum(1 for _ in self._briefs(span, severity)) for severity in Severity}

    def get_error_summary(self, span: Span) -> dict[str, Any]:
        """Count errors by severity, category, service and type, and by hour and severity."""
        counts: dict[str, Counter[str]] = {name: Counter() for name in INDEXES}
        hourly: Counter[tuple[str, str]] = Counter()
        for severity in Severity:
            for item in self._briefs(span, severity):
                hourly[_hour_of(str(item["sk"])), severity.value] += 1
                for name, counter in counts.items():
                    counter[str(item[name])] += 1
        severities = {severity.value: counts["severity"][severity.value] for severity in Severity}
        return {
            "hours": span.hours,
            "from": iso(span.start),
            "to": iso(span.now),
            "total": sum(severities.values()),
            "bySeverity": severities,
            "byCategory": dict(counts["category"].most_common()),
            "byService": dict(counts["service"].most_common()),
            "byType": dict(counts["errorType"].most_common()),
            "hourly": [
                {"hour": hour, "severity": severity, "count": count}
                for (hour, severity), count in sorted(hourly.items(), reverse=True)
            ],
        }

    def _briefs(self, span: Span, severity: Severity) -> Iterator[Item]:
        """Read what the severity index holds."""
        for day in span.days():
            query = _index_query("severity", {"severity": severity.value}, day)
            yield from self._pages(query, (span.first_id, span.last_id))

    def _records(self, span: Span, filters: Mapping[str, str], token: str | None, limit: int) -> Iterator[Item]:
        """Read whole records, newest first; those of an index are fetched by the keys that it holds."""
        bounds = (span.first_id, min(token or span.last_id, span.last_id))
        index = next((name for name in _NARROWEST if name in filters), None)
        for day in span.days():
            if index is None:
                query = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": f"DAY#{day}"}}
                found = self._pages(query, bounds, min(limit + 2, _FETCHED_AT_ONCE))
            else:
                found = self._fetched(self._pages(_index_query(index, filters, day), bounds))
            yield from (item for item in found if item["sk"] != token)

    def _fetched(self, briefs: Iterator[Item]) -> Iterator[Item]:
        """Fetch the records of index entries, a hundred at a time and no more than requested."""
        batch: list[tuple[str, str]] = []
        for brief in briefs:
            batch.append((str(brief["pk"]), str(brief["sk"])))
            if len(batch) == _FETCHED_AT_ONCE:
                yield from self._in_order(batch)
                batch = []
        yield from self._in_order(batch)

    def _in_order(self, keys: list[tuple[str, str]]) -> list[Item]:
        return sorted(self.reads.get_many(keys), key=lambda item: str(item["sk"]), reverse=True)

    def _pages(self, query: Mapping[str, Any], bounds: tuple[str, str], size: int | None = None) -> Iterator[Item]:
        """Read a partition between two ids, latest first, page by page."""
        values = {**query["ExpressionAttributeValues"], ":first": bounds[0], ":last": bounds[1]}
        asked: dict[str, Any] = {
            **query,
            "TableName": self.reads.name,
            "ScanIndexForward": False,
            "KeyConditionExpression": f"{query['KeyConditionExpression']} AND sk BETWEEN :first AND :last",
            "ExpressionAttributeValues": to_attributes(values),
        }
        if size:
            asked["Limit"] = size
        if bounds[0] > bounds[1]:
            return
        while True:
            answer = self.reads.client.query(**asked)
            yield from (from_attributes(item) for item in answer["Items"])
            if "LastEvaluatedKey" not in answer:
                return
            asked["ExclusiveStartKey"] = answer["LastEvaluatedKey"]


def _index_query(index: str, filters: Mapping[str, str], day: str) -> dict[str, Any]:
    """Ask an index for its value of a day; the other filters sift what it holds."""
    others = {name: value for name, value in filters.items() if name != index}
    query: dict[str, Any] = {
        "IndexName": INDEXES[index],
        "KeyConditionExpression": f"{index}Day = :pk",
        "ExpressionAttributeValues": {":pk": f"{filters[index]}#{day}"},
    }
    if others:
        query["FilterExpression"] = " AND ".join(f"#{name} = :{name}" for name in others)
        query["ExpressionAttributeNames"] = {f"#{name}": name for name in others}
        query["ExpressionAttributeValues"] |= {f":{name}": value for name, value in others.items()}
    return query


def _view(item: Item) -> dict[str, Any]:
    """Show a stored record as the API does."""
    names = ("errorId", "at", "severity", "category", "service", "errorType", "message", "stackTrace", "executionId")
    return {**{name: item.get(name) for name in names}, "context": json.loads(str(item.get("context") or "{}"))}


def _hour_of(error_id: str) -> str:
    """Read the hour of an error from its id."""
    return iso(moment_of(error_id.removeprefix(ID_PREFIX)).replace(minute=0, second=0, microsecond=0))
