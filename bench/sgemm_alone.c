#include "sgemm_alone.h"

#include "blas.h"
#include "measure.h"
#include "operands.h"

#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>

#ifdef BLASCONV_HAS_OPENBLAS
extern int BLAS(openblas_get_parallel)(void);
extern int BLAS(openblas_get_num_threads)(void);
extern void BLAS(openblas_set_num_threads)(int threads);
enum { FLAVOUR_PTHREAD = 1 };
#endif

/* The pthread flavour would use all cores in every call. Returns what to hand to restore(). */
static int make_serial(void)
{
#ifdef BLASCONV_HAS_OPENBLAS
  const int threads = BLAS(openblas_get_num_threads)();
  if (BLAS(openblas_get_parallel)() == FLAVOUR_PTHREAD)
    BLAS(openblas_set_num_threads)(1);
  return threads;
#else
  return 0;
#endif
}

static void restore(int threads)
{
#ifdef BLASCONV_HAS_OPENBLAS
  if (BLAS(openblas_get_parallel)() == FLAVOUR_PTHREAD)
    BLAS(openblas_set_num_threads)(threads);
#else
  (void)threads;
#endif
}

/* The matrices of a group are those of the lowering: filters [K/G][C/G R S], patches [C/G R S][P Q]
 * and maps [K/G][P Q]. Forward: maps = filters patches; backward data: patches = filters' maps;
 * backward weights: filters = maps patches'. */
enum { FILTERS, PATCHES, MAPS, MATRICES };

typedef struct matrix {
  float *data; /* [sets][groups][rows][columns] */
  int64_t sets;
  int rows, columns;
} matrix;

struct bench_sgemm {
  int threads;
  int64_t images, groups;
  int pieces;  /* into which the columns of a product are cut, so that no thread is idle */
  int a, b, c; /* which matrix is which operand */
  bool transpose_a, transpose_b;
  matrix matrices[MATRICES];
};

static void assign_operands(bench_sgemm *sgemm, blasconv_pass pass)
{
  static const struct {
    int a, b, c;
    bool transpose_a, transpose_b;
  } table[] = {
      [BLASCONV_FORWARD] = {FILTERS, PATCHES, MAPS, false, false},
      [BLASCONV_BACKWARD_DATA] = {FILTERS, MAPS, PATCHES, true, false},
      [BLASCONV_BACKWARD_WEIGHTS] = {MAPS, PATCHES, FILTERS, false, true},
  };
  sgemm->a = table[pass].a;
  sgemm->b = table[pass].b;
  sgemm->c = table[pass].c;
  sgemm->transpose_a = table[pass].transpose_a;
  sgemm->transpose_b = table[pass].transpose_b;
}

/* 8 GiB of matrices. */
static const double most_floats = 0x1p31;

/* Floats of one matrix. */
static int64_t elements(const matrix *m)
{
  return (int64_t)m->rows * m->columns;
}

/* Every image has its own patches and maps, as in the convolution, unless that takes too much
 * memory: then every thread has. The filters are shared; as a result every thread has its own. */
static void count_sets(bench_sgemm *sgemm)
{
  static const int64_t memory_budget = INT64_C(64) << 20; /* floats */
  const int64_t image =
      sgemm->groups * (elements(&sgemm->matrices[PATCHES]) + elements(&sgemm->matrices[MAPS]));
  const bool all_fit = sgemm->images <= sgemm->threads || image <= memory_budget / sgemm->images;
  sgemm->matrices[PATCHES].sets = all_fit ? sgemm->images : sgemm->threads;
  sgemm->matrices[MAPS].sets = sgemm->matrices[PATCHES].sets;
  sgemm->matrices[FILTERS].sets = sgemm->c == FILTERS ? sgemm->threads : 1;
}

/* Floats of all copies of a matrix. */
static int64_t all_elements(const bench_sgemm *sgemm, int m)
{
  return sgemm->matrices[m].sets * sgemm->groups * elements(&sgemm->matrices[m]);
}

static bool fits_memory(const bench_sgemm *sgemm)
{
  double floats = 0.0;
  for (int m = 0; m < MATRICES; ++m)
    floats += (double)sgemm->matrices[m].sets * (double)sgemm->groups *
              (double)elements(&sgemm->matrices[m]);
  return floats <= most_floats;
}

static void fill(bench_sgemm *sgemm)
{
  for (int m = 0; m < MATRICES; ++m) {
    const int64_t count = all_elements(sgemm, m);
    sgemm->matrices[m].data = bench_floats(count);
    bench_fill(sgemm->matrices[m].data, count, (uint32_t)m);
  }
}

bench_sgemm *bench_sgemm_create(const blasconv_problem *problem, blasconv_pass pass, int threads)
{
  const bench_sizes s = bench_sizes_of(problem);
  const int64_t patch = s.channels * s.taps, products = s.batch * s.groups;
  if (products == 0 || patch > INT32_MAX || s.filters > INT32_MAX || s.out_pixels > INT32_MAX ||
      (double)s.groups * (double)patch * (double)s.out_pixels > most_floats)
    return NULL;
  bench_sgemm *sgemm = malloc(sizeof *sgemm);
  if (sgemm == NULL)
    return NULL;
  *sgemm = (bench_sgemm){
      .threads = threads,
      .images = s.batch,
      .groups = s.groups,
      .pieces = products < threads ? (int)((threads + products - 1) / products) : 1,
      .matrices = {[FILTERS] = {.rows = (int)s.filters, .columns = (int)patch},
                   [PATCHES] = {.rows = (int)patch, .columns = (int)s.out_pixels},
                   [MAPS] = {.rows = (int)s.filters, .columns = (int)s.out_pixels}},
  };
  assign_operands(sgemm, bench_direct_pass(problem, pass));
  count_sets(sgemm);
  if (!fits_memory(sgemm)) {
    bench_sgemm_destroy(sgemm);
    return NULL;
  }
  fill(sgemm);
  return sgemm;
}

void bench_sgemm_destroy(bench_sgemm *sgemm)
{
  for (int m = 0; sgemm != NULL && m < MATRICES; ++m)
    free(sgemm->matrices[m].data);
  free(sgemm);
}

/* Where a group's matrix begins for an image that a thread works on. */
static float *begin_of(const bench_sgemm *sgemm, const matrix *m, int64_t image, int64_t group,
                       int thread)
{
  const int64_t set = m->sets == 1 ? 0 : m->sets == sgemm->images ? image : thread;
  return m->data + (set * sgemm->groups + group) * elements(m);
}

/* One piece of the columns of one product; task counts images x groups x pieces. */
static void multiply(const bench_sgemm *sgemm, int64_t task, int thread)
{
  const int64_t piece = task % sgemm->pieces, group = task / sgemm->pieces % sgemm->groups;
  const int64_t image = task / sgemm->pieces / sgemm->groups;
  const matrix *a = &sgemm->matrices[sgemm->a], *b = &sgemm->matrices[sgemm->b],
               *c = &sgemm->matrices[sgemm->c];
  const int64_t begin = c->columns * piece / sgemm->pieces;
  const int64_t end = c->columns * (piece + 1) / sgemm->pieces;
  if (begin == end)
    return;
  const int64_t b_begin = sgemm->transpose_b ? begin * b->columns : begin;
  BLAS(cblas_sgemm)
  (BLAS_ROW_MAJOR, sgemm->transpose_a ? BLAS_TRANSPOSED : BLAS_AS_IT_IS,
   sgemm->transpose_b ? BLAS_TRANSPOSED : BLAS_AS_IT_IS, c->rows, (int)(end - begin),
   sgemm->transpose_a ? a->rows : a->columns, 1.0f, begin_of(sgemm, a, image, group, thread),
   a->columns, begin_of(sgemm, b, image, group, thread) + b_begin, b->columns, 0.0f,
   begin_of(sgemm, c, image, group, thread) + begin, c->columns);
}

double bench_sgemm_run(const bench_sgemm *sgemm)
{
  const int setting = make_serial();
  const int64_t tasks = sgemm->images * sgemm->groups * sgemm->pieces;
  const double begin = bench_now();
#pragma omp parallel num_threads(sgemm->threads) default(none) shared(sgemm, tasks)
  {
    /* For the OpenMP flavour: a team of one does not count as parallel, so the BLAS would use all
     * cores. The setting ends with the region. */
    omp_set_num_threads(1);
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < tasks; ++task)
      multiply(sgemm, task, omp_get_thread_num());
  }
  const double end = bench_now();
  restore(setting);
  return end - begin;
}
