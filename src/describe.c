/* A plan in plain English. */
#include "plan.h"
#include "planning/candidates.h"
#include "writer.h"

#include <inttypes.h>
#include <math.h>

static void put_extents(bc_writer *out, const int64_t *extents, int32_t rank)
{
  for (int32_t i = 0; i < rank; ++i)
    bc_write(out, "%s%" PRId64, i == 0 ? "" : "x", extents[i]);
}

static void put_sizes(bc_writer *out, const char *name, const int64_t *sizes, int32_t rank)
{
  bc_write(out, "%s", name);
  put_extents(out, sizes, rank);
}

static const char *layout_name(const blasconv_problem *problem)
{
  static const char *const names[][BLASCONV_MAX_RANK] = {
      [BLASCONV_NCHW] = {"NCW", "NCHW", "NCDHW"}, [BLASCONV_NHWC] = {"NWC", "NHWC", "NDHWC"}};
  return names[problem->layout][problem->rank - 1];
}

static void put_problem(bc_writer *out, const blasconv_plan *plan)
{
  static const char *const passes[] = {"forward", "backward data", "backward weights"};
  const blasconv_problem *p = &plan->problem;
  const bool transposed = p->direction == BLASCONV_TRANSPOSED;
  int64_t output[BLASCONV_MAX_RANK];
  (void)blasconv_problem_output(p, output); /* the plan's problem is a good one */
  bc_write(out, "problem: %s%s, %s, batch %" PRId64 ", %" PRId64 "x", passes[plan->pass],
           transposed ? " of a transposed convolution" : "", layout_name(p), p->batch,
           p->in_channels);
  put_extents(out, p->input, p->rank);
  bc_write(out, " -> %" PRId64 "x", p->out_channels);
  put_extents(out, output, p->rank);
  bc_write(out, ", groups %" PRId64 "\n", p->groups);
  put_sizes(out, "kernel: ", p->kernel, p->rank);
  put_sizes(out, ", strides ", p->strides, p->rank);
  put_sizes(out, ", dilations ", p->dilations, p->rank);
  put_sizes(out, ", pads ", p->pads_begin, p->rank);
  put_sizes(out, " and ", p->pads_end, p->rank);
  if (transposed)
    put_sizes(out, ", output padding ", p->output_padding, p->rank);
  bc_write(out, "\n");
}

static void put_block(bc_writer *out, const char *name, int64_t size)
{
  if (size > 0)
    bc_write(out, " %s %" PRId64, name, size);
}

/* Products that are summed into an element of what the pass writes. */
static int64_t count_terms(const blasconv_plan *plan)
{
  const bc_geometry *g = &plan->geometry;
  switch (plan->request.pass) {
  case BLASCONV_FORWARD:
    return g->patch_rows;
  case BLASCONV_BACKWARD_DATA:
    return g->out_channels * g->taps;
  default:
    return g->batch * g->out_pixels;
  }
}

/* See "Accuracy" in blasconv.h. */
static void put_error(bc_writer *out, const blasconv_plan *plan)
{
  const double unit = 0x1p-24, growth = plan->algorithm->error_growth;
  const double sum = unit * (8.0 + 2.0 * sqrt((double)count_terms(plan)));
  bc_write(out, "error: below %.2g of the sum of absolute products of %s\n",
           growth > 0.0 ? growth * sum : sum,
           growth > 0.0 ? "the largest element" : "the element itself");
}

static void put_schedule(bc_writer *out, const blasconv_plan *plan)
{
  const bc_schedule *schedule = &plan->schedule;
  bc_write(out, "algorithm: %s%s%s\n", plan->algorithm->name, plan->request.exact ? ", exact" : "",
           plan->request.accumulate ? ", accumulating" : "");
  put_error(out, plan);
  bc_write(out, "blocks:");
  put_block(out, "filters", schedule->blocks.filters);
  put_block(out, "channels", schedule->blocks.channels);
  put_block(out, "depth", schedule->blocks.depth);
  put_block(out, "pixels", schedule->blocks.pixels);
  put_block(out, "images", schedule->blocks.images);
  put_block(out, "bands", schedule->blocks.bands > 1 ? schedule->blocks.bands : 0);
  put_block(out, "slots", schedule->blocks.slots);
  bc_write(out, " tasks %" PRId64 "\n", schedule->tasks);
  bc_write(out, "threads: %d\n", plan->threads);
  bc_write(out, "workspace: %zu bytes (%zu shared, %zu a thread)\n",
           blasconv_plan_workspace_size(plan), schedule->workspace.shared_bytes,
           schedule->workspace.thread_bytes);
}

/* Why the plan has its algorithm. */
static void put_decision(bc_writer *out, const blasconv_plan *plan)
{
  static const char *const bases[] = {[BC_BY_NAME] = "asked for by name, by estimate",
                                      [BC_FROM_CHOICES] = "taken from the choices, measured at",
                                      [BC_BY_MEASURING] = "by measuring, at best",
                                      [BC_BY_ESTIMATE] = "by estimate,"};
  const bool expected =
      plan->decision.basis == BC_BY_NAME || plan->decision.basis == BC_BY_ESTIMATE;
  bc_write(out, "choice: %s %.3g ms%s\n", bases[plan->decision.basis], 1e3 * plan->decision.seconds,
           expected ? " on one thread" : "");
}

/* Why the plan does not have the algorithm of that row. */
static void put_other(bc_writer *out, const blasconv_plan *plan, size_t row)
{
  static const char *const words[] = {
      [BC_BY_NAME] = "it could serve, but another was asked for by name; by estimate",
      [BC_FROM_CHOICES] = "it could serve, but another was chosen before; by estimate",
      [BC_BY_MEASURING] = "much slower by estimate, or no time to measure it;",
      [BC_BY_ESTIMATE] = "no faster by estimate,"};
  const bc_algorithm *other = bc_registry_row(row);
  const double measured = plan->decision.measured[row];
  bc_candidate candidate;
  const char *reason;
  if (bc_candidate_make(plan, other, &candidate, &reason) != BLASCONV_SUCCESS)
    bc_write(out, "not %s: %s\n", other->name, reason);
  else if (measured > 0.0)
    bc_write(out, "not %s: slower when measured, at best %.3g ms\n", other->name, 1e3 * measured);
  else
    bc_write(out, "not %s: %s %.3g ms on one thread\n", other->name, words[plan->decision.basis],
             1e3 * candidate.seconds);
}

size_t blasconv_plan_describe(const blasconv_plan *plan, char *text, size_t size)
{
  bc_writer out = bc_writer_start(text, size);
  if (plan == NULL)
    return 0;
  put_problem(&out, plan);
  put_schedule(&out, plan);
  put_decision(&out, plan);
  bc_write(&out, "library: %s\n", blasconv_version_string());
  for (size_t i = 0; bc_registry_row(i) != NULL; ++i)
    if (bc_registry_row(i) != plan->algorithm)
      put_other(&out, plan, i);
  return out.length;
}
