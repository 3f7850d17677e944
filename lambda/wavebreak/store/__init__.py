"""The single table: the one place that knows its keys, conditions and transactions.

`keys` names the items, `records` turns them into the model and back, `table` speaks to DynamoDB and translates its
errors; `plans`, `executions`, `locks` and `wake_tokens` hold the operations of each kind of item.
"""
