"""Waves that wait for an approval: for how long, and what follows then (contract 12)."""
