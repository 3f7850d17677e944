"""What a service does in the name of its caller beyond what the Service Authorization Reference tells, with the source.

DRS starts instances, tags them and runs actions with the permissions of the caller of StartRecovery.
"""

from __future__ import annotations

from typing import Final

START: Final = "drs:StartRecovery"
POST_LAUNCH: Final = "post-launch actions"
EBS_KEYS: Final = "customer-managed keys of EBS volumes"

CONSOLE_POLICY: Final = frozenset(
    {
        "ec2:AssociateIamInstanceProfile",
        "ec2:AttachVolume",
        "ec2:AuthorizeSecurityGroupEgress",
        "ec2:AuthorizeSecurityGroupIngress",
        "ec2:CreateFleet",
        "ec2:CreateLaunchTemplate",
        "ec2:CreateLaunchTemplateVersion",
        "ec2:CreateNetworkInterface",
        "ec2:CreateNetworkInterfacePermission",
        "ec2:CreateSecurityGroup",
        "ec2:CreateSnapshot",
        "ec2:CreateTags",
        "ec2:CreateVolume",
        "ec2:DeleteLaunchTemplateVersions",
        "ec2:DeleteSnapshot",
        "ec2:DeleteTags",
        "ec2:DeleteVolume",
        "ec2:DescribeAccountAttributes",
        "ec2:DescribeAvailabilityZones",
        "ec2:DescribeCapacityReservations",
        "ec2:DescribeHosts",
        "ec2:DescribeImages",
        "ec2:DescribeInstanceAttribute",
        "ec2:DescribeInstanceStatus",
        "ec2:DescribeInstanceTypeOfferings",
        "ec2:DescribeInstanceTypes",
        "ec2:DescribeInstances",
        "ec2:DescribeKeyPairs",
        "ec2:DescribeLaunchTemplateVersions",
        "ec2:DescribeLaunchTemplates",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSnapshots",
        "ec2:DescribeSubnets",
        "ec2:DescribeVolumes",
        "ec2:DetachVolume",
        "ec2:GetConsoleOutput",
        "ec2:GetConsoleScreenshot",
        "ec2:GetEbsDefaultKmsKeyId",
        "ec2:GetEbsEncryptionByDefault",
        "ec2:GetInstanceTypesFromInstanceRequirements",
        "ec2:ModifyInstanceAttribute",
        "ec2:ModifyLaunchTemplate",
        "ec2:RevokeSecurityGroupEgress",
        "ec2:RunInstances",
        "ec2:StartInstances",
        "ec2:StopInstances",
        "ec2:TerminateInstances",
    }
)
"""The EC2 actions of AWSElasticDisasterRecoveryConsoleFullAccess_v2, version 7 of 2026-02-11."""

LEFT_OUT: Final = {
    "ec2:DeleteTags": "of launch templates, for people who edit them in the console: no call of DRS",
    "ec2:AssociateIamInstanceProfile": "for the profile that post-launch actions need: behind PostLaunchActions",
}
"""Actions of that policy that a launch is not given, each with the reason."""

BY_START: Final = {
    "drs:DescribeReplicationConfigurationTemplates": "CloudTrail of an AWS sample, DRS as the caller of StartRecovery",
    "drs:TagResource": "DRS tags jobs and recovery instances: AWSElasticDisasterRecoveryServiceRolePolicy, version 8",
    "kms:DescribeKey": "AWSElasticDisasterRecoveryConsoleFullAccess_v2, for volumes of any key",
    **dict.fromkeys(
        sorted(CONSOLE_POLICY - LEFT_OUT.keys()), "AWSElasticDisasterRecoveryConsoleFullAccess_v2, through DRS"
    ),
}
"""What StartRecovery borrows beyond its dependent actions, each with the source."""

BY_POST_LAUNCH: Final = {
    "ec2:AssociateIamInstanceProfile": "AWSElasticDisasterRecoveryConsoleFullAccess_v2",
    **dict.fromkeys(
        (
            "ssm:DescribeDocument",
            "ssm:DescribeInstanceInformation",
            "ssm:DescribeParameters",
            "ssm:GetAutomationExecution",
            "ssm:GetDocument",
            "ssm:GetParameter",
            "ssm:GetParameters",
            "ssm:ListCommandInvocations",
            "ssm:ListDocumentVersions",
            "ssm:ListDocuments",
            "ssm:PutParameter",
            "ssm:SendCommand",
            "ssm:StartAutomationExecution",
        ),
        "AWSElasticDisasterRecoveryLaunchActionsPolicy, version 4 of 2025-07-02",
    ),
}
"""What StartRecovery borrows where servers have post-launch actions."""

BY_EBS_KEYS: Final = {
    f"kms:{action}": "Amazon EBS user guide, permissions for encryption with a customer-managed key"
    for action in ("CreateGrant", "Decrypt", "GenerateDataKeyWithoutPlaintext", "ReEncryptFrom", "ReEncryptTo")
}
"""What EC2 asks for in the name of DRS's caller where volumes have such a key."""

INSTANCE_ROLES: Final = tuple(
    f"service-role/AWSElasticDisasterRecovery{name}"
    for name in ("ConversionServerRole", "RecoveryInstanceRole", "RecoveryInstanceWithLaunchActionsRole")
)
"""Roles of the instances that DRS starts: of the conversion server, and of a server without and with launch actions."""

NOT_BORROWED: Final = {
    "scheduler:CreateSchedule": "the one role that is passed is recorded with the call",
    "scheduler:UpdateSchedule": "likewise",
    "ec2:CreateLaunchTemplateVersion": "of templates that name their image by a parameter of SSM; DRS names none",
    "ec2:DescribeLaunchTemplateVersions": "likewise",
    "servicequotas:GetServiceQuota": "its dependent actions are of the services whose quotas are read; DRS has none",
}
"""Actions whose dependent actions in the reference that are not required, each with the reason."""
