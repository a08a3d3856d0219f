"""Reading the arrays out of a pickle without unpickling it.

`pickle.load` runs whatever a file tells it to run. The files of CIFAR-10 are pickles, and they are read here, for these
reasons safely: nothing in this file imports, looks up or calls anything that the pickle names. A pickle is a little
program for a machine with a stack; `pickletools` (of the standard library) cuts it into instructions without obeying
them, and this machine knows only those that put numbers, text, bytes, lists, tuples and dicts together. The instruction
that would call a function is obeyed in five cases only, all of them spelled out in `_Machine.call`: the ways in which
NumPy writes an array, a dtype, and bytes. Of each, only the plain numeric kind is built, by our own code, and not larger than
the bytes that the file itself holds. Everything else is one FileFormatError.
"""

import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import Array
from ..errors import FileFormatError

NUMERIC = frozenset(kind + size for kind, sizes in {"u": "1248", "i": "1248", "f": "248", "b": "1"}.items() for size in sizes)
MOST_INSTRUCTIONS = 1_000_000
"""A CIFAR-10 batch takes about 50,000."""


class _Global:
    """A name that the pickle would import. It is only ever compared."""

    def __init__(self, name: str) -> None:
        self.name = name


class _Type:
    """A dtype under construction: its code, and its byte order once the state has come."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.order = "="


class _Pending:
    """An array under construction: what will hold the numbers once the state has come."""

    def __init__(self) -> None:
        self.array: Array | None = None


class _Mark:
    """Where on the stack a list, tuple or dict begins."""


MARK = _Mark()
ARRAY_MAKERS = ("numpy.core.multiarray _reconstruct", "numpy._core.multiarray _reconstruct")
BUFFER_MAKERS = ("numpy.core.numeric _frombuffer", "numpy._core.numeric _frombuffer")


def read_pickled_arrays(data: bytes, path: Path) -> Any:
    """What the pickle describes, built of dict, list, tuple, str, bytes, int, float, bool, None and numeric arrays alone."""
    import pickletools

    machine = _Machine(path, most_bytes=4 * len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of text in it that is escaped in an odd way
            for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
                if opcode.name == "STOP":
                    return machine.result()
                if count > MOST_INSTRUCTIONS:
                    raise machine.refusal(f"it has more than {MOST_INSTRUCTIONS:,} instructions")
                machine.obey(opcode.name, argument)
    except FileFormatError:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, UnicodeError, MemoryError, AttributeError) as error:
        raise FileFormatError(f"{path} is damaged: {type(error).__name__} while reading it as a pickle of arrays") from None
    raise FileFormatError(f"{path} is cut off: the pickle in it has no end")


class _Machine:
    def __init__(self, path: Path, most_bytes: int) -> None:
        self.path = path
        self.bytes_left = most_bytes
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self.stack) != 1:
            raise self.refusal("it ends in the middle of a value")
        holder = [self.stack[0]]
        self.finish(holder)
        return holder[0]

    def finish(self, outer: list[Any]) -> None:
        """Put every array in the place of what it was built in; refuse what is left half built, or is a bare name."""
        seen = set()  # a value may stand in many places, and even in itself
        left: list[Any] = [outer]
        while left:
            holder = left.pop()
            if id(holder) in seen:
                continue
            seen.add(id(holder))
            places = list(holder.items()) if isinstance(holder, dict) else list(enumerate(holder))
            for place, value in places:
                if isinstance(value, _Pending) and value.array is not None and not isinstance(holder, tuple):
                    holder[place] = value.array
                elif isinstance(value, _Pending | _Global | _Type | _Mark):
                    raise self.refusal("it holds something half built")
                elif isinstance(value, dict | list | tuple):
                    left.append(value)

    def refusal(self, why: str) -> FileFormatError:
        return FileFormatError(f"{self.path} is no file of plain arrays, and nothing else is unpickled: {why}")

    def charge(self, size: int) -> None:
        """Refuse a file that has the same bytes copied over and over."""
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise self.refusal("it unfolds to several times its own size")

    def obey(self, name: str, argument: Any) -> None:
        """One instruction."""
        stack = self.stack
        match name:
            case "PROTO" | "FRAME":
                pass
            case "MARK":
                stack.append(MARK)
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "INT" | "BININT" | "BININT1" | "BININT2" | "LONG" | "LONG1" | "LONG4" | "FLOAT" | "BINFLOAT":
                stack.append(argument)
            case "STRING" | "BINSTRING" | "SHORT_BINSTRING" | "UNICODE" | "BINUNICODE" | "SHORT_BINUNICODE" | "BINUNICODE8":
                stack.append(argument)
            case "BINBYTES" | "SHORT_BINBYTES" | "BINBYTES8" | "BYTEARRAY8":
                stack.append(bytes(argument))
            case "EMPTY_LIST" | "EMPTY_DICT" | "EMPTY_TUPLE":
                stack.append({"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}[name]())
            case "LIST" | "TUPLE":
                items = self.since_mark()
                stack.append(items if name == "LIST" else tuple(items))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self.pop(int(name[-1]))))
            case "APPEND" | "APPENDS":
                items = self.pop(1) if name == "APPEND" else self.since_mark()
                self.top(list).extend(items)
            case "DICT" | "SETITEM" | "SETITEMS":
                self.set_items(name)
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self.memo[argument] = stack[-1]
            case "MEMOIZE":
                self.memo[len(self.memo)] = stack[-1]
            case "GET" | "BINGET" | "LONG_BINGET":
                stack.append(self.memo[argument])
            case "GLOBAL":
                stack.append(_Global(argument))
            case "STACK_GLOBAL":
                module, attribute = self.pop(2)
                stack.append(_Global(f"{module} {attribute}" if isinstance(module, str) and isinstance(attribute, str) else ""))
            case "REDUCE":
                maker, arguments = self.pop(2)
                stack.append(self.call(maker, arguments))
            case "BUILD":
                (state,) = self.pop(1)
                self.build(stack[-1], state)
            case _:
                raise self.refusal(f"it uses the instruction {name}")

    def pop(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        if len(items) < count or any(item is MARK for item in items):
            raise self.refusal("its stack runs empty")
        del self.stack[-count:]
        return items

    def top(self, kind: type) -> Any:
        if not self.stack or type(self.stack[-1]) is not kind:
            raise self.refusal(f"it fills something that is no {kind.__name__}")
        return self.stack[-1]

    def since_mark(self) -> list[Any]:
        at = len(self.stack) - 1
        while at >= 0 and self.stack[at] is not MARK:
            at -= 1
        if at < 0:
            raise self.refusal("a list ends that has not begun")
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def set_items(self, name: str) -> None:
        items = self.pop(2) if name == "SETITEM" else self.since_mark()
        if name == "DICT":
            self.stack.append({})
        target = self.top(dict)
        # Only these are hashed: the hash of tuples that hold each other forty times over takes for ever.
        if len(items) % 2 or not all(isinstance(key, str | bytes | int) for key in items[::2]):
            raise self.refusal("a dict in it has keys that are no text")
        target.update(zip(items[::2], items[1::2], strict=True))

    def call(self, maker: Any, arguments: Any) -> Any:
        """The five calls that NumPy's own pickles hold, done by hand; `maker` is a name, and is never called."""
        if not isinstance(maker, _Global) or not isinstance(arguments, tuple):
            raise self.refusal("it calls something that has no name")
        match maker.name, arguments:
            case "_codecs encode", (str(text), "latin1" | "latin-1"):
                self.charge(len(text))
                return text.encode("latin-1")
            case "__builtin__ bytes" | "builtins bytes", ():
                return b""
            case "numpy dtype", (str(code), *_) if code.lstrip("<>|=") in NUMERIC:
                return _Type(code.lstrip("<>|="))
            case made, (_Global(name="numpy ndarray"), *_) if made in ARRAY_MAKERS:
                return _Pending()
            case made, (bytes(held), _Type() as kind, tuple(shape), str(order)) if made in BUFFER_MAKERS:
                return self.array(shape, kind, order == "F", held)
            case _:
                raise self.refusal(f"it would call {maker.name[:80].replace(' ', '.')!r}")

    def build(self, made: Any, state: Any) -> None:
        """Hand an array or a dtype the state that was stored for it."""
        match made, state:
            case _Type(), (_, "<" | ">" | "|" | "=" as order, None, None, None, *_):
                made.order = order
            case _Pending(array=None), (_, tuple(shape), _Type() as kind, fortran, bytes() | str() as held):
                made.array = self.array(shape, kind, bool(fortran), held.encode("latin-1") if isinstance(held, str) else held)
            case _:
                raise self.refusal("it sets up something that is no array of numbers")

    def array(self, shape: tuple[Any, ...], kind: _Type, fortran: bool, held: bytes) -> Array:
        dtype = np.dtype(kind.order.replace("|", "=") + kind.code)
        if len(shape) > 8 or not all(type(size) is int and size >= 0 for size in shape):
            raise self.refusal("an array in it has no proper shape")
        if math.prod(shape) * dtype.itemsize != len(held):
            raise self.refusal(f"an array in it declares the shape {shape} and holds {len(held):,} bytes")
        self.charge(len(held))
        flat = np.frombuffer(held, dtype)
        array = flat.reshape(shape[::-1]).T if fortran else flat.reshape(shape)
        return array.astype(dtype.newbyteorder("="), copy=False)
