"""The artefact, SAM, the OpenAPI document, and `make deploy`."""
