"""What the HTTP entry points share: admission of a request, bodies, problem documents, idempotency, OpenAPI."""
