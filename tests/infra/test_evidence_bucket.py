"""What the bucket of reports guarantees: nothing in it is replaced or deleted, and it outlives the stack (8)."""

import json
from typing import Any

import pytest
from tests.infra.test_parameters import holds
from tools.template import resources

Json = dict[str, Any]

BUCKET = "EvidenceBucket"


def lock_rule(template: Json, days: int) -> Any:
    """Return the rule of the Object Lock for so many days; None when there is none."""
    condition, locked, none = template["Resources"][BUCKET]["Properties"]["ObjectLockConfiguration"]["Rule"]["Fn::If"]
    given = {"EvidenceRetentionDays": str(days)}
    chosen = locked if holds(template["Conditions"][condition], given) else none
    return None if chosen == {"Ref": "AWS::NoValue"} else chosen


def test_8_every_version_of_a_report_is_kept_and_the_bucket_outlives_the_stack(template: Json) -> None:
    bucket = template["Resources"][BUCKET]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert bucket["Properties"]["VersioningConfiguration"] == {"Status": "Enabled"}
    (rule,) = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    expiring = {name for name in rule if "Expiration" in name or "Transition" in name}
    assert (expiring, set(rule)) == (set(), {"Id", "Status", "AbortIncompleteMultipartUpload"})


@pytest.mark.parametrize("days", [1, 30, 36500])
def test_8_retention_days_lock_each_version(template: Json, days: int) -> None:
    properties = template["Resources"][BUCKET]["Properties"]
    assert properties["ObjectLockEnabled"] is True
    assert properties["ObjectLockConfiguration"]["ObjectLockEnabled"] == "Enabled"
    assert lock_rule(template, days) == {
        "DefaultRetention": {"Mode": "GOVERNANCE", "Days": {"Ref": "EvidenceRetentionDays"}}
    }


def test_8_without_retention_days_nothing_is_locked(template: Json) -> None:
    assert template["Parameters"]["EvidenceRetentionDays"]["Default"] == 0
    assert lock_rule(template, 0) is None


def test_8_nobody_may_reach_the_bucket_from_outside_or_unencrypted(template: Json) -> None:
    properties = template["Resources"][BUCKET]["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    (statement,) = template["Resources"]["EvidenceBucketPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def statements(value: Any) -> list[Json]:
    """List the statements of policies, wherever they stand."""
    if isinstance(value, list):
        return [found for each in value for found in statements(each)]
    if not isinstance(value, dict):
        return []
    inner = [found for each in value.values() for found in statements(each)]
    return [value, *inner] if {"Effect", "Action"} <= value.keys() else inner


def test_8_no_function_may_delete_a_report_or_weaken_its_lock(template: Json) -> None:
    allowed = {
        action
        for one in statements(template["Resources"])
        if one["Effect"] == "Allow"
        for action in ([one["Action"]] if isinstance(one["Action"], str) else one["Action"])
        if action.startswith(("s3:", "*"))
    }
    assert allowed == {"s3:PutObject", "s3:GetObject"}
    for kind in ("AWS::Serverless::Function", "AWS::IAM::Role", "AWS::IAM::ManagedPolicy"):
        for name, properties in resources(template, kind).items():
            assert "AmazonS3FullAccess" not in json.dumps(properties), name
