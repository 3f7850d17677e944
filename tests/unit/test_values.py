"""Values: what all subjects of the product are described with."""

import copy
import pickle

import pytest

from wavebreak.site import Site
from wavebreak.values import Value, field, replace


class Box(Value):
    """A value with a default, and one that each instance makes for itself."""

    size: int
    label: str = "none"
    parts: dict[str, int] = field(default_factory=dict)


def test_a_value_is_its_fields() -> None:
    assert Box(1) == Box(size=1, label="none", parts={})
    assert Box(1) != Box(2)
    assert hash(Site("123456789012", "eu-west-1")) == hash(Site("123456789012", "eu-west-1"))
    assert Site("1", "a") < Site("1", "b")
    assert repr(Box(1)) == "Box(size=1, label='none', parts={})"


def test_two_kinds_of_value_are_never_equal() -> None:
    class Crate(Box):
        """Another kind with the same fields."""

    assert Crate(1) != Box(1)


def test_a_value_does_not_change() -> None:
    box = Box(1)
    with pytest.raises(AttributeError):
        box.size = 2  # type: ignore[misc]  # what is tried
    with pytest.raises(AttributeError):
        del box.size
    with pytest.raises(AttributeError):
        box.colour = "red"  # type: ignore[attr-defined]  # what is tried


def test_a_default_is_made_for_each() -> None:
    one, other = Box(1), Box(1)
    one.parts["lid"] = 1
    assert other.parts == {}


def test_replace_makes_another_with_some_fields_changed() -> None:
    box = Box(1, parts={"lid": 1})
    assert replace(box, size=2) == Box(2, parts={"lid": 1})
    assert box.size == 1
    with pytest.raises(TypeError):
        replace(box, colour="red")  # type: ignore[call-arg]  # mypy refuses it, too


def test_a_field_that_is_missing_or_unknown_is_refused() -> None:
    with pytest.raises(TypeError):
        Box()  # type: ignore[call-arg]  # what is tried
    with pytest.raises(TypeError):
        Box(1, colour="red")  # type: ignore[call-arg]  # what is tried


def test_a_value_that_refuses_its_fields_refuses_their_replacement() -> None:
    class Positive(Value):
        """A number above zero."""

        number: int

        def __post_init__(self) -> None:
            if self.number <= 0:
                raise ValueError(self.number)

    with pytest.raises(ValueError, match="0"):
        replace(Positive(1), number=0)


def test_copies_are_equal() -> None:
    assert copy.deepcopy(Box(1, parts={"lid": 1})) == Box(1, parts={"lid": 1})
    assert pickle.loads(pickle.dumps(Site("1", "a"))) == Site("1", "a")  # noqa: S301  our own text
