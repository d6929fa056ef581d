"""Compressed values: what came out is a value of its own, edits go inwards, and all parameters stay."""

import bz2
import gzip
import importlib.util
import io
import lzma
import pickle
import random
import sys
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import limits
from app.cancel import CancelToken
from app.codecs.base import DecodedValue
from app.codecs.edits import AddPair, ReplaceNode, Written
from app.codecs.registry import CODECS, decode, sniff, summary
from app.compression.registry import COMPRESSIONS, begun, packing_of
from app.compression.unpacking import Unpacking
from app.errors import Cancelled, CodecError, DecodeError, EncodeError, PathError
from tests.codecs.reading import strict_json

ORDER = {"a": 1, "b": [1, 2, {"c": "x" * 30}]}
PICKLE = pickle.dumps(ORDER, 4)


def gzipped(data: bytes, level: int = 6, name: str = "orders.pkl") -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(name, "wb", level, packed, mtime=1_700_000_000) as file:
        file.write(data)
    return packed.getvalue()


def deflated(data: bytes, level: int, wbits: int, memory: int = 8) -> bytes:
    packer = zlib.compressobj(level, zlib.DEFLATED, wbits, memory)
    return packer.compress(data) + packer.flush()


DELTA = [{"id": lzma.FILTER_DELTA, "dist": 4}, {"id": lzma.FILTER_LZMA2, "preset": 6}]
PACKERS: dict[str, Callable[[bytes], bytes]] = {
    **{f"zlib-{level}": lambda data, level=level: zlib.compress(data, level) for level in range(10)},  # type: ignore[misc]  # mypy takes no default in a lambda
    **{f"gzip-{level}": lambda data, level=level: gzipped(data, level) for level in (0, 1, 6, 9)},  # type: ignore[misc]  # as above
    **{f"bz2-{level}": lambda data, level=level: bz2.compress(data, level) for level in (1, 9)},  # type: ignore[misc]  # as above
    **{f"xz-{preset}": lambda data, preset=preset: lzma.compress(data, preset=preset) for preset in (0, 3, 6)},  # type: ignore[misc]  # as above
    "zlib-small-window": lambda data: deflated(data, 6, 9),
    "zlib-memory-9": lambda data: deflated(data, 9, 15, 9),
    "xz-extreme": lambda data: lzma.compress(data, preset=6 | lzma.PRESET_EXTREME),
    "xz-crc32": lambda data: lzma.compress(data, check=lzma.CHECK_CRC32),
    "xz-delta": lambda data: lzma.compress(data, filters=DELTA),
    "lzma-6": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    "lzma-0": lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
}
NAMES = sorted(PACKERS)


def opened(data: bytes) -> DecodedValue:
    return decode(data, CancelToken())[0]


def steps(value: DecodedValue) -> list[str]:
    return [row.step for row in value.rows(value.root.node, 0, 10)]


@pytest.mark.parametrize("name", NAMES)
def test_what_came_out_is_the_one_child_and_is_read_by_its_codec(name: str) -> None:
    data = PACKERS[name](PICKLE)

    value = opened(data)

    assert value.codec == name.partition("-")[0]
    assert value.root.type == value.codec
    assert steps(value) == ["<content>"]
    assert value.find("<content>['b'][2]['c']").text == repr("x" * 30)
    assert strict_json("".join(value.plain(CancelToken()))) == ORDER
    assert summary(data, len(data)).type == f"{value.codec}(dict)"
    assert sniff(data, len(data))[0].codec == value.codec


@pytest.mark.parametrize("name", NAMES)
def test_an_edit_inside_packs_with_the_same_parameters(name: str) -> None:
    data = PACKERS[name](PICKLE)
    value = opened(data)

    new = value.replace("<content>['a']", "2")

    assert new == PACKERS[name](pickle.dumps(ORDER | {"a": 2}, 4))
    assert opened(new).find("<content>['a']").text == "2"
    assert opened(new).replace("<content>['a']", "1") == data


@pytest.mark.parametrize("name", NAMES)
def test_setting_a_value_to_itself_changes_no_byte(name: str) -> None:
    data = PACKERS[name](PICKLE)
    value = opened(data)

    assert value.replace("<content>['a']", value.edit_text("<content>['a']")) == data


@given(st.binary(max_size=3000) | st.binary(max_size=20).map(lambda piece: piece * 200), st.sampled_from(NAMES))
def test_the_parameters_of_any_content_are_found_again(content: bytes, name: str) -> None:
    data = PACKERS[name](content)
    compression = COMPRESSIONS[name.partition("-")[0]]
    unpacking = Unpacking(compression, data, len(data))

    assert begun(data) is compression
    assert b"".join(unpacking.pieces(CancelToken())) == content
    assert unpacking.end == len(data)
    assert packing_of(compression, data, content, CancelToken()).is_exact


def test_the_level_of_a_long_content_is_found_by_its_beginning() -> None:
    words = random.Random(7)
    content = b"".join(b"%d %s;" % (words.randrange(1000), words.choice((b"a", b"bc"))) for _ in range(400_000))
    data = zlib.compress(content, 3)

    found = packing_of(COMPRESSIONS["zlib"], data, content, CancelToken())

    assert found.is_exact
    assert b"".join(found.packing.pack((content,), CancelToken())) == data


def test_the_header_of_gzip_is_shown_and_kept() -> None:
    value = opened(gzipped(PICKLE, 9))

    new = value.replace("<content>['a']", "7")

    assert value.root.text.endswith("file 'orders.pkl', written 2023-11-14 22:13:20 UTC, level 9")
    assert new[: len(gzipped(b"", 9)) - 10] == value.data[: len(gzipped(b"", 9)) - 10]
    assert pickle.loads(gzip.decompress(new)) == ORDER | {"a": 7}


def test_streams_before_an_edit_keep_their_bytes() -> None:
    first, second = gzipped(pickle.dumps([1])), gzipped(pickle.dumps([2]))
    value = opened(first + second)

    new = value.replace("<content><pickle 2>[0]", "7")

    assert "2 streams" in value.root.note
    assert new.startswith(first)
    assert gzip.decompress(new) == pickle.dumps([1]) + pickle.dumps([7])


def test_what_follows_is_shown_and_kept() -> None:
    value = opened(zlib.compress(PICKLE) + b"trailer")

    new = value.replace("<content>['a']", "7")

    assert steps(value) == ["<content>", "<after>"]
    assert value.find("<after>").text == "'trailer'"
    assert new.endswith(b"trailer")
    assert opened(new).replace("<after>", "'other'").endswith(b"other")


def test_values_in_values_in_values_are_edited_through_all_of_them() -> None:
    data = bz2.compress(zlib.compress(gzipped(PICKLE)))
    value = opened(data)
    place = "<content><content><content>"

    new = value.edit(AddPair(place, Written("'new'"), Written("5")), CancelToken())

    assert pickle.loads(gzip.decompress(zlib.decompress(bz2.decompress(new)))) == ORDER | {"new": 5}
    assert summary(data, len(data)).type == "bz2(zlib(gzip(dict)))"


def test_the_tree_of_a_wrapper_is_its_bytes_with_the_content_beside() -> None:
    value = opened(gzipped(PICKLE))

    tree = value.tree(100)

    assert (tree["t"], tree["wrapper"], tree["n"]) == ("bytes", "gzip", len(value.data))
    assert bytes.fromhex(tree["hex"]) == value.data
    assert tree["content"]["t"] == "dict"
    assert value.tree(100, "<content>") == tree["content"]


@pytest.mark.parametrize("name", ["zlib-9", "gzip-9", "bz2-9", "xz-6", "lzma-6"])
def test_a_bomb_is_one_sentence(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONTENT_BYTES", 1 << 20)
    data = PACKERS[name](bytes(1 << 22))

    value = opened(data)

    assert steps(value) == []
    assert [problem for problem in value.problems if "More than 1,048,576 bytes come out" in problem]
    assert strict_json("".join(value.plain(CancelToken()))).keys() == {"__damaged__", "base64"}
    with pytest.raises(CodecError):
        value.replace("<content>", "'x'")


def test_a_bomb_costs_little_time() -> None:
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(1 << 20)) for _ in range(400)) + packer.flush()
    start = time.monotonic()

    value = opened(data)

    assert value.problems
    assert time.monotonic() - start < 5


def test_values_in_values_have_an_end() -> None:
    data = PICKLE
    for _ in range(limits.CONTENT_DEPTH + 5):
        data = zlib.compress(data)
    value = opened(data)

    deepest = "<content>" * limits.CONTENT_DEPTH

    assert value.find(deepest).count == 0
    with pytest.raises(PathError, match="no <content>"):
        value.find(deepest + "<content>")
    assert "".join(value.plain(CancelToken()))
    assert summary(data, len(data)).codec == "zlib"


@pytest.mark.parametrize("name", ["gzip-6", "xz-6", "bz2-9"])
def test_what_is_cut_is_shown_as_far_as_it_goes_and_is_read_only(name: str) -> None:
    value = opened(PACKERS[name](PICKLE)[:-3])

    assert value.is_damaged
    assert "ends too early" in value.problems[0]
    assert "damaged" in value.root.flags
    assert strict_json("".join(value.plain(CancelToken()))).keys() == {"__damaged__", "base64"}
    if steps(value):
        assert not any(row.editor for row in value.rows(value.rows(value.root.node, 0, 1)[0].node, 0, 9))
        with pytest.raises(EncodeError, match="cannot be changed"):
            value.replace("<content>['a']", "7")


def test_a_wrong_checksum_costs_no_content() -> None:
    data = gzipped(PICKLE)

    value = opened(data[:-8] + b"\0\0\0\0" + data[-4:])

    assert value.problems == ("The gzip data is damaged.",)
    assert value.find("<content>['b'][2]['c']").text == repr("x" * 30)


@given(st.sampled_from(["zlib-6", "gzip-6", "bz2-9", "xz-6", "lzma-6"]), st.integers(0), st.integers(0, 255))
def test_one_changed_byte_gives_a_value_or_a_sentence(name: str, place: int, byte: int) -> None:
    data = bytearray(PACKERS[name](PICKLE))
    data[place % len(data)] = byte

    value = opened(bytes(data))

    strict_json("".join(value.plain(CancelToken())))
    assert value.text(1_000) is not None
    assert value.tree(100)["t"]
    assert summary(bytes(data), len(data)).codec


@pytest.mark.parametrize(
    "text", [b"x^2 + 1 = 0", b"x\x01", b"BZh91AY&SY is how it begins", b"H\x89", b"hC \xc3\xa9", b"(S'a'"]
)
def test_text_that_begins_like_something_compressed_is_text(text: bytes) -> None:
    assert opened(text).codec in ("text", "raw")
    assert summary(text, len(text)).codec in ("text", "raw")


def test_a_long_text_that_begins_like_zlib_is_text() -> None:
    text = b"x^2 + 1 is positive. " * 1_000

    assert opened(text).codec == "text"
    assert summary(text[: limits.SUMMARY_PREFIX], len(text)).codec == "text"


def test_the_summary_needs_the_beginning_only() -> None:
    data = zlib.compress(pickle.dumps({number: random.Random(number).random() for number in range(5_000)}))

    found = summary(data[: limits.SUMMARY_PREFIX], len(data))

    assert found.type == "zlib(dict)"
    assert found.text.startswith("{0: 0.84")
    assert found.problem == ""


def test_unpacking_can_be_given_up() -> None:
    token = CancelToken()
    token.cancel()

    with pytest.raises(Cancelled):
        decode(zlib.compress(bytes(1 << 22)), token)


def test_small_stacks_are_enough() -> None:
    data = PICKLE
    for _ in range(limits.CONTENT_DEPTH):
        data = zlib.compress(data)
    shown: list[str] = []
    threading.stack_size(512 << 10)
    try:
        thread = threading.Thread(target=lambda: shown.append(str(opened(data).tree(1_000)["content"]["t"])))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(0)

    assert shown == ["bytes"]


ZSTD = b"\x28\xb5\x2f\xfd\x24\x05\x29\x00\x00hello\xa3\x6d\x9f\x88"


def zstd_module() -> Any:
    """Return Python's module of Zstandard, or the one that backports it to this Python."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    return pytest.importorskip(name)


def test_zstd_is_read_and_written() -> None:
    zstd_module()

    value = opened(ZSTD)

    assert value.codec == "zstd"
    assert value.find("<content>").text == "'hello'"
    assert opened(value.replace("<content>", "'other'")).find("<content>").text == "'other'"


@pytest.mark.parametrize("level", [1, 3, 9, 19])
@pytest.mark.parametrize("checksum", [0, 1])
@pytest.mark.parametrize("sized", [False, True])
def test_zstd_is_packed_again_with_its_parameters(level: int, checksum: int, *, sized: bool) -> None:
    module = zstd_module()
    parameter = module.CompressionParameter
    options = {parameter.compression_level: level, parameter.checksum_flag: checksum}
    inner = {"title": "Order " * 200, "numbers": list(range(500)), "count": 7}
    packer = module.ZstdCompressor(options=options)
    if sized:
        packer.set_pledged_input_size(len(pickle.dumps(inner)))
    data = packer.compress(pickle.dumps(inner)) + packer.flush()
    value = opened(data)

    new = value.edit(ReplaceNode("<content>['count']", Written("8")), CancelToken())

    assert pickle.loads(module.decompress(new)) == {**inner, "count": 8}
    assert new[4] == data[4]
    assert opened(new).edit(ReplaceNode("<content>['count']", Written("7")), CancelToken()) == data


def test_zstd_of_more_than_is_kept_to_be_counted_is_written_without_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    module = zstd_module()
    monkeypatch.setattr("app.compression.zstd._KEPT_BYTES", 3)

    new = opened(ZSTD).replace("<content>", "'another'")

    assert module.decompress(new) == b"another"


@pytest.mark.parametrize("end", [6, 12, 17])
def test_zstd_that_ends_too_early_is_read_only(end: int) -> None:
    zstd_module()

    value = opened(ZSTD[:end])

    assert value.is_damaged
    with pytest.raises(CodecError):
        value.edit(ReplaceNode("<content>", Written("'other'")), CancelToken())


def test_zstd_with_a_window_of_gigabytes_is_not_unpacked() -> None:
    zstd_module()

    value = opened(b"\x28\xb5\x2f\xfd\x00\xb8\x01\x00\x00")

    assert value.is_damaged


def test_without_the_module_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("compression", "compression.zstd", "backports", "backports.zstd"):
        monkeypatch.setitem(sys.modules, name, None)
    without = importlib.util.module_from_spec(importlib.util.find_spec("app.compression.zstd"))  # type: ignore[arg-type]
    without.__spec__.loader.exec_module(without)  # type: ignore[union-attr]

    found = without.Zstd()

    assert found.begins(ZSTD)
    assert found.missing.endswith("start Shelfscope with that, or install the package backports.zstd.")
    assert list(found.packings(ZSTD)) == []
    with pytest.raises(DecodeError, match="install the package"):
        found.stream()


def test_a_compression_can_be_asked_for_by_name() -> None:
    assert CODECS["zlib"].decode(zlib.compress(b""), CancelToken()).codec == "zlib"
    with pytest.raises(CodecError, match="no gzip data"):
        decode(b"hello", CancelToken(), "gzip")


@pytest.mark.parametrize("zeros", [1, 4, 512])
@pytest.mark.parametrize("packed", [gzip.compress(PICKLE), lzma.compress(PICKLE)], ids=["gzip", "xz"])
def test_padding_behind_compressed_data_is_told_and_stays(packed: bytes, zeros: int) -> None:
    data = packed + b"\0" * zeros
    value = decode(data, CancelToken())[0]

    new = decode(value.replace("<content>['a']", "2"), CancelToken())[0]

    assert f"{zeros:,} zero bytes of padding follow." in value.root.note
    assert new.data.endswith(b"\0" * zeros)
    assert "".join(new.plain(CancelToken(), "<content>['a']")) == "2"
    assert new.replace("<content>['a']", "1") == data
