/* First values of weights: every kind is a law for single elements, which for two of them is only
 * the beginning. */
#include "geometry.h"
#include "train/normal.h"
#include "train/orthogonal.h"
#include "train/random.h"

#include <float.h>
#include <math.h>

enum { CHUNK = 256 }; /* words drawn at a time */

typedef enum law_shape { CONSTANT, UNIFORM, NORMAL, TRUNCATED } law_shape;

/* How a word becomes an element. */
typedef struct element_law {
  law_shape shape;
  double start; /* constant, lower end or mean */
  double scale; /* width or deviation */
  float last;   /* uniform: the largest value, as a sum may be rounded up to the end */
} element_law;

static const double WITHIN_TWO = 0.95449973610364158;         /* probability of two deviations */
static const double TRUNCATED_DEVIATION = 0.8796256610342398; /* what cutting there leaves of one */
static const double LONGEST = 9.0; /* no normal number is further out: 8.21 is what 52 bits give */

static bool set_constant(float value, element_law *law)
{
  *law = (element_law){CONSTANT, (double)value, 0.0, 0.0f};
  return isfinite(value);
}

static bool set_uniform(float low, float high, element_law *law)
{
  *law = (element_law){UNIFORM, (double)low, (double)high - (double)low, nextafterf(high, low)};
  return isfinite(high - low);
}

static bool set_normal(law_shape shape, double mean, double deviation, element_law *law)
{
  *law = (element_law){shape, mean, deviation, 0.0f};
  return deviation >= 0.0 && fabs(mean) + LONGEST * deviation <= (double)FLT_MAX;
}

/* One over the variance that the kind wants of the elements, with gain 1. Channels and filters are
 * the problem's: a transposed one's geometry has them the other way round. */
static double fan(blasconv_initializer_kind kind, const blasconv_problem *problem, int64_t taps)
{
  const int64_t in_channels = problem->in_channels / problem->groups;
  const int64_t out_channels = problem->out_channels / problem->groups;
  const double in = (double)in_channels * (double)taps, out = (double)out_channels * (double)taps;
  switch (kind) {
  case BLASCONV_INIT_LECUN_UNIFORM:
  case BLASCONV_INIT_LECUN_NORMAL:
    return in;
  case BLASCONV_INIT_HE_UNIFORM:
  case BLASCONV_INIT_HE_NORMAL:
    return in / 2.0;
  default: /* Glorot */
    return (in + out) / 2.0;
  }
}

/* The law of the kinds that have a gain; false if an element could be beyond float. */
static bool set_scaled(const blasconv_initializer *initializer, const blasconv_problem *problem,
                       int64_t taps, element_law *law)
{
  const blasconv_initializer_kind kind = initializer->kind;
  const double gain = (double)initializer->gain;
  if (!(gain > 0.0 && gain <= (double)FLT_MAX))
    return false;
  switch (kind) {
  case BLASCONV_INIT_ORTHOGONAL:
    return set_normal(NORMAL, 0.0, 1.0, law);
  case BLASCONV_INIT_IDENTITY:
    return set_constant(0.0f, law);
  case BLASCONV_INIT_GLOROT_UNIFORM:
  case BLASCONV_INIT_HE_UNIFORM:
  case BLASCONV_INIT_LECUN_UNIFORM: {
    const float end = (float)(gain * sqrt(3.0 / fan(kind, problem, taps)));
    return set_uniform(-end, end, law);
  }
  case BLASCONV_INIT_GLOROT_TRUNCATED:
    return set_normal(TRUNCATED, 0.0,
                      gain * sqrt(1.0 / fan(kind, problem, taps)) / TRUNCATED_DEVIATION, law);
  default: /* the other normal ones */
    return set_normal(NORMAL, 0.0, gain * sqrt(1.0 / fan(kind, problem, taps)), law);
  }
}

/* false: the kind or one of its numbers is none. */
static bool set_law(const blasconv_initializer *initializer, const blasconv_problem *problem,
                    int64_t taps, element_law *law)
{
  const float low = initializer->low, high = initializer->high;
  const double mean = (double)initializer->mean, deviation = (double)initializer->deviation;
  switch (initializer->kind) {
  case BLASCONV_INIT_ZEROS:
    return set_constant(0.0f, law);
  case BLASCONV_INIT_ONES:
    return set_constant(1.0f, law);
  case BLASCONV_INIT_CONSTANT:
    return set_constant(initializer->value, law);
  case BLASCONV_INIT_UNIFORM:
    return low < high && set_uniform(low, high, law);
  case BLASCONV_INIT_NORMAL:
    return set_normal(NORMAL, mean, deviation, law);
  case BLASCONV_INIT_TRUNCATED_NORMAL:
    return set_normal(TRUNCATED, mean, deviation, law);
  case BLASCONV_INIT_GLOROT_UNIFORM:
  case BLASCONV_INIT_GLOROT_NORMAL:
  case BLASCONV_INIT_GLOROT_TRUNCATED:
  case BLASCONV_INIT_HE_UNIFORM:
  case BLASCONV_INIT_HE_NORMAL:
  case BLASCONV_INIT_LECUN_UNIFORM:
  case BLASCONV_INIT_LECUN_NORMAL:
  case BLASCONV_INIT_ORTHOGONAL:
  case BLASCONV_INIT_IDENTITY:
    return set_scaled(initializer, problem, taps, law);
  }
  return false;
}

static float element(const element_law *law, uint64_t word)
{
  switch (law->shape) {
  case UNIFORM: {
    const float value = (float)(law->start + law->scale * bc_random_unit_of(word));
    return value < law->last ? value : law->last;
  }
  case NORMAL:
    return (float)(law->start + law->scale * bc_normal_quantile(bc_normal_centred(word)));
  case TRUNCATED: /* the part of the distribution between the ends, drawn from directly */
    return (float)(law->start +
                   law->scale * bc_normal_quantile(WITHIN_TWO * bc_normal_centred(word)));
  default:
    return (float)law->start;
  }
}

static void draw(const element_law *law, blasconv_random *random, int64_t count, float *values)
{
  uint64_t words[CHUNK];
  for (int64_t begin = 0; begin < count; begin += CHUNK) {
    const int64_t n = bc_min(CHUNK, count - begin);
    bc_random_draw(random, n, words);
    for (int64_t i = 0; i < n; ++i)
      values[begin + i] = element(law, words[i]);
  }
}

static void make_orthogonal(const bc_geometry *geometry, float gain, float *weights)
{
  for (int64_t group = 0; group < geometry->groups; ++group)
    bc_orthonormalize(geometry->out_channels, geometry->patch_rows,
                      weights + bc_weights_offset(geometry, group));
  for (int64_t i = 0; i < bc_count_weights(geometry); ++i)
    weights[i] *= gain;
}

static void make_identity(const bc_geometry *geometry, float gain, float *weights)
{
  int64_t middle = 0;
  for (int i = 0; i < BLASCONV_MAX_RANK; ++i)
    middle = middle * geometry->axes[i].kernel + geometry->axes[i].kernel / 2;
  const int64_t common = bc_min(geometry->out_channels, geometry->in_channels);
  for (int64_t group = 0; group < geometry->groups; ++group)
    for (int64_t i = 0; i < common; ++i)
      weights[bc_weights_offset(geometry, group) + i * geometry->patch_rows +
              i * geometry->row_of_channel + middle * geometry->row_of_tap] = gain;
}

blasconv_status blasconv_weights_initialize(const blasconv_problem *problem,
                                            const blasconv_initializer *initializer,
                                            blasconv_random *random, float *weights)
{
  bc_geometry geometry;
  const char *reason;
  element_law law;
  const blasconv_status status = bc_problem_check(problem, &geometry, &reason);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (initializer == NULL)
    return BLASCONV_NULL_POINTER;
  if (initializer->struct_size != sizeof *initializer)
    return BLASCONV_VERSION_MISMATCH;
  if (!set_law(initializer, problem, geometry.taps, &law))
    return BLASCONV_BAD_ARGUMENT;
  if ((law.shape != CONSTANT && random == NULL) || weights == NULL)
    return BLASCONV_NULL_POINTER;
  const int64_t count = bc_count_weights(&geometry);
  if (law.shape == CONSTANT)
    for (int64_t i = 0; i < count; ++i)
      weights[i] = (float)law.start;
  else
    draw(&law, random, count, weights);
  if (initializer->kind == BLASCONV_INIT_ORTHOGONAL)
    make_orthogonal(&geometry, initializer->gain, weights);
  if (initializer->kind == BLASCONV_INIT_IDENTITY)
    make_identity(&geometry, initializer->gain, weights);
  return BLASCONV_SUCCESS;
}
