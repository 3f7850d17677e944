"""Other accounts of the emulator, with the role that is shipped for them deployed there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tools.local_stack.deployment import STACK_NAME
from tools.template import ROOT

if TYPE_CHECKING:
    from tools.local_stack.deployment import Emulator

HOME_ACCOUNT: Final = "000000000000"
TARGET_ACCOUNT: Final = "222222222222"
STRANGE_ACCOUNT: Final = "333333333333"
"""An account whose role lets in whoever knows another external id."""
TARGET_REGION: Final = "us-west-2"
EXTERNAL_ID: Final = "external-id-of-the-local-stack"
ROLE_NAME: Final = "wavebreak-target"
TEMPLATE: Final = ROOT / "infra" / "target-account-role.yaml"


def deploy_role(emulator: Emulator, account: str, external_id: str = EXTERNAL_ID) -> None:
    """Deploy the shipped role, as the owner of an account does."""
    cloudformation = emulator.client("cloudformation", account)
    chosen = {
        "OrchestratorAccountId": HOME_ACCOUNT,
        "OrchestratorStackName": STACK_NAME,
        "ExternalId": external_id,
        "RoleName": ROLE_NAME,
    }
    cloudformation.create_stack(
        StackName="target",
        TemplateBody=TEMPLATE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in chosen.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    cloudformation.get_waiter("stack_create_complete").wait(StackName="target", WaiterConfig={"Delay": 1})
    cloudformation.close()
    _name_callers_as_the_emulator_does(emulator, account)


def _name_callers_as_the_emulator_does(emulator: Emulator, account: str) -> None:
    """Rewrite the role's condition on the caller: aws:PrincipalArn is a role's ARN on AWS, its session's here."""
    iam = emulator.client("iam", account)
    trust = json.dumps(iam.get_role(RoleName=ROLE_NAME)["Role"]["AssumeRolePolicyDocument"])
    role, session = f":iam::{HOME_ACCOUNT}:role/", f":sts::{HOME_ACCOUNT}:assumed-role/"
    assert role in trust
    iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=trust.replace(role, session))
    iam.close()
