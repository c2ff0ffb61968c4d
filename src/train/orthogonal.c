/* Gram and Schmidt, in place: a float matrix, sums in double. What lies along earlier vectors is
 * removed for a block of these at a time, and all of it twice, after which what is left of it is
 * the rounding of the vector itself. */
#include "train/orthogonal.h"

#include "geometry.h"

#include <math.h>

enum {
  BLOCK = 256, /* vectors, and components, in hand at a time: 2 KiB of doubles */
  LANES = 8    /* partial sums, whose order does not hang on the width of a register */
};

/* Below this square of its length a vector is taken for one that depends on those before it. Among
 * the unit vectors one always has more than 1 / length left. */
static const double DEGENERATE = 1e-6;

/* The vectors as they lie in the matrix: component c of vector v is at v * vector_step +
 * c * component_step, and one of the two steps is 1. */
typedef struct vectors {
  int64_t count, length, vector_step, component_step;
  float *matrix;
} vectors;

static double dot(const double *x, const float *y, int64_t n)
{
  double lanes[LANES] = {0.0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; ++lane)
      lanes[lane] += x[i + lane] * (double)y[i + lane];
  double sum = 0.0;
  for (; i < n; ++i)
    sum += x[i] * (double)y[i];
  for (int lane = 0; lane < LANES; ++lane)
    sum += lanes[lane];
  return sum;
}

/* sum[i] += factor y[i] */
static void add_scaled(double factor, const float *y, int64_t n, double *sum)
{
  for (int64_t i = 0; i < n; ++i)
    sum[i] += factor * (double)y[i];
}

/* Removes the block of earlier rows from row `vector`, a block of components at a time. */
static void remove_rows(const vectors *v, bc_range earlier, int64_t vector)
{
  float *row = v->matrix + vector * v->vector_step;
  double along[BLOCK] = {0.0}, part[BLOCK];
  for (int sweep = 0; sweep < 2; ++sweep)
    for (int64_t begin = 0; begin < v->length; begin += BLOCK) {
      const int64_t n = bc_min(BLOCK, v->length - begin);
      for (int64_t i = 0; i < n; ++i)
        part[i] = (double)row[begin + i];
      for (int64_t j = earlier.begin; j < earlier.end; ++j) {
        const float *other = v->matrix + j * v->vector_step + begin;
        if (sweep == 0)
          along[j - earlier.begin] += dot(part, other, n);
        else
          add_scaled(-along[j - earlier.begin], other, n, part);
      }
      for (int64_t i = 0; i < n; ++i)
        row[begin + i] = (float)part[i];
    }
}

/* The same for columns: here the earlier vectors' components are neighbours. */
static void remove_columns(const vectors *v, bc_range earlier, int64_t vector)
{
  const int64_t n = bc_range_length(earlier);
  double along[BLOCK] = {0.0};
  for (int64_t c = 0; c < v->length; ++c) {
    const float *row = v->matrix + c * v->component_step;
    add_scaled((double)row[vector], row + earlier.begin, n, along);
  }
  for (int64_t c = 0; c < v->length; ++c) {
    float *row = v->matrix + c * v->component_step;
    row[vector] = (float)((double)row[vector] - dot(along, row + earlier.begin, n));
  }
}

/* Makes a vector orthogonal to those before it. @return the square of the length left */
static double orthogonalize(const vectors *v, int64_t vector)
{
  const int64_t blocks = bc_count_blocks(vector, BLOCK);
  for (int64_t block = 0; block < 2 * blocks; ++block) {
    const bc_range earlier = bc_block(block % blocks, BLOCK, vector);
    (v->component_step == 1 ? remove_rows : remove_columns)(v, earlier, vector);
  }
  double square = 0.0;
  for (int64_t c = 0; c < v->length; ++c) {
    const double x = (double)v->matrix[vector * v->vector_step + c * v->component_step];
    square += x * x;
  }
  return square;
}

static void set_unit(const vectors *v, int64_t vector, int64_t component)
{
  for (int64_t c = 0; c < v->length; ++c)
    v->matrix[vector * v->vector_step + c * v->component_step] = c == component ? 1.0f : 0.0f;
}

void bc_orthonormalize(int64_t rows, int64_t columns, float *matrix)
{
  const vectors v = rows <= columns ? (vectors){rows, columns, columns, 1, matrix}
                                    : (vectors){columns, rows, 1, columns, matrix};
  for (int64_t vector = 0; vector < v.count; ++vector) {
    double square = orthogonalize(&v, vector);
    for (int64_t unit = 0; square < DEGENERATE && unit < v.length; ++unit) {
      set_unit(&v, vector, unit);
      square = orthogonalize(&v, vector);
    }
    const double length = sqrt(square);
    for (int64_t c = 0; c < v.length; ++c) {
      float *x = v.matrix + vector * v.vector_step + c * v.component_step;
      *x = (float)((double)*x / length);
    }
  }
}
