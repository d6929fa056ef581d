"""Known types from calls: real Pythons load what is made as the object that the call makes, and write it alike."""

import pytest

from app.codecs.known.construct import constant, construct
from app.codecs.known.editing import known_editor
from app.codecs.known.registry import describe, preview, type_of
from app.codecs.model import Atom, Style
from app.codecs.nodes import Kind
from app.codecs.pickle.emit import emit_pickle
from app.codecs.pickle.graph import NEVER, parse
from app.codecs.trees.node_json import node_json
from app.errors import EncodeError
from tests.codecs import interpreters
from tests.codecs.known.literals import value_of

BOTH = [
    "datetime.datetime(2026, 1, 2, 3, 4, 5, 678)",
    "datetime.datetime(1, 12, 31)",
    "datetime.date(9999, 12, 31)",
    "datetime.time(23, 59, 1, 999999)",
    "datetime.timedelta(days=-1, hours=5, milliseconds=2)",
    "datetime.timedelta(0.5, weeks=1)",
    "Decimal('1.50')",
    "Decimal('-Infinity')",
    "decimal.Decimal('1e5')",
    "Decimal(12)",
    "Fraction(2, -6)",
    "fractions.Fraction('0.25')",
    "Fraction(5)",
    "UUID('12345678-1234-5678-1234-567812345678')",
    "uuid.UUID('{00000000-0000-0000-0000-000000000005}')",
    "OrderedDict([('b', 1), ('a', [2])])",
    "collections.OrderedDict()",
    "defaultdict(list, {'a': [1]})",
    "defaultdict(None, [('a', 1)])",
    "defaultdict(OrderedDict)",
    "deque([1, 2, 3], 2)",
    "deque([1, 2, 3])",
    "deque(maxlen=0)",
    "collections.Counter({'a': 2})",
    "Counter()",
    "slice(1, None, 2)",
    "slice(5)",
    "complex(1, -2.5)",
    "array('i', [1, -2])",
    "array('d', [0.5, 3])",
    "array('B')",
    "array('u', u'ab')",
    "re.compile('a+', re.IGNORECASE | re.M)",
    "re.compile(u'(a|b)')",
    "ValueError('no', 1)",
    "KeyError()",
]
PYTHON2 = [
    "xrange(9)",
    "xrange(10, 1, -4)",
    "xrange(3, 3)",
    "array('I', [1])",
    "array('c', 'ab')",
    "defaultdict(unicode)",
]
PYTHON3 = [
    "range(9)",
    "range(10, 1, -4)",
    "range(0, 1000000000000000000000)",
    "datetime.datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)",
    "datetime.time(1, 2, tzinfo=datetime.timezone(datetime.timedelta(hours=-5, minutes=1)))",
    "datetime.timezone(timedelta(hours=1), 'X')",
    "timezone.utc",
    "PurePosixPath('/a', 'b')",
    "pathlib.Path('a/b')",
    "PureWindowsPath('c:/a/b')",
    "IPv4Address('1.2.3.4')",
    "ipaddress.IPv6Address('::1')",
    "IPv4Network('10.0.0.0/8')",
    "IPv6Network('fe80::/10')",
    "IPv4Interface('1.2.3.4/8')",
    "IPv6Interface('::1/8')",
    "array('q', [1, -2])",
    "array('L', b'\\x01\\0\\0\\0\\0\\0\\0\\0')",
    "re.compile(b'a', re.S)",
    "re.compile('a', re.A)",
    "re.compile('(?a)a')",
    "re.compile('(?i)a', re.M)",
    "re.compile(b'(?s)a')",
    "defaultdict(int, a=1)",
    "FileNotFoundError(2, 'no')",
]
SINCE = {
    "ZoneInfo('Europe/Berlin')": 9,
    "ZoneInfo(key='UTC')": 9,
    "array('w', 'aé')": 13,
    "IPv6Address('fe80::1%eth0')": 11,
}

_COMPARE = """
import base64, json, pickle, pickletools, sys
import array, collections, datetime, decimal, fractions, re, uuid
names = dict(vars(collections), **vars(fractions))
names.update((key, getattr(datetime, key)) for key in ("date", "time", "timedelta"))
names.update(decimal=decimal, fractions=fractions, datetime=datetime, uuid=uuid, collections=collections, re=re)
names.update(Decimal=decimal.Decimal, UUID=uuid.UUID, array=array.array)
if sys.version_info >= (3,):
    import ipaddress, pathlib
    names.update(vars(ipaddress), ipaddress=ipaddress, pathlib=pathlib, timezone=datetime.timezone)
    names.update((key, value) for key, value in vars(pathlib).items() if key.endswith("Path"))
if sys.version_info >= (3, 9):
    import zoneinfo
    names.update(ZoneInfo=zoneinfo.ZoneInfo)

def facts(value):
    more = [getattr(value, key, None) for key in ("default_factory", "maxlen", "pattern", "flags", "typecode", "fold")]
    content = None if isinstance(value, BaseException) or hasattr(value, "pattern") else value
    if isinstance(value, dict):
        content = list(value.items())
    if not hasattr(range, "step") and type(value) is range.__class__:
        content = list(value)
    if type(value).__name__ == "xrange":
        content = list(value)
    return [type(value), content, more, getattr(value, "args", None) if isinstance(value, BaseException) else None]

answers = []
for source, protocol, data in json.load(sys.stdin):
    expected = eval(source, names)
    loaded = pickle.loads(base64.b64decode(data))
    own = base64.b64encode(pickle.dumps(expected, protocol)).decode()
    answers.append([facts(loaded) == facts(expected), repr(loaded), own])
print(json.dumps(answers))
"""
_OWN_WAY = {
    "Fraction": range(6, 11),  # calls with a text
    "fractions.Fraction": range(6, 11),
    "ipaddress.IPv6Address": range(6, 11),
    "IPv6Address": range(9, 11),  # calls with a number
    "pathlib.Path": range(13, 14),  # calls with one text, and names a private module
    "PurePosixPath": range(13, 14),
    "PureWindowsPath": range(13, 14),
}
"""Minor versions of Python 3 whose own pickles differ; ours load in all of them."""


def _sources(version: str) -> list[str]:
    if version == "2.7":
        return BOTH + PYTHON2
    return BOTH + PYTHON3 + [source for source, since in SINCE.items() if _minor(version) >= since]


def _minor(version: str) -> int:
    return int(version.partition(".")[2])


def _protocols(version: str) -> range:
    return range(3 if version == "2.7" else 6 if _minor(version) >= 8 else 5)


def _is_written_alike(source: str, version: str) -> bool:
    return version == "2.7" or _minor(version) not in _OWN_WAY.get(source.partition("(")[0], ())


@pytest.mark.parametrize("version", interpreters.VERSIONS)
def test_real_pythons_load_what_is_made_and_write_it_alike(version: str) -> None:
    styles = [Style(protocol, is_python2=version == "2.7") for protocol in _protocols(version)]
    cases = [
        (source, style, emit_pickle(value_of(source, style), style)) for style in styles for source in _sources(version)
    ]
    request = [(source, style.protocol, interpreters.packed(data)) for source, style, data in cases]

    answers = interpreters.run(version, _COMPARE, request)

    for (source, style, data), (is_equal, loaded, own) in zip(cases, answers, strict=True):
        assert is_equal, (source, style, loaded, data)
        assert _shown(interpreters.unpacked(own)) == _shown(data), (source, style)
        if _is_written_alike(source, version):
            assert _tree(data) == _tree(interpreters.unpacked(own)), (source, style)


def _shown(data: bytes) -> tuple[str, str, str]:
    """Return the type, text and editor of what a pickle holds, which is a known type."""
    nodes = parse(data, 0, NEVER)
    is_object = nodes.kind(nodes.root) is Kind.OBJECT
    assert not is_object or describe(nodes, nodes.root) is not None
    return type_of(nodes, nodes.root), preview(nodes, nodes.root), known_editor(nodes, nodes.root)


def _tree(data: bytes) -> object:
    nodes = parse(data, 0, NEVER)
    return node_json(nodes, nodes.root, 1000)


WRONG = {
    "datetime.datetime(2026, 13, 1)": "datetime.datetime() cannot be written so: month must be in 1..12.",
    "date(2026, 1)": "date() cannot be written so: function missing required argument 'day' (pos 3).",
    "time(1, 2, 3, 4, None, 0, 5)": "time() takes at most 6 values.",
    "timedelta(hours='x')": "timedelta() cannot be written so: hours must be a whole number.",
    "timezone(5)": "timezone() cannot be written so: the offset must be written as timedelta(hours=1).",
    "timezone(timedelta(days=1))": "timezone() cannot be written so: the offset must be less than 24 hours.",
    "ZoneInfo('../etc')": "The key of a time zone must be a name such as 'Europe/Berlin'.",
    "Decimal('one')": "Decimal() cannot be written so: write a number, as 1.50, NaN or -Infinity.",
    "Fraction(1, 0)": "Fraction() cannot be written so: the denominator must not be 0.",
    "Fraction('1e999999999')": "Fraction() cannot be written so: write it as two whole numbers, as 1/3.",
    "UUID('12')": "UUID() cannot be written so: write 32 hexadecimal digits, as 12345678-1234-5678-1234-567812345678.",
    "OrderedDict([1])": "OrderedDict() cannot be written so: its content must be a dict or a list of pairs.",
    "defaultdict([])": "defaultdict() cannot be written so: it begins with a class or function, as list, or with None.",
    "Counter(['a'])": "Counter() cannot be written so: write the counts as a dict, as Counter({'a': 2}).",
    "deque([], -1)": "deque() cannot be written so: maxlen must not be negative.",
    "deque(5)": "deque() cannot be written so: its content must be a list.",
    "deque([], items=[])": "deque() cannot be written so: items is not one of iterable, maxlen.",
    "deque([], iterable=[])": "deque() cannot be written so: iterable is given twice.",
    "range(1, 2, 0)": "range() cannot be written so: the step must not be 0.",
    "range(1.5)": "range() cannot be written so: stop must be a whole number.",
    "slice()": "slice() cannot be written so: it takes one to three values.",
    "PurePath('a\\0')": "PurePath() cannot be written so: a path has no NUL in it.",
    "IPv4Address('1.2.3')": "IPv4Address() cannot be written so: Expected 4 octets in '1.2.3'.",
    "array('i', [2147483648])": "array() cannot be written so: 2147483648 does not fit the type code 'i'.",
    "array('c', 'a')": (
        "array() cannot be written so: the type code must be one of B, H, I, L, Q, b, d, f, h, i, l, q, u, w."
    ),
    "array('h', b'abc')": "array() cannot be written so: the bytes are no multiple of 2.",
    "re.compile('(')": (
        "re.compile() cannot be written so: the pattern is wrong: missing ), unterminated subpattern at position 0."
    ),
    "ValueError(x=1)": "ValueError() cannot be written so: it takes no named values.",
}


@pytest.mark.parametrize("source", WRONG)
def test_wrong_arguments_are_one_sentence(source: str) -> None:
    with pytest.raises(EncodeError) as raised:
        value_of(source, Style(4))

    assert raised.value.message == WRONG[source]


@pytest.mark.parametrize(
    "source", ["timezone.utc", "Path('a')", "ZoneInfo('UTC')", "IPv4Address('1.2.3.4')", "FileNotFoundError()"]
)
def test_classes_that_python2_has_not_are_refused_in_its_pickles(source: str) -> None:
    with pytest.raises(EncodeError, match="Python 2, which has no such class"):
        value_of(source, Style(2, is_python2=True))


@pytest.mark.parametrize("style", [Style(2), Style(3), Style(2, is_python2=True)])
def test_a_fold_that_the_protocol_has_no_place_for_is_refused(style: Style) -> None:
    with pytest.raises(EncodeError, match="fold=1 is only kept since protocol 4"):
        value_of("datetime.datetime(2026, 1, 2, fold=1)", style)


def test_names_that_are_no_known_types_are_none() -> None:
    style = Style(4)

    assert construct("os.system", [Atom(Kind.STR, "x")], {}, style) is None
    assert construct("compile", [Atom(Kind.STR, "x")], {}, style) is None
    assert constant("os.system", style) is None
    assert constant("long", style) is None
