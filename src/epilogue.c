/* The epilogue on a block: piece by piece, and on a piece one step after another while it is in the
 * first-level cache. The arithmetic is in kernels/. */
#include "epilogue.h"

#include "cpu.h"
#include "kernels/kernels.h"
#include "pieces.h"

/* NULL or what the elements of a piece are computed with: one number for all of them (step 0), or
 * one for each (step 1). */
typedef struct numbers {
  const float *bias, *scale, *shift;
  int64_t step;
} numbers;

/* A block as rows whose elements are neighbours: the pixels of a channel, or the channels of a
 * pixel, or all pixels with their channels, which are then so few that a piece takes several
 * pixels. */
typedef struct rows {
  int64_t count, length, piece;
  int64_t step; /* elements from row to row */
  bool of_pixels, of_many_pixels;
} rows;

static rows rows_of(bc_block_view v)
{
  const int64_t together = bc_piece_pixels(v.channels);
  if (v.channels == 1 ? v.pixel_step == 1 : v.channel_step != 1)
    return (rows){v.channels, v.pixels, BC_PIECE, v.channel_step, .of_pixels = true};
  if (together > 1 && v.pixel_step == v.channels)
    return (rows){1, v.pixels * v.channels, together * v.channels, 0, .of_many_pixels = true};
  return (rows){v.pixels, v.channels, BC_PIECE, v.pixel_step, .of_pixels = false};
}

static const float *from(const float *array, int64_t index)
{
  return array ? array + index : NULL;
}

static numbers numbers_from(const numbers *n, int64_t index)
{
  return (numbers){from(n->bias, index), from(n->scale, index), from(n->shift, index), n->step};
}

static numbers repeat(const numbers *n, int64_t channels, int64_t length, float copies[3][BC_PIECE])
{
  return (numbers){bc_repeat(n->bias, channels, length, copies[0]),
                   bc_repeat(n->scale, channels, length, copies[1]),
                   bc_repeat(n->shift, channels, length, copies[2]), n->step};
}

/* The steps, each reading what the one before has written; the last of the sums takes the
 * activation along. */
static void apply_to_piece(const bc_epilogue *epilogue, numbers own, const float *residual,
                           const float *x, float *output, int64_t n)
{
  static const blasconv_activation identity = {BLASCONV_IDENTITY, 0.0f};
  const bc_kernels *kernels = bc_cpu_kernels();
  numbers sums[3] = {{NULL, NULL, NULL, 0}};
  int count = 0;
  if (own.bias != NULL)
    sums[count++] = (numbers){.shift = own.bias, .step = own.step};
  if (own.scale != NULL)
    sums[count++] = (numbers){.scale = own.scale, .shift = own.shift, .step = own.step};
  if (epilogue->place == BLASCONV_RESIDUAL_BEFORE_ACTIVATION)
    sums[count++] = (numbers){.shift = residual, .step = 1};
  for (int i = 0; i < count - 1; ++i) {
    kernels->activate(identity, x, sums[i].scale, sums[i].shift, sums[i].step, output, n);
    x = output;
  }
  const numbers *last = &sums[count > 0 ? count - 1 : 0];
  kernels->activate(epilogue->activation, x, last->scale, last->shift, last->step, output, n);
  if (epilogue->place == BLASCONV_RESIDUAL_AFTER_ACTIVATION)
    kernels->activate(identity, output, NULL, residual, 1, output, n);
}

void bc_epilogue_map(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                     int64_t offset, const float *input, float *output)
{
  const rows r = rows_of(view);
  float copies[3][BC_PIECE];
  const numbers all = {epilogue->bias, epilogue->scale, epilogue->shift, r.of_pixels ? 0 : 1};
  numbers own = numbers_from(&all, first_channel);
  if (r.of_many_pixels)
    own = repeat(&own, view.channels, bc_min(r.piece, r.length), copies);
  for (int64_t row = 0; row < r.count; ++row)
    for (int64_t i = 0; i < r.length; i += r.piece) {
      const int64_t at = row * r.step + i, n = bc_min(r.piece, r.length - i);
      const int64_t index = r.of_many_pixels ? 0 : r.of_pixels ? row : i;
      apply_to_piece(epilogue, numbers_from(&own, index), from(epilogue->residual, offset + at),
                     input + at, output + at, n);
    }
}

void bc_epilogue_apply(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                       int64_t offset, float *block)
{
  if (epilogue->activation.kind != BLASCONV_IDENTITY || epilogue->bias != NULL ||
      epilogue->scale != NULL || epilogue->residual != NULL)
    bc_epilogue_map(epilogue, view, first_channel, offset, block, block);
}
