"""Launch templates and their versions, where the emulators fall short: merged, immutable, idempotent, told apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.simulator.clients import server_id
from tests.simulator.run_command import code_of

if TYPE_CHECKING:
    from drs_simulator.client import SimulatorControl

UNKNOWN = "lt-00000000000000000"
DATA = {
    "InstanceType": "m5.large",
    "ImageId": "ami-0123456789abcdef0",
    "NetworkInterfaces": [
        {"DeviceIndex": 0, "SubnetId": "subnet-1", "Groups": ["sg-1"], "PrivateIpAddress": "10.0.0.9"},
        {"DeviceIndex": 1, "SubnetId": "subnet-1"},
    ],
    "BlockDeviceMappings": [{"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": "snap-1", "VolumeSize": 9}}],
    "LicenseSpecifications": [{"LicenseConfigurationArn": "arn:aws:license-manager:us-east-1:1:lic-1"}],
    "Placement": {"AvailabilityZone": "us-east-1b", "Tenancy": "default"},
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2},
    "Monitoring": {"Enabled": True},
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "db"}]}],
}


@pytest.fixture
def template(ec2: Any) -> str:
    made = ec2.create_launch_template(
        LaunchTemplateName="db-template",
        LaunchTemplateData=DATA,
        VersionDescription="first",
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": [{"Key": "tier", "Value": "db"}]}],
    )["LaunchTemplate"]
    assert (made["DefaultVersionNumber"], made["LatestVersionNumber"]) == (1, 1)
    return str(made["LaunchTemplateId"])


def add(ec2: Any, template: str, data: dict[str, Any], **more: Any) -> Any:
    return ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=data, **more)[
        "LaunchTemplateVersion"
    ]


def versions(ec2: Any, template: str, *wanted: str, **more: Any) -> list[Any]:
    given = {"Versions": list(wanted)} if wanted else {}
    found: list[Any] = ec2.describe_launch_template_versions(LaunchTemplateId=template, **given, **more)[
        "LaunchTemplateVersions"
    ]
    return sorted(found, key=lambda each: each["VersionNumber"])


def test_a_template_keeps_all_that_it_is_given(ec2: Any, template: str) -> None:
    [version] = versions(ec2, template, "$Latest")
    assert version["LaunchTemplateData"] == DATA
    assert (version["VersionDescription"], version["DefaultVersion"]) == ("first", True)
    assert version["CreateTime"].tzinfo is not None


def test_a_version_with_a_source_has_its_parameters_but_for_those_that_are_given(ec2: Any, template: str) -> None:
    interfaces = [{"DeviceIndex": 0, "SubnetId": "subnet-2"}]
    made = add(ec2, template, {"NetworkInterfaces": interfaces}, SourceVersion="1")
    assert made["VersionNumber"] == 2
    assert made["DefaultVersion"] is False
    merged = made["LaunchTemplateData"]
    assert merged["NetworkInterfaces"] == interfaces
    # Snapshots of the source's block devices are not inherited.
    assert merged["BlockDeviceMappings"] == [{"DeviceName": "/dev/sda1", "Ebs": {"VolumeSize": 9}}]
    same = DATA.keys() - {"NetworkInterfaces", "BlockDeviceMappings"}
    assert {name: merged[name] for name in same} == {name: DATA[name] for name in same}
    assert versions(ec2, template, "1")[0]["LaunchTemplateData"] == DATA


@pytest.mark.parametrize("source", ["$Default", "$Latest"])
def test_the_source_may_be_named_by_what_it_is(ec2: Any, template: str, source: str) -> None:
    add(ec2, template, {"InstanceType": "t3.large"})
    made = add(ec2, template, {"KeyName": "k"}, SourceVersion=source)
    expected = {"$Default": "m5.large", "$Latest": "t3.large"}[source]
    assert made["LaunchTemplateData"]["InstanceType"] == expected


def test_a_version_without_a_source_has_what_it_is_given_alone(ec2: Any, template: str) -> None:
    assert add(ec2, template, {"KeyName": "k"})["LaunchTemplateData"] == {"KeyName": "k"}


def test_the_default_version_changes_and_is_told_everywhere(ec2: Any, template: str) -> None:
    add(ec2, template, {"KeyName": "k"}, SourceVersion="1", VersionDescription="second")
    changed = ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion="2")["LaunchTemplate"]
    assert (changed["DefaultVersionNumber"], changed["LatestVersionNumber"]) == (2, 2)
    [default] = versions(ec2, template, "$Default")
    assert (default["VersionNumber"], default["DefaultVersion"]) == (2, True)
    assert [each["DefaultVersion"] for each in versions(ec2, template)] == [False, True]
    ec2.modify_launch_template(LaunchTemplateName="db-template", DefaultVersion="1")
    assert versions(ec2, template, "$Default")[0]["VersionNumber"] == 1


def test_versions_are_numbered_on_after_some_were_deleted(ec2: Any, template: str) -> None:
    for _ in range(3):
        add(ec2, template, {"KeyName": "k"})
    answer = ec2.delete_launch_template_versions(LaunchTemplateId=template, Versions=["1", "2", "4", "9"])
    assert [each["VersionNumber"] for each in answer["SuccessfullyDeletedLaunchTemplateVersions"]] == [2, 4]
    kept = answer["UnsuccessfullyDeletedLaunchTemplateVersions"]
    assert [(each["VersionNumber"], each["ResponseError"]["Code"]) for each in kept] == [
        (1, "unexpectedError"),
        (9, "launchTemplateVersionDoesNotExist"),
    ]
    assert [each["VersionNumber"] for each in versions(ec2, template)] == [1, 3]
    assert add(ec2, template, {"KeyName": "k"})["VersionNumber"] == 5
    assert code_of(lambda: versions(ec2, template, "4")) == "InvalidLaunchTemplateId.VersionNotFound"


def test_the_same_call_with_the_same_token_makes_nothing_twice(ec2: Any, template: str) -> None:
    once = {"LaunchTemplateData": {"KeyName": "k"}, "LaunchTemplateId": template, "ClientToken": "token-1"}
    first = ec2.create_launch_template_version(**once)["LaunchTemplateVersion"]
    again = ec2.create_launch_template_version(**once)["LaunchTemplateVersion"]
    assert first == again
    assert len(versions(ec2, template)) == 2
    other = {**once, "LaunchTemplateData": {"KeyName": "other"}}
    assert code_of(lambda: ec2.create_launch_template_version(**other)) == "IdempotentParameterMismatch"
    made = {"LaunchTemplateName": "web-template", "LaunchTemplateData": {"KeyName": "k"}, "ClientToken": "token-1"}
    ids = {ec2.create_launch_template(**made)["LaunchTemplate"]["LaunchTemplateId"] for _ in range(2)}
    assert len(ids) == 1
    without = {key: value for key, value in made.items() if key != "ClientToken"}
    code = code_of(lambda: ec2.create_launch_template(**without))
    assert code == "InvalidLaunchTemplateName.AlreadyExistsException"


def test_a_range_of_versions_and_pages_of_them(ec2: Any, template: str) -> None:
    for _ in range(4):
        add(ec2, template, {"KeyName": "k"})

    def numbers(**more: Any) -> list[int]:
        return [each["VersionNumber"] for each in versions(ec2, template, **more)]

    assert numbers(MinVersion="2", MaxVersion="4") == [2, 3, 4]
    assert numbers(MinVersion="4") == [4, 5]
    first = ec2.describe_launch_template_versions(LaunchTemplateId=template, MaxResults=3)
    rest = ec2.describe_launch_template_versions(LaunchTemplateId=template, MaxResults=3, NextToken=first["NextToken"])
    found = [each["VersionNumber"] for page in (first, rest) for each in page["LaunchTemplateVersions"]]
    assert sorted(found) == [1, 2, 3, 4, 5]
    assert "NextToken" not in rest


def test_the_default_versions_of_all_templates_come_in_one_call(
    ec2: Any, template: str, control: SimulatorControl
) -> None:
    control.put_source_server(server_id(1))
    add(ec2, template, {"KeyName": "k"})
    found = ec2.describe_launch_template_versions(Versions=["$Default", "$Latest"])["LaunchTemplateVersions"]
    by_template: dict[str, set[int]] = {}
    for each in found:
        by_template.setdefault(each["LaunchTemplateId"], set()).add(each["VersionNumber"])
    assert by_template.pop(template) == {1, 2}
    assert list(by_template.values()) == [{1}]


def test_templates_are_found_by_name_and_tag(ec2: Any, template: str) -> None:
    ec2.create_launch_template(LaunchTemplateName="web-template", LaunchTemplateData={"KeyName": "k"})

    def found(**more: Any) -> list[str]:
        return [each["LaunchTemplateId"] for each in ec2.describe_launch_templates(**more)["LaunchTemplates"]]

    assert len(found()) == 2
    assert found(LaunchTemplateNames=["db-template"]) == [template]
    assert found(Filters=[{"Name": "tag:tier", "Values": ["db"]}]) == [template]
    assert found(Filters=[{"Name": "tag-key", "Values": ["tier"]}]) == [template]
    assert found(Filters=[{"Name": "launch-template-name", "Values": ["web-template"]}]) != [template]
    ec2.delete_launch_template(LaunchTemplateId=template)
    assert code_of(lambda: found(LaunchTemplateIds=[template])) == "InvalidLaunchTemplateId.NotFound"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("describe_launch_templates", {"LaunchTemplateIds": [UNKNOWN]}, "InvalidLaunchTemplateId.NotFound"),
        ("describe_launch_templates", {"LaunchTemplateIds": ["lt-1"]}, "InvalidLaunchTemplateId.Malformed"),
        (
            "describe_launch_templates",
            {"LaunchTemplateNames": ["nobody"]},
            "InvalidLaunchTemplateName.NotFoundException",
        ),
        ("describe_launch_templates", {"MaxResults": 201}, "InvalidParameterValue"),
        ("describe_launch_template_versions", {}, "MissingParameter"),
        ("describe_launch_template_versions", {"Versions": ["1"]}, "MissingParameter"),
        (
            "describe_launch_template_versions",
            {"LaunchTemplateName": "db-template", "Versions": ["1"], "MinVersion": "1"},
            "InvalidParameterCombination",
        ),
        (
            "describe_launch_template_versions",
            {"LaunchTemplateName": "db-template", "LaunchTemplateId": UNKNOWN},
            "InvalidParameterCombination",
        ),
        (
            "describe_launch_template_versions",
            {"LaunchTemplateName": "db-template", "Versions": ["latest"]},
            "InvalidLaunchTemplateId.VersionNotFound",
        ),
        (
            "modify_launch_template",
            {"LaunchTemplateName": "db-template", "DefaultVersion": "7"},
            "InvalidLaunchTemplateId.VersionNotFound",
        ),
        ("modify_launch_template", {"LaunchTemplateName": "db-template"}, "MissingParameter"),
        (
            "create_launch_template_version",
            {"LaunchTemplateName": "db-template", "LaunchTemplateData": {"KeyName": "k"}, "SourceVersion": "7"},
            "InvalidLaunchTemplateId.VersionNotFound",
        ),
        (
            "create_launch_template_version",
            {"LaunchTemplateName": "db-template", "LaunchTemplateData": {"InstanceType": "x9.huge"}},
            "InvalidParameterValue",
        ),
        ("modify_launch_template", {"LaunchTemplateName": "db-template", "DryRun": True}, "DryRunOperation"),
        (
            "create_launch_template",
            {"LaunchTemplateName": "d b", "LaunchTemplateData": {"KeyName": "k"}},
            "InvalidLaunchTemplateName.MalformedException",
        ),
    ],
)
def test_what_it_refuses_it_refuses_with_ec2s_codes(
    ec2: Any, template: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    assert template
    assert code_of(lambda: getattr(ec2, operation)(**parameters)) == code


def test_a_dry_run_changes_nothing(ec2: Any, template: str) -> None:
    asked = {"LaunchTemplateId": template, "LaunchTemplateData": {"KeyName": "k"}, "DryRun": True}
    assert code_of(lambda: ec2.create_launch_template_version(**asked)) == "DryRunOperation"
    assert len(versions(ec2, template)) == 1
