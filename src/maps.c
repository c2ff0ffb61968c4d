/* The forward functions over whole stacks of maps: each is an epilogue with few steps. */
#include "maps.h"

#include "epilogue.h"
#include "parallel.h"
#include "pieces.h"
#include "plan.h"

blasconv_status bc_maps_call_check(const blasconv_maps *maps, const blasconv_activation *activation,
                                   int32_t asked, int *threads)
{
  const blasconv_status status = bc_maps_check(maps);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (activation != NULL && !bc_activation_check(activation))
    return BLASCONV_BAD_ARGUMENT;
  return bc_threads_check(asked, threads) ? BLASCONV_SUCCESS : BLASCONV_BAD_SIZE;
}

typedef struct context {
  bc_epilogue epilogue;
  blasconv_maps maps; /* merged */
  const float *input;
  float *output;
  int64_t row_count, row_length;    /* maps and their pixels, or pixels and their channels */
  int64_t row_block, element_block; /* of a task: whole rows, or a part of one */
} context;

static void map_block(const context *c, bc_block_view view, int64_t channel, int64_t row,
                      int64_t element)
{
  const int64_t at = row * c->row_length + element;
  bc_epilogue_map(&c->epilogue, view, channel, at, c->input + at, c->output + at);
}

static void map_task(void *argument, int64_t task, int thread)
{
  (void)thread;
  const context *c = argument;
  const int64_t blocks = bc_count_blocks(c->row_length, c->element_block);
  const int64_t step = c->row_length, channels = c->maps.channels;
  const bc_range rows = bc_block(task / blocks, c->row_block, c->row_count);
  const bc_range elements = bc_block(task % blocks, c->element_block, c->row_length);
  const int64_t n = bc_range_length(elements);
  if (c->maps.layout == BLASCONV_NHWC) {
    map_block(c, (bc_block_view){n, bc_range_length(rows), 1, step}, elements.begin, rows.begin,
              elements.begin);
    return;
  }
  for (int64_t row = rows.begin, end; row < rows.end; row = end) {
    end = bc_min(rows.end, (row / channels + 1) * channels); /* of the image */
    map_block(c, (bc_block_view){end - row, n, step, 1}, row % channels, row, elements.begin);
  }
}

/* Applies an epilogue to all of the input; its residual lies as the maps do. */
static void map_all(bc_epilogue epilogue, const blasconv_maps *maps, const float *input,
                    int threads, float *output)
{
  blasconv_maps merged = bc_maps_merged(maps);
  if (epilogue.bias == NULL && epilogue.scale == NULL) /* all channels are alike */
    merged = blasconv_maps_nchw(1, 1, maps->batch * maps->channels * maps->pixels);
  const bool by_pixel = merged.layout == BLASCONV_NHWC;
  const int64_t row_count = by_pixel ? merged.pixels : merged.batch * merged.channels;
  const int64_t row_length = by_pixel ? merged.channels : merged.pixels;
  context c = {epilogue,
               merged,
               input,
               output,
               row_count,
               row_length,
               .row_block = bc_max(BC_TASK_ELEMENTS / bc_max(row_length, 1), 1),
               .element_block = BC_TASK_ELEMENTS};
  const int64_t tasks =
      bc_count_blocks(row_count, c.row_block) * bc_count_blocks(row_length, c.element_block);
  bc_parallel_elements(threads, row_count * row_length, tasks, map_task, &c);
}

blasconv_status blasconv_bias_activation_forward(const blasconv_maps *maps, const float *input,
                                                 const float *bias,
                                                 const blasconv_activation *activation,
                                                 int32_t threads, float *output)
{
  int team;
  const blasconv_status status = bc_maps_call_check(maps, activation, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (maps->batch > 0 && (input == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  bc_epilogue epilogue = {.bias = bias};
  if (activation != NULL)
    epilogue.activation = *activation;
  map_all(epilogue, maps, input, team, output);
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_scale_shift_forward(const blasconv_maps *maps, const float *input,
                                             const float *scale, const float *shift,
                                             int32_t threads, float *output)
{
  int team;
  const blasconv_status status = bc_maps_call_check(maps, NULL, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (scale == NULL || shift == NULL || (maps->batch > 0 && (input == NULL || output == NULL)))
    return BLASCONV_NULL_POINTER;
  map_all((bc_epilogue){.scale = scale, .shift = shift}, maps, input, team, output);
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_residual_forward(const blasconv_maps *maps, const float *input,
                                          const float *residual, int32_t threads, float *output)
{
  int team;
  const blasconv_status status = bc_maps_call_check(maps, NULL, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (maps->batch > 0 && (input == NULL || residual == NULL || output == NULL))
    return BLASCONV_NULL_POINTER;
  map_all((bc_epilogue){.residual = residual, .place = BLASCONV_RESIDUAL_BEFORE_ACTIVATION}, maps,
          input, team, output);
  return BLASCONV_SUCCESS;
}
