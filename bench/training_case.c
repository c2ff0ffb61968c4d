#include "training_case.h"

#include "measure.h"

#include <fashion.h>
#include <math.h>
#include <model.h>
#include <stdlib.h>

enum { PIXELS = FASHION_PIXELS * FASHION_PIXELS };

static void fill(bench_training_case *c)
{
  blasconv_random random = blasconv_random_start(1, 0);
  for (int64_t i = 0; i < BENCH_TRAINING_BATCH; ++i)
    c->labels[i] = (int32_t)blasconv_random_below(&random, FASHION_CLASSES);
  for (int64_t i = 0; i < (int64_t)BENCH_TRAINING_BATCH * PIXELS; ++i)
    c->images[i] = (float)blasconv_random_normal(&random);
}

bool bench_training_case_create(int threads, bench_training_case *c)
{
  *c = (bench_training_case){NULL, malloc(sizeof(float) * BENCH_TRAINING_BATCH * PIXELS),
                             malloc(sizeof(int32_t) * BENCH_TRAINING_BATCH)};
  const run_options chosen = {.model = MODEL_CNN,
                              .initializer = BLASCONV_INIT_HE_NORMAL,
                              .batch = BENCH_TRAINING_BATCH,
                              .seed = 1,
                              .threads = threads};
  if (c->images != NULL && c->labels != NULL && model_create(&chosen, &c->network)) {
    fill(c);
    return true;
  }
  bench_training_case_destroy(c);
  return false;
}

void bench_training_case_destroy(bench_training_case *c)
{
  cnn_destroy(c->network);
  free(c->images);
  free(c->labels);
  *c = (bench_training_case){NULL, NULL, NULL};
}

double bench_training_case_run(const void *training_case)
{
  const bench_training_case *c = training_case;
  const blasconv_optimizer optimizer = blasconv_optimizer_of(BLASCONV_MOMENTUM, 1e-3f);
  double loss;
  const double start = bench_now();
  cnn_step(c->network, c->images, c->labels, &optimizer, INFINITY, &loss);
  return isfinite(loss) ? bench_now() - start : NAN;
}
