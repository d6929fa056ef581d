"""The bookshop: a shelf as a small web shop would have left it."""

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from itertools import cycle
from uuid import UUID

from pictures import Colour, book_cover
from shop_models import Address, Customer, Level, Order, OrderLine, Status

Entry = tuple[str, object]
Book = dict[str, object]

CET = timezone(timedelta(hours=1), "CET")

BOOKS: list[tuple[str, str, str, int, str, Colour]] = [
    ("9780141439518", "Pride and Prejudice", "Jane Austen", 1813, "7.99", (178, 76, 99)),
    ("9780142437247", "Moby-Dick", "Herman Melville", 1851, "12.50", (38, 84, 124)),
    ("9780141441146", "Jane Eyre", "Charlotte Brontë", 1847, "8.99", (94, 84, 142)),
    ("9780140449136", "Crime and Punishment", "Фёдор Достоевский", 1866, "11.00", (120, 40, 36)),
    ("9789600300017", "Ποιήματα", "Κ. Π. Καβάφης", 1935, "9.40", (64, 110, 78)),
    ("9782070360024", "L’Étranger", "Albert Camus", 1942, "6.80", (214, 160, 60)),
    ("9780141182704", "Mrs Dalloway", "Virginia Woolf", 1925, "8.50", (70, 130, 140)),
    ("9783150000014", "Faust", "Johann Wolfgang von Goethe", 1808, "3.20", (226, 196, 60)),
]
CREAM: Colour = (250, 244, 228)

PEOPLE = [
    ("ada", "Ada Lovelace", (1815, 12, 10), Address("12 St James’s Square", "London", "SW1Y 4JH", "GB"), Level.GOLD),
    ("emmy", "Emmy Noether", (1882, 3, 23), Address("Hauptstraße 23", "Erlangen", "91054", "DE"), Level.SILVER),
    ("grace", "Grace Hopper", (1906, 12, 9), Address("316 W 95th St", "New York", "10025", "US"), Level.GOLD),
    ("alan", "Alan Turing", (1912, 6, 23), Address("Adlington Road", "Wilmslow", "SK9 1LX", "GB"), Level.BRONZE),
    ("sofja", "Софья Ковалевская", (1850, 1, 15), Address("Sturegatan 4", "Stockholm", "114 35", "SE"), Level.SILVER),
]
# Numbers, because the order of texts in a set differs from one build of Python to the next.
FAVOURITE_SHELVES = [{4, 19}, {7}, {3, 4, 12}, {1, 7}, {21}]


def entries() -> Iterator[Entry]:
    """Yield keys and objects in the order in which the shop stored them."""
    books = _books()
    customers = _customers()
    yield "settings", _settings()
    yield from ((f"customer:{login}", customer) for login, customer in customers.items())
    yield from ((f"book:{isbn}", book) for isbn, book in books.items())
    yield from ((f"order:{order.number}", order) for order in _orders(list(customers.values())))
    yield "cart:ada", _cart()
    yield "seen:ada", deque([isbn for isbn, *_ in BOOKS[3:6]], maxlen=3)
    yield "index:by-century", _by_century(books)
    yield "recommendations", _recommendations()
    yield "sales:2026", _sales()
    yield "numbers", _numbers()
    yield "logo.png", book_cover((52, 73, 94), (236, 240, 241))
    yield "motd", "Open on Sunday from 10 to 4.\nTea is free while you read.\n"


def _settings() -> dict[str, object]:
    weekday = (time(9, 30), time(18, 30))
    return {
        "name": "The Long Shelf",
        "currency": "EUR",
        "vat": {"books": Decimal("0.07"), "other": Decimal("0.19")},
        "opening hours": {"Mon–Fri": weekday, "Sat": (time(10), time(16)), "Sun": None},
        "timezone": CET,
        "last backup": datetime(2026, 11, 1, 3, 15, tzinfo=CET),
        "session lifetime": timedelta(days=14),
        "features": frozenset({"gift cards"}),
        "reserved tables": {2, 5, 9},
        "mail": {"host": "mail.example.org", "port": 587, "tls": True, "retry": [1, 5, 30]},
        "theme": OrderedDict([("accent", (178, 76, 99)), ("dark", False), ("font scale", 1.25)]),
    }


def _customers() -> dict[str, Customer]:
    customers = {
        login: Customer(name, f"{login}@example.org", date(*born), address, level, shelves)
        for (login, name, born, address, level), shelves in zip(PEOPLE, FAVOURITE_SHELVES, strict=True)
    }
    ada, grace = customers["ada"], customers["grace"]
    grace.referred_by = ada
    ada.friends.append(grace)  # a cycle: each leads to the other
    return customers


def _books() -> dict[str, Book]:
    return {
        isbn: {
            "title": title,
            "author": author,
            "year": year,
            "price": Decimal(price),
            "in stock": (int(isbn) // 10) % 23,
            "ratings": Counter({"★★★★★": year % 41, "★★★★": year % 17, "★★★": year % 5}),
            "cover": book_cover(colour, CREAM),
        }
        for isbn, title, author, year, price, colour in BOOKS
    }


def _orders(customers: list[Customer]) -> Iterator[Order]:
    first = datetime(2026, 9, 1, 8, 12, 30, tzinfo=UTC)
    statuses = cycle([Status.SHIPPED, Status.SHIPPED, Status.PAID, Status.RETURNED, Status.NEW])
    for nth, status in zip(range(24), statuses, strict=False):
        customer = customers[nth * 3 % len(customers)]
        as_gift = nth % 7 == 3
        yield Order(
            number=1001 + nth,
            token=UUID(int=0x5E1F_5C0B_E000_4000_8000_0000_0000_0000 + nth * 0x9E37_79B9),
            placed=first + timedelta(hours=37 * nth, minutes=nth * nth),
            status=status,
            billed_to=customer,
            shipped_to=customers[(nth + 1) % len(customers)] if as_gift else customer,
            lines=[_line(nth, step) for step in range(1 + nth % 3)],
            discount=Fraction(nth % 4, 20),
            shipped_after=timedelta(hours=5 + nth) if status is Status.SHIPPED else None,
            gift=as_gift,
            note="Please wrap it. ♥" if as_gift else "",
        )


def _line(order: int, step: int) -> OrderLine:
    isbn, title, _, _, price, _ = BOOKS[(order * 5 + step * 3) % len(BOOKS)]
    return OrderLine(isbn, title, 1 + (order + step) % 2, Decimal(price))


def _cart() -> dict[str, object]:
    wished: defaultdict[str, list[str]] = defaultdict(list)
    for isbn, _, author, *_ in BOOKS[:4]:
        wished[author].append(isbn)
    return {
        "wished": wished,
        "updated": datetime(2026, 11, 20, 21, 4, 55, 120000, CET),
        "coupon": b"\x00\x01AUTUMN\xff",
        "wrap": None,
    }


def _by_century(books: dict[str, Book]) -> dict[int, list[Book]]:
    """Return the books by century and by themselves: every book stands in two lists."""
    without_covers = [{name: part for name, part in book.items() if name != "cover"} for book in books.values()]
    centuries: dict[int, list[Book]] = {0: without_covers}
    for book, (_, _, _, year, _, _) in zip(without_covers, BOOKS, strict=True):
        centuries.setdefault(year // 100 + 1, []).append(book)
    return centuries


def _recommendations() -> dict[object, object]:
    nodes: list[dict[str, object]] = [{"title": title, "next": None} for _, title, *_ in BOOKS[:4]]
    for node, following in zip(nodes, nodes[1:] + nodes[:1], strict=True):
        node["next"] = following
    endless: list[object] = ["read again"]
    endless.append(endless)
    return {"start": nodes[0], "all": nodes, "advice": endless, ("Jane Austen", 1813): "first customer’s choice"}


def _sales() -> dict[date, tuple[int, Decimal]]:
    months = [date(2026, month, 1) for month in range(1, 12)]
    return {month: (180 + month.month * 17 % 60, Decimal(31_415 + month.month * 977) / 100) for month in months}


def _numbers() -> list[object]:
    return [2**521 - 1, -(10**40), 0.1, 1e300, float("nan"), float("inf"), -float("inf"), 3 - 4j, True, -0.0]
