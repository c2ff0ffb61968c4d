/* Convolutions whose groups have one channel, or a few: no patch matrix, since a product so small
 * spends its time on lowering and packing. */
#include "depthwise.h"

#include "cpu.h"
#include "kernels/depthwise.h"
#include "kernels/kernels.h"
#include "planning/cost.h"

#include <string.h>

enum {
  MOST = 16,            /* channels or filters of a group: with more SGEMM is faster, */
  MOST_OF_GRADIENT = 8, /* see performance.md */
  SUM_LOOPS = 14        /* see work_on_pixels() */
};

/* Elements of source and results that caches keep from one layer to the next, 2 MiB: cores share
 * the last-level cache, and with others. */
static const double CACHED = 1 << 19;

static const int64_t MOST_DISTANCE = (int64_t)1 << 40, MOST_TAPS = (int64_t)1 << 20;

bool bc_depthwise_has_channel_vectors(const bc_geometry *g)
{
  return g->layout == BLASCONV_NHWC && g->in_channels == 1 && g->out_channels == 1 &&
         g->groups >= BC_DEPTHWISE_LANES;
}

bool bc_has_nine_taps(const bc_geometry *g)
{
  const bc_axis *height = &g->axes[BC_HEIGHT], *width = &g->axes[BC_WIDTH];
  return g->axes[BC_DEPTH].kernel == 1 && height->kernel == 3 && width->kernel == 3 &&
         height->dilation == 1 && width->dilation == 1 && height->stride == width->stride &&
         height->stride <= 2 && g->groups >= bc_cpu_kernels()->nine_taps->lanes;
}

bc_nine_taps bc_nine_taps_of(const bc_geometry *g, const bc_sums *sums, int64_t rows,
                             int64_t channels)
{
  const bc_sweep *height = &sums->axes[BC_HEIGHT], *width = &sums->axes[BC_WIDTH];
  return (bc_nine_taps){.rows = rows,
                        .columns = width->results,
                        .channels = channels,
                        .row_step = width->results * sums->to.pixel,
                        .pixel_step = sums->to.pixel,
                        .source_row = width->sources * sums->from.pixel,
                        .source_pixel = sums->from.pixel,
                        .source_rows = height->sources,
                        .source_columns = width->sources,
                        .stride = height->stride,
                        .fetches = bc_tensor_elements(g) > CACHED};
}

/* What is left behind the last whole block is one of its own only if it fills a vector, so that
 * all blocks are summed alike. */
int64_t bc_channel_blocks(const bc_geometry *g, int64_t size)
{
  return bc_max(0, g->groups - BC_CHANNEL_LANES) / size + 1;
}

bc_range bc_channel_block(const bc_geometry *g, int64_t size, int64_t index)
{
  const bool last = index + 1 == bc_channel_blocks(g, size);
  return (bc_range){index * size, last ? g->groups : (index + 1) * size};
}

int64_t bc_channel_most(int64_t size)
{
  return size + BC_CHANNEL_LANES - 1;
}

/* Sums of a few sizes stay within int64_t. */
static bool is_small(const bc_axis *axis)
{
  return bc_max(axis->pad_begin, axis->stride) <= MOST_DISTANCE &&
         (axis->kernel - 1) * axis->dilation <= MOST_DISTANCE;
}

static const char *reject(const bc_geometry *g, const bc_request *request)
{
  const int64_t most = request->pass == BLASCONV_BACKWARD_WEIGHTS ? MOST_OF_GRADIENT : MOST;
  if (g->groups == 1 && g->in_channels > 1)
    return "it has one group of several channels";
  if (g->in_channels > most || g->out_channels > most)
    return "a group has more than a few channels or filters";
  if (!is_small(&g->axes[BC_DEPTH]) || !is_small(&g->axes[BC_HEIGHT]) ||
      !is_small(&g->axes[BC_WIDTH]))
    return "a stride, a pad or a dilated kernel passes 2^40";
  if (g->taps > MOST_TAPS)
    return "a filter has more than 2^20 taps";
  return NULL;
}

static bc_schedule prepare(const bc_geometry *geometry, const bc_request *request)
{
  if (request->pass == BLASCONV_BACKWARD_WEIGHTS)
    return bc_depthwise_gradient_prepare(geometry, request);
  if (bc_same_serves(geometry, request))
    return bc_same_prepare(geometry);
  return bc_depthwise_has_channel_vectors(geometry) ? bc_channels_prepare(geometry, request)
                                                    : bc_planar_prepare(geometry, request);
}

/* The last vector of a row of results costs as much as a full one, and each weight has a loop of
 * its own for each row. Its gradient is summed up across a vector for each image, which takes as
 * long as SUM_LOOPS beginnings of a loop. */
static bc_work work_on_pixels(const bc_geometry *g, blasconv_pass pass, double weights)
{
  const bc_axis *axis = &g->axes[BC_WIDTH];
  const int64_t width =
      pass == BLASCONV_BACKWARD_DATA ? bc_count_blocks(axis->input, axis->stride) : axis->output;
  const int64_t rows = g->axes[BC_DEPTH].output * g->axes[BC_HEIGHT].output;
  const double filled = (double)(bc_count_blocks(width, BC_DEPTHWISE_LANES) * BC_DEPTHWISE_LANES);
  return (bc_work){.vectors = weights * (double)g->out_pixels * filled / (double)width,
                   .loops = weights *
                            (double)(rows + (pass == BLASCONV_BACKWARD_WEIGHTS ? SUM_LOOPS : 0)),
                   .run = width};
}

/* What is said of vectors of BC_DEPTHWISE_LANES holds for longer ones too. */
static bc_work work_on_channels(const bc_geometry *g, double weights)
{
  const double lanes =
      (double)(bc_has_nine_taps(g) ? bc_cpu_kernels()->nine_taps->lanes : BC_DEPTHWISE_LANES);
  return (bc_work){.vectors = weights * (double)g->out_pixels * BC_DEPTHWISE_LANES / lanes,
                   .run = g->groups};
}

static bc_work work(const bc_geometry *g, const bc_request *request, const bc_schedule *schedule)
{
  (void)schedule;
  const double images = (double)(g->batch * g->groups);
  const double weights = images * (double)(g->out_channels * g->patch_rows);
  bc_work w = bc_depthwise_has_channel_vectors(g) ? work_on_channels(g, weights)
                                                  : work_on_pixels(g, request->pass, weights);
  /* Each channel of a group passes through the results of its filters. */
  w.moved = images * (double)(g->in_channels * g->in_pixels +
                              g->out_channels * g->in_channels * g->out_pixels);
  return w;
}

static void run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace)
{
  if (plan->request.pass == BLASCONV_BACKWARD_WEIGHTS)
    bc_depthwise_gradient_run(plan, tensors, workspace);
  else if (bc_depthwise_has_channel_vectors(&plan->geometry))
    bc_channels_run(plan, tensors, workspace);
  else if (bc_same_serves(&plan->geometry, &plan->request))
    bc_same_run(plan, tensors);
  else
    bc_planar_run(plan, tensors, workspace);
}

static int64_t packed_elements(const bc_geometry *geometry, blasconv_pass pass, int form)
{
  (void)pass;
  (void)form;
  return bc_count_weights(geometry);
}

/* They are few: one part has them all. */
static void pack(const bc_geometry *geometry, blasconv_pass pass, int form, bc_part part,
                 const float *weights, float *packed)
{
  (void)pass;
  (void)form;
  if (part.index > 0)
    return;
  if (bc_depthwise_has_channel_vectors(geometry))
    bc_channels_pack(geometry, weights, packed);
  else
    memcpy(packed, weights, (size_t)bc_count_weights(geometry) * sizeof *weights);
}

const bc_algorithm bc_depthwise = {.name = "depthwise",
                                   .reject = reject,
                                   .prepare = prepare,
                                   .work = work,
                                   .run = run,
                                   .packed_elements = packed_elements,
                                   .pack = pack};
