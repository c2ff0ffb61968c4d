#include "verify.h"

#include "activation.h"
#include "naive.h"

#include <math.h>
#include <string.h>

static const double rounding = 0x1p-24; /* half a unit in the last place of 1 */

/* A value and how far from it a correct result may be. */
typedef struct estimate {
  double value, bound;
} estimate;

/* The rounding errors of a sum grow with its partial sums; they are as likely up as down, so that
 * they add up to no more than the root of their number, whatever the order of the sum. Of
 * transformed tiles (see "Accuracy" in blasconv.h) all elements have the errors of at least so
 * large a sum. */
static estimate estimate_of(bench_naive_sum sum, double least)
{
  const double magnitude = fmax(least, sum.magnitude);
  return (estimate){sum.value, rounding * magnitude * (8.0 + 2.0 * sqrt((double)sum.terms))};
}

static estimate add(estimate e, double number)
{
  const double sum = e.value + number;
  return (estimate){sum, e.bound + 2.0 * rounding * (fabs(sum) + fabs(e.value))};
}

static estimate scale(estimate e, double factor)
{
  const double product = e.value * factor;
  return (estimate){product, e.bound * fabs(factor) + 2.0 * rounding * fabs(product)};
}

/* No activation is steeper than 1.2, or than alpha; each keeps within a few units in the last place
 * of the result or, the GELUs, of an eighth of the input. */
static estimate activate(estimate e, blasconv_activation activation)
{
  if (activation.kind == BLASCONV_IDENTITY)
    return e;
  const double steepest = fmax(1.2, fabs((double)activation.alpha));
  const double result = bench_activation(activation, e.value);
  return (estimate){result, steepest * e.bound +
                                8.0 * rounding * (fabs(result) + fabs(e.value) / 8.0) + 0x1p-146};
}

/* The element that lies at `index` of the output. */
static estimate finish(const bench_claim *claim, int64_t channel, int64_t index, estimate e)
{
  const bench_operands *operands = claim->operands;
  const float *bias = operands->data[BENCH_BIAS], *factors = operands->data[BENCH_SCALE],
              *shift = operands->data[BENCH_SHIFT], *residual = operands->data[BENCH_RESIDUAL];
  if (bias != NULL)
    e = add(e, (double)bias[channel]);
  if (factors != NULL)
    e = add(scale(e, (double)factors[channel]), (double)shift[channel]);
  if (claim->options->residual == BLASCONV_RESIDUAL_BEFORE_ACTIVATION)
    e = add(e, (double)residual[index]);
  e = activate(e, claim->options->activation);
  if (claim->options->residual == BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    e = add(e, (double)residual[index]);
  return e;
}

/* ---------------------------------------------------------------------------------------------
 * Elements
 * ------------------------------------------------------------------------------------------ */

/* A tensor that was written, and how its elements are computed. */
typedef struct written {
  const bench_claim *claim;
  const bench_naive *naive;
  const bench_naive_tensor *tensor;
  bench_naive_sum (*sum)(const bench_naive *naive, bench_naive_place place);
  const float *data, *before;
  int64_t count;
  bool epilogue;
  double least; /* magnitude that sums are taken to have at least */
} written;

static estimate expect(const written *w, int64_t index)
{
  const bench_naive_place place = bench_naive_find(w->tensor, index);
  estimate e = estimate_of(w->sum(w->naive, place), w->least);
  if (w->before != NULL)
    e = add(e, (double)w->before[index]);
  return w->epilogue ? finish(w->claim, place.channel, index, e) : e;
}

static const bench_verdict nothing = {.right = true, .share = -1.0};

/* Keeps the worse of two. */
static void take_worse(const bench_verdict *other, bench_verdict *verdict)
{
  verdict->right = verdict->right && other->right;
  verdict->checked += other->checked;
  if (other->share <= verdict->share)
    return;
  verdict->error = other->error;
  verdict->bound = other->bound;
  verdict->share = other->share;
}

static void compare(estimate expected, float result, bench_verdict *verdict)
{
  const double error = fabs((double)result - expected.value);
  const bool right = error <= expected.bound; /* not if it is NaN */
  const double share = error == 0.0 ? 0.0 : error / expected.bound;
  const bench_verdict own = {.right = right,
                             .error = error,
                             .bound = expected.bound,
                             .share = isnan(share) ? INFINITY : share,
                             .checked = 1};
  take_worse(&own, verdict);
}

/* Scrambles the bits of a number. */
static uint64_t scramble(uint64_t bits)
{
  bits = (bits ^ bits >> 31) * UINT64_C(0x9E3779B97F4A7C15);
  return bits ^ bits >> 29;
}

/* One element, drawn at random, of every `step`. */
static void check_elements(const written *w, int64_t step, bench_verdict *verdict)
{
  const int64_t pieces = w->count / step + (w->count % step != 0);
#pragma omp parallel default(none) shared(w, step, verdict, pieces, nothing)
  {
    bench_verdict own = nothing;
#pragma omp for schedule(dynamic, 16)
    for (int64_t i = 0; i < pieces; ++i) {
      const int64_t begin = i * step, room = w->count - begin < step ? w->count - begin : step;
      const int64_t index = begin + (int64_t)(scramble((uint64_t)i + 1) % (uint64_t)room);
      compare(expect(w, index), w->data[index], &own);
    }
#pragma omp critical
    take_worse(&own, verdict);
  }
}

/* Four times the largest magnitude of some sums, or 0 for an algorithm that needs no more than the
 * element's own. */
static double least_magnitude(const written *w)
{
  enum { SAMPLES = 2000 };
  const int64_t step = w->count / SAMPLES + 1;
  double largest = 0.0;
  if (strcmp(w->claim->algorithm, "winograd") != 0)
    return 0.0;
  for (int64_t index = 0; index < w->count; index += step)
    largest = fmax(largest, w->sum(w->naive, bench_naive_find(w->tensor, index)).magnitude);
  return 4.0 * largest;
}

static bool all_finite(const float *data, int64_t count)
{
  int64_t wrong = 0;
#pragma omp parallel for default(none) shared(data, count) reduction(+ : wrong) schedule(static)
  for (int64_t i = 0; i < count; ++i)
    wrong += !isfinite(data[i]);
  return wrong == 0;
}

/* ---------------------------------------------------------------------------------------------
 * Tensors
 * ------------------------------------------------------------------------------------------ */

static written written_of(const bench_claim *claim, const bench_naive *naive)
{
  const int tensor = bench_written(claim->pass);
  written w = {.claim = claim,
               .naive = naive,
               .data = claim->operands->data[tensor],
               .before = claim->options->accumulate ? claim->before : NULL,
               .count = claim->operands->count[tensor],
               .epilogue = claim->pass == BLASCONV_FORWARD};
  switch (bench_direct_pass(claim->problem, claim->pass)) {
  case BLASCONV_FORWARD:
    w.tensor = &naive->y, w.sum = bench_naive_y;
    break;
  case BLASCONV_BACKWARD_DATA:
    w.tensor = &naive->x, w.sum = bench_naive_x;
    break;
  case BLASCONV_BACKWARD_WEIGHTS:
    w.tensor = &naive->w, w.sum = bench_naive_w;
    break;
  }
  return w;
}

static void check_bias(const bench_claim *claim, const bench_naive *naive, bench_verdict *verdict)
{
  const bool transposed = claim->problem->direction == BLASCONV_TRANSPOSED;
  const bench_naive_tensor *output = transposed ? &naive->x : &naive->y;
  for (int64_t channel = 0; channel < output->channels; ++channel) {
    estimate e = estimate_of(bench_naive_channel(output, naive->batch, channel), 0.0);
    if (claim->options->accumulate)
      e = add(e, (double)claim->bias_before[channel]);
    compare(e, claim->operands->data[BENCH_BIAS][channel], verdict);
  }
  verdict->count += output->channels;
}

bench_verdict bench_verify(const bench_claim *claim)
{
  static const double budget = 3e8; /* products */
  const bench_naive naive = bench_naive_of(claim->problem, claim->operands);
  written w = written_of(claim, &naive);
  w.least = least_magnitude(&w);
  bench_verdict verdict = nothing;
  verdict.count = w.count;
  check_elements(&w, (int64_t)(bench_multiplications(claim->problem) / budget) + 1, &verdict);
  if (claim->pass == BLASCONV_BACKWARD_WEIGHTS && claim->operands->data[BENCH_BIAS] != NULL)
    check_bias(claim, &naive, &verdict);
  if (!all_finite(w.data, w.count)) {
    verdict.right = false;
    verdict.error = NAN;
  }
  return verdict;
}
