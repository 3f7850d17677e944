"""Which protocol a service speaks."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from botocore.loaders import Loader
from botocore.model import ServiceModel

from drs_simulator.wire.ec2_query import Ec2QueryWire
from drs_simulator.wire.json_rpc import JsonRpcWire
from drs_simulator.wire.rest_json import RestJsonWire

if TYPE_CHECKING:
    from drs_simulator.wire.base import Wire

_WIRES: dict[str, type[Wire]] = {"ec2": Ec2QueryWire, "rest-json": RestJsonWire, "json": JsonRpcWire}


@cache
def wire_of(service: str) -> Wire:
    """Return the wire of a service, in the protocol that botocore itself would speak with it.

    Parsed once in a process, since loading a model takes tens of milliseconds.
    """
    # botocore's own models only: the answers must not depend on what somebody keeps in ~/.aws/models.
    loader = Loader([Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
    model = ServiceModel(loader.load_service_model(service, "service-2"), service)
    return _WIRES[model.resolved_protocol](model)
