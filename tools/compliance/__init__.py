"""A scan of the templates for what people with compliance duties ask for."""
