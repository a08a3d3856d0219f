"""The exponential function in plain arithmetic, so that a loop over it is vectorized: a call to the C library is not.

eˣ = 2ᵏ eʳ with k = round(x / ln 2) and |r| ≤ ½ ln 2; eʳ is its Taylor polynomial, whose first term left out is below half a unit
in the last place; 2ᵏ is added to the bits of the exponent. Beyond the range of normal numbers the result is 0 or ∞.
"""

# mypy: ignore-errors
import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LN2_HIGH, LN2_LOW = 0.693145751953125, 1.4286068203094172e-06  # their sum is ln 2, and k · LN2_HIGH is exact


class Arithmetic:
    """The operations on numbers of one type, with the constants of that type."""

    def __init__(self, builder, single):
        self.builder = builder
        self.real = ir.FloatType() if single else ir.DoubleType()
        self.whole = ir.IntType(32 if single else 64)
        self.suffix, self.places = ("f32", 23) if single else ("f64", 52)
        self.degree = 7 if single else 13
        limits = np.finfo(np.float32 if single else np.float64)
        self.most, self.least = (self.within_range(limits.dtype.type, end) for end in (limits.max, limits.smallest_normal))
        self.shift = 1.5 * 2.0**self.places  # x + shift has round(x) in its lowest bits

    @staticmethod
    def within_range(kind, end):
        """The last x of its kind whose eˣ is not beyond this end of the range: ln of it, rounded towards 0."""
        limit = math.log(float(end))
        nearest = kind(limit)
        return float(nearest if abs(float(nearest)) <= abs(limit) else np.nextafter(nearest, kind(0)))

    def number(self, value):
        """A constant."""
        return ir.Constant(self.real, value)

    def multiply_add(self, x, y, z):
        """x y + z."""
        name, kind = f"llvm.fmuladd.{self.suffix}", ir.FunctionType(self.real, [self.real] * 3)
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), [x, y, z])

    def split(self, x):
        """(r, what holds k in its lowest bits)."""
        shifted = self.multiply_add(x, self.number(1 / math.log(2)), self.number(self.shift))
        # A flag of its own, so that Numba does not put its fast ones here: (y + s) − s would become y, without the rounding.
        k = self.builder.fsub(shifted, self.number(self.shift), flags=["contract"])
        r = self.multiply_add(k, self.number(-LN2_HIGH), x)
        return self.multiply_add(k, self.number(-LN2_LOW), r), shifted

    def polynomial(self, r, last):
        """Σ rⁱ/i! from i = `last` on, divided by rᵏ for k = `last`: 1 + r + …, or 1/2 + r/6 + … ."""
        total = self.number(1 / math.factorial(self.degree))
        for i in range(self.degree - 1, last - 1, -1):
            total = self.multiply_add(total, r, self.number(1 / math.factorial(i)))
        return total

    def times_power(self, value, shifted):
        """value · 2ᵏ, by the bits of its exponent."""
        bits = self.builder.bitcast(value, self.whole)
        power = self.builder.shl(self.builder.bitcast(shifted, self.whole), ir.Constant(self.whole, self.places))
        return self.builder.bitcast(self.builder.add(bits, power), self.real)

    def within(self, x, result, below, above):
        """The result where x is between the limits; NaN stays."""
        builder = self.builder
        result = builder.select(builder.fcmp_ordered("<", x, self.number(self.least)), self.number(below), result)
        result = builder.select(builder.fcmp_ordered(">", x, self.number(self.most)), self.number(above), result)
        return builder.select(builder.fcmp_unordered("uno", x, x), x, result)


@intrinsic
def exp(ctx, x):
    """eˣ."""

    def generate(context, builder, signature, args):
        on = Arithmetic(builder, signature.return_type == types.float32)
        r, shifted = on.split(args[0])
        return on.within(args[0], on.times_power(on.polynomial(r, 0), shifted), 0.0, math.inf)

    return x(x), generate


@intrinsic
def expm1(ctx, x):
    """eˣ − 1 = 2 (2ᵏ⁻¹ (eʳ − 1) + (2ᵏ⁻¹ − ½)), with all its digits also where x is small, and no overflow before its own."""

    def generate(context, builder, signature, args):
        on = Arithmetic(builder, signature.return_type == types.float32)
        r, shifted = on.split(args[0])
        power = on.times_power(on.number(0.5), shifted)
        less_one = on.multiply_add(builder.fmul(r, r), on.polynomial(r, 2), r)
        result = on.multiply_add(less_one, power, builder.fsub(power, on.number(0.5)))
        result = builder.fadd(result, result)
        return on.within(args[0], result, -1.0, math.inf)

    return x(x), generate
