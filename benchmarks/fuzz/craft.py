"""From the fuzzer's bytes to a file: what lets a damaged file get past a checksum, a container or a parser.

A fuzzer that flips bytes is stopped by the first CRC. So one and the same input is also taken as a script of changes to a
good file, which is then put together properly: only what is inside is wrong.
"""

import gzip
import json
import struct
import zlib
from typing import Any

JUNK: tuple[Any, ...] = (
    None, True, False, -1, 0, 1, 2, 3, 7, 1.5, -0.0, 1e308, float("nan"), float("inf"), 10**9, 10**12, 10**30, 2**31, 2**53,
    2**62, 2**63, 2**64, "", "x", "1", "float32", "float64", "F32", "BF16", "U8", "Dense", "he_normal", "numpy", "softmax",
    "\x1b[2J", "a\nb", "\ud800", "ä", "\u202e", [], {}, [[]], [0], [1, 1], [2**40], [2**31, 2**31], [-1, 1], [3, 4], [1] * 70,
    {"a": 1}, {"number": "NaN"}, {"type": "Dense", "config": {"units": 3}}, {"type": "Dense", "config": {"units": 10**11}},
    {"type": "Sequential", "config": {"layers": []}}, {"type": "dict", "config": {}}, {"type": "L2", "config": {"strength": 1}},
    {"type": "BatchNorm", "config": {}}, {"type": "Reshape", "config": {"shape": [2**40]}}, {"type": "ReLU", "config": {}},
    {"type": "Flatten", "config": {}}, {"name": "Standardize", "config": {}}, {"name": "OneHot", "config": {}}, ["a", "b"],
)  # fmt: skip


JUNK_TEXTS = [json.dumps(entry) for entry in JUNK]
"""Read anew each time: what is put into a document may be changed in it."""


def places(document: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a JSON document."""
    found: list[tuple[Any, Any]] = []
    left = [document]
    while left:
        holder = left.pop()
        for key, child in holder.items() if isinstance(holder, dict) else enumerate(holder):
            found.append((holder, key))
            if isinstance(child, dict | list):
                left.append(child)
    return found


def edited(document: Any, script: bytes) -> Any:
    """The document after the changes that the script asks for: four bytes each, (what, where, where, with what)."""
    for at in range(0, min(len(script) - 3, 24), 4):
        what, high, low, which = script[at : at + 4]
        ways = places(document)
        if not ways:
            break
        holder, key = ways[(high * 256 + low) % len(ways)]
        other, name = ways[which % len(ways)]
        match what % 8:
            case 0:
                del holder[key]
            case 1 | 2 | 3:
                holder[key] = json.loads(JUNK_TEXTS[which % len(JUNK)])
            case 4 if isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] += which - 128
            case 4 if isinstance(holder[key], str):
                holder[key] += chr(which)
            case 5:  # a copy of another part, so that nothing is part of itself
                holder[key] = json.loads(json.dumps(other[name]))
            case 6 if isinstance(holder, list):
                holder.append(json.loads(json.dumps(holder[key])))
            case 7 if isinstance(holder, dict):
                holder[str(JUNK[which % len(JUNK)])] = holder.pop(key)
    return document


def safetensors(entries: dict[str, Any], document: str, data: bytes, *, version: Any = "1") -> bytes:
    """A model file with a checksum that is right, whatever it holds."""
    text = json.dumps(entries, sort_keys=True) + document
    checksum = f"{zlib.crc32(data, zlib.crc32(text.encode('utf-8', 'surrogatepass'))):08x}"
    metadata = {"format": "scratchwork", "format_version": version, "document": document, "checksum": checksum}
    header = json.dumps({"__metadata__": metadata, **entries}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def gzipped(content: bytes) -> bytes:
    """Packed, always to the same bytes."""
    return gzip.compress(content, 1, mtime=0)


def zipped(members: list[tuple[str, bytes]], script: bytes = b"") -> bytes:
    """A zip archive whose checksums are right; the script overwrites fields of its directory, three bytes each."""
    held, directory = bytearray(), bytearray()
    for name, content in members:
        deflate = bool(script and script[0] & 1)
        packer = zlib.compressobj(1, zlib.DEFLATED, -15)
        packed = packer.compress(content) + packer.flush() if deflate else content
        fields = [20, 0, 8 if deflate else 0, 0, 33, zlib.crc32(content), len(packed), len(content), len(name.encode()), 0]
        start = len(held)
        held += b"PK\3\4" + struct.pack("<HHHHHIIIHH", *fields) + name.encode() + packed
        for at in range(1, len(script) - 2, 3):
            which, shift, value = script[at : at + 3]
            most = 0xFFFFFFFF if which % 10 in (5, 6, 7) else 0xFFFF
            fields[which % 10] = (fields[which % 10] + (value << (shift % 32))) & most
        directory += b"PK\1\2" + struct.pack("<HHHHHHIIIHH", 20, *fields) + struct.pack("<HHHII", 0, 0, 0, 0, start)
        directory += name.encode()
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(held), 0)
    return bytes(held + directory + b"PK\5\6" + end)


def npy(script: bytes) -> bytes:
    """An array file of the given header text and data, with the length of the header put right."""
    header, _, data = script.partition(b"\n")
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) & 0xFFFF) + header + data


def png(script: bytes) -> bytes:
    """A PNG file whose checksums are right: 13 bytes of its header, then what is in each chunk, kind by kind."""
    kinds = (b"IDAT", b"PLTE", b"tRNS", b"eXIf", b"iTXt", b"zTXt", b"gAMA", b"acTL", b"fcTL", b"fdAT", b"iCCP", b"pHYs")
    header = bytearray((script[:13] + bytes(13))[:13])
    content = _chunk(b"IHDR", bytes(header))
    rest = script[13:]
    while len(rest) >= 2:
        kind, length = kinds[rest[0] % len(kinds)], rest[1]
        inside, rest = rest[2 : 2 + length], rest[2 + length :]
        content += _chunk(kind, zlib.compress(inside * 8, 1) if kind in (b"IDAT", b"fdAT") else inside)
    return b"\x89PNG\r\n\x1a\n" + content + _chunk(b"IEND", b"")


def _chunk(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I", len(inside)) + kind + inside + struct.pack(">I", zlib.crc32(kind + inside))


def idx(script: bytes) -> bytes:
    """An IDX file as long as it says, where that is short."""
    kinds = {0x08: 1, 0x09: 1, 0x0B: 2, 0x0C: 4, 0x0D: 4, 0x0E: 8}
    kind = list(kinds)[script[0] % len(kinds)] if script else 8
    sizes = [size if size < 200 else size << 24 for size in script[2 : 2 + (script[1] % 5 if len(script) > 1 else 0)]]
    count = kinds[kind]
    for size in sizes:
        count *= size
    data = script[2 + len(sizes) :]
    data = (data + bytes(count))[:count] if count < 5000 else data
    return bytes([0, 0, kind, len(sizes)]) + struct.pack(f">{len(sizes)}I", *sizes) + data


CELLS = (
    "1", "2.5", "-3", "1e5", "1e400", "nan", "inf", "NA", "", "?", "true", "False", "yes", "NO", "a", "b", "ä", '"', '""',
    '"x"', "2024-05-31", "2024-05-31T12:30", "2024/5/1", "0001-01-01", "9999-12-31 23:59:59.999999", "2024-02-30", "007",
    "1_000", "١٢", "12:30", " ", "\t", "label", "y", "pixel0", "1x1", "2024-05-31T12:30+02:00", "0", "1", "-",
    "999999999999999", "9" * 30, "\x1b[31m", "\x7f", "2024-05-31T99:99", "+5", ".5", "5.", "0x10", "1e-400", "None",
    "\u2028", "\x85", "\x0b", "10000-01-01",
)  # fmt: skip


def table(script: bytes) -> bytes:
    """A table of as many columns as its first byte says, one byte per cell."""
    if not script:
        return b""
    width = 1 + script[0] % 5
    cut = ",;\t"[script[0] // 8 % 3]
    cells = [CELLS[value % len(CELLS)] for value in script[1:]]
    rows = [cut.join(cells[at : at + width]) for at in range(0, len(cells), width)]
    return "\n".join(rows).encode("utf-8", "surrogatepass")


SNIPPETS = (
    b"(", b".", b"}", b"]", b")", b"t", b"u", b"s", b"e", b"a", b"l", b"d", b"R", b"b", b"0", b"2", b"1", b"N", b"\x88",
    b"\x89", b"\x85", b"\x86", b"\x87", b"\x94", b"q\x00", b"q\x01", b"h\x00", b"h\x01", b"K\x01", b"K\x00", b"M\x00\x0c",
    b"J\xff\xff\xff\xff", b"\x8a\x01\xff", b"X\x04\x00\x00\x00data", b"X\x06\x00\x00\x00labels", b"U\x02u1",
    b"X\x02\x00\x00\x00u1", b"X\x01\x00\x00\x00|", b"cnumpy.core.multiarray\n_reconstruct\n", b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n", b"c_codecs\nencode\n", b"cos\nsystem\n", b"cnumpy.core.numeric\n_frombuffer\n",
    b"X\x06\x00\x00\x00latin1", b"c__builtin__\nbytes\n", b"cbuiltins\neval\n", b"C\x01x", b"X\x00\x00\x00\x00", b"C\x00",
    b"\x93", b"X\x02\x00\x00\x00os", b"X\x06\x00\x00\x00system", b"I01\n", b"L99999999999999999999L\n", b"F1e999\n",
    b"G\x7f\xf0\x00\x00\x00\x00\x00\x00", b"S'a'\n", b"V\\u0041\n", b"X\x01\x00\x00\x00C", b"i__main__\nA\n", b"o", b"\x81",
    b"P1\n", b"Q", b"\x82\x01", b"\x8f", b"\x90", b"\x91", b"\x97", b"\x98",
)  # fmt: skip


def pickled(script: bytes) -> bytes:
    """A pickle of instructions that are each whole."""
    return b"\x80\x02" + b"".join(SNIPPETS[value % len(SNIPPETS)] for value in script[:400]) + b"."
