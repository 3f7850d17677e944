"""The `wavebreak` command: plans, executions and their control, over the REST API of a Wavebreak stack."""
