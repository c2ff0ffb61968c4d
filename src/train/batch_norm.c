/* Batch normalisation in training; the arithmetic on elements is in kernels/. */
#include "batch_norm.h"

#include "cpu.h"
#include "kernels/normalization.h"
#include "parallel.h"
#include "plan.h"

#include <math.h>

enum {
  LEAST_PART = 64,                 /* channels side by side that are read at once */
  MOST_SUMS = 2 * BC_SLAB_CHANNELS /* of all slots, that wait to be added up */
};

blasconv_status bc_batch_norm_check_struct(const blasconv_batch_norm *norm)
{
  if (norm == NULL)
    return BLASCONV_NULL_POINTER;
  return norm->struct_size == sizeof *norm ? BLASCONV_SUCCESS : BLASCONV_VERSION_MISMATCH;
}

bool bc_batch_norm_check_numbers(const blasconv_batch_norm *norm)
{
  return isfinite(norm->epsilon) && norm->epsilon > 0.0f && norm->momentum >= 0.0f &&
         norm->momentum <= 1.0f;
}

blasconv_status bc_batch_norm_check(const blasconv_maps *maps, const blasconv_batch_norm *norm,
                                    int64_t least_batch, int32_t asked, int *threads)
{
  blasconv_status status = maps ? bc_batch_norm_check_struct(norm) : BLASCONV_NULL_POINTER;
  if (status == BLASCONV_SUCCESS)
    status = bc_maps_check(maps);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (maps->batch < least_batch)
    return BLASCONV_BAD_SIZE;
  if (!bc_batch_norm_check_numbers(norm))
    return BLASCONV_BAD_ARGUMENT;
  return bc_threads_check(asked, threads) ? BLASCONV_SUCCESS : BLASCONV_BAD_SIZE;
}

typedef struct context context;

/* Computes the slab whose first channel is `first`. */
typedef void slab_step(const context *c, const bc_slab *slab, int64_t first);

struct context {
  slab_step *step; /* of the pass */
  int threads;
  blasconv_maps maps; /* of bc_batch_norm_planes() */
  int64_t channels;   /* of a task, where each takes some channels */
  const blasconv_batch_norm *norm;
  const float *input;           /* [batch][channels][pixels] */
  const float *output_gradient; /* the same; backward alone */
  float *written;               /* the same: output or input gradient */
  float *scale_gradient, *shift_gradient;
};

/* The part of the maps from channel `first` on that fits a slab, up to channel `end`. */
static bc_slab slab_at(const blasconv_maps *maps, int64_t first, int64_t end)
{
  return (bc_slab){maps->batch, maps->channels * maps->pixels,
                   bc_min(end - first, BC_SLAB_CHANNELS), maps->pixels};
}

static void run_slabs(const context *c, bc_range channels)
{
  for (int64_t first = channels.begin; first < channels.end; first += BC_SLAB_CHANNELS) {
    const bc_slab slab = slab_at(&c->maps, first, channels.end);
    c->step(c, &slab, first);
  }
}

static void channels_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *c = argument;
  run_slabs(c, bc_block(task, c->channels, c->maps.channels));
}

/* Channels of one pixel lie side by side and are read together: threads share a slab. */
static bool share_slabs(const context *c)
{
  return c->maps.pixels == 1;
}

static void run_pass(context *c)
{
  const blasconv_maps *maps = &c->maps;
  if (share_slabs(c)) {
    run_slabs(c, (bc_range){0, maps->channels});
    return;
  }
  c->channels = bc_max(BC_TASK_ELEMENTS / (maps->batch * maps->pixels), 1);
  bc_parallel_for(c->threads, bc_count_blocks(maps->channels, c->channels), channels_task, c);
}

/* ---- what is done with a slab, which is divided into tasks where threads share it ---- */

typedef struct slab_work {
  const context *c;
  const bc_slab *slab;
  int64_t at; /* of the slab, in the maps */
  int64_t slots, parts;
  const double *means;
  const float *gradient;           /* of the output, or NULL */
  bc_sums *sums;                   /* [slots][channels] */
  const bc_normalizer *normalizer; /* what is written follows from one of the two */
  const bc_normalizer_slope *slope;
} slab_work;

/* How many tasks a slab is. */
static int64_t count_tasks(const slab_work *w)
{
  const int64_t elements = w->slab->images * w->slab->channels;
  return share_slabs(w->c) ? bc_count_blocks(elements, BC_TASK_ELEMENTS) : 1;
}

static void run_tasks(slab_work *w, int64_t tasks, bc_task *task)
{
  if (share_slabs(w->c))
    bc_parallel_for(w->c->threads, tasks, task, w);
  else
    task(w, 0, 0);
}

/* Some channels of a slot's images. */
static void sum_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const slab_work *w = argument;
  const bc_slab *all = w->slab;
  const int64_t slot = task / w->parts;
  const bc_range images = bc_share(slot, w->slots, all->images);
  const bc_range channels = bc_share(task % w->parts, w->parts, all->channels);
  const bc_slab slab = {bc_range_length(images), all->image_step, bc_range_length(channels),
                        all->pixels};
  const int64_t at = w->at + images.begin * all->image_step + channels.begin * all->pixels;
  bc_cpu_kernels()->normalization->sum(&slab, w->c->input + at, w->means + channels.begin,
                                       w->gradient ? w->gradient + at : NULL,
                                       w->sums + slot * all->channels + channels.begin);
}

static void write_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const slab_work *w = argument;
  const context *c = w->c;
  const bc_range images = bc_share(task, count_tasks(w), w->slab->images);
  const bc_slab slab = {bc_range_length(images), w->slab->image_step, w->slab->channels,
                        w->slab->pixels};
  const int64_t at = w->at + images.begin * slab.image_step;
  if (w->slope != NULL)
    bc_cpu_kernels()->normalization->differentiate(&slab, w->slope, c->input + at,
                                                   c->output_gradient + at, c->written + at);
  else
    bc_cpu_kernels()->normalization->normalize(&slab, w->normalizer, c->input + at,
                                               c->written + at);
}

/* The slots' sums are added in order, and how many slots there are follows from the sizes alone;
 * how many parts of channels does not matter. */
static void sum_slab(const context *c, const bc_slab *slab, int64_t first, const double *means,
                     const float *gradient, bc_sums sums[MOST_SUMS])
{
  slab_work work = {.c = c,
                    .slab = slab,
                    .at = first * slab->pixels,
                    .means = means,
                    .gradient = gradient,
                    .sums = sums};
  work.slots = bc_min(count_tasks(&work), MOST_SUMS / slab->channels);
  work.parts = share_slabs(c) ? bc_min(bc_count_blocks(c->threads, work.slots),
                                       bc_count_blocks(slab->channels, LEAST_PART))
                              : 1;
  run_tasks(&work, work.slots * work.parts, sum_task);
  for (int64_t slot = 1; slot < work.slots; ++slot)
    for (int64_t i = 0; i < slab->channels; ++i) {
      const bc_sums *next = &sums[slot * slab->channels + i];
      sums[i].deviation += next->deviation;
      sums[i].gradient += next->gradient;
      sums[i].product += next->product;
    }
}

static void write_slab(const context *c, const bc_slab *slab, int64_t first,
                       const bc_normalizer *normalizer, const bc_normalizer_slope *slope)
{
  slab_work work = {
      .c = c, .slab = slab, .at = first * slab->pixels, .normalizer = normalizer, .slope = slope};
  run_tasks(&work, count_tasks(&work), write_task);
}

/* A float and what is left over, which has the digits that the float has no room for. */
static void split(double value, float *high, float *low)
{
  *high = (float)value;
  *low = isfinite(*high) ? (float)(value - (double)*high) : 0.0f;
}

/* ---- forward ---- */

/* running (1 - momentum) + value momentum: exact for the momenta 0 and 1. */
static float moved(float running, double value, double momentum)
{
  return (float)((double)running * (1.0 - momentum) + value * momentum);
}

static void move_running(const blasconv_batch_norm *norm, int64_t channel, double mean,
                         double variance)
{
  if (norm->running_mean == NULL)
    return;
  const double momentum = (double)norm->momentum;
  norm->running_mean[channel] = moved(norm->running_mean[channel], mean, momentum);
  norm->running_variance[channel] = moved(norm->running_variance[channel], variance, momentum);
}

/* A pixel of the channel. */
static double pixel_of(const bc_slab *slab, const float *x, int64_t channel)
{
  const float pixel = x[channel * slab->pixels];
  return isfinite(pixel) ? (double)pixel : 0.0;
}

/* Means, and sums of squared deviations from them, of a slab's channels by deviations from pivots,
 * which become the means of channels where these are so far off that digits are lost. Returns
 * whether there are any. */
static bool sweep(const context *f, const bc_slab *slab, int64_t first, double *pivots,
                  double *mean, double *squares)
{
  const double n = (double)slab->images * (double)slab->pixels, most = 1024.0;
  bc_sums sums[MOST_SUMS];
  bool any = false;
  sum_slab(f, slab, first, pivots, NULL, sums);
  for (int64_t c = 0; c < slab->channels; ++c) {
    const double shift = sums[c].deviation / n, excess = shift * sums[c].deviation;
    mean[c] = pivots[c] + shift;
    squares[c] = sums[c].product - excess;
    const bool far = excess > most * squares[c];
    pivots[c] = far ? mean[c] : pivots[c];
    any = any || far;
  }
  return any;
}

/* One sweep mostly: no pixel is further from the mean than all deviations together. */
static void take_statistics(const context *f, const bc_slab *slab, int64_t first, double *mean,
                            double *squares)
{
  double pivots[BC_SLAB_CHANNELS];
  for (int64_t c = 0; c < slab->channels; ++c)
    pivots[c] = pixel_of(slab, f->input + first * slab->pixels, c);
  if (sweep(f, slab, first, pivots, mean, squares))
    sweep(f, slab, first, pivots, mean, squares);
}

static void forward_slab(const context *f, const bc_slab *slab, int64_t first)
{
  const blasconv_batch_norm *norm = f->norm;
  const double n = (double)slab->images * (double)slab->pixels;
  double means[BC_SLAB_CHANNELS], squares[BC_SLAB_CHANNELS];
  float rest[BC_SLAB_CHANNELS], factor[BC_SLAB_CHANNELS], shift[BC_SLAB_CHANNELS];
  take_statistics(f, slab, first, means, squares);
  for (int64_t c = 0; c < slab->channels; ++c) {
    const int64_t channel = first + c;
    const double inverse = 1.0 / sqrt(squares[c] / n + (double)norm->epsilon);
    split(means[c], &norm->mean[channel], &rest[c]);
    factor[c] = (float)(bc_batch_norm_scale(norm, channel) * inverse);
    shift[c] = bc_batch_norm_shift(norm, channel);
    norm->inverse[channel] = (float)inverse;
    move_running(norm, channel, means[c], squares[c] / (n > 1.0 ? n - 1.0 : 1.0));
  }
  const bc_normalizer normalizer = {norm->mean + first, rest, factor, shift};
  write_slab(f, slab, first, &normalizer, NULL);
}

blasconv_status blasconv_batch_norm_forward(const blasconv_maps *maps,
                                            const blasconv_batch_norm *norm, const float *input,
                                            int32_t threads, float *output)
{
  int team;
  const blasconv_status status = bc_batch_norm_check(maps, norm, 1, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (input == NULL || output == NULL || norm->mean == NULL || norm->inverse == NULL ||
      (norm->running_mean == NULL) != (norm->running_variance == NULL))
    return BLASCONV_NULL_POINTER;
  context forward = {.step = forward_slab,
                     .threads = team,
                     .maps = bc_batch_norm_planes(maps),
                     .norm = norm,
                     .input = input,
                     .written = output};
  run_pass(&forward);
  return BLASCONV_SUCCESS;
}

/* ---- backward ---- */

/* What rounding to float took from the mean, the deviations give back: their sum would be 0. */
static void backward_slab(const context *b, const bc_slab *slab, int64_t first)
{
  const double n = (double)slab->images * (double)slab->pixels;
  double means[BC_SLAB_CHANNELS];
  bc_sums sums[MOST_SUMS];
  float rest[BC_SLAB_CHANNELS], factor[BC_SLAB_CHANNELS];
  float average[BC_SLAB_CHANNELS], slope[BC_SLAB_CHANNELS];
  for (int64_t c = 0; c < slab->channels; ++c)
    means[c] = (double)b->norm->mean[first + c];
  sum_slab(b, slab, first, means, b->output_gradient, sums);
  for (int64_t c = 0; c < slab->channels; ++c) {
    const int64_t channel = first + c;
    const double inverse = (double)b->norm->inverse[channel], lost = sums[c].deviation / n;
    const double scale_gradient = (sums[c].product - lost * sums[c].gradient) * inverse;
    rest[c] = (float)lost;
    factor[c] = (float)(bc_batch_norm_scale(b->norm, channel) * inverse);
    average[c] = (float)(sums[c].gradient / n);
    slope[c] = (float)(scale_gradient * inverse / n);
    if (b->scale_gradient != NULL)
      b->scale_gradient[channel] = (float)scale_gradient;
    if (b->shift_gradient != NULL)
      b->shift_gradient[channel] = (float)sums[c].gradient;
  }
  const bc_normalizer_slope numbers = {b->norm->mean + first, rest, factor, average, slope};
  write_slab(b, slab, first, NULL, &numbers);
}

blasconv_status blasconv_batch_norm_backward(const blasconv_maps *maps,
                                             const blasconv_batch_norm *norm, const float *input,
                                             const float *output_gradient, int32_t threads,
                                             float *input_gradient, float *scale_gradient,
                                             float *shift_gradient)
{
  int team;
  const blasconv_status status = bc_batch_norm_check(maps, norm, 1, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (input == NULL || output_gradient == NULL || input_gradient == NULL || norm->mean == NULL ||
      norm->inverse == NULL)
    return BLASCONV_NULL_POINTER;
  context backward = {.step = backward_slab,
                      .threads = team,
                      .maps = bc_batch_norm_planes(maps),
                      .norm = norm,
                      .input = input,
                      .output_gradient = output_gradient,
                      .written = input_gradient,
                      .scale_gradient = scale_gradient,
                      .shift_gradient = shift_gradient};
  run_pass(&backward);
  return BLASCONV_SUCCESS;
}
