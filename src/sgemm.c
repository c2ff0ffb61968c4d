#include "sgemm.h"

#include "geometry.h"

#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CBLAS is an ABI: declared here rather than taken from a header, so that any library that has it
 * will do, whatever its symbols begin with. */
#define JOIN_TOKENS(prefix, name) prefix##name
#define JOIN(prefix, name) JOIN_TOKENS(prefix, name)
#define BLAS(name) JOIN(BLASCONV_CBLAS_PREFIX, name)
#define SGEMM BLAS(cblas_sgemm)

/* The longest extent and stride that the BLAS takes. */
enum { LONGEST = INT32_MAX };

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

extern void SGEMM(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                  const float *a, int a_stride, const float *b, int b_stride, float beta, float *c,
                  int c_stride);

/* What to heed when calling it; all zero for a BLAS that is not OpenBLAS. Asked for once. */
static struct {
  /* The AVX-512 kernels read the operands of small products where they lie: no packing, no buffers.
   * Seen in 0.3.21 and in 0.3.34. */
  bool reads_in_place;
  /* The serial flavour, as Debian builds it, hands one packing buffer to two threads that ask for
   * it at the same time. */
  bool takes_turns;
  /* How many threads the pthread flavour spreads large products over; NULL for the others. */
  int (*threads)(void);
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
  return kernels_isa(BLAS(openblas_get_corename)()) < isa ? best[isa] : NULL;
}

/* "0.3.21" of "OpenBLAS 0.3.21 NO_LAPACKE ...". */
static const char *version(void)
{
  const char *config = BLAS(openblas_get_config)();
  return strncmp(config, "OpenBLAS ", 9) == 0 ? config + 9 : "";
}

static void ask_blas(void)
{
  const bool recent = strncmp(version(), "0.3.", 4) != 0 || strtol(version() + 4, NULL, 10) >= 21;
  const int flavour = BLAS(openblas_get_parallel)();
  blas.reads_in_place = recent && kernels_isa(BLAS(openblas_get_corename)()) == BC_ISA_AVX512;
  blas.takes_turns = flavour == FLAVOUR_SERIAL && !blas.reads_in_place;
  blas.threads = flavour == FLAVOUR_PTHREAD ? BLAS(openblas_get_num_threads) : NULL;
}

void bc_sgemm_describe(char *text, size_t size)
{
  static const char *const flavours[] = {"serial", "pthread", "openmp"};
  const int flavour = BLAS(openblas_get_parallel)();
  pthread_once(&asked, ask_blas);
  snprintf(text, size, "OpenBLAS %.*s, %s%s, kernels %s", (int)strcspn(version(), " "), version(),
           flavour >= FLAVOUR_SERIAL && flavour <= FLAVOUR_OPENMP ? flavours[flavour] : "unknown",
           blas.takes_turns ? " (one product at a time)" : "", BLAS(openblas_get_corename)());
}

#else

const char *bc_sgemm_coretype_advice(bc_isa isa)
{
  (void)isa;
  return NULL;
}

static void ask_blas(void)
{
}

void bc_sgemm_describe(char *text, size_t size)
{
  snprintf(text, size, "CBLAS");
}

#endif

/* Extents of the largest product that one call may compute. */
typedef struct piece {
  int64_t m, n, k;
} piece;

/* OpenBLAS keeps a product of at most 2^18 multiplications on the calling thread, in every flavour
 * and without touching a setting. docs/performance.md has the measurements behind the shapes. */
static piece choose_piece(void)
{
  if (blas.reads_in_place)
    return (piece){32, 64, 128};
  if (blas.threads != NULL && blas.threads() > 1)
    return (piece){64, 128, 32};
  return (piece){LONGEST, LONGEST, LONGEST};
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
static void cut_long_strides(row_major lie, int64_t *rows, int64_t *columns)
{
  if (lie.stride > LONGEST)
    *(lie.transposed ? columns : rows) = 1;
}

static int blas_stride(row_major lie)
{
  return (int)(lie.stride > LONGEST ? LONGEST : lie.stride);
}

static void multiply(int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b, float beta,
                     bc_result c)
{
  const row_major a_lie = lie_of(a.row_step, a.column_step, m, k);
  const row_major b_lie = lie_of(b.row_step, b.column_step, k, n);
  const row_major c_lie = lie_of(c.row_step, 1, m, n);
  piece size = choose_piece();
  cut_long_strides(a_lie, &size.m, &size.k);
  cut_long_strides(b_lie, &size.k, &size.n);
  cut_long_strides(c_lie, &size.m, &size.n);
  for (int64_t j = 0; j < n; j += size.n)
    for (int64_t i = 0; i < m; i += size.m)
      for (int64_t p = 0; p < k; p += size.k)
        SGEMM(ROW_MAJOR, a_lie.transposed ? TRANSPOSED : AS_IT_IS,
              b_lie.transposed ? TRANSPOSED : AS_IT_IS, (int)(m - i < size.m ? m - i : size.m),
              (int)(n - j < size.n ? n - j : size.n), (int)(k - p < size.k ? k - p : size.k), 1.0f,
              a.data + i * a.row_step + p * a.column_step, blas_stride(a_lie),
              b.data + p * b.row_step + j * b.column_step, blas_stride(b_lie), p == 0 ? beta : 1.0f,
              c.data + i * c.row_step + j, blas_stride(c_lie));
}

static bc_operand transpose(bc_operand matrix)
{
  return (bc_operand){matrix.data, matrix.column_step, matrix.row_step};
}

void bc_sgemm(int64_t m, int64_t n, int64_t k, bc_operand a, bc_operand b, float beta, bc_result c)
{
  static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
  pthread_once(&asked, ask_blas);
  if (blas.takes_turns)
    pthread_mutex_lock(&turn);
  if (c.column_step == 1)
    multiply(m, n, k, a, b, beta, c);
  else /* c^T = b^T a^T */
    multiply(n, m, k, transpose(b), transpose(a), beta, (bc_result){c.data, c.column_step, 1});
  if (blas.takes_turns)
    pthread_mutex_unlock(&turn);
}
