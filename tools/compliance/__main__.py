"""`python -m tools.compliance CHECKOV` has a checkov of an environment of its own scan the templates.

It makes no call to any other machine: no rules are fetched and nothing is reported.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from tools.compliance.findings import problems, skips
from tools.template import ROOT, TEMPLATE

SKIPPED: Final = Path(__file__).parent / "skipped.yaml"
WITHOUT_RULES: Final = frozenset({"infra/command-documents.yaml"})
"""Templates of nothing that checkov has a rule for."""


def main() -> int:
    """Scan, and say what is wrong."""
    paths = [TEMPLATE, *sorted((ROOT / "infra").glob("*.yaml"))]
    templates = [str(path.relative_to(ROOT)) for path in paths]
    command = [
        *(sys.argv[1], "--framework", "cloudformation"),
        *("--file", *templates),
        *("--output", "json", "--skip-download", "--soft-fail", "--compact"),
    ]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        print(answer.stdout, answer.stderr, sep="\n", file=sys.stderr)
        return 1
    chosen = skips(SKIPPED.read_text(encoding="utf-8"))
    lines = problems(json.loads(answer.stdout), chosen, [name for name in templates if name not in WITHOUT_RULES])
    for line in lines:
        print(line, file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
