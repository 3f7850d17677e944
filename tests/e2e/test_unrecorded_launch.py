"""A job that nobody wrote down is found by its tags.

The function that called may live on for its whole timeout, so it is not doubted before a minute has passed: this test
comes after those that can use that minute.
"""

from tests.e2e.launches import KilledLaunch, assert_recovered_once
from tools.local_stack.product import Product


def test_the_launch_of_a_killed_function_is_adopted_not_repeated(product: Product, killed_launch: KilledLaunch) -> None:
    assert_recovered_once(product, killed_launch.execution_id, killed_launch.servers, within=90)
    assert product.execution(killed_launch.execution_id)["waves"][0]["jobIds"] == killed_launch.jobs(product)
