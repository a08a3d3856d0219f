"""The fixed parts of an exported C file. `REAL` stands for the type that a network calculates in, `{f}` for its suffix."""

ELEMENTWISE = {
    "step": "static REAL step(REAL x) { return x > 0 ? 1 : 0; }",
    "sigmoid": """static REAL sigmoid(REAL x)
{
    REAL small = exp{f}(-fabs{f}(x));
    return (x >= 0 ? 1 : small) / (1 + small);
}""",
    "tanh": "static REAL hyperbolic_tangent(REAL x) { return tanh{f}(x); }",
    "relu": "static REAL relu(REAL x) { return x > 0 ? x : 0; }",
    "leaky_relu": "static REAL leaky_relu(REAL x, REAL slope) { return x > 0 ? x : slope * x; }",
    "elu": "static REAL elu(REAL x, REAL alpha) { return x > 0 ? x : alpha * expm1{f}(x); }",
    "selu": """static REAL selu(REAL x)
{
    const REAL scale = (REAL)1.0507009873554805, alpha = (REAL)1.6732632423543772;
    return x > 0 ? scale * x : scale * alpha * expm1{f}(x);
}""",
    "softplus": "static REAL softplus(REAL x) { return (x > 0 ? x : 0) + log1p{f}(exp{f}(-fabs{f}(x))); }",
    "gelu": "static REAL gelu(REAL x) { return x * ((REAL)0.5 * (1 + erf{f}(x * (REAL)0.7071067811865476))); }",
    "gelu_tanh": """static REAL gelu_tanh(REAL x)
{
    REAL z = x < -20 ? -20 : x > 20 ? 20 : x;
    return x * ((REAL)0.5 * (1 + tanh{f}((REAL)0.7978845608028654 * (z + (REAL)0.044715 * z * z * z))));
}""",
    "silu": """static REAL silu(REAL x)
{
    REAL small = exp{f}(-fabs{f}(x));
    return x * ((x >= 0 ? 1 : small) / (1 + small));
}""",
    "mish": """static REAL mish(REAL x)
{
    REAL e = exp{f}(x < 40 ? x : 40), n = e * (e + 2);
    return x * (n / (n + 2));
}""",
    "smooth_clip": "static REAL smooth_clip(REAL x, REAL limit) { return x / hypot{f}(1, x / limit); }",
    "exp": "static REAL exponential(REAL x) { return exp{f}(x); }",
}

NAMES = {name: name for name in ELEMENTWISE} | {"tanh": "hyperbolic_tangent", "exp": "exponential"}
"""What they are called in C, where some names are taken by math.h."""

ROWS = {
    "dense": """/* y = x W + b, eight rows of W at a time: quick, and sums of pairs lose less to rounding. */
static void dense(
    const REAL *restrict x, const REAL *restrict weight, const REAL *bias, REAL *restrict y, int inputs, int outputs)
{
    int i, j;
    const REAL *w = weight;
    for (j = 0; j < outputs; j++) y[j] = bias ? bias[j] : 0;
    for (i = 0; i + 8 <= inputs; i += 8, x += 8, w += 8 * (long)outputs) {
        const REAL *w1 = w + outputs, *w2 = w1 + outputs, *w3 = w2 + outputs;
        const REAL *w4 = w3 + outputs, *w5 = w4 + outputs, *w6 = w5 + outputs, *w7 = w6 + outputs;
        REAL x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3], x4 = x[4], x5 = x[5], x6 = x[6], x7 = x[7];
        for (j = 0; j < outputs; j++)
            y[j] += ((x0 * w[j] + x1 * w1[j]) + (x2 * w2[j] + x3 * w3[j]))
                  + ((x4 * w4[j] + x5 * w5[j]) + (x6 * w6[j] + x7 * w7[j]));
    }
    for (; i < inputs; i++, x++, w += outputs)
        for (j = 0; j < outputs; j++) y[j] += x[0] * w[j];
}""",
    "softmax": """/* Probabilities of each row of `width` scores. */
static void softmax(REAL *x, int rows, int width)
{
    int i;
    for (; rows > 0; rows--, x += width) {
        REAL largest = x[0], sum = 0;
        for (i = 1; i < width; i++) if (x[i] > largest) largest = x[i];
        for (i = 0; i < width; i++) sum += x[i] = exp{f}(x[i] - largest);
        for (i = 0; i < width; i++) x[i] /= sum;
    }
}""",
    "normalize": """/* Mean 0 and variance 1 of each row of `width` numbers, then a gain and an offset. */
static void normalize(REAL *x, const REAL *gamma, const REAL *beta, REAL eps, int rows, int width)
{
    int i;
    for (; rows > 0; rows--, x += width) {
        REAL mean = 0, variance = 0;
        for (i = 0; i < width; i++) mean += x[i];
        mean /= width;
        for (i = 0; i < width; i++) x[i] -= mean, variance += x[i] * x[i];
        variance = 1 / sqrt{f}(variance / width + eps);
        for (i = 0; i < width; i++) x[i] = x[i] * variance * gamma[i] + beta[i];
    }
}""",
}

CHECK = """#ifdef MODEL_CHECK
/* Compile with -DMODEL_CHECK for a program that compares with what the model said when it was exported. */
#include <stdio.h>

{golden}

static double model_check(void)
{
    double worst = 0;
    int row, i;
    for (row = 0; row < MODEL_GOLDEN_ROWS; row++) {
        float y[MODEL_VALUES];
        model_predict(model_golden_x + (long)row * MODEL_INPUTS, y);
        for (i = 0; i < MODEL_VALUES; i++) {
            double wanted = model_golden_y[row * MODEL_VALUES + i];
            double difference = fabs(y[i] - wanted) / (fabs(wanted) > 1 ? fabs(wanted) : 1);
            if (difference != difference) return difference;
            if (difference > worst) worst = difference;
        }
    }
    return worst;
}

int main(void)
{
    double worst = model_check();
    printf("%d golden rows, largest difference %.1e\\n", MODEL_GOLDEN_ROWS, worst);
    return worst <= MODEL_TOLERANCE ? 0 : 1;
}
#endif"""

CLASS = {
    "classes": """int model_class(const float *x)
{
    REAL s[MODEL_OUTPUTS];
    int i, best = 0;
    scores(x, s);
    for (i = 1; i < MODEL_OUTPUTS; i++) if (s[i] > s[best]) best = i;
    return best;
}""",
    "two": """int model_class(const float *x)
{
    REAL s[1];
    scores(x, s);
    return s[0] > (REAL){threshold} ? 1 : 0;
}""",
    "attributes": """void model_decide(const float *x, int *yes)
{
    REAL s[MODEL_OUTPUTS];
    int i;
    scores(x, s);
    for (i = 0; i < MODEL_OUTPUTS; i++) yes[i] = s[i] > (REAL){threshold} ? 1 : 0;
}""",
    "numbers": "",
}

DECLARED = {
    "classes": "int model_class(const float *x);                  /* the number of the likeliest class, from 0 */",
    "two": "int model_class(const float *x);                  /* 0 or 1 */",
    "attributes": "void model_decide(const float *x, int *yes);       /* 1 or 0 for each of MODEL_OUTPUTS attributes */",
    "numbers": "",
}
