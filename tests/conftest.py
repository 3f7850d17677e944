"""What holds for all tests: a property is searched without a clock.

Machines are noisy: an example that is slow once proves nothing. Times are measured by `make bench`, as ratios and
counts.
"""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("wavebreak", deadline=None)
settings.load_profile("wavebreak")
