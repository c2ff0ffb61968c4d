/* Pooling and its gradient over whole tensors: map by map, or in NHWC row by row. Both are done in
 * kernels/, see pooling.h. */
#include "kernels/pooling.h"
#include "cpu.h"
#include "kernels/kernels.h"
#include "parallel.h"
#include "plan.h"

#include <blasconv/train.h>

typedef struct pooling_context {
  bc_pooling pooling;
  const bc_max_pooling_kernels *max;
  const bc_average_pooling_kernels *average;
  const bc_channel_pooling_kernels *by_channels;
  blasconv_pooling_kind kind;
  int64_t units, units_per_task;           /* maps, or rows of what is written of all images */
  int64_t channels, in_pixels, out_pixels; /* of an image */
  int64_t rows;                            /* that are written of an image */
  const float *input, *output_gradient;    /* the second for the backward pass, else NULL */
  float *output, *input_gradient;          /* likewise */
  const int32_t *winners;
  int32_t *new_winners;
} pooling_context;

/* Output columns whose windows lie between the left and the right edge, if they are enough. */
static bc_range columns_inside(const bc_axis *width)
{
  const bc_range inside = {bc_axis_inside(width, 0).begin,
                           bc_axis_inside(width, width->kernel - 1).end};
  return bc_range_length(inside) >= BC_POOLING_LEAST_RUN ? inside : (bc_range){0, 0};
}

static bool halves(const bc_axis *axis)
{
  return axis->kernel == 2 && axis->stride == 2 && axis->dilation == 1 && axis->pad_begin == 0 &&
         axis->pad_end == 0;
}

static bool has_halving_kernels(const bc_geometry *geometry)
{
  const bc_axis *width = &geometry->axes[BC_WIDTH];
  return halves(&geometry->axes[BC_HEIGHT]) && halves(width) &&
         width->output >= BC_POOLING_LEAST_RUN;
}

static blasconv_status check_common(const blasconv_problem *problem, blasconv_pooling_kind kind,
                                    const int32_t *winners, int32_t asked, int *threads,
                                    bc_geometry *geometry)
{
  const blasconv_status status = bc_pooling_check(problem, geometry);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (kind != BLASCONV_POOLING_MAX && kind != BLASCONV_POOLING_AVERAGE &&
      kind != BLASCONV_POOLING_AVERAGE_ALL_TAPS)
    return BLASCONV_BAD_ARGUMENT;
  if (!bc_threads_check(asked, threads))
    return BLASCONV_BAD_SIZE;
  if (winners != NULL && kind != BLASCONV_POOLING_MAX)
    return BLASCONV_WRONG_TENSORS;
  if (winners != NULL && geometry->in_pixels > INT32_MAX)
    return BLASCONV_BAD_SIZE;
  return BLASCONV_SUCCESS;
}

static pooling_context context_of(const bc_geometry *geometry, blasconv_pooling_kind kind)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const bool halving = has_halving_kernels(geometry);
  return (pooling_context){.pooling = {.height = geometry->axes[BC_HEIGHT],
                                       .width = geometry->axes[BC_WIDTH],
                                       .inside = columns_inside(&geometry->axes[BC_WIDTH]),
                                       .all_taps = kind == BLASCONV_POOLING_AVERAGE_ALL_TAPS},
                           .max = halving ? kernels->max_halving : kernels->max_pooling,
                           .average = halving ? kernels->average_halving : kernels->average_pooling,
                           .by_channels = kernels->channel_pooling,
                           .kind = kind,
                           .channels = geometry->groups,
                           .in_pixels = geometry->in_pixels,
                           .out_pixels = geometry->out_pixels};
}

static void run_maps(const bc_geometry *g, int threads, bc_task *task, pooling_context *c)
{
  c->units = g->batch * g->groups;
  c->units_per_task = bc_count_blocks(BC_TASK_ELEMENTS, g->in_pixels);
  bc_parallel_for(threads, bc_count_blocks(c->units, c->units_per_task), task, c);
}

static void run_rows(const bc_geometry *g, int64_t rows, int threads, bc_task *task,
                     pooling_context *c)
{
  c->rows = rows;
  c->units = g->batch * rows;
  c->units_per_task = bc_count_blocks(BC_TASK_ELEMENTS * rows, g->in_pixels * g->groups);
  bc_parallel_for(threads, bc_count_blocks(c->units, c->units_per_task), task, c);
}

/* Rows of one image. */
typedef struct band {
  int64_t image;
  bc_range rows;
} band;

/* The next of a task's units. */
static band next_band(const pooling_context *c, bc_range units, int64_t *next)
{
  const int64_t image = *next / c->rows, before = image * c->rows, begin = *next - before;
  *next = bc_min(units.end, before + c->rows);
  return (band){image, {begin, *next - before}};
}

/* ---- forward ---- */

static void forward_maps(void *context, int64_t task, int thread)
{
  (void)thread;
  const pooling_context *c = context;
  const bc_range maps = bc_block(task, c->units_per_task, c->units);
  for (int64_t map = maps.begin; map < maps.end; ++map) {
    const float *image = c->input + map * c->in_pixels;
    float *output = c->output + map * c->out_pixels;
    if (c->kind != BLASCONV_POOLING_MAX)
      c->average->average(&c->pooling, image, output);
    else if (c->new_winners != NULL)
      c->max->max_winners(&c->pooling, image, output, c->new_winners + map * c->out_pixels);
    else
      c->max->max(&c->pooling, image, output);
  }
}

static void forward_rows(void *context, int64_t task, int thread)
{
  (void)thread;
  const pooling_context *c = context;
  const bc_range units = bc_block(task, c->units_per_task, c->units);
  for (int64_t next = units.begin; next < units.end;) {
    const band b = next_band(c, units, &next);
    const float *image = c->input + b.image * c->in_pixels * c->channels;
    const int64_t at = b.image * c->out_pixels * c->channels;
    if (c->kind != BLASCONV_POOLING_MAX)
      c->by_channels->average(&c->pooling, c->channels, b.rows, image, c->output + at);
    else
      c->by_channels->max(&c->pooling, c->channels, b.rows, image, c->output + at,
                          c->new_winners ? c->new_winners + at : NULL);
  }
}

blasconv_status blasconv_pooling_forward(const blasconv_problem *problem,
                                         blasconv_pooling_kind kind, const float *input,
                                         int32_t threads, float *output, int32_t *winners)
{
  int team;
  bc_geometry geometry;
  const blasconv_status status = check_common(problem, kind, winners, threads, &team, &geometry);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (geometry.batch > 0 && (input == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  pooling_context context = context_of(&geometry, kind);
  context.input = input;
  context.output = output;
  context.new_winners = winners;
  if (geometry.layout == BLASCONV_NCHW)
    run_maps(&geometry, team, forward_maps, &context);
  else
    run_rows(&geometry, context.pooling.height.output, team, forward_rows, &context);
  return BLASCONV_SUCCESS;
}

/* ---- backward ---- */

static void backward_maps(void *context, int64_t task, int thread)
{
  (void)thread;
  const pooling_context *c = context;
  const bc_range maps = bc_block(task, c->units_per_task, c->units);
  for (int64_t map = maps.begin; map < maps.end; ++map) {
    const float *output_gradient = c->output_gradient + map * c->out_pixels;
    float *image_gradient = c->input_gradient + map * c->in_pixels;
    if (c->kind == BLASCONV_POOLING_MAX)
      c->max->scatter(&c->pooling, output_gradient, c->winners + map * c->out_pixels,
                      image_gradient);
    else
      c->average->spread(&c->pooling, output_gradient, image_gradient);
  }
}

static void backward_rows(void *context, int64_t task, int thread)
{
  (void)thread;
  const pooling_context *c = context;
  const bc_range units = bc_block(task, c->units_per_task, c->units);
  for (int64_t next = units.begin; next < units.end;) {
    const band b = next_band(c, units, &next);
    const int64_t at = b.image * c->out_pixels * c->channels;
    float *image_gradient = c->input_gradient + b.image * c->in_pixels * c->channels;
    if (c->kind == BLASCONV_POOLING_MAX)
      c->by_channels->scatter(&c->pooling, c->channels, b.rows, c->output_gradient + at,
                              c->winners + at, image_gradient);
    else
      c->by_channels->spread(&c->pooling, c->channels, b.rows, c->output_gradient + at,
                             image_gradient);
  }
}

blasconv_status blasconv_pooling_backward(const blasconv_problem *problem,
                                          blasconv_pooling_kind kind, const float *output_gradient,
                                          const int32_t *winners, int32_t threads,
                                          float *input_gradient)
{
  int team;
  bc_geometry geometry;
  const blasconv_status status = check_common(problem, kind, winners, threads, &team, &geometry);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (geometry.batch > 0 && (output_gradient == NULL || input_gradient == NULL ||
                             (kind == BLASCONV_POOLING_MAX && winners == NULL)))
    return BLASCONV_NULL_POINTER;
  pooling_context context = context_of(&geometry, kind);
  context.output_gradient = output_gradient;
  context.winners = winners;
  context.input_gradient = input_gradient;
  if (geometry.layout == BLASCONV_NCHW)
    run_maps(&geometry, team, backward_maps, &context);
  else
    run_rows(&geometry, context.pooling.height.input, team, backward_rows, &context);
  return BLASCONV_SUCCESS;
}
