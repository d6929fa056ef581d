"""Edits of marshal values are what the same edits of the object are, in the Pythons that wrote them."""

import pytest

from app.codecs.edits import (
    AddPair,
    ChangeProtocol,
    Copied,
    DeleteNodes,
    Edit,
    InsertItem,
    RenameGlobal,
    RenameKey,
    Reorder,
    ReplaceNode,
    Written,
)
from app.errors import EncodeError, PathError
from tests import corpus
from tests.codecs.interpreters import VERSIONS
from tests.codecs.marshal.referee import decoded, dumped, edit, edited, loaded, normal_of

PLAIN = "obj = [1, 2.5, 'text', None, True, (1, 2), {'a': 1, 'b': [2], 3: u'c'}, b'bytes', 1 + 2j, 1 << 70]"
SHARED = "part = [1, 2]; obj = [part, {'k': part}, (part, 'same'), 'same', part]"
NESTED = "inner = ['x']; outer = [inner]; obj = [outer, inner, [outer, inner]]"
RECURSIVE = "obj = [1]; obj.append(obj); obj.append([obj])"
SETS = "obj = [set([1, 2]), frozenset([3]), {frozenset([1]): 1}]"
TUPLES = "obj = (tuple(range(300)), tuple(range(255)), ())"
OLDEST_WITH_SHARING = 3

CASES: list[tuple[str, Edit, str]] = [
    (PLAIN, ReplaceNode("[0]", Written("7")), "obj[0] = 7"),
    (PLAIN, ReplaceNode("[0]", Written(str(1 << 40))), "obj[0] = 1 << 40"),
    (PLAIN, ReplaceNode("[1]", Written("-0.0")), "obj[1] = -0.0"),
    (PLAIN, ReplaceNode("[2]", Written("'longer'")), "obj[2] = 'longer'"),
    (PLAIN, ReplaceNode("[2]", Written("'" + "x" * 300 + "'")), "obj[2] = 'x' * 300"),
    (PLAIN, ReplaceNode("[3]", Written("[1, {'z': (None, 2)}]"), any_type=True), "obj[3] = [1, {'z': (None, 2)}]"),
    (PLAIN, ReplaceNode("[4]", Written("False")), "obj[4] = False"),
    (PLAIN, ReplaceNode("[5]", Written("(3,)")), "obj[5] = (3,)"),
    (PLAIN, ReplaceNode("[5][1]", Written("20")), "obj[5] = (1, 20)"),
    (PLAIN, ReplaceNode("[6]['a']", Written("-1")), "obj[6]['a'] = -1"),
    (PLAIN, ReplaceNode("[6]['new']", Written("{}")), "obj[6]['new'] = {}"),
    (PLAIN, ReplaceNode("[6][3]", Written("[1]"), any_type=True), "obj[6][3] = [1]"),
    (PLAIN, ReplaceNode("[7]", Written(r"b'\x00'")), r"obj[7] = b'\x00'"),
    (PLAIN, ReplaceNode("[8]", Written("-1.5-2j")), "obj[8] = -1.5-2j"),
    (PLAIN, ReplaceNode("[9]", Written(str(-(1 << 100)))), "obj[9] = -(1 << 100)"),
    (PLAIN, ReplaceNode("[10]", Written("'end'")), "obj.append('end')"),
    (PLAIN, InsertItem("", 0, Written("[[]]")), "obj.insert(0, [[]])"),
    (PLAIN, InsertItem("[5]", 2, Written("3")), "obj[5] = (1, 2, 3)"),
    (PLAIN, InsertItem("[6]['b']", 1, Written("1.5")), "obj[6]['b'].append(1.5)"),
    (PLAIN, AddPair("[6]", Written("(1, 2)"), Written("None")), "obj[6][1, 2] = None"),
    (PLAIN, DeleteNodes(("[0]", "[2]", "[9]")), "del obj[9], obj[2], obj[0]"),
    (PLAIN, DeleteNodes(("[6]['a']",)), "del obj[6]['a']"),
    (PLAIN, Reorder("", (9, 8, 7, 6, 5, 4, 3, 2, 1, 0)), "obj.reverse()"),
    (PLAIN, RenameKey("[6]['a']", Written("'A'")), "obj[6] = {'A': 1, 'b': obj[6]['b'], 3: obj[6][3]}"),
    (SHARED, ReplaceNode("[1]['k'][0]", Written("5")), "obj[1]['k'][0] = 5"),
    (SHARED, ReplaceNode("[0]", Written("[9]")), "obj[0] = [9]"),
    (SHARED, ReplaceNode("[4]", Written("[9]")), "obj[4] = [9]"),
    (SHARED, ReplaceNode("[3]", Written("'other'")), "obj[3] = 'other'"),
    (SHARED, DeleteNodes(("[0]",)), "del obj[0]"),
    (SHARED, DeleteNodes(("[0]", "[1]")), "del obj[:2]"),
    (SHARED, DeleteNodes(("[4]", "[2]")), "del obj[4], obj[2]"),
    (SHARED, Reorder("", (4, 3, 2, 1, 0)), "obj.reverse()"),
    (SHARED, InsertItem("[0]", 0, Written("'same'")), "obj[0].insert(0, 'same')"),
    (SHARED, InsertItem("", 0, Written("'first'")), "obj.insert(0, 'first')"),
    (NESTED, DeleteNodes(("[0]",)), "del obj[0]"),
    (NESTED, DeleteNodes(("[0]", "[1]")), "del obj[:2]"),
    (NESTED, Reorder("", (2, 1, 0)), "obj.reverse()"),
    (NESTED, Reorder("", (1, 0, 2)), "obj[:2] = [obj[1], obj[0]]"),
    (NESTED, ReplaceNode("[0][0]", Written("None"), any_type=True), "obj[0][0] = None"),
    (NESTED, InsertItem("[2][0]", 1, Written("[]")), "obj[2][0].append([])"),
    (RECURSIVE, InsertItem("", 0, Written("0")), "obj.insert(0, 0)"),
    (RECURSIVE, DeleteNodes(("[1]",)), "del obj[1]"),
    (RECURSIVE, Reorder("", (2, 0, 1)), "obj[:] = [obj[2], obj[0], obj[1]]"),
    (RECURSIVE, ReplaceNode("[2]", Written("'no'"), any_type=True), "obj[2] = 'no'"),
    (SETS, InsertItem("[0]", 0, Written("5.5")), "obj[0].add(5.5)"),
    (SETS, DeleteNodes(("[0]{1}",)), "obj[0].remove(1)"),
    (SETS, InsertItem("[1]", 1, Written("(4, 5)")), "obj[1] = frozenset([3, (4, 5)])"),
    (SETS, ReplaceNode("[1]{3}", Written("30")), "obj[1] = frozenset([30])"),
    (SETS, ReplaceNode("[2][#0]<key>", Written("frozenset({7})")), "obj[2] = {frozenset([7]): 1}"),
    (TUPLES, DeleteNodes(tuple(f"[0][{at}]" for at in range(50, 100))), "a, b, c = obj; obj = a[:50] + a[100:], b, c"),
    (TUPLES, InsertItem("[1]", 255, Written("255")), "obj = obj[0], obj[1] + (255,), obj[2]"),
    (TUPLES, InsertItem("[2]", 0, Written("()")), "obj = obj[:2] + (((),),)"),
    ("obj = 5", ReplaceNode("", Written("6")), "obj = 6"),
    ("obj = 'x'", ReplaceNode("", Written("{1: [2]}"), any_type=True), "obj = {1: [2]}"),
]
IN_ALL_PLACES = "obj[0] = obj[4] = obj[1]['k'] = n = {}; obj[2] = (n, 'same')"
EVERYWHERE: list[tuple[str, Edit, str]] = [
    (SHARED, ReplaceNode("[4]", Written("[9]"), everywhere=True), IN_ALL_PLACES.format("[9]")),
    (SHARED, ReplaceNode("[0]", Written("None"), everywhere=True), IN_ALL_PLACES.format("None")),
    (SHARED, ReplaceNode("[0]", Written("[[], 'same']"), everywhere=True), IN_ALL_PLACES.format("[[], 'same']")),
    (NESTED, ReplaceNode("[1]", Written("{}"), everywhere=True), "n = {}; obj[0][0] = obj[1] = obj[2][1] = n"),
]
PYTHON2_ONLY: list[tuple[str, Edit, str]] = [
    ("obj = ['a', 'a', u'a', {'a': 'b'}, 'b']", ReplaceNode("[0]", Written("'z'")), "obj[0] = 'z'"),
    ("obj = ['a', 'a', u'a', {'a': 'b'}, 'b']", ReplaceNode("[1]", Written("'z'")), "obj[1] = 'z'"),
    ("obj = ['a', 'a', u'a', {'a': 'b'}, 'b']", ReplaceNode("[2]", Written("u'z'")), "obj[2] = u'z'"),
    ("obj = ['a', 'a', u'a', {'a': 'b'}, 'b']", DeleteNodes(("[0]",)), "del obj[0]"),
    ("obj = ['a', 'a', u'a', {'a': 'b'}, 'b']", Reorder("", (4, 3, 2, 1, 0)), "obj.reverse()"),
    ("obj = ['a', 5, 5L, 1 << 40]", ReplaceNode("[2]", Written("6")), "obj[2] = 6L"),
    ("obj = ['a', 5, 5L, 1 << 40]", ReplaceNode("[3]", Written("1099511627777")), "obj[3] = (1 << 40) + 1"),
]
INTERNED = "names = list(map(intern, ('a', 'b'))); obj = [names[0], names[1], names[0], {names[1]: names[0]}, 'plain']"
INTERNED_EDITS: list[tuple[str, Edit, str]] = [
    (INTERNED, DeleteNodes(("[0]",)), "del obj[0]"),
    (INTERNED, DeleteNodes(("[0]", "[1]")), "del obj[:2]"),
    (INTERNED, Reorder("", (4, 3, 2, 1, 0)), "obj.reverse()"),
    (INTERNED, ReplaceNode("[0]", Written("'z'")), "obj[0] = 'z'"),
    (INTERNED, ReplaceNode("[2]", Written("'z'"), everywhere=True), "obj[0] = obj[2] = obj[3]['b'] = 'z'"),
    (INTERNED, InsertItem("", 0, Written("'b'")), "obj.insert(0, 'b')"),
]


def versions_of(python: str) -> range:
    """Return the versions of marshal that a Python writes."""
    return range(3) if python == "2.7" else range(5)


def check(python: str, cases: list[tuple[str, Edit, str]], versions: range) -> None:
    """Make every edit in every version, and have Python compare what it loads with its own edit."""
    plan = [(case, version) for case in cases for version in versions if version >= 3 or case[0] != RECURSIVE]
    values = dumped(python, [(source, version) for (source, _, _), version in plan])

    made = [
        (data, edit(data, change), statement) for data, ((_, change, statement), _) in zip(values, plan, strict=True)
    ]

    for ((source, change, _), version), (_, new, _), (expected, found) in zip(
        plan, made, edited(python, made), strict=True
    ):
        assert found == expected, (source, change, version)
        assert normal_of(new, in_order=python != "2.7") == found, (source, change, version)


@pytest.mark.parametrize("python", VERSIONS)
def test_an_edit_is_what_python_makes_of_the_object(python: str) -> None:
    check(python, CASES, versions_of(python))


@pytest.mark.parametrize("python", [version for version in VERSIONS if version != "2.7"])
def test_an_edit_everywhere_keeps_one_object(python: str) -> None:
    check(python, EVERYWHERE, range(OLDEST_WITH_SHARING, 5))


def test_python2_keeps_its_two_kinds_of_text_and_of_integers() -> None:
    check("2.7", PYTHON2_ONLY, range(3))


def test_interned_strings_of_python2_are_counted_anew() -> None:
    check("2.7", INTERNED_EDITS, range(1, 3))


@pytest.mark.parametrize("python", VERSIONS)
@pytest.mark.parametrize("source", [PLAIN, SHARED, NESTED, RECURSIVE, SETS, TUPLES], ids=lambda source: source[:12])
def test_another_version_holds_the_same_value(python: str, source: str) -> None:
    first = OLDEST_WITH_SHARING if source == RECURSIVE else 0
    versions = versions_of(python)[first:]
    if not versions:
        pytest.skip("Python 2's marshal knows no recursion.")
    values = dumped(python, [(source, version) for version in versions])

    made = [edit(data, ChangeProtocol(version)) for data in values for version in versions]

    found = loaded(python, [*values, *made])
    originals = dict(zip(values, found, strict=False))
    for place, normal in enumerate(found[len(values) :]):
        data, version = values[place // len(versions)], versions[place % len(versions)]
        if version >= OLDEST_WITH_SHARING or source in (PLAIN, SETS, TUPLES):
            assert normal == originals[data]
        assert decoded(made[place]).graph.version <= max(version, 2)


def test_a_value_set_to_itself_keeps_every_byte() -> None:
    for case in corpus.values("marshal"):
        value = decoded(case.read())
        waiting = [("", value.root)]
        while waiting:
            path, row = waiting.pop()
            if row.editor:
                assert value.replace(path, value.edit_text(path)) == value.data, (case.name, path)
            if row.count and "shared" not in row.flags and "recursive" not in row.flags:
                waiting += [(path + child.step, child) for child in value.rows(row.node, 0, 1000)]


def test_an_edit_and_its_opposite_give_the_old_bytes() -> None:
    pairs: list[tuple[Edit, Edit]] = [
        (ReplaceNode("[2]", Written("'other'")), ReplaceNode("[2]", Written("'text'"))),
        (ReplaceNode("[0]", Written("1099511627776")), ReplaceNode("[0]", Written("1000000"))),
        (InsertItem("[5]", 0, Written("[1]")), DeleteNodes(("[5][0]",))),
        (Reorder("[6]", (2, 0, 1)), Reorder("[6]", (1, 2, 0))),
        (RenameKey("[6]['a']", Written("'z'")), RenameKey("[6]['z']", Written("'a'"))),
    ]
    source = "obj = [10**6, 2.5, u'text', None, True, (3, 4), {u'a': 1, u'b': [2], 3: u'c'}]"
    for python, version in (("3.11", 4), ("3.8", 3), ("3.6", 2)):
        [data] = dumped(python, [(source, version)])
        for there, back in pairs:
            assert edit(edit(data, there), back) == data, (python, version, there)


@pytest.mark.parametrize("case", corpus.values("marshal"), ids=corpus.name_of)
def test_python_loads_what_we_read(case: corpus.ValueCase) -> None:
    python = case.sidecar["python"].rpartition(".")[0]
    data = case.read()

    [found] = loaded(python, [data])

    assert normal_of(data, in_order=python != "2.7") == found


LITERALS = {"int": "77", "str": "'new'", "str2": "'new'", "float": "7.5"}
CODES = [case for case in corpus.values("marshal") if case.name.startswith("marshal_code")]


@pytest.mark.parametrize("case", CODES, ids=corpus.name_of)
def test_a_constant_of_code_can_be_edited_and_all_else_stays(case: corpus.ValueCase) -> None:
    python = case.sidecar["python"].rpartition(".")[0]
    data = case.read()
    value = decoded(data)
    row = value.find(".co_consts")
    place = next(row.step for row in value.rows(row.node, 0, 100) if row.editor in LITERALS)
    literal = LITERALS[value.find(f".co_consts{place}").editor]

    new = value.replace(f".co_consts{place}", literal)
    named = edit(data, ReplaceNode(".co_filename", Written("'other.py'")))

    [was, found, renamed] = loaded(python, [data, new, named])
    was_fields, found_fields = dict(was[1]), dict(found[1])
    assert {name for name in was_fields if was_fields[name] != found_fields[name]} == {"co_consts"}
    assert dict(renamed[1])["co_filename"][1] == b"other.py".hex()
    assert normal_of(new) == found
    back = edit(new, ReplaceNode(f".co_consts{place}", Written(value.edit_text(f".co_consts{place}"))))
    assert normal_of(back) == was


@pytest.mark.parametrize(
    "change",
    [
        ReplaceNode(".co_code", Written("b''")),
        ReplaceNode(".co_argcount", Written("9")),
        ReplaceNode(".co_names", Written("()")),
        ReplaceNode(".co_name", Written("3"), any_type=True),
        ReplaceNode(".co_names[0]", Written("3"), any_type=True),
        InsertItem(".co_consts", 0, Written("1")),
        DeleteNodes((".co_consts[0]",)),
        DeleteNodes((".co_consts",)),
        Reorder(".co_names", (1, 0)),
        RenameGlobal("a.b", "c.d"),
        ChangeProtocol(6),
    ],
    ids=repr,
)
def test_what_could_crash_an_interpreter_is_refused(change: Edit) -> None:
    data = corpus.value("marshal_code__py311_v4").read()

    with pytest.raises(EncodeError, match=r"\.$"):
        edit(data, change)


def test_what_code_shares_with_a_constant_is_guarded_there_too() -> None:
    source = "def f():\n    return f.a, f.b\n"
    [data] = dumped("3.11", [(f"obj = [compile({source!r}, 'x.py', 'exec')]", 4)])
    value = decoded(data)
    code = next(row.step for row in value.rows(value.find("[0].co_consts").node, 0, 9) if row.type == "code")
    names = f"[0].co_consts{code}.co_names"
    shared = edit(data, InsertItem("", 1, Copied(data, names, "marshal")))

    assert decoded(shared).find("[1]").text == decoded(shared).find(names).text
    for change in (
        ReplaceNode(f"{names}[0]", Written("5"), any_type=True),
        ReplaceNode(names, Written("()"), everywhere=True),
        ReplaceNode(f"{names}[1]", Written("5"), any_type=True, everywhere=True),
        DeleteNodes((f"{names}[0]",)),
    ):
        with pytest.raises(EncodeError):
            edit(shared, change)
    renamed = edit(shared, ReplaceNode(f"{names}[1]", Written("'other'")))
    assert decoded(renamed).edit_text(f"{names}[1]") == "'other'"


@pytest.mark.parametrize(
    ("source", "change", "sentence"),
    [
        ("obj = {1: 2, 3: 4}", RenameKey("[1]", Written("3")), "already"),
        ("obj = {1: 2}", AddPair("", Written("1.0"), Written("3")), "already"),
        ("obj = {1: 2}", AddPair("", Written("[]"), Written("3")), "neither a key"),
        ("obj = {(1, 2): 0, (1, 3): 0}", ReplaceNode("[#1]<key>[1]", Written("2")), "already"),
        ("obj = {1, 2}", InsertItem("", 0, Written("2")), "already"),
        ("obj = [1]", ReplaceNode("[0]", Written("'x'")), "int"),
        ("obj = [1]", ReplaceNode("[0]", Written("bytearray(b'')"), any_type=True), "bytearray"),
        ("obj = [1]", ReplaceNode("[0]", Written("slice(1, 2, 3)"), any_type=True), "version 5"),
        ("obj = [1]", InsertItem("", 5, Written("1")), "none can come before"),
        ("obj = [1]", InsertItem("[0]", 0, Written("1")), "of type int"),
        ("obj = [1, 2]", Reorder("", (0, 0)), "once"),
        ("obj = [1, [2]]", DeleteNodes(("[0]", "[1][0]")), "of one list"),
        ("obj = [1]", DeleteNodes(("",)), "not the root"),
        ("obj = [1]; obj.append(obj)", ChangeProtocol(2), "version 3"),
        ("obj = [1]", ChangeProtocol(-1), "no version -1"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(source: str, change: Edit, sentence: str) -> None:
    [data] = dumped("3.11", [(source, 4)])

    with pytest.raises(EncodeError, match=sentence):
        edit(data, change)


def test_a_place_that_is_none_is_named() -> None:
    [data] = dumped("3.11", [("obj = [{'a': 1}]", 4)])

    for path in ("[5]", "[0]['b']['c']", ".name", "{1}", "<args>[0]", "[0]<key>"):
        with pytest.raises(PathError):
            edit(data, ReplaceNode(path, Written("1")))


def test_nodes_are_copied_with_what_they_share() -> None:
    [data] = dumped("3.11", [("obj = [0]", 4)])
    [other] = dumped("3.11", [("part = [1]; obj = {'a': [part, part]}", 4)])

    new = edit(data, ReplaceNode("[0]", Copied(other, "['a']", "marshal"), any_type=True))

    assert loaded("3.11", [new]) == [["list", 0, [["list", 1, [["list", 2, [["int", "1"]]], ["again", 2]]]]]]


def test_a_slice_of_version_5_is_shown_and_its_parts_edited() -> None:
    data = b"[\x01\x00\x00\x00:i\x01\x00\x00\x00Ni\x02\x00\x00\x00"

    value = decoded(data)

    assert value.find("[0]").type == "slice"
    assert value.text(100) == "[slice(1, None, 2)]"
    assert edit(data, ReplaceNode("[0]<args>[0]", Written("9"))) == data.replace(b"i\x01", b"i\x09")
    added = edit(data, ReplaceNode("[1]", Written("slice(None, 5, None)")))
    assert decoded(added).text(100) == "[slice(1, None, 2), slice(None, 5, None)]"
    with pytest.raises(EncodeError, match="version 5"):
        edit(data, ChangeProtocol(4))
