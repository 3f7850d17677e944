from hypothesis import given
from hypothesis import strategies as st

from wavebreak.domain.plans.graph import cycles

CHAIN_LENGTH = 5_000


@st.composite
def acyclic(draw: st.DrawFn) -> dict[int, list[int]]:
    """Any graph whose nodes depend on lower ones only."""
    size = draw(st.integers(1, 20))
    return {
        node: draw(st.lists(st.integers(1, node - 1), max_size=6)) if node > 1 else [] for node in range(1, size + 1)
    }


def test_what_has_no_cycle_has_none_to_tell() -> None:
    assert cycles({}) == ()
    assert cycles({1: [], 2: [1], 3: [1], 4: [2, 3]}) == ()


def test_cycles_begin_with_their_lowest_node_and_follow_dependencies() -> None:
    assert cycles({3: [1], 1: [2], 2: [3]}) == ((1, 2, 3),)


def test_cycles_are_found_once_in_each_component() -> None:
    graph = {1: [2], 2: [1], 3: [2], 4: [5], 5: [6], 6: [4], 7: [7], 8: []}
    assert cycles(graph) == ((1, 2), (4, 5, 6), (7,))


def test_cycles_are_the_shortest_through_their_first_node() -> None:
    assert cycles({1: [2, 4], 2: [3], 3: [4], 4: [1]}) == ((1, 4),)


def test_cycles_leave_out_nodes_that_only_hang_on_them() -> None:
    assert cycles({1: [], 2: [1, 3], 3: [2], 4: [3]}) == ((2, 3),)


def test_a_long_chain_needs_no_recursion() -> None:
    graph = {node: [node - 1] if node else [] for node in range(CHAIN_LENGTH)}
    assert cycles(graph) == ()
    graph[0] = [CHAIN_LENGTH - 1]
    assert len(cycles(graph)[0]) == CHAIN_LENGTH


@given(acyclic())
def test_an_acyclic_graph_has_no_cycle(graph: dict[int, list[int]]) -> None:
    assert cycles(graph) == ()


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
