"""Alarms, dashboard and saved queries against what the code emits, and thresholds at their boundaries."""

import json
import operator
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.template import ROOT, functions, load, resources

import wavebreak
from wavebreak.app import utc_now
from wavebreak.domain.errors.record import Severity
from wavebreak.observability.error_tracker import ErrorTracker
from wavebreak.observability.metrics import NAMESPACE, STACK, Meter, Metric
from wavebreak.store.errors import INDEXES

Json = dict[str, Any]

TEMPLATE = load(ROOT / "infra" / "monitoring.yaml")
ALARMS = resources(TEMPLATE, "AWS::CloudWatch::Alarm")
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
}
LONGEST_PERIOD = 300
HOUR = 3600
DASHBOARD_COLUMNS = 24


def dashboard() -> Json:
    (board,) = resources(TEMPLATE, "AWS::CloudWatch::Dashboard").values()
    body: Json = json.loads(board["DashboardBody"]["Fn::Sub"])
    return body


def dashboard_metrics() -> Iterator[tuple[str, frozenset[str]]]:
    """Every metric of ours on the dashboard with the dimensions it is asked under."""
    for widget in dashboard()["widgets"]:
        for row in widget["properties"]["metrics"]:
            if isinstance(row[0], dict):
                found = re.search(r"\{(\w+),([\w,]+)\} MetricName=\"(\w+)\"", row[0]["expression"])
                assert found
                assert found[1] == NAMESPACE
                yield found[3], frozenset(found[2].split(","))
            else:
                assert row[0] == NAMESPACE
                yield row[1], frozenset(each for each in row[2::2] if isinstance(each, str))


def alarm_metrics() -> Iterator[tuple[str, frozenset[str]]]:
    for alarm in ALARMS.values():
        if alarm.get("Namespace") == NAMESPACE:
            yield alarm["MetricName"], frozenset(dimension["Name"] for dimension in alarm["Dimensions"])


def emitted() -> set[tuple[str, frozenset[str]]]:
    return {(metric.value.title, frozenset((STACK, *names))) for metric in Metric for names in metric.value.dimensions}


def test_s3_15_every_metric_that_is_looked_at_is_emitted_in_that_form_and_no_other() -> None:
    used = {*dashboard_metrics(), *alarm_metrics()}
    assert used == emitted()


def test_every_metric_of_the_catalogue_is_emitted_somewhere() -> None:
    code = "\n".join(path.read_text() for path in Path(wavebreak.__file__).parent.rglob("*.py"))
    for metric in Metric:
        assert re.search(rf"meter\.add\(\s*Metric\.{metric.name}\b", code), metric.name


def in_alarm(name: str, value: float) -> bool:
    """Tell whether an alarm is in ALARM at a value, by its operator and the threshold that the product gives it."""
    alarm = ALARMS[name]
    threshold = alarm["Threshold"]
    if isinstance(threshold, dict):
        threshold = load()["Parameters"][threshold["Ref"]]["Default"]
    return OPERATORS[alarm["ComparisonOperator"]](value, float(threshold))


@pytest.mark.parametrize(
    ("name", "severity", "quiet", "loud"),
    [
        ("CriticalErrorsAlarm", "CRITICAL", 0, 1),
        ("ErrorsAlarm", "ERROR", 10, 11),
        ("WarningsAlarm", "WARNING", 50, 51),
    ],
)
def test_s3_15_alarms_begin_above_the_threshold_and_not_at_it(name: str, severity: str, quiet: int, loud: int) -> None:
    alarm = ALARMS[name]
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Dimensions"]}
    assert dimensions == {"stack": {"Ref": "WatchedStack"}, "severity": severity}
    assert (alarm["MetricName"], alarm["Statistic"]) == ("Errors", "Sum")
    assert not in_alarm(name, quiet)
    assert in_alarm(name, loud)


@pytest.mark.parametrize("name", ["CriticalErrorsAlarm", "ErrorsAlarm", "WarningsAlarm"])
def test_s3_16_the_errors_of_an_hour_are_looked_at_in_a_window_that_slides(name: str) -> None:
    """CloudWatch evaluates such an alarm every minute; a wall clock window would look once an hour."""
    alarm = ALARMS[name]
    assert (alarm["Period"], alarm["EvaluationPeriods"]) == (HOUR, 1)
    assert "EvaluationWindow" not in alarm


def periods(alarm: Json) -> set[int]:
    if "Metrics" not in alarm:
        return {alarm["Period"]}
    return {part["MetricStat"]["Period"] for part in alarm["Metrics"] if "MetricStat" in part}


@pytest.mark.parametrize("name", sorted(ALARMS))
def test_s3_17_people_are_told_when_an_alarm_begins_and_ends_and_not_in_between(name: str) -> None:
    alarm = ALARMS[name]
    topic = [{"Ref": "TopicArn"}]
    assert (alarm["AlarmActions"], alarm["OKActions"]) == (topic, topic)
    assert "InsufficientDataActions" not in alarm
    assert periods(alarm) <= {60, LONGEST_PERIOD, HOUR}
    assert alarm["AlarmDescription"]


def test_s3_16_whoever_says_nothing_is_well_but_for_the_sweep() -> None:
    for name, alarm in ALARMS.items():
        expected = "breaching" if name == "SweepAlarm" else "notBreaching"
        assert alarm["TreatMissingData"] == expected, name
    assert not in_alarm("SweepAlarm", 1)
    assert in_alarm("SweepAlarm", 0)


def test_s3_15_everything_that_must_be_watched_is() -> None:
    watched = {(alarm.get("Namespace"), alarm.get("MetricName")) for alarm in ALARMS.values()}
    assert watched >= {
        ("AWS/SQS", "ApproximateNumberOfMessagesVisible"),
        ("AWS/Lambda", "Throttles"),
        ("AWS/ApiGateway", "5XXError"),
        (NAMESPACE, "OldestExecutionAge"),
    }
    for machine in ("Recovery", "Termination", "Command"):
        parts = ALARMS[f"{machine}MachineAlarm"]["Metrics"]
        assert {part["MetricStat"]["Metric"]["MetricName"] for part in parts if "MetricStat" in part} == {
            "ExecutionsFailed",
            "ExecutionsTimedOut",
        }
        assert f"-{machine.lower()}" in json.dumps(parts)


def test_thresholds_are_parameters_of_the_product() -> None:
    handed = load()["Resources"]["MonitoringStack"]["Properties"]["Parameters"]
    assert handed.keys() == TEMPLATE["Parameters"].keys()
    product = load()["Parameters"]
    for name in ("CriticalErrorsThreshold", "ErrorsThreshold", "WarningsThreshold", "OldestExecutionSeconds"):
        assert handed[name] == {"Ref": name}
        assert product[name]["Type"] == "Number"
    assert [product[f"{name}Threshold"]["Default"] for name in ("CriticalErrors", "Errors", "Warnings")] == [0, 10, 50]


def test_s3_17_cloudwatch_may_publish_to_the_encrypted_topic() -> None:
    template = load()
    key = template["Resources"]["NotificationTopic"]["Properties"]["KmsMasterKeyId"]
    ours = {"Fn::If": ["MakesNotificationKey", {"Ref": "NotificationKey"}, "alias/aws/sns"]}
    assert key == {"Fn::If": ["HasKey", {"Ref": "KmsKeyArn"}, ours]}
    assert template["Resources"]["NotificationKey"]["Condition"] == "MakesNotificationKey"
    statements = template["Resources"]["NotificationKey"]["Properties"]["KeyPolicy"]["Statement"]
    (alarms,) = (s for s in statements if s["Principal"] == {"Service": "cloudwatch.amazonaws.com"})
    assert set(alarms["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}


def log_groups_handed_over() -> list[str]:
    handed = load()["Resources"]["MonitoringStack"]["Properties"]["Parameters"]["FunctionLogGroups"]
    return [group["Ref"] for group in handed["Fn::Join"][1]]


def test_s3_14_the_log_of_every_function_is_read_for_crashes_but_that_of_the_reader() -> None:
    names = {name.removesuffix("Function") + "LogGroup" for name in functions(load())} - {"CrashesLogGroup"}
    handed = log_groups_handed_over()
    assert sorted(handed) == sorted(names)
    filters = resources(TEMPLATE, "AWS::Logs::SubscriptionFilter").values()
    chosen = [one["LogGroupName"]["Fn::Select"][0] for one in filters]
    assert sorted(chosen) == list(range(len(handed))), "one CrashFilter for each log group"
    assert {one["FilterPattern"] for one in filters} == {
        '?"Task timed out after" ?"Error: Runtime exited" ?"[ERROR] Runtime."'
    }
    assert all(one["DestinationArn"] == {"Ref": "CrashesFunctionArn"} for one in filters)


def test_s3_14_every_function_may_record_errors_and_only_one_may_read_them() -> None:
    for name, function in functions(load()).items():
        assert {"Ref": "EveryFunctionPolicy"} in function["Policies"], name
        assert function["Environment"]["Variables"]["ERRORS_TABLE_NAME"] == {"Ref": "ErrorsTable"}, name
        reads = {"Ref": "ReadErrorsPolicy"} in function["Policies"]
        assert reads == (name == "ErrorsFunction"), name


def test_s3_12_the_errors_table_has_the_indexes_that_are_asked_and_forgets() -> None:
    table = resources(load(), "AWS::DynamoDB::Table")["ErrorsTable"]
    found = {index["IndexName"]: index["KeySchema"][0]["AttributeName"] for index in table["GlobalSecondaryIndexes"]}
    assert found == {name: f"{field}Day" for field, name in INDEXES.items()}
    for index in table["GlobalSecondaryIndexes"]:
        assert set(index["Projection"]["NonKeyAttributes"]) == set(INDEXES)
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expiresAt", "Enabled": True}


def test_the_dashboard_is_laid_out_without_overlap() -> None:
    positions = set()
    for widget in dashboard()["widgets"]:
        assert widget["x"] + widget["width"] <= DASHBOARD_COLUMNS
        positions.add((widget["x"], widget["y"]))
    assert len(positions) == len(dashboard()["widgets"])


def test_s3_12_the_three_views_are_saved_queries_over_fields_that_are_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tracker = ErrorTracker(None, Meter("s", utc_now, lambda _line: None), utc_now)
    tracker.record_error(RuntimeError("x"), Severity.CRITICAL)
    logged = {f"error.{name}" for name in vars(caplog.records[0])["error"]}
    queries = resources(TEMPLATE, "AWS::Logs::QueryDefinition")
    assert set(queries) == {"SummaryQuery", "CriticalQuery", "RateQuery"}
    for query in queries.values():
        asked = set(re.findall(r"error\.\w+", query["QueryString"]))
        assert asked
        assert asked <= logged
        assert query["LogGroupNames"] == {"Ref": "FunctionLogGroups"}
    assert "86400" in queries["SummaryQuery"]["QueryString"]
    assert "3600" in queries["CriticalQuery"]["QueryString"]
    assert "bin(1h)" in queries["RateQuery"]["QueryString"]
