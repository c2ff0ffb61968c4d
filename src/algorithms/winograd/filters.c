/* From weights to their values at points. */
#include "algorithms/expect.h"
#include "job.h"

#include <string.h>

/* Source channels whose taps are put in order at a time, as many as fit into the first-level cache
 * with their values. */
enum { FEW_CHANNELS = BC_SLICE };

/* The taps of some channels of the source and up to a panel of channels of the result,
 * [channels][taps][lanes]; lanes behind the last are not written. `weights` begins at the first of
 * both. */
static void put_taps(const bc_tiling *t, const float *weights, int64_t channels, int64_t lanes,
                     float *to)
{
  const bc_kernels *k = bc_cpu_kernels();
  const int64_t width = bc_lanes(), taps = t->taps;
  const int64_t result = t->sums.to_weight, source = t->sums.from_weight;
  const int64_t tap = t->sums.tap_weight[BC_WIDTH];
  const int64_t turn = t->turned ? taps - 1 : 0, way = t->turned ? -1 : 1;
  if (source == taps && tap == 1 && !t->turned) {
    for (int64_t i = 0; i < lanes; ++i)
      bc_expect_row(weights + i * result + channels * taps, channels * taps);
    k->transpose(weights, result, lanes, channels * taps, to, width);
  } else if (tap == 1)
    for (int64_t c = 0; c < channels; ++c)
      k->transpose(weights + c * source, result, lanes, taps, to + (c * taps + turn) * width,
                   way * width);
  else if (source == 1)
    for (int64_t i = 0; i < taps; ++i)
      k->transpose(weights + i * tap, result, lanes, channels, to + (turn + way * i) * width,
                   taps * width);
  else
    for (int64_t c = 0; c < channels; ++c)
      for (int64_t i = 0; i < taps; ++i)
        memcpy(to + (c * taps + turn + way * i) * width, weights + c * source + i * tap,
               (size_t)lanes * sizeof *to);
}

int64_t bc_count_packed_taps(const bc_tiling *t)
{
  return bc_round_up(t->sums.to_channels, bc_lanes()) * t->sums.from_channels * t->taps;
}

void bc_pack_taps(const bc_tiling *t, bc_part part, const float *weights, float *packed)
{
  const int64_t width = bc_lanes(), depth = t->sums.from_channels, panel = width * depth * t->taps;
  const int64_t filters = t->sums.to_channels;
  const bc_range own = bc_share(part.index, part.count, bc_count_blocks(filters, width));
  for (int64_t i = own.begin; i < own.end; ++i) {
    const int64_t first = i * width, lanes = bc_min(width, filters - first);
    if (lanes < width)
      memset(packed + i * panel, 0, (size_t)panel * sizeof *packed);
    for (int64_t c = 0; c < depth; c += FEW_CHANNELS)
      put_taps(t, weights + first * t->sums.to_weight + c * t->sums.from_weight,
               bc_min(FEW_CHANNELS, depth - c), lanes, packed + i * panel + c * width * t->taps);
  }
}

/* The taps of some channels, from `channel` on, of the panel that begins with `filter`. */
static const float *find_taps(const bc_winograd_job *job, int64_t filter, int64_t channel,
                              int64_t channels)
{
  const bc_tiling *t = job->tiling;
  const int64_t lanes = bc_lanes();
  if (job->tensors->packed != NULL) {
    const float *taps = job->tensors->packed + job->group * bc_count_packed_taps(t) +
                        (filter * t->sums.from_channels + channel * lanes) * t->taps;
    const int64_t n = channels * t->taps * lanes;
    bc_expect_row(taps + n, n);
    return taps;
  }
  put_taps(t,
           job->tensors->weights + bc_weights_offset(&job->plan->geometry, job->group) +
               filter * t->sums.to_weight + channel * t->sums.from_weight,
           channels, bc_min(lanes, t->sums.to_channels - filter), job->taps);
  return job->taps;
}

/* Values of a panel for some channels, to [channels][lanes] at each point. */
static void spread_taps(const bc_winograd_job *job, const float *taps, int64_t channels,
                        float *values)
{
  const bc_tiling *t = job->tiling;
  const int64_t lanes = bc_lanes(), vector = job->kernels->winograd->lanes;
  const float *elements[BC_MOST_POINTS * BC_MOST_POINTS];
  for (int64_t lane = 0; lane < lanes; lane += vector) {
    for (int64_t i = 0; i < t->taps; ++i)
      elements[i] = taps + i * lanes + lane;
    t->transforms->filters(&(bc_winograd_spread){.elements = elements,
                                                 .element_step = t->taps * lanes,
                                                 .values = values + lane,
                                                 .point_step = job->areas->panels,
                                                 .value_step = lanes,
                                                 .vectors = channels});
  }
}

void bc_spread_filters(const bc_winograd_job *job)
{
  const int64_t lanes = bc_lanes(), depth = bc_range_length(job->channels);
  for (int64_t k = job->filters.begin; k < job->filters.end; k += lanes)
    for (int64_t c = job->channels.begin; c < job->channels.end; c += FEW_CHANNELS) {
      const int64_t channels = bc_min(FEW_CHANNELS, job->channels.end - c);
      float *values =
          job->panels + (k - job->filters.begin) * depth + (c - job->channels.begin) * lanes;
      spread_taps(job, find_taps(job, k, c, channels), channels, values);
    }
}

/* ---- the gradient of the weights ---- */

/* A slice of filters from number `filter` of the block on, for some channels from `channel` on:
 * [channels][taps][slice] in the workspace. */
static void collect_taps(const bc_winograd_job *job, int64_t filter, int64_t channel,
                         int64_t channels)
{
  const bc_tiling *t = job->tiling;
  const int64_t vector = job->kernels->winograd->lanes;
  const int64_t row = bc_sum_row(bc_range_length(job->filters));
  float *elements[BC_MOST_POINTS * BC_MOST_POINTS];
  for (int64_t lane = 0; lane < BC_SLICE; lane += vector) {
    for (int64_t i = 0; i < t->taps; ++i)
      elements[i] = job->taps + i * BC_SLICE + lane;
    t->transforms->sums(&(bc_winograd_collect){.values = job->sums + channel * row + filter + lane,
                                               .point_step = job->areas->sums,
                                               .value_step = row,
                                               .elements = elements,
                                               .element_step = t->taps * BC_SLICE,
                                               .vectors = channels});
  }
}

/* The same slice to where it belongs: a filter's taps lie side by side, or its channels. */
static void put_taps_gradient(const bc_winograd_job *job, int64_t filters, int64_t channels,
                              bool add, float *to)
{
  const bc_tiling *t = job->tiling;
  const int64_t tap = t->sums.tap_weight[BC_WIDTH];
  if (tap == 1)
    bc_put_columns(job, job->taps, BC_SLICE, channels * t->taps, filters, add, to,
                   t->sums.to_weight);
  else
    for (int64_t i = 0; i < t->taps; ++i)
      bc_put_columns(job, job->taps + i * BC_SLICE, t->taps * BC_SLICE, channels, filters, add,
                     to + i * tap, t->sums.to_weight);
}

void bc_collect_gradient(const bc_winograd_job *job, bool add, float *gradient)
{
  const bc_sums *sums = &job->tiling->sums;
  for (int64_t k = job->filters.begin; k < job->filters.end; k += BC_SLICE)
    for (int64_t c = job->channels.begin; c < job->channels.end; c += FEW_CHANNELS) {
      const int64_t filters = bc_min(BC_SLICE, job->filters.end - k);
      const int64_t channels = bc_min(FEW_CHANNELS, job->channels.end - c);
      collect_taps(job, k - job->filters.begin, c - job->channels.begin, channels);
      put_taps_gradient(job, filters, channels, add,
                        gradient + k * sums->to_weight + c * sums->from_weight);
    }
}
