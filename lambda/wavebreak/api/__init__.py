"""What the HTTP doorways share: admission of a request, bodies, problem documents, idempotency, OpenAPI."""
