/* Batch normalisation after training: with the running statistics, and folded into what is before
 * it. */
#include "batch_norm.h"

#include "cpu.h"
#include "kernels/normalization.h"
#include "parallel.h"

#include <math.h>

/* The running statistics are there, and no variance is negative or NaN. */
static blasconv_status check_running(const blasconv_batch_norm *norm, int64_t channels)
{
  if (norm->running_mean == NULL || norm->running_variance == NULL)
    return BLASCONV_NULL_POINTER;
  for (int64_t c = 0; c < channels; ++c)
    if (!(norm->running_variance[c] >= 0.0f))
      return BLASCONV_BAD_ARGUMENT;
  return BLASCONV_SUCCESS;
}

static double factor_of(const blasconv_batch_norm *norm, int64_t channel)
{
  const double variance = (double)norm->running_variance[channel];
  return bc_batch_norm_scale(norm, channel) / sqrt(variance + (double)norm->epsilon);
}

/* ---- inference ---- */

typedef struct inference_context {
  const blasconv_maps *maps;
  const blasconv_batch_norm *norm;
  const float *input;
  float *output;
  int64_t images; /* that a task takes */
} inference_context;

/* Some images of at most BC_SLAB_CHANNELS channels, which begin with `first`. */
static void infer_slab(const inference_context *f, bc_range images, int64_t first, int64_t channels)
{
  static const float no_rest[BC_SLAB_CHANNELS] = {0};
  const int64_t pixels = f->maps->pixels, image_step = f->maps->channels * pixels;
  const int64_t at = images.begin * image_step + first * pixels;
  float factor[BC_SLAB_CHANNELS], shift[BC_SLAB_CHANNELS];
  for (int64_t c = 0; c < channels; ++c) {
    factor[c] = (float)factor_of(f->norm, first + c);
    shift[c] = bc_batch_norm_shift(f->norm, first + c);
  }
  const bc_slab slab = {bc_range_length(images), image_step, channels, pixels};
  const bc_normalizer normalizer = {f->norm->running_mean + first, no_rest, factor, shift};
  bc_cpu_kernels()->normalization->normalize(&slab, &normalizer, f->input + at, f->output + at);
}

static int64_t task_channels(const blasconv_maps *maps)
{
  return bc_max(BC_TASK_ELEMENTS / maps->pixels, 1);
}

/* A task finds its channels' factors anew, so it takes many images where maps are small; but there
 * are some tasks for each thread. */
static int64_t task_images(const blasconv_maps *maps, int64_t blocks, int threads)
{
  const int64_t least = bc_max(BC_TASK_ELEMENTS / (maps->channels * maps->pixels), 1);
  return bc_max(least, maps->batch * blocks / (INT64_C(4) * threads));
}

/* Some channels of some images; of one image where all its channels do not fit a task. */
static void inference_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const inference_context *f = argument;
  const int64_t block = task_channels(f->maps);
  const int64_t blocks = bc_count_blocks(f->maps->channels, block);
  const bc_range channels = bc_block(task % blocks, block, f->maps->channels);
  const bc_range images = bc_block(task / blocks, f->images, f->maps->batch);
  for (int64_t first = channels.begin; first < channels.end; first += BC_SLAB_CHANNELS)
    infer_slab(f, images, first, bc_min(channels.end - first, BC_SLAB_CHANNELS));
}

blasconv_status blasconv_batch_norm_inference(const blasconv_maps *maps,
                                              const blasconv_batch_norm *norm, const float *input,
                                              int32_t threads, float *output)
{
  int team;
  blasconv_status status = bc_batch_norm_check(maps, norm, 0, threads, &team);
  if (status == BLASCONV_SUCCESS)
    status = check_running(norm, maps->channels);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (maps->batch > 0 && (input == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  const blasconv_maps planes = bc_batch_norm_planes(maps);
  const int64_t blocks = bc_count_blocks(planes.channels, task_channels(&planes));
  const int64_t images = task_images(&planes, blocks, team);
  inference_context context = {&planes, norm, input, output, images};
  bc_parallel_for(team, bc_count_blocks(planes.batch, images) * blocks, inference_task, &context);
  return BLASCONV_SUCCESS;
}

/* ---- folding ---- */

/* One filter, elements [n]. */
static void fold_filter(const float *weights, double factor, int64_t n, float *folded)
{
  for (int64_t i = 0; i < n; ++i)
    folded[i] = (float)((double)weights[i] * factor);
}

blasconv_status blasconv_batch_norm_fold(const blasconv_problem *problem,
                                         const blasconv_batch_norm *norm, const float *weights,
                                         const float *bias, float *folded_weights,
                                         float *folded_bias)
{
  bc_geometry geometry;
  blasconv_status status = problem ? bc_batch_norm_check_struct(norm) : BLASCONV_NULL_POINTER;
  if (status == BLASCONV_SUCCESS)
    status = bc_problem_check_convolution(problem, &geometry);
  if (status == BLASCONV_SUCCESS && !bc_batch_norm_check_numbers(norm))
    status = BLASCONV_BAD_ARGUMENT;
  if (status == BLASCONV_SUCCESS)
    status = check_running(norm, problem->out_channels);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (weights == NULL || folded_weights == NULL || folded_bias == NULL)
    return BLASCONV_NULL_POINTER;
  for (int64_t k = 0; k < problem->out_channels; ++k) {
    const double factor = factor_of(norm, k), shift = (double)bc_batch_norm_shift(norm, k);
    const double centre = (bias ? (double)bias[k] : 0.0) - (double)norm->running_mean[k];
    const int64_t at = k * geometry.patch_rows;
    fold_filter(weights + at, factor, geometry.patch_rows, folded_weights + at);
    folded_bias[k] = (float)(centre * factor + shift);
  }
  return BLASCONV_SUCCESS;
}
