from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.launches import KilledLaunch, kill_a_launch
from tests.e2e.target_account import EXTERNAL_ID
from tests.support.manners import seed
from tools.local_stack.product import Product
from tools.local_stack.stack import LocalStack, Ports


@pytest.fixture(scope="session")
def shared_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """One local stack for all tests of this folder: each uses servers and plans of its own."""
    stack = LocalStack(tmp_path_factory.mktemp("stack"), Ports.free(), 0.1, seed=seed())
    try:
        product = Product(stack, stack.start())
        yield product
        product.close()
    finally:
        stack.stop()


@pytest.fixture
def product(shared_product: Product) -> Iterator[Product]:
    """The local stack, without faults, with launch events, and with the manners of the services."""
    yield shared_product
    shared_product.control.put_manners(seed=seed())
    shared_product.control.clear_faults()
    shared_product.control.events(enabled=True)


@pytest.fixture(scope="session")
def special_product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A local stack for what the shared one is not set up for.

    Machines hand over after five rounds, waves go into other accounts, policies are evaluated (a role that is assumed
    is a role that may be), and the account gets its logs role.
    """
    chosen = {"RenewAfterRounds": "5", "TargetExternalId": EXTERNAL_ID, "CreateApiGatewayLogsRole": "true"}
    directory = tmp_path_factory.mktemp("special")
    stack = LocalStack(directory, Ports.free(), 0.02, authorize=True, parameters=chosen, seed=seed())
    try:
        product = Product(stack, stack.start())
        yield product
        product.close()
    finally:
        stack.stop()


@pytest.fixture(scope="session")
def killed_launch(shared_product: Product) -> KilledLaunch:
    """An execution whose first job nobody wrote down; it takes a minute to be found, while other tests run."""
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("the function's process is found in /proc")
    return kill_a_launch(shared_product)
