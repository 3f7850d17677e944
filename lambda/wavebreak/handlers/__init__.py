"""The Lambda doorways: each parses its event, makes one call and shapes the answer.

What a cold start makes stays: modules, classes, clients. Python's collector would walk over all of it again and again
while it is imported, a tenth of the start's processor time, and find nothing. It is held back for so many new objects.
"""

import gc
from typing import Final

OBJECTS_BEFORE_COLLECTION: Final = 50_000
"""Some ten megabytes at the most; Python's own figure is 700."""


def hold_back_collector() -> None:
    """Have so many objects made before Python looks for garbage among them."""
    gc.set_threshold(OBJECTS_BEFORE_COLLECTION)


hold_back_collector()
