#include "sweep.h"

/* Rounded down, whatever the sign. */
static int64_t divide(int64_t a, int64_t b)
{
  return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static int64_t common_divisor(int64_t a, int64_t b)
{
  while (b != 0) {
    const int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a;
}

bc_sweep bc_sweep_of(const bc_axis *axis, bool forward)
{
  const int64_t extent = (axis->kernel - 1) * axis->dilation, stride = axis->stride;
  if (forward)
    return (bc_sweep){.axis = axis,
                      .forward = true,
                      .results = axis->output,
                      .sources = axis->input,
                      .step = 1,
                      .phases = 1,
                      .stride = stride,
                      .apart = axis->dilation,
                      .most_taps = axis->kernel,
                      .low = -axis->pad_begin,
                      .reach = extent};
  /* Input i and tap t meet at output (i + pad - t dilation) / stride, if that is a whole number. */
  const int64_t common = common_divisor(axis->dilation, stride);
  const int64_t low = divide(axis->pad_begin - extent + stride - 1, stride);
  return (bc_sweep){.axis = axis,
                    .forward = false,
                    .results = axis->input,
                    .sources = axis->output,
                    .step = stride,
                    .phases = bc_min(stride, axis->input),
                    .stride = 1,
                    .apart = axis->dilation / common,
                    .most_taps = bc_count_blocks(axis->kernel, stride / common),
                    .low = low,
                    .reach = divide(axis->pad_begin + stride - 1, stride) - low};
}

bc_phase bc_sweep_phase(const bc_sweep *sweep, int64_t phase)
{
  const bc_axis *axis = sweep->axis;
  if (sweep->forward)
    return (bc_phase){axis->kernel, 0, 1, sweep->low};
  const int64_t at = phase + axis->pad_begin;
  const int64_t step = axis->stride / common_divisor(axis->dilation, axis->stride);
  int64_t tap = 0;
  while (tap < bc_min(step, axis->kernel) && (at - tap * axis->dilation) % axis->stride != 0)
    ++tap;
  if (tap >= bc_min(step, axis->kernel))
    return (bc_phase){0, 0, 0, sweep->low};
  const int64_t last = tap + (axis->kernel - 1 - tap) / step * step;
  return (bc_phase){(last - tap) / step + 1, last, -step,
                    divide(at - last * axis->dilation, axis->stride)};
}

int64_t bc_sweep_count(const bc_sweep *sweep, int64_t phase)
{
  return bc_count_blocks(bc_max(0, sweep->results - phase), sweep->step);
}

bc_range bc_phase_inside(const bc_sweep *sweep, const bc_phase *phase, int64_t j)
{
  return bc_places_inside(j * sweep->stride + phase->offset, sweep->apart, phase->taps,
                          sweep->sources);
}

bc_range bc_phase_whole(const bc_sweep *sweep, const bc_phase *phase, int64_t count)
{
  if (phase->taps == 0)
    return (bc_range){0, count};
  const int64_t last = sweep->sources - 1 - phase->offset - (phase->taps - 1) * sweep->apart;
  const int64_t begin = phase->offset >= 0 ? 0 : bc_count_blocks(-phase->offset, sweep->stride);
  const int64_t end = last < 0 ? 0 : bc_min(count, last / sweep->stride + 1);
  return (bc_range){bc_min(begin, end), end};
}

bc_sums bc_sums_of(const bc_geometry *g, bool forward)
{
  bc_sums sums = {.to_channels = forward ? g->out_channels : g->in_channels,
                  .from_channels = forward ? g->in_channels : g->out_channels,
                  .to_weight = forward ? g->patch_rows : g->row_of_channel,
                  .from_weight = forward ? g->row_of_channel : g->patch_rows,
                  .to = forward ? g->output : g->input,
                  .from = forward ? g->input : g->output};
  int64_t weights = g->row_of_tap;
  for (int i = BLASCONV_MAX_RANK - 1; i >= 0; --i) {
    sums.axes[i] = bc_sweep_of(&g->axes[i], forward);
    sums.tap_weight[i] = weights;
    weights *= g->axes[i].kernel;
  }
  return sums;
}
