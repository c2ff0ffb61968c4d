/* The transforms of Winograd's algorithm. Along an axis, `results` neighbouring results of a filter
 * of `taps` taps follow from results + taps - 1 products: values of polynomials at so many points,
 * of which 0 and infinity are two and the others are pairs +p and -p. See docs/algorithms.md.
 *
 * Vectors are channels. A tile is [rows][columns] along height and width; numbers of points are
 * [points along the height][points along the width]. winograd.c is compiled once for each
 * instruction set. */
#ifndef BC_WINOGRAD_KERNELS_H
#define BC_WINOGRAD_KERNELS_H

#include <stdint.h>

enum { BC_MOST_POINTS = 8 }; /* along an axis */

/* From the elements of a tile to their values at points. Element i of vector v is at
 * elements[i] + v * element_step; its value at point e goes to values + e * point_step +
 * v * value_step. */
typedef struct bc_winograd_spread {
  const float *const *elements;
  int64_t element_step;
  float *values;
  int64_t point_step, value_step;
  int64_t vectors;
} bc_winograd_spread;

/* From sums of products at points to the elements of a tile, in the same places. */
typedef struct bc_winograd_collect {
  const float *values;
  int64_t point_step, value_step;
  float *const *elements;
  int64_t element_step;
  int64_t vectors;
} bc_winograd_collect;

typedef struct bc_winograd_axis {
  int64_t results, taps, points;
} bc_winograd_axis;

typedef struct bc_winograd_transforms {
  bc_winograd_axis height, width;
  void (*sources)(const bc_winograd_spread *tile);  /* [points][points]: what results meet */
  void (*filters)(const bc_winograd_spread *tile);  /* [taps][taps] */
  void (*results)(const bc_winograd_collect *tile); /* [results][results] */
  /* For the gradient of the weights, results and taps exchange their roles. */
  void (*gradients)(const bc_winograd_spread *tile); /* [results][results] */
  void (*sums)(const bc_winograd_collect *tile);     /* [taps][taps] */
} bc_winograd_transforms;

typedef struct bc_winograd_kernels {
  int64_t lanes; /* of a vector */
  int64_t count;
  const bc_winograd_transforms *transforms; /* [count] */
} bc_winograd_kernels;

extern const bc_winograd_kernels bc_winograd_kernels_generic, bc_winograd_kernels_avx2,
    bc_winograd_kernels_avx512;

#endif
