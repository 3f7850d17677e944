"""Directed graphs of waves: their cycles.

A graph maps each node to the nodes that it depends on, each of which must be a key as well. Nodes are whole numbers,
and ties go to the lower one, so the same graph always gets the same answer. Nothing here recurses, and everything but
sorting is linear: a document of any size may be asked about before its limits are known to hold.
"""

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

Graph: TypeAlias = Mapping[int, Collection[int]]


def cycles(graph: Graph) -> tuple[tuple[int, ...], ...]:
    """Return one cycle of each strongly connected component that has any, ordered by lowest node.

    A cycle begins with the lowest node of its component, and each node depends on the next, the last one on the first.
    It is the shortest one through that node.
    """
    found = []
    for component in _components(graph):
        first = min(component)
        if len(component) > 1 or first in graph[first]:
            found.append(_shortest_cycle(graph, first, component))
    return tuple(sorted(found))


def _reversed(graph: Graph) -> dict[int, list[int]]:
    """Map each node to the nodes that depend on it."""
    dependants: dict[int, list[int]] = {node: [] for node in graph}
    for node, needs in graph.items():
        for needed in set(needs):
            dependants[needed].append(node)
    return dependants


def _components(graph: Graph) -> Iterator[set[int]]:
    """Yield the strongly connected components (Kosaraju's two passes)."""
    dependants = _reversed(graph)
    assigned: set[int] = set()
    for root in reversed(_finishing_order(graph)):
        if root in assigned:
            continue
        component = {root}
        waiting = [root]
        while waiting:
            for node in dependants[waiting.pop()]:
                if node not in assigned and node not in component:
                    component.add(node)
                    waiting.append(node)
        assigned |= component
        yield component


def _finishing_order(graph: Graph) -> list[int]:
    """List the nodes in the order in which a depth-first walk leaves them."""
    seen: set[int] = set()
    order: list[int] = []
    for root in graph:
        if root in seen:
            continue
        seen.add(root)
        path = [(root, iter(graph[root]))]
        while path:
            node, remaining = path[-1]
            following = next((needed for needed in remaining if needed not in seen), None)
            if following is None:
                order.append(node)
                path.pop()
            else:
                seen.add(following)
                path.append((following, iter(graph[following])))
    return order


def _shortest_cycle(graph: Graph, start: int, component: set[int]) -> tuple[int, ...]:
    """Walk breadth-first from start, inside its component, until an edge leads back to it."""
    came_from: dict[int, int] = {}
    waiting = deque([start])
    while start not in graph[waiting[0]]:
        node = waiting.popleft()
        for needed in sorted(graph[node]):
            if needed in component and needed != start and needed not in came_from:
                came_from[needed] = node
                waiting.append(needed)
    path = [waiting[0]]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return tuple(reversed(path))
