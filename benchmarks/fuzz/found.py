"""What the fuzzer found, and how it was repaired: each input is run by the tests for ever after."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One finding: the reader, the fuzzer's bytes (base64), what they did, and what is done now."""

    reader: str
    input: str
    was: str
    now: str


FOUND: tuple[Found, ...] = (
    Found("idx", "AQIEAP///w==", "an axis of 0 and others of 2**32: NumPy's ValueError from reshape", "FileFormatError"),
)
