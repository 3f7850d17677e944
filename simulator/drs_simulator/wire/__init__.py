"""The protocols of AWS, spoken from the botocore service models."""
