"""The manners of every simulator that the product is tested against in process.

To be removed, and with it the argument where it is used, once the product copes with the default manners (contract 11).
A simulator that is told nothing has these.
"""

from __future__ import annotations

from drs_simulator.manners import STRICT

MANNERS = STRICT
