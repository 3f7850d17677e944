"""Waves that wait for an approval: how long, and what happens then (contract 12)."""
