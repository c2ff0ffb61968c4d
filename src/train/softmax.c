/* Softmax, and its cross-entropy with labels or distributions. */
#include "cpu.h"
#include "kernels/descent.h"
#include "parallel.h"
#include "plan.h"
#include "slots.h"

#include <blasconv/train.h>
#include <float.h>
#include <math.h>

/* Exponentials that nobody wants are made and added a chunk at a time. */
enum { CHUNK = 1 << 10 };

/* exp(x_i - top) of a row whose largest logit is `top`: of one class, and the sum of the others.
 * Kept apart, since 1 + others loses what a certain row is about. */
typedef struct powers {
  double one, others;
} powers;

/* Writes the exponentials of x [classes] to y [classes], which may be x or NULL. */
static powers exponentiate(const float *x, int64_t classes, float top, int64_t one, float *y)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  float chunk[CHUNK];
  powers sum = {0.0, 0.0};
  for (int64_t i = 0; i < classes; i += CHUNK) {
    const int64_t n = bc_min(CHUNK, classes - i);
    float *to = y != NULL ? y + i : chunk;
    kernels->descent->exponentials(x + i, top, to, n);
    if (i <= one && one < i + n) {
      sum.one = (double)to[one - i];
      to[one - i] = 0.0f;
    }
    sum.others += kernels->sum(to, n);
  }
  if (y != NULL)
    y[one] = (float)sum.one;
  return sum;
}

static double total(powers sum)
{
  return sum.one + sum.others;
}

/* log(one + others). One of them is at least 1; if it is `one`, nothing is lost of the others. */
static double log_total(powers sum)
{
  return log1p(sum.others + (sum.one - 1.0));
}

/* ---- softmax ---- */

typedef struct softmax_context {
  int64_t batch, classes, rows; /* rows of a task */
  const float *logits;
  float *probabilities;
} softmax_context;

static void softmax_task(void *context, int64_t task, int thread)
{
  (void)thread;
  const softmax_context *s = context;
  const bc_descent_kernels *kernels = bc_cpu_kernels()->descent;
  const bc_range rows = bc_block(task, s->rows, s->batch);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const float *x = s->logits + row * s->classes;
    float *y = s->probabilities + row * s->classes;
    const powers sum = exponentiate(x, s->classes, kernels->largest(x, s->classes), 0, y);
    kernels->scale(1.0 / total(sum), y, y, s->classes);
  }
}

blasconv_status blasconv_softmax(int64_t batch, int64_t classes, const float *logits,
                                 int32_t threads, float *probabilities)
{
  int team;
  const blasconv_status status = bc_matrix_check(batch, classes);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!bc_threads_check(threads, &team))
    return BLASCONV_BAD_SIZE;
  if (batch > 0 && (logits == NULL || probabilities == NULL))
    return BLASCONV_NULL_POINTER;
  softmax_context context = {batch, classes, bc_count_blocks(BC_TASK_ELEMENTS, classes), logits,
                             probabilities};
  bc_parallel_for(team, bc_count_blocks(batch, context.rows), softmax_task, &context);
  return BLASCONV_SUCCESS;
}

/* ---- cross-entropy ---- */

typedef struct entropy_context {
  int64_t classes;
  double batch;
  const float *logits;   /* [batch][classes] */
  const int32_t *labels; /* [batch], or NULL */
  const float *targets;  /* [batch][classes] if there are no labels */
  float *gradient;       /* [batch][classes], NULL, or the logits */
} entropy_context;

/* The label's probability less 1 is -others / total: the same without cancellation. */
static double label_row(const entropy_context *c, const float *x, int64_t label, float *gradient)
{
  const bc_descent_kernels *kernels = bc_cpu_kernels()->descent;
  const float top = kernels->largest(x, c->classes);
  const double depth = (double)top - (double)x[label];
  const powers sum = exponentiate(x, c->classes, top, label, gradient);
  if (gradient != NULL) {
    const double factor = 1.0 / (total(sum) * c->batch);
    kernels->scale(factor, gradient, gradient, c->classes);
    gradient[label] = (float)(-sum.others * factor);
  }
  return depth + log_total(sum);
}

/* Where `top` is first met; the last class if it is not, as in a row of NaNs. */
static int64_t find(const float *x, int64_t classes, float top)
{
  int64_t i = 0;
  while (i < classes - 1 && x[i] != top)
    ++i;
  return i;
}

static double target_row(const entropy_context *c, const float *x, const float *targets,
                         float *gradient)
{
  const bc_kernels *kernels = bc_cpu_kernels();
  const float top = kernels->descent->largest(x, c->classes);
  const double weight = kernels->sum(targets, c->classes);
  const double depth = kernels->descent->below_top(targets, top, x, c->classes);
  const powers sum = exponentiate(x, c->classes, top, find(x, c->classes, top), gradient);
  if (gradient != NULL)
    kernels->descent->subtract_targets(targets, weight / total(sum), c->batch, gradient,
                                       c->classes);
  return depth + weight * log_total(sum);
}

static double entropy_part(void *context, bc_range rows)
{
  const entropy_context *c = context;
  double sum = 0.0;
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t at = row * c->classes;
    float *gradient = c->gradient != NULL ? c->gradient + at : NULL;
    sum += c->labels != NULL ? label_row(c, c->logits + at, c->labels[row], gradient)
                             : target_row(c, c->logits + at, c->targets + at, gradient);
  }
  return sum;
}

static bool labels_fit(int64_t batch, int64_t classes, const int32_t *labels)
{
  for (int64_t row = 0; row < batch; ++row)
    if (labels[row] < 0 || labels[row] >= classes)
      return false;
  return true;
}

static blasconv_status check_entropy(int64_t batch, int64_t classes, const float *logits,
                                     const int32_t *labels, const float *targets, int32_t asked,
                                     int *threads)
{
  const blasconv_status status = bc_matrix_check(batch, classes);
  if (status != BLASCONV_SUCCESS)
    return status;
  if (!bc_threads_check(asked, threads))
    return BLASCONV_BAD_SIZE;
  if (batch > 0 && logits == NULL)
    return BLASCONV_NULL_POINTER;
  if ((labels != NULL && targets != NULL) || (batch > 0 && labels == NULL && targets == NULL))
    return BLASCONV_WRONG_TENSORS;
  const bool fit = labels != NULL
                       ? labels_fit(batch, classes, labels)
                       : bc_all_within(targets, batch * classes, 0.0f, FLT_MAX, *threads);
  return fit ? BLASCONV_SUCCESS : BLASCONV_BAD_ARGUMENT;
}

blasconv_status blasconv_softmax_cross_entropy(int64_t batch, int64_t classes, const float *logits,
                                               const int32_t *labels, const float *targets,
                                               int32_t threads, double *loss, float *gradient)
{
  int team;
  const blasconv_status status =
      check_entropy(batch, classes, logits, labels, targets, threads, &team);
  if (status != BLASCONV_SUCCESS)
    return status;
  entropy_context context = {classes, (double)batch, logits, labels, targets, gradient};
  const double sum = bc_sum_parts(team, batch, classes, entropy_part, &context);
  if (loss != NULL)
    *loss = batch > 0 ? sum / (double)batch : 0.0;
  return BLASCONV_SUCCESS;
}
