"""What Numba has no words for: atomic counters, a pause, a function called by its address, and flush-to-zero.

Each is a few instructions of LLVM. The address is an argument and not a constant, so that compiled code can be kept on disk.
"""

# mypy: ignore-errors
import platform

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

X86 = platform.machine().lower() in ("x86_64", "amd64", "i386", "i686")
ARM = platform.machine().lower() in ("aarch64", "arm64")
FTZ_AND_DAZ = 0x8040  # of the x86 control word: results that are denormal become 0, and so do such operands
FZ = 1 << 24  # the same on Arm


@intrinsic
def atomic_add(ctx, counters, index, amount):
    """counters[index] += amount, seen whole by every thread."""
    sig = types.int64(counters, types.intp, types.int64)

    def generate(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.atomic_rmw("add", builder.gep(array.data, [args[1]]), args[2], "seq_cst")

    return sig, generate


@intrinsic
def atomic_read(ctx, counters, index):
    """counters[index] as the other threads left it."""
    sig = types.int64(counters, types.intp)

    def generate(context, builder, signature, args):
        array = context.make_array(signature.args[0])(context, builder, args[0])
        return builder.load_atomic(builder.gep(array.data, [args[1]]), "seq_cst", 8)

    return sig, generate


@intrinsic
def borrowed(ctx, array):
    """The same array without an owner: slices of it count no references, over whose counter threads would fight."""
    sig = array(array)

    def generate(context, builder, signature, args):
        given = context.make_array(signature.args[0])(context, builder, args[0])
        return _ownerless(context, builder, signature, given, given.data, given.nitems, given.shape)

    return sig, generate


@intrinsic
def stretch(ctx, array, start, size):
    """array[start : start + size] with nothing checked and nothing counted: a slice costs some thirty cycles, this none."""
    sig = array(array, types.int64, types.int64)

    def generate(context, builder, signature, args):
        given = context.make_array(signature.args[0])(context, builder, args[0])
        shape = cgutils.pack_array(builder, [args[2]])
        return _ownerless(context, builder, signature, given, builder.gep(given.data, [args[1]]), args[2], shape)

    return sig, generate


@intrinsic
def address(ctx, array, index):
    """Where array[index] lies."""
    sig = types.int64(array, types.int64)

    def generate(context, builder, signature, args):
        data = context.make_array(signature.args[0])(context, builder, args[0]).data
        return builder.ptrtoint(builder.gep(data, [args[1]]), ir.IntType(64))

    return sig, generate


@intrinsic
def array_at(ctx, place, like):
    """What lies at this address as an array of numbers like those of `like`, one axis; as its length is not known, it is endless."""
    sig = like.copy(readonly=False)(types.int64, like)

    def generate(context, builder, signature, args):
        given = context.make_array(signature.args[1])(context, builder, args[1])
        data, endless = builder.inttoptr(args[0], given.data.type), ir.Constant(ir.IntType(64), 2**60)
        return _ownerless(context, builder, signature, given, data, endless, cgutils.pack_array(builder, [endless]))

    return sig, generate


@intrinsic
def call_product(ctx, product, room, a, rs, cs, b, ldb, turned, bias, c, ldc, m, n, k):
    """Calls a function of thirteen whole numbers by its address: see product.py."""
    sig = types.void(*[types.int64] * 14)

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(64)] * 13)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return sig, generate


def _ownerless(context, builder, signature, given, data, count, shape):
    made = context.make_array(signature.return_type)(context, builder)
    made.data, made.nitems, made.shape = data, count, shape
    made.itemsize, made.strides = given.itemsize, given.strides
    made.meminfo = made.parent = cgutils.get_null_value(given.meminfo.type)
    return made._getvalue()


@intrinsic
def prefetch(ctx, array, index):
    """Asks for the memory around array[index] early, so that it is in the cache when it is needed."""
    sig = types.void(array, types.int64)

    def generate(context, builder, signature, args):
        place = builder.gep(context.make_array(signature.args[0])(context, builder, args[0]).data, [args[1]])
        to_write, soon, data = (ir.Constant(ir.IntType(32), number) for number in (1, 3, 1))
        pointer = builder.bitcast(place, ir.IntType(8).as_pointer())
        _call(builder, "llvm.prefetch.p0", ir.VoidType(), [pointer, to_write, soon, data])
        return context.get_dummy_value()

    return sig, generate


@intrinsic
def pause(ctx):
    """Tells the processor that this is a waiting loop."""
    sig = types.void()

    def generate(context, builder, signature, args):
        if X86:
            _call(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
        elif ARM:
            _call(builder, "llvm.aarch64.hint", ir.VoidType(), [ir.Constant(ir.IntType(32), 1)])
        return context.get_dummy_value()

    return sig, generate


@intrinsic
def yield_processor(ctx, address):
    """sched_yield, by its address: lets another thread have the processor."""
    sig = types.void(address)

    def generate(context, builder, signature, args):
        kind = ir.FunctionType(ir.IntType(32), [])
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [])
        return context.get_dummy_value()

    return sig, generate


@intrinsic
def flush_to_zero(ctx):
    """Switches denormal numbers off for this thread and returns the control word as it was."""
    sig = types.int64()

    def generate(context, builder, signature, args):
        i32, i64 = ir.IntType(32), ir.IntType(64)
        if X86:
            slot = cgutils.alloca_once(builder, i32)
            _control_word(builder, "stmxcsr", slot)
            before = builder.load(slot)
            builder.store(builder.or_(before, ir.Constant(i32, FTZ_AND_DAZ)), slot)
            _control_word(builder, "ldmxcsr", slot)
            return builder.zext(before, i64)
        if ARM:
            before = _call(builder, "llvm.aarch64.get.fpcr", i64, [])
            _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [builder.or_(before, ir.Constant(i64, FZ))])
            return before
        return ir.Constant(i64, 0)

    return sig, generate


@intrinsic
def restore_denormals(ctx, word):
    """Puts a control word back."""
    sig = types.void(types.int64)

    def generate(context, builder, signature, args):
        i32 = ir.IntType(32)
        if X86:
            slot = cgutils.alloca_once(builder, i32)
            builder.store(builder.trunc(args[0], i32), slot)
            _control_word(builder, "ldmxcsr", slot)
        elif ARM:
            _call(builder, "llvm.aarch64.set.fpcr", ir.VoidType(), [args[0]])
        return context.get_dummy_value()

    return sig, generate


def _control_word(builder, instruction, slot):
    pointer = ir.IntType(8).as_pointer()
    _call(builder, f"llvm.x86.sse.{instruction}", ir.VoidType(), [builder.bitcast(slot, pointer)])


def _call(builder, name, result, values):
    kind = ir.FunctionType(result, [value.type for value in values])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), values)
