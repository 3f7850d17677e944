"""`python -m tools.definitions` prints the definitions as one JSON object, for `validate.mjs` beside this."""

from __future__ import annotations

import json
import sys

from tools.definitions.deployable import deployable

json.dump(deployable("us-east-1"), sys.stdout)
