/* Filters known from image processing, by tables and formulae. */
#include "geometry.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>

enum { MOST = 1 << 15 }; /* taps a side, and filters of a bank */

static const double PI = 3.14159265358979324;

/* The kinds that are 3x3, in the order of blasconv_filter_kind. */
static const float TABLES[][9] = {
    {-1, 0, 1, -2, 0, 2, -1, 0, 1},   {-1, -2, -1, 0, 0, 0, 1, 2, 1},
    {-1, 0, 1, -1, 0, 1, -1, 0, 1},   {-1, -1, -1, 0, 0, 0, 1, 1, 1},
    {-3, 0, 3, -10, 0, 10, -3, 0, 3}, {-3, -10, -3, 0, 0, 0, 3, 10, 3},
    {0, 1, 0, 1, -4, 1, 0, 1, 0},     {1, 1, 1, 1, -8, 1, 1, 1, 1},
    {0, -1, 0, -1, 5, -1, 0, -1, 0},  {-2, -1, 0, -1, 1, 1, 0, 1, 2}};

static bool is_positive(float x)
{
  return isfinite(x) && x > 0.0f;
}

/* The Laplacian's middle tap, -2 / sigma^2, must be a float. */
static bool is_spot(float sigma)
{
  return is_positive(sigma) && 2.0 / ((double)sigma * (double)sigma) <= (double)FLT_MAX;
}

/* Which extents the kind comes in, and whether its numbers are any. */
static blasconv_status check_kind(const blasconv_filter *f, int64_t height, int64_t width)
{
  const bool odd = height % 2 == 1 && width % 2 == 1;
  bool fits = odd, good = true;
  switch (f->kind) {
  case BLASCONV_FILTER_SOBEL_X:
  case BLASCONV_FILTER_SOBEL_Y:
  case BLASCONV_FILTER_PREWITT_X:
  case BLASCONV_FILTER_PREWITT_Y:
  case BLASCONV_FILTER_SCHARR_X:
  case BLASCONV_FILTER_SCHARR_Y:
  case BLASCONV_FILTER_LAPLACIAN_4:
  case BLASCONV_FILTER_LAPLACIAN_8:
  case BLASCONV_FILTER_SHARPEN:
  case BLASCONV_FILTER_EMBOSS:
    fits = height == 3 && width == 3;
    break;
  case BLASCONV_FILTER_BOX:
    fits = true;
    break;
  case BLASCONV_FILTER_GAUSSIAN:
    good = is_positive(f->sigma);
    break;
  case BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN:
    good = is_spot(f->sigma);
    break;
  case BLASCONV_FILTER_GABOR:
    good = is_positive(f->sigma) && is_positive(f->wavelength) && is_positive(f->aspect) &&
           isfinite(f->angle) && isfinite(f->phase);
    break;
  default:
    return BLASCONV_BAD_ARGUMENT;
  }
  if (!fits)
    return BLASCONV_BAD_SIZE;
  return good ? BLASCONV_SUCCESS : BLASCONV_BAD_ARGUMENT;
}

static blasconv_status check_filter(const blasconv_filter *filter, int64_t height, int64_t width)
{
  if (filter->struct_size != sizeof *filter)
    return BLASCONV_VERSION_MISMATCH;
  if (height < 1 || height > MOST || width < 1 || width > MOST)
    return BLASCONV_BAD_SIZE;
  return check_kind(filter, height, width);
}

static double gabor(const blasconv_filter *f, double x, double y)
{
  const double sine = sin((double)f->angle), cosine = cos((double)f->angle);
  const double u = x * cosine + y * sine, v = (y * cosine - x * sine) * (double)f->aspect;
  const double sigma = (double)f->sigma;
  return exp(-(u * u + v * v) / (2.0 * sigma * sigma)) *
         cos(2.0 * PI * u / (double)f->wavelength + (double)f->phase);
}

/* The formula at a tap that is x to the right of the middle and y below it, as yet unscaled. */
static double formula(const blasconv_filter *f, double x, double y)
{
  const double variance = (double)f->sigma * (double)f->sigma, square = x * x + y * y;
  switch (f->kind) {
  case BLASCONV_FILTER_GAUSSIAN:
    return exp(-square / (2.0 * variance));
  case BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN:
    return (square - 2.0 * variance) / (variance * variance) * exp(-square / (2.0 * variance));
  case BLASCONV_FILTER_GABOR:
    return gabor(f, x, y);
  default: /* the box */
    return 1.0;
  }
}

static double formula_at(const blasconv_filter *f, int64_t height, int64_t width, int64_t tap)
{
  const int64_t x = tap % width - width / 2, y = tap / width - height / 2;
  return formula(f, (double)x, (double)y);
}

/* Sums in double first, of what is then scaled to sum 1 or moved to mean 0. */
static void write_formula(const blasconv_filter *f, int64_t height, int64_t width, float *taps)
{
  const int64_t area = height * width;
  double sum = 0.0;
  for (int64_t i = 0; i < area && f->kind != BLASCONV_FILTER_GABOR; ++i)
    sum += formula_at(f, height, width, i);
  const bool centred = f->kind == BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN;
  const bool scaled = f->kind == BLASCONV_FILTER_BOX || f->kind == BLASCONV_FILTER_GAUSSIAN;
  const double mean = centred ? sum / (double)area : 0.0;
  for (int64_t i = 0; i < area; ++i) {
    const double value = formula_at(f, height, width, i) - mean;
    taps[i] = (float)(scaled ? value / sum : value);
  }
}

/* A filter that was checked. */
static void write_taps(const blasconv_filter *f, int64_t height, int64_t width, float *taps)
{
  if (f->kind >= BLASCONV_FILTER_BOX) {
    write_formula(f, height, width, taps);
    return;
  }
  for (int i = 0; i < 9; ++i)
    taps[i] = TABLES[f->kind][i];
}

blasconv_status blasconv_filter_write(const blasconv_filter *filter, int64_t height, int64_t width,
                                      float *taps)
{
  if (filter == NULL)
    return BLASCONV_NULL_POINTER;
  const blasconv_status status = check_filter(filter, height, width);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (taps == NULL)
    return BLASCONV_NULL_POINTER;
  write_taps(filter, height, width, taps);
  return BLASCONV_SUCCESS;
}

blasconv_status blasconv_filter_bank(const blasconv_filter *filter, int64_t count,
                                     blasconv_filter *bank)
{
  if (filter == NULL)
    return BLASCONV_NULL_POINTER;
  blasconv_filter turned = *filter; /* a copy, as the bank may be where the filter is */
  turned.angle = 0.0f;
  const blasconv_status status = check_filter(&turned, 1, 1);
  if (status == BLASCONV_VERSION_MISMATCH)
    return status;
  if (count < 1 || count > MOST)
    return BLASCONV_BAD_SIZE;
  if (status != BLASCONV_SUCCESS || filter->kind != BLASCONV_FILTER_GABOR)
    return BLASCONV_BAD_ARGUMENT;
  if (bank == NULL)
    return BLASCONV_NULL_POINTER;
  for (int64_t i = 0; i < count; ++i) {
    turned.angle = (float)((double)i * PI / (double)count);
    bank[i] = turned;
  }
  return BLASCONV_SUCCESS;
}

static blasconv_status check_bank(const bc_geometry *geometry, const blasconv_filter *bank,
                                  int64_t count, const float *mix)
{
  if (count < 1)
    return BLASCONV_BAD_SIZE;
  if (count > PTRDIFF_MAX / (int64_t)sizeof *bank)
    return BLASCONV_OVERFLOW;
  for (int64_t i = 0; i < count; ++i) {
    const blasconv_status status =
        check_filter(&bank[i], geometry->axes[BC_HEIGHT].kernel, geometry->axes[BC_WIDTH].kernel);
    if (status != BLASCONV_SUCCESS)
      return status;
  }
  for (int64_t c = 0; mix != NULL && c < geometry->in_channels; ++c)
    if (!isfinite(mix[c]))
      return BLASCONV_BAD_ARGUMENT;
  return BLASCONV_SUCCESS;
}

/* Makes the taps at the filter's beginning into those of all channels. From the last tap on: what
 * is written lies behind all that are still to be read. */
static void mix_channels(const bc_geometry *geometry, const float *mix, float *filter)
{
  for (int64_t i = geometry->taps - 1; i >= 0; --i) {
    const double tap = (double)filter[i];
    for (int64_t c = 0; c < geometry->in_channels; ++c) {
      const double factor = mix ? (double)mix[c] : 1.0 / (double)geometry->in_channels;
      filter[c * geometry->row_of_channel + i * geometry->row_of_tap] = (float)(tap * factor);
    }
  }
}

blasconv_status blasconv_weights_fixed(const blasconv_problem *problem, const blasconv_filter *bank,
                                       int64_t count, const float *mix, float *weights)
{
  bc_geometry geometry;
  blasconv_status status = bc_problem_check_convolution(problem, &geometry);
  if (status == BLASCONV_SUCCESS && problem->rank > 2)
    status = BLASCONV_UNSUPPORTED;
  if (status == BLASCONV_SUCCESS && bank == NULL)
    status = BLASCONV_NULL_POINTER;
  if (status == BLASCONV_SUCCESS)
    status = check_bank(&geometry, bank, count, mix);
  if (status == BLASCONV_SUCCESS && weights == NULL)
    status = BLASCONV_NULL_POINTER;
  if (status != BLASCONV_SUCCESS)
    return status;
  for (int64_t k = 0; k < problem->out_channels; ++k) {
    float *filter = weights + k * geometry.patch_rows;
    write_taps(&bank[k % count], geometry.axes[BC_HEIGHT].kernel, geometry.axes[BC_WIDTH].kernel,
               filter);
    mix_channels(&geometry, mix, filter);
  }
  return BLASCONV_SUCCESS;
}
