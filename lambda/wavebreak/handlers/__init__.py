"""The entry points of the Lambda functions: each parses its event, makes one call and shapes the answer.

What a cold start creates stays: modules, classes, clients. Python's garbage collector would scan all of it repeatedly
during the imports, which costs a tenth of the start's processor time, and find nothing. So it is held back first. Only
a package's `__init__` runs before the imports of all its modules.
"""

import gc
from typing import Final

OBJECTS_BEFORE_COLLECTION: Final = 50_000
"""Some ten megabytes at the most; Python's own figure is 700."""


def hold_back_collector() -> None:
    """Raise the number of new objects after which Python looks for garbage."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)


hold_back_collector()
