#include "sgemm.h"

#include "blas.h"
#include "geometry.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Said of the BLAS where its integers are not the usual ones. */
static const char *const integers = sizeof(blas_int) == 8 ? ", 64-bit integers" : "";

/* What to heed when calling it; all zero but the instruction set for a BLAS that is not OpenBLAS.
 * Asked for once. */
static struct {
  bc_isa isa; /* of its kernels */
  /* The AVX-512 kernels read the operands of most small products where they lie: no packing. Seen
   * in 0.3.21 and in 0.3.34. */
  bool reads_in_place;
  /* The serial flavour, as Debian builds it, hands one packing buffer to two threads that ask for
   * it at the same time. */
  bool takes_turns;
  /* How many threads the pthread flavour spreads large products over; NULL for the others. */
  int (*threads)(void);
  bool no_openmp; /* known never to ask OpenMP for threads */
} blas;

static pthread_once_t asked = PTHREAD_ONCE_INIT;

#ifdef BLASCONV_HAS_OPENBLAS

extern char *BLAS(openblas_get_config)(void);
extern char *BLAS(openblas_get_corename)(void);
extern int BLAS(openblas_get_parallel)(void);
extern int BLAS(openblas_get_num_threads)(void);

enum { FLAVOUR_SERIAL, FLAVOUR_PTHREAD, FLAVOUR_OPENMP };

/* Which kernels a name of openblas_get_corename() stands for; those not listed are older. */
static bc_isa kernels_isa(const char *corename)
{
  static const struct {
    const char *name;
    bc_isa isa;
  } table[] = {
      {"SkylakeX", BC_ISA_AVX512}, {"Cooperlake", BC_ISA_AVX512}, {"SapphireRapids", BC_ISA_AVX512},
      {"Haswell", BC_ISA_AVX2},    {"Zen", BC_ISA_AVX2},          {"Excavator", BC_ISA_AVX2},
  };
  for (size_t i = 0; i < sizeof table / sizeof *table; ++i)
    if (strcmp(corename, table[i].name) == 0)
      return table[i].isa;
  return BC_ISA_GENERIC;
}

const char *bc_sgemm_coretype_advice(bc_isa isa)
{
  static const char *const best[] = {NULL, "Haswell", "SkylakeX"};
  return bc_sgemm_isa() < isa ? best[isa] : NULL;
}

/* "0.3.21" of "OpenBLAS 0.3.21 NO_LAPACKE ...". */
static const char *version(void)
{
  const char *config = BLAS(openblas_get_config)();
  return strncmp(config, "OpenBLAS ", 9) == 0 ? config + 9 : "";
}

static void ask_blas(void)
{
  blas.isa = kernels_isa(BLAS(openblas_get_corename)());
  const bool recent = strncmp(version(), "0.3.", 4) != 0 || strtol(version() + 4, NULL, 10) >= 21;
  const int flavour = BLAS(openblas_get_parallel)();
  blas.reads_in_place = recent && blas.isa == BC_ISA_AVX512;
  blas.takes_turns = flavour == FLAVOUR_SERIAL;
  blas.no_openmp = flavour == FLAVOUR_SERIAL || flavour == FLAVOUR_PTHREAD;
  blas.threads = flavour == FLAVOUR_PTHREAD ? BLAS(openblas_get_num_threads) : NULL;
}

void bc_sgemm_describe(char *text, size_t size)
{
  static const char *const flavours[] = {"serial", "pthread", "openmp"};
  const int flavour = BLAS(openblas_get_parallel)();
  pthread_once(&asked, ask_blas);
  snprintf(text, size, "OpenBLAS %.*s, %s%s%s, kernels %s", (int)strcspn(version(), " "), version(),
           flavour >= FLAVOUR_SERIAL && flavour <= FLAVOUR_OPENMP ? flavours[flavour] : "unknown",
           integers, blas.takes_turns ? " (one product at a time)" : "",
           BLAS(openblas_get_corename)());
}

#else

const char *bc_sgemm_coretype_advice(bc_isa isa)
{
  (void)isa;
  return NULL;
}

static void ask_blas(void)
{
  blas.isa = bc_cpu_isa();
}

void bc_sgemm_describe(char *text, size_t size)
{
  snprintf(text, size, "CBLAS%s", integers);
}

#endif

bc_isa bc_sgemm_isa(void)
{
  pthread_once(&asked, ask_blas);
  return blas.isa;
}

/* OpenBLAS keeps a product of at most 2^18 multiplications on the calling thread, in every flavour
 * and without touching a setting. docs/performance.md has the measurements behind the shapes. */
static bc_sgemm_piece choose_piece(int64_t longest)
{
  bc_sgemm_piece size = {longest, longest, longest};
  if (blas.reads_in_place)
    size = (bc_sgemm_piece){32, 64, 128};
  else if (blas.threads != NULL && blas.threads() > 1)
    size = (bc_sgemm_piece){64, 128, 32};
  return (bc_sgemm_piece){bc_min(size.m, longest), bc_min(size.n, longest),
                          bc_min(size.k, longest)};
}

bc_sgemm_piece bc_sgemm_pieces(void)
{
  pthread_once(&asked, ask_blas);
  return choose_piece(BLAS_INT_MAX);
}

/* A matrix as CBLAS takes it: row-major, rows `stride` apart, or the transpose of such a one. */
typedef struct row_major {
  int64_t stride;
  bool transposed;
} row_major;

/* CBLAS wants a stride of at least a row's length, also where there is but one row. */
static row_major lie_of(int64_t row_step, int64_t column_step, int64_t rows, int64_t columns)
{
  const bool transposed = column_step != 1;
  return (row_major){transposed ? bc_max(column_step, rows) : bc_max(row_step, columns),
                     transposed};
}

/* A stride that the BLAS cannot take is never used where there is one row at a time. */
static void cut_long_stride(row_major *lie, int64_t longest, int64_t *rows, int64_t *columns)
{
  if (lie->stride <= longest)
    return;
  *(lie->transposed ? columns : rows) = 1;
  lie->stride = longest;
}

static void multiply(int64_t longest, int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b,
                     float beta, bc_result c)
{
  row_major a_lie = lie_of(a.row_step, a.column_step, m, k);
  row_major b_lie = lie_of(b.row_step, b.column_step, k, n);
  row_major c_lie = lie_of(c.row_step, 1, m, n);
  bc_sgemm_piece size = choose_piece(longest);
  cut_long_stride(&a_lie, longest, &size.m, &size.k);
  cut_long_stride(&b_lie, longest, &size.k, &size.n);
  cut_long_stride(&c_lie, longest, &size.m, &size.n);
  const int a_lies = a_lie.transposed ? BLAS_TRANSPOSED : BLAS_AS_IT_IS;
  const int b_lies = b_lie.transposed ? BLAS_TRANSPOSED : BLAS_AS_IT_IS;
  for (int64_t j = 0; j < n; j += size.n)
    for (int64_t i = 0; i < m; i += size.m)
      for (int64_t p = 0; p < k; p += size.k)
        BLAS(cblas_sgemm)
  (BLAS_ROW_MAJOR, a_lies, b_lies, (blas_int)bc_min(m - i, size.m), (blas_int)bc_min(n - j, size.n),
   (blas_int)bc_min(k - p, size.k), 1.0f, a.data + i * a.row_step + p * a.column_step,
   (blas_int)a_lie.stride, b.data + p * b.row_step + j * b.column_step, (blas_int)b_lie.stride,
   p == 0 ? beta : 1.0f, c.data + i * c.row_step + j, (blas_int)c_lie.stride);
}

static bc_operand transpose(bc_operand matrix)
{
  return (bc_operand){matrix.data, matrix.column_step, matrix.row_step};
}

bool bc_sgemm_keeps_its_thread(void)
{
  pthread_once(&asked, ask_blas);
  return blas.no_openmp;
}

void bc_sgemm_within(int64_t longest, int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b,
                     float beta, bc_result c)
{
  static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
  pthread_once(&asked, ask_blas);
  if (blas.takes_turns)
    pthread_mutex_lock(&turn);
  if (c.column_step == 1)
    multiply(longest, m, n, k, a, b, beta, c);
  else /* c^T = b^T a^T */
    multiply(longest, n, m, k, transpose(b), transpose(a), beta,
             (bc_result){c.data, c.column_step, 1});
  if (blas.takes_turns)
    pthread_mutex_unlock(&turn);
}

void bc_sgemm(int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b, float beta, bc_result c)
{
  bc_sgemm_within(BLAS_INT_MAX, m, n, k, a, b, beta, c);
}
