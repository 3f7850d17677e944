from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavebreak.graph import cycles, levels, longest_chain

CHAIN_LENGTH = 5_000


@st.composite
def acyclic(draw: st.DrawFn) -> dict[int, list[int]]:
    """Any graph whose nodes depend on lower ones only."""
    size = draw(st.integers(1, 20))
    return {
        node: draw(st.lists(st.integers(1, node - 1), max_size=6)) if node > 1 else [] for node in range(1, size + 1)
    }


def test_levels_of_a_diamond_put_its_branches_beside_each_other() -> None:
    assert levels({1: [], 2: [1], 3: [1], 4: [2, 3]}) == ((1,), (2, 3), (4,))


def test_levels_of_nothing_are_none() -> None:
    assert levels({}) == ()
    assert longest_chain({}) == ()
    assert cycles({}) == ()


def test_levels_refuse_a_cycle() -> None:
    with pytest.raises(ValueError, match="cycle"):
        levels({1: [2], 2: [1], 3: []})
    with pytest.raises(ValueError, match="cycle"):
        longest_chain({1: [1]})


def test_cycles_begin_with_their_lowest_node_and_follow_dependencies() -> None:
    assert cycles({3: [1], 1: [2], 2: [3]}) == ((1, 2, 3),)


def test_cycles_are_found_once_in_each_component() -> None:
    graph = {1: [2], 2: [1], 3: [2], 4: [5], 5: [6], 6: [4], 7: [7], 8: []}
    assert cycles(graph) == ((1, 2), (4, 5, 6), (7,))


def test_cycles_are_the_shortest_through_their_first_node() -> None:
    assert cycles({1: [2, 4], 2: [3], 3: [4], 4: [1]}) == ((1, 4),)


def test_cycles_leave_out_nodes_that_only_hang_on_them() -> None:
    assert cycles({1: [], 2: [1, 3], 3: [2], 4: [3]}) == ((2, 3),)


def test_longest_chain_begins_with_what_depends_on_nothing() -> None:
    assert longest_chain({1: [], 2: [1], 3: [2], 4: [], 5: [3, 4]}) == (1, 2, 3, 5)


def test_longest_chain_prefers_the_lowest_nodes() -> None:
    assert longest_chain({4: [3, 2], 3: [1], 2: [1], 1: []}) == (1, 2, 4)


def test_a_long_chain_needs_no_recursion() -> None:
    graph = {node: [node - 1] if node else [] for node in range(CHAIN_LENGTH)}
    assert len(levels(graph)) == CHAIN_LENGTH
    assert longest_chain(graph) == tuple(range(CHAIN_LENGTH))
    graph[0] = [CHAIN_LENGTH - 1]
    assert len(cycles(graph)[0]) == CHAIN_LENGTH


@given(acyclic())
def test_an_acyclic_graph_has_no_cycle_and_orders_every_node_after_its_dependencies(
    graph: dict[int, list[int]],
) -> None:
    assert cycles(graph) == ()
    ordered = levels(graph)
    level_of = {node: depth for depth, level in enumerate(ordered) for node in level}
    assert level_of.keys() == graph.keys()
    assert all(level_of[needed] < level_of[node] for node, needs in graph.items() for needed in needs)
    chain = longest_chain(graph)
    assert len(chain) == len(ordered)
    assert all(first in graph[second] for first, second in pairwise(chain))


@given(acyclic(), st.data())
def test_an_edge_back_makes_a_cycle_that_is_found(graph: dict[int, list[int]], data: st.DataObject) -> None:
    last = data.draw(st.sampled_from(sorted(graph)))
    reached = {last}
    for node in range(last, 0, -1):
        if node in reached:
            reached |= set(graph[node])
    graph[data.draw(st.sampled_from(sorted(reached)))].append(last)
    (cycle,) = cycles(graph)
    assert all(following in graph[node] for node, following in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    assert len(set(cycle)) == len(cycle)
    assert set(cycle) <= reached
