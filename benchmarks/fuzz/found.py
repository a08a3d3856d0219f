"""What the fuzzer found, and how it was repaired: each input is run by the tests for ever after."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One finding: the reader, the fuzzer's bytes (base64), what they did, and what is done now."""

    reader: str
    input: str
    was: str
    now: str


# One more is a test of its own, since its input is long: numbers of an ONNX file that no float32 holds.
SHOWN = "the error showed control characters of the file as they are, which a terminal obeys"
ESCAPED = "every ScratchworkError escapes what is not printable"

FOUND: tuple[Found, ...] = (
    Found("idx", "AQIEAP///w==", "an axis of 0 and others of 2**32: NumPy's ValueError from reshape", "FileFormatError"),
    Found("csv", "A10BAgMEBQYHCAkKCwwNWQ8QERITFBUWFxgZGhscHR4fICEiIyQlJic=", SHOWN, ESCAPED),
    Found("table", "ARMJCgsMDQ4PEBESExQVFhcYGRobHB0eHyAhIiMkJSYnKCkqiCwtLi8=", SHOWN, ESCAPED),
    Found("load", "A44BAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fICEiIyQlJic=", SHOWN, ESCAPED),
    Found("model", "BQpgF98x", SHOWN, ESCAPED),
    Found(
        "settings", "AiUDSQAFFgIACXs=", "the error repeated a value of thousands of characters", "long errors lose their middle"
    ),
    Found("checkpoint", "AgAAMQA=", "a checkpoint without what early stopping remembers: KeyError", "FileFormatError"),
    Found(
        "images",
        "AElJKgAIAAAACQAAAQQAAQAAAAQAAAABAQQAAQAAAAQAAAACAQMAAQAAAAgAAAADAQMAAQAAAAEAAAAGAQMAAQAAAAIAAAARAQQAAQAAAAgAAAAVAQMA"
        "AQAAAD4AAAAWAQQAAQAAAAQAAAAXAQQAAQAAADAAAAAAAAAA",
        "Pillow wrote a line of its own to stderr",
        "it is silent",
    ),
    Found(
        "npz",
        "AXsnZGVzY3InOiAnPGY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDEpLCB9CgD/AAAAAPD//wAAAAAA8D8=",
        "a signalling NaN gave a RuntimeWarning when it became float32",
        "it is a NaN like any other, which training refuses",
    ),
)
