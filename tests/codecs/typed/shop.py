"""Classes such as programs keep in shelves, for typed JSON that jsonpickle and pickle both load."""

import enum
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self


class Point(NamedTuple):
    x: float
    y: float


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


class Right(enum.IntFlag):
    READ = 4
    WRITE = 2


@dataclass
class Item:
    name: str
    price: Any
    tags: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class Address:
    street: str
    city: str


@dataclass(slots=True)
class Stock:
    item: Item
    count: int = 0


class Order:
    """A plain class; its lines may lead back to it."""

    class Line:
        def __init__(self, order: "Order", item: Item) -> None:
            self.order = order
            self.item = item

    def __init__(self, number: int) -> None:
        self.number = number
        self.lines: list[Order.Line] = []
        self._note = "€"
        self.__mangled = (1, 2)


class Versioned:
    """It makes of its state what the state alone does not say."""

    def __init__(self, content: Any) -> None:
        self.content = content
        self.loaded = 0

    def __getstate__(self) -> Any:
        return {"c": self.content}

    def __setstate__(self, state: Any) -> None:
        self.content = state["c"]
        self.loaded = 1


class TupleState(Versioned):
    def __getstate__(self) -> Any:
        return (self.content, 2)

    def __setstate__(self, state: Any) -> None:
        self.content, self.loaded = state


class Both:
    """Slots, and a dict beside them."""

    __slots__ = ("__dict__", "slot")

    def __init__(self, slot: Any, other: Any) -> None:
        self.slot = slot
        self.other = other


class Money:
    """Made by ``__new__`` with arguments, some of them with names."""

    def __new__(cls, amount: int, *, currency: str = "EUR") -> Self:
        made = super().__new__(cls)
        made.amount, made.currency = amount, currency
        return made

    amount: int
    currency: str

    def __getnewargs_ex__(self) -> Any:
        return (self.amount,), {"currency": self.currency}


class Text(str):
    """A text with attributes."""

    note: str


class Pair(tuple[int, int]):
    """A tuple with attributes."""

    note: str


class Basket(list[Any]):
    owner: Any


class Register(dict[Any, Any]):
    owner: Any


class Journal(OrderedDict[str, Any]):
    owner: Any


class Group(set[int]):
    owner: Any


class Refused(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code


def with_owner(value: Any, owner: Any) -> Any:
    """Return the value with an attribute set."""
    value.owner = owner
    return value


def noted(value: Any, note: str) -> Any:
    value.note = note
    return value


def helper() -> None:
    """A function that pickles name."""
