/* What the algorithms on top of SGEMM share: block sizes, and the weight gradient. */
#ifndef BC_BLOCKS_H
#define BC_BLOCKS_H

#include "lowering/lowering.h"
#include "plan.h"
#include "planning/cost.h"
#include "sgemm.h"

/* A block of patches stays in the second-level cache, beside the operands that it meets. */
#define BC_PATCH_ELEMENTS ((int64_t)1 << 17) /* 512 KiB */

/* Floats that a block may have, in that cache and in what the plan may book. */
int64_t bc_patch_elements(const bc_request *request);

/* Tasks that a schedule tries to have, so that many cores find work at batch 1 too. */
#define BC_ENOUGH_TASKS 16

/* Two for each thread, of which one may be quicker than another; a thread alone makes no operand
 * twice. */
int64_t bc_wanted_tasks(const bc_request *request);

/* So many may be packed in panels: their count, rounded up to whole panels, does not overflow. */
#define BC_MOST_WEIGHTS ((int64_t)1 << 48)

/* The largest size up to `most` (at least 1) that cuts `whole` into blocks of nearly the same
 * size, a multiple of `unit` where that is possible. */
int64_t bc_even_block(int64_t whole, int64_t most, int64_t unit);

/* Halves *size while there are less than `tasks`, blocks times `others`, and no block gets smaller
 * than `least`. */
void bc_split_for_tasks(int64_t tasks, int64_t whole, int64_t others, int64_t least, int64_t unit,
                        int64_t *size);

/* What threads share: `whole` in even blocks (bc_even_range()) of some units, each for `others`
 * parts of something else. A block takes as much longer than its units as `extra` of them. */
typedef struct bc_shares {
  int threads;
  int64_t others, whole, unit;
  double extra;
} bc_shares;

/* The longest of the even blocks, none of more than `size` nor much less than `least`, with which
 * the busiest thread ends first; or a longer one, up to `most`, with which it ends well before. */
int64_t bc_balanced_block(const bc_shares *shares, int64_t least, int64_t size, int64_t most);

/* A block of a tensor with these steps. */
static inline bc_block_view bc_view(bc_steps steps, int64_t channels, int64_t pixels)
{
  return (bc_block_view){channels, pixels, steps.channel, steps.pixel};
}

/* Whether SGEMM's second operand lies column by column: in NHWC the filters of the forward pass, in
 * NCHW the output's gradients of that of the weights. */
bool bc_turns_operand(const bc_geometry *geometry, blasconv_pass pass);

/* All weights, or their gradients, if they are more than caches keep near and the pass hands them
 * to SGEMM: for backward data their neighbours are read together. */
double bc_far_weights(const bc_geometry *geometry, blasconv_pass pass);

/* Elements of the input and the output, or their gradients. */
double bc_tensor_elements(const bc_geometry *geometry);

/* Whether weights are more than a cache keeps from one run to the next. */
bool bc_weights_are_far(const bc_geometry *geometry);

/* Of those elements what such a cache does not keep; and what takes as long to read, of weights
 * that backward data hands to SGEMM. */
double bc_far_pixels(const bc_geometry *geometry, blasconv_pass pass);

/* Sets a block to zero. */
void bc_clear_block(bc_block_view view, float *block);

/* Where the block begins in the tensor, from the start of image and group. */
static inline int64_t bc_place(bc_steps steps, int64_t channel, int64_t pixel)
{
  return channel * steps.channel + pixel * steps.pixel;
}

/* Where a pixel is that is counted over all images, each of so many pixels. */
static inline int64_t bc_place_in_images(bc_steps steps, int64_t pixels, int64_t number)
{
  return number / pixels * steps.image + number % pixels * steps.pixel;
}

/* ---- weight gradient: dW [K/G][C/G R S] = sum over images and pixels of dY patches^T ---- */

/* The rows `depth` of the patch matrices of `images` of one group, side by side, each over
 * `pixels`: [depth][images pixels]. `input` is the group's part of image 0; `buffer` has room. */
typedef bc_operand bc_patch_source(const bc_geometry *geometry, const float *input, bc_range images,
                                   bc_range depth, bc_range pixels, float *buffer);

/* Elements that lowering copies in one piece, at least. */
int64_t bc_copied_run(const bc_geometry *geometry);

/* The patch source that lowers into the buffer. */
bc_patch_source bc_lowered_patches;

/* Whether patches of so many images, which is not none, are the input itself: of one, if the
 * problem is pointwise. */
bool bc_patches_are_input(const bc_geometry *geometry, int64_t images);

/* The patches then, of one image. */
bc_operand bc_patches_in_place(const bc_geometry *geometry, const float *input, int64_t image,
                               bc_range depth, bc_range pixels);

/* The patch source that lowers what is not the input itself. */
bc_patch_source bc_nearest_patches;

/* Where an operand [rows][columns] is in memory. */
static inline bc_extract bc_extract_of(bc_operand o, int64_t rows, int64_t columns)
{
  return o.column_step == 1 ? (bc_extract){o.data, o.row_step, rows, columns}
                            : (bc_extract){o.data, o.column_step, columns, rows};
}

/* A unit of the sum: c = a b + beta c as bc_sgemm() has it, a being patches and b output gradients.
 * If patches were lowered, they are in front of the workspace. */
typedef struct bc_weights_unit {
  int64_t m, n, k;
  bc_operand a, b;
  float beta;
  bc_result c;
  bool lowered;
  bc_extract next_a, next_b; /* where the same of the next unit come from; or nothing */
  void *workspace;
} bc_weights_unit;

/* What a weight gradient is made with. */
typedef struct bc_weights_method {
  bc_patch_source *patches;
  /* In so many bytes of workspace for units of these extents at most; NULL: bc_sgemm(). */
  void (*multiply)(const bc_weights_unit *unit);
  size_t (*multiply_bytes)(int64_t m, int64_t n, int64_t k);
  /* Adds to `work` what so many of them do, of these extents on average, with columns of patches
   * that may be rows in memory, and lowered; NULL with `multiply`. */
  void (*multiply_work)(double products, double m, double n, double k, bool in_rows, bool lowered,
                        bc_work *work);
} bc_weights_method;

bc_schedule bc_weights_prepare(const bc_geometry *geometry, const bc_request *request,
                               const bc_weights_method *method);
bc_work bc_weights_work(const bc_geometry *geometry, const bc_schedule *schedule,
                        const bc_weights_method *method);
void bc_weights_run(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                    const bc_weights_method *method);

#endif
