/* A walk is what forward and backward data have in common: positions of a result, each of which
 * meets some taps, each of which meets a position of a source. Forward is one walk from input to
 * output. Backward data is a forward convolution of the output gradient with turned filters; with a
 * stride, the input positions that meet the same taps make a walk of their own, a phase:
 *
 *   stride 2, 3 taps, no dilation: positions with p = y + pad even meet taps 0 and 2, at p / 2 and
 *   p / 2 - 1; with p odd, tap 1 at (p - 1) / 2.
 */
#ifndef BC_WALK_H
#define BC_WALK_H

#include "geometry.h"
#include "kernels/product.h"

typedef struct bc_walk_axis {
  int64_t count;                     /* result positions: maybe none */
  int64_t result, source;            /* extents */
  int64_t result_begin, result_step; /* position i is at result_begin + i result_step */
  int64_t source_begin, source_step; /* its tap j at source_begin + i source_step + j tap_step, */
  int64_t taps, tap_step;            /* which may lie on a pad; maybe there are no taps */
  int64_t first_tap, kernel_step;    /* tap j is the kernel's first_tap + j kernel_step */
  int64_t kernel;                    /* its extent */
} bc_walk_axis;

/* Steps of the weights, from a channel of the result, of the source, and from a tap of the kernel
 * to the next. */
typedef struct bc_weight_steps {
  int64_t result, source, tap;
} bc_weight_steps;

typedef struct bc_walk {
  bc_walk_axis axes[BLASCONV_MAX_RANK];
  int64_t positions; /* of one image */
  int64_t taps;
  int64_t result_channels, source_channels; /* of a group */
  int64_t joined; /* where taps of the width and their channels are neighbours in the source and in
                     the weights, as in NHWC without groups and dilation: so many taps count as one,
                     with as many times the channels; else 1 */
  int64_t depth;  /* source channels x taps */
  bool taps_last; /* the depth counts [channels][taps], as NCHW does, else [taps][channels] */
  int64_t source_size; /* elements of the source tensor */
  bc_weight_steps weights;
  bc_steps result, source;
} bc_walk;

/* How many walks the pass takes, at least 1, and number `index` of them. */
int64_t bc_count_walks(const bc_geometry *geometry, blasconv_pass pass);
bc_walk bc_walk_at(const bc_geometry *geometry, blasconv_pass pass, int64_t index);

/* Of one image of the source. */
static inline int64_t bc_source_pixels(const bc_walk *walk)
{
  const bc_walk_axis *axes = walk->axes;
  return axes[BC_DEPTH].source * axes[BC_HEIGHT].source * axes[BC_WIDTH].source;
}

/* Whether position i meets pixel i of the source, and no other. */
bool bc_meets_pixels_in_order(const bc_walk *walk);

enum { BC_MOST_PLACES = 96 };

/* Places in one row of the result. */
typedef struct bc_place_row {
  bc_range places;
  int64_t at[BLASCONV_MAX_RANK]; /* where tap 0 of the first is on the axes of the source */
} bc_place_row;

/* Some positions of a walk: those of the group's part of all images, in a row. */
typedef struct bc_places {
  int64_t count, lanes;           /* how many there are, and with those that stand for none */
  int64_t result[BC_MOST_PLACES]; /* where they are, from the result's first element; */
  int64_t source[BC_MOST_PLACES]; /* and where tap 0 of all axes would be, in the source */
  int64_t rows;                   /* of the result that they are in */
  bc_place_row row[BC_MOST_PLACES];
  int64_t runs, run_ends[BC_MOST_PLACES]; /* of places whose source is a stride further */
} bc_places;

/* `lanes` places from number `first` on, of which `count` are there. Those behind the last of them
 * meet no tap, and have no place in the result. */
void bc_find_places(const bc_walk *walk, int64_t group, int64_t first, int64_t count, int64_t lanes,
                    bc_places *places);

/* The block of the depth, of at most `most` up to BC_MOST_DEPTH, from `begin` on: in NCHW all taps
 * of some channels or, if that is too many, some taps of one; in NHWC all channels of some taps, or
 * some channels of one. */
bc_range bc_next_depth(const bc_walk *walk, int64_t begin, int64_t most);

/* Part of the depth that belongs to one tap: some channels. */
typedef struct bc_depth_run {
  int64_t first, step; /* in the depth, of the first channel and to the next */
  int64_t first_channel, channels;
  int64_t tap, numbers[BLASCONV_MAX_RANK]; /* the walk's: of all, and on the axes */
  int64_t kernel_tap;                      /* in the kernel */
  int64_t shifts[BLASCONV_MAX_RANK];       /* on the axes of the source, from tap 0 */
  int64_t shift;                           /* the same in elements */
} bc_depth_run;

/* The next run of the part: *next counts what has been and starts at 0, and *run is what came last.
 * False: no more. */
bool bc_next_run(const bc_walk *walk, bc_range depth, int64_t *next, bc_depth_run *run);

/* Whether the run's tap is neither above nor below the source for the places of a row. */
bool bc_row_meets_source(const bc_walk *walk, const bc_depth_run *run, const bc_place_row *row);

/* Of all pairs of a position and a tap, the share that meets the source. */
double bc_share_inside(const bc_walk *walk);

/* Those of a row's places at which the run's tap is in one of these columns of the source. */
bc_range bc_places_within(const bc_walk *walk, const bc_depth_run *run, const bc_place_row *row,
                          bc_range columns);

#endif
