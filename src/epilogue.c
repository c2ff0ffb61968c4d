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
  int64_t step;                                 /* elements from row to row */
  int64_t residual_step, residual_element_step; /* the same in the residual, and within a row */
  bool of_pixels, of_many_pixels;
} rows;

static bool residual_is_dense(const bc_epilogue *epilogue, int64_t channels)
{
  return epilogue->residual == NULL ||
         (epilogue->channel_step == 1 && epilogue->pixel_step == channels);
}

static rows rows_of(const bc_epilogue *epilogue, bc_block_view v)
{
  const int64_t together = bc_piece_pixels(v.channels);
  if (v.channels == 1 ? v.pixel_step == 1 : v.channel_step != 1)
    return (rows){.count = v.channels,
                  .length = v.pixels,
                  .piece = BC_PIECE,
                  .step = v.channel_step,
                  .residual_step = epilogue->channel_step,
                  .residual_element_step = epilogue->pixel_step,
                  .of_pixels = true};
  if (together > 1 && v.pixel_step == v.channels && residual_is_dense(epilogue, v.channels))
    return (rows){.count = 1,
                  .length = v.pixels * v.channels,
                  .piece = together * v.channels,
                  .residual_element_step = 1,
                  .of_many_pixels = true};
  return (rows){.count = v.pixels,
                .length = v.channels,
                .piece = BC_PIECE,
                .step = v.pixel_step,
                .residual_step = epilogue->pixel_step,
                .residual_element_step = epilogue->channel_step};
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

/* The residual of a piece, side by side. */
static const float *residual_of(const float *residual, int64_t step, float *buffer, int64_t n)
{
  if (step == 1)
    return residual;
  const bc_grid grid = {.planes = 1, .rows = 1, .columns = n, .column_step = step};
  bc_cpu_kernels()->gather(&grid, residual, buffer);
  return buffer;
}

void bc_epilogue_map(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                     int64_t offset, const float *input, float *output)
{
  const rows r = rows_of(epilogue, view);
  float copies[3][BC_PIECE], buffer[BC_PIECE];
  const numbers all = {epilogue->bias, epilogue->scale, epilogue->shift, r.of_pixels ? 0 : 1};
  numbers own = numbers_from(&all, first_channel);
  if (r.of_many_pixels)
    own = repeat(&own, view.channels, bc_min(r.piece, r.length), copies);
  for (int64_t row = 0; row < r.count; ++row)
    for (int64_t i = 0; i < r.length; i += r.piece) {
      const int64_t at = row * r.step + i, n = bc_min(r.piece, r.length - i);
      const int64_t index = r.of_many_pixels ? 0 : r.of_pixels ? row : i;
      const float *residual = NULL;
      if (epilogue->residual != NULL)
        residual = residual_of(epilogue->residual + offset + row * r.residual_step +
                                   i * r.residual_element_step,
                               r.residual_element_step, buffer, n);
      apply_to_piece(epilogue, numbers_from(&own, index), residual, input + at, output + at, n);
    }
}

void bc_epilogue_apply(const bc_epilogue *epilogue, bc_block_view view, int64_t first_channel,
                       int64_t offset, float *block)
{
  if (epilogue->activation.kind != BLASCONV_IDENTITY || epilogue->bias != NULL ||
      epilogue->scale != NULL || epilogue->residual != NULL)
    bc_epilogue_map(epilogue, view, first_channel, offset, block, block);
}
