"""Classes of a shop that existed only when the samples were written: nobody who opens them has ``shop.models``."""

import copyreg
import sys
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from types import ModuleType
from uuid import UUID

Address = namedtuple("Address", "street city postcode country")  # noqa: PYI024 - what such shops really wrote


class Status(Enum):
    """Where an order is."""

    NEW = "new"
    PAID = "paid"
    SHIPPED = "shipped"
    RETURNED = "returned"


class Level(Enum):
    """How loyal a customer is."""

    BRONZE = 1
    SILVER = 2
    GOLD = 3


@dataclass
class Customer:
    """Who orders. ``referred_by`` may lead back to the customer through others."""

    name: str
    email: str
    born: date
    address: Address
    level: Level
    shelves: set[int] = field(default_factory=set)
    referred_by: "Customer | None" = None
    friends: list["Customer"] = field(default_factory=list)


@dataclass(slots=True)
class OrderLine:
    """One book of an order."""

    isbn: str
    title: str
    quantity: int
    price: Decimal


@dataclass
class Order:
    """What was ordered; ``billed_to`` and ``shipped_to`` are often the very same customer."""

    number: int
    token: UUID
    placed: datetime
    status: Status
    billed_to: Customer
    shipped_to: Customer
    lines: list[OrderLine]
    discount: Fraction
    shipped_after: timedelta | None = None
    gift: bool = False
    note: str = ""


@contextmanager
def importable_as_shop_models() -> Iterator[None]:
    """Let pickle find the classes under the names that it writes, for as long as it writes."""
    here = sys.modules[__name__]
    for model in (Address, Status, Level, Customer, OrderLine, Order):
        model.__module__ = "shop.models"
    for kind in (Status, Level):
        copyreg.pickle(kind, _by_value)
    sys.modules |= {"shop": ModuleType("shop"), "shop.models": here}
    try:
        yield
    finally:
        del sys.modules["shop"], sys.modules["shop.models"]


def _by_value(member: Enum) -> tuple[type[Enum], tuple[object]]:
    return type(member), (member.value,)  # as most Pythons do; the first releases of 3.11 write a getattr
