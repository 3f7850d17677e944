"""`python -m wavebreak_cli` is the `wavebreak` command."""

from wavebreak_cli.main import run

run()
