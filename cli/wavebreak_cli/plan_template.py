"""A plan to begin with, for people who have never written one."""

from __future__ import annotations

_TEXT = """\
# yaml-language-server: $schema=plan.schema.json
# The schema comes with: wavebreak plan schema > plan.schema.json
planId: {plan_id}
name: {plan_id}                      # for people; 1 to 256 characters
objectives: {{rtoMinutes: 60, rpoMinutes: 15}}

waves:                               # servers that are recovered together, in this order unless dependsOn says else
  - name: database
    servers:                         # source servers of DRS: aws drs describe-source-servers
      - sourceServerId: s-11111111111111111
      - {{sourceServerId: s-22222222222222222, impact: OPTIONAL}}   # may fail without failing its wave
    timeoutMinutes: 60               # past it the wave has failed
    onFailure: STOP                  # STOP, CONTINUE (others go on) or ASK (somebody decides: retry or skip)

  - name: application
    dependsOn: [database]            # the wave before, if left out; [] starts at once
    selector: {{tags: {{tier: app}}}}    # in place of servers: those with these tags when the execution starts
    requiresApproval: true           # somebody says go: wavebreak approve
    waitBeforeSeconds: 0
    # region: us-west-2              # the stack's own, if left out
    # accountId: "123456789012"      # in quotes
"""


def plan_text(plan_id: str) -> str:
    """Return the text of a plan with this id."""
    return _TEXT.format(plan_id=plan_id)
