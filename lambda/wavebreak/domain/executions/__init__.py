"""An execution: model, engine, steering, termination, audit trail, and what is shown of it."""
