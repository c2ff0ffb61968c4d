#include "prove.h"

#include "execution.h"
#include "measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct range {
  int64_t begin, count;
} range;

/* A part of a convolution that is a convolution itself. Filters and channels count within a group;
 * if there is more than one group in the part, each is there with all that the pass sums over. */
typedef struct part {
  range images, groups, filters, channels;
} part;

/* Where the part lies in a tensor seen as [extents[0]][extents[1]][extents[2]][pixels]. */
typedef struct view {
  int64_t extents[3];
  range ranges[3];
  int64_t pixels;
} view;

static view view_tensor(const bench_sizes *s, const part *p, int tensor)
{
  switch (tensor) {
  case BENCH_INPUT:
    return (view){
        {s->batch, s->groups, s->channels}, {p->images, p->groups, p->channels}, s->in_pixels};
  case BENCH_WEIGHTS:
    return (view){
        {s->groups, s->filters, s->channels}, {p->groups, p->filters, p->channels}, s->taps};
  default:
    return (view){
        {s->batch, s->groups, s->filters}, {p->images, p->groups, p->filters}, s->out_pixels};
  }
}

/* Copies the part out of a whole tensor into one of its own. */
static void gather(view v, const float *whole, float *out)
{
  const int64_t row = v.ranges[2].count * v.pixels;
  for (int64_t i = 0; i < v.ranges[0].count; ++i)
    for (int64_t j = 0; j < v.ranges[1].count; ++j) {
      const int64_t outer = v.ranges[0].begin + i, middle = v.ranges[1].begin + j;
      const float *from =
          whole + ((outer * v.extents[1] + middle) * v.extents[2] + v.ranges[2].begin) * v.pixels;
      memcpy(out, from, (size_t)row * sizeof *out);
      out += row;
    }
}

static blasconv_problem problem_of(const blasconv_problem *whole, const part *p)
{
  blasconv_problem problem = *whole;
  problem.batch = p->images.count;
  problem.groups = p->groups.count;
  problem.in_channels = p->groups.count * p->channels.count;
  problem.out_channels = p->groups.count * p->filters.count;
  return problem;
}

/* ---------------------------------------------------------------------------------------------
 * Which part
 * ------------------------------------------------------------------------------------------ */

/* `reference` works in tasks of equal cost: an output map, a map of the input's gradient, or the
 * gradient of one channel of one filter. */
static int64_t task_cost(const bench_sizes *s, blasconv_pass pass)
{
  const int64_t costs[] = {
      [BLASCONV_FORWARD] = s->channels * s->taps * s->out_pixels,
      [BLASCONV_BACKWARD_DATA] = s->filters * s->taps * s->in_pixels,
      [BLASCONV_BACKWARD_WEIGHTS] = s->batch * s->taps * s->out_pixels,
  };
  return costs[pass];
}

static int64_t part_tasks(const part *p, blasconv_pass pass)
{
  const int64_t groups = p->groups.count;
  const int64_t counts[] = {
      [BLASCONV_FORWARD] = p->images.count * groups * p->filters.count,
      [BLASCONV_BACKWARD_DATA] = p->images.count * groups * p->channels.count,
      [BLASCONV_BACKWARD_WEIGHTS] = groups * p->filters.count * p->channels.count,
  };
  return counts[pass];
}

static part whole_part(const bench_sizes *s)
{
  return (part){{0, s->batch}, {0, s->groups}, {0, s->filters}, {0, s->channels}};
}

/* Cuts the range to what is left of the tasks, and the tasks to what is left after it. */
static void take(range *r, int64_t *tasks)
{
  r->count = r->count < *tasks ? r->count : *tasks;
  *tasks /= r->count;
}

/* Moves a range that begins at 0 to the end of its extent. */
static void move_to_end(range *r, int64_t extent)
{
  r->begin = extent - r->count;
}

/* A sample of some tasks, from the beginning of the tensors. */
static part sample_part(const bench_sizes *s, blasconv_pass pass, int64_t tasks)
{
  part p = whole_part(s);
  if (pass != BLASCONV_FORWARD)
    take(&p.channels, &tasks);
  if (pass != BLASCONV_BACKWARD_DATA)
    take(&p.filters, &tasks);
  take(&p.groups, &tasks);
  if (pass != BLASCONV_BACKWARD_WEIGHTS)
    take(&p.images, &tasks);
  return p;
}

static void move_part_to_end(part *p, const bench_sizes *s)
{
  move_to_end(&p->images, s->batch);
  move_to_end(&p->groups, s->groups);
  move_to_end(&p->filters, s->filters);
  move_to_end(&p->channels, s->channels);
}

/* ---------------------------------------------------------------------------------------------
 * Comparison
 * ------------------------------------------------------------------------------------------ */

/* A dot product of `length` products in single precision against one in double: roundings are as
 * likely up as down, so the error grows with the root of the length. */
static double tolerance(const bench_sizes *s, blasconv_pass pass)
{
  const int64_t lengths[] = {
      [BLASCONV_FORWARD] = s->channels * s->taps,
      [BLASCONV_BACKWARD_DATA] = s->filters * s->taps,
      [BLASCONV_BACKWARD_WEIGHTS] = s->batch * s->out_pixels,
  };
  const double rounding = 0x1p-24;
  return 2.0 * rounding * (4.0 + sqrt((double)lengths[pass]));
}

/* Largest absolute value of data [count], NaN if one of them is. */
static double largest(const float *data, int64_t count)
{
  double max = 0.0;
  for (int64_t i = 0; i < count; ++i) {
    const double value = fabs((double)data[i]);
    if (isnan(value))
      return NAN;
    max = value > max ? value : max;
  }
  return max;
}

/* What is to be proved. */
typedef struct claim {
  const blasconv_problem *problem;
  bench_sizes sizes;
  blasconv_pass pass;
  int threads;
  const bench_operands *operands;
} claim;

/* result and expected [count]; `result` is overwritten by the differences. */
static void compare(const claim *claimed, float *result, const float *expected, int64_t count,
                    bench_proof *proof)
{
  const double scale = largest(expected, count);
  const double allowed = tolerance(&claimed->sizes, claimed->pass) * scale;
  for (int64_t i = 0; i < count; ++i)
    result[i] -= expected[i];
  const double error = largest(result, count);
  proof->right = error <= allowed; /* not if it is NaN */
  if (!proof->right)
    snprintf(proof->reason, sizeof proof->reason,
             "differs from reference by %.3g in %.3g, allowed are %.3g", error, scale, allowed);
}

/* Computes the pass by `reference`. Returns the seconds it took, NaN if it failed. */
static double run_reference(const blasconv_problem *problem, blasconv_pass pass, int threads,
                            const bench_operands *operands)
{
  const blasconv_options options = bench_plan_options("reference", threads);
  blasconv_plan *plan = NULL;
  if (blasconv_plan_create(problem, pass, &options, &plan) != BLASCONV_SUCCESS)
    return NAN;
  const blasconv_arguments arguments = bench_operands_arguments(operands, pass);
  const double begin = bench_now();
  const blasconv_status status = blasconv_plan_execute(plan, &arguments, NULL, 0);
  const double end = bench_now();
  blasconv_plan_destroy(plan);
  return status == BLASCONV_SUCCESS ? end - begin : NAN;
}

/* Computes the part by `reference`, compares, and adds the time it took. */
static void prove_part(const claim *claimed, const part *p, bench_proof *proof)
{
  const blasconv_problem problem = problem_of(claimed->problem, p);
  const int written = bench_written(claimed->pass);
  bench_operands naive = bench_operands_allocate(&problem, 0);
  for (int t = 0; t < BENCH_TENSORS; ++t)
    if (t != written)
      gather(view_tensor(&claimed->sizes, p, t), claimed->operands->data[t], naive.data[t]);
  proof->naive_seconds += run_reference(&problem, claimed->pass, claimed->threads, &naive);
  float *result = bench_floats(naive.count[written]);
  gather(view_tensor(&claimed->sizes, p, written), claimed->operands->data[written], result);
  if (isnan(proof->naive_seconds))
    snprintf(proof->reason, sizeof proof->reason, "reference failed");
  else
    compare(claimed, result, naive.data[written], naive.count[written], proof);
  free(result);
  bench_operands_free(&naive);
}

bench_proof bench_prove(const blasconv_problem *problem, blasconv_pass pass, int threads,
                        const bench_operands *operands)
{
  static const int64_t budget = 20 * 1000 * 1000; /* multiplications a thread */
  const claim claimed = {problem, bench_sizes_of(problem), pass, threads, operands};
  const part whole = whole_part(&claimed.sizes);
  const int64_t share = budget / task_cost(&claimed.sizes, pass);
  part sample = sample_part(&claimed.sizes, pass, threads * (share > 0 ? share : 1));
  const int64_t all_tasks = part_tasks(&whole, pass), tasks = part_tasks(&sample, pass);
  const int written = bench_written(pass);
  bench_proof proof = {.right = false};
  if (!isfinite(largest(operands->data[written], operands->count[written]))) {
    snprintf(proof.reason, sizeof proof.reason, "part of the result is not a finite number");
    return proof;
  }
  int samples = 1;
  prove_part(&claimed, &sample, &proof);
  if (proof.right && tasks < all_tasks) {
    move_part_to_end(&sample, &claimed.sizes);
    prove_part(&claimed, &sample, &proof);
    ++samples;
  }
  proof.naive_seconds *= (double)all_tasks / (double)(tasks * samples);
  return proof;
}
