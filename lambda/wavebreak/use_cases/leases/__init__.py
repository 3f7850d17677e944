"""Leases carried out: extended by people, ended by the sweep."""
