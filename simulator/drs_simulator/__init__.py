"""A simulator of AWS Elastic Disaster Recovery that an unchanged boto3 talks to over HTTP.

It is for the local stack and the tests: it behaves as the service does, but nothing is recovered and nothing costs
money. ``drs_simulator.http.server`` runs it, ``drs_simulator.client`` steers it, ``docs/simulator.md`` says the rest.
"""
