#include "blocks.h"

#include "lowering/lowering.h"

int64_t bc_even_block(int64_t whole, int64_t most, int64_t unit)
{
  const int64_t blocks = bc_count_blocks(whole, bc_max(1, bc_min(whole, most)));
  const int64_t even = bc_count_blocks(whole, blocks);
  const int64_t rounded = bc_count_blocks(even, unit) * unit;
  return rounded <= most ? bc_min(rounded, whole) : even;
}

void bc_split_for_tasks(int64_t whole, int64_t others, int64_t least, int64_t unit, int64_t *size)
{
  while (others * bc_count_blocks(whole, *size) < BC_ENOUGH_TASKS && *size / 2 >= least)
    *size = bc_even_block(whole, *size / 2, unit);
}

const char *bc_reject_long_rows(const bc_geometry *geometry)
{
  if (bc_max(geometry->patch_rows, geometry->out_pixels) > BC_SGEMM_MAX_STRIDE)
    return "a row of its matrices has more than 2^31 - 1 elements, beyond SGEMM's 32-bit strides";
  return NULL;
}

bc_operand bc_lowered_patches(const bc_geometry *geometry, const float *input, bc_range images,
                              bc_range depth, bc_range pixels, float *buffer)
{
  const int64_t n = bc_range_length(pixels), columns = bc_range_length(images) * n;
  for (int64_t i = 0; i < bc_range_length(images); ++i)
    bc_im2col(geometry, input + bc_input_offset(geometry, images.begin + i, 0), depth, pixels,
              buffer + i * n, columns);
  return (bc_operand){buffer, columns, false};
}
