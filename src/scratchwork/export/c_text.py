"""Numbers and text as C writes them, whatever the text holds."""

from collections.abc import Iterable

import numpy as np

from ..arrays import Array


def said(text: str) -> str:
    """Text that may stand in a comment: ASCII, and nothing that ends the comment or continues a line."""
    plain = text.encode("ascii", "replace").decode("ascii").replace("\\", "/").replace("*/", "* /").replace("/*", "/ *")
    return " ".join(plain.replace("??", "? ?").split())


def literal(text: str) -> str:
    """Any text as a C string of its UTF-8 bytes: what is not plain is an octal escape of three digits."""
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?%' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "surrogatepass")
    )
    return f'"{plain}"'


def number(value: float, real: str) -> str:
    """A constant with all its digits."""
    text = str(np.float32(value) if real == "float" else float(value))
    text = text if "." in text or "e" in text else f"{text}.0"
    return f"{text}f" if real == "float" else text


def strings(name: str, texts: Iterable[str]) -> str:
    """A constant array of texts."""
    entries = [literal(text) for text in texts]
    return f"const char *const {name}[{len(entries)}] = {{\n    " + ",\n    ".join(entries) + "\n};"


def constants(name: str, array: Array, real: str) -> str:
    """A constant array, some numbers on each line."""
    found = [("NAN" if v != v else number(v, real)) for v in np.asarray(array).reshape(-1).tolist()]
    lines = ",\n    ".join(", ".join(found[start : start + 8]) for start in range(0, len(found), 8))
    return f"static const {real} {name}[{len(found)}] = {{\n    {lines}\n}};"
