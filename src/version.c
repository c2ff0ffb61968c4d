#include "cpu.h"
#include "sgemm.h"

#include <blasconv/blasconv.h>
#include <pthread.h>
#include <stdio.h>

#define STRING_OF(value) #value
#define STRING(value) STRING_OF(value)
#define VERSION                                                                                    \
  STRING(BLASCONV_VERSION_MAJOR)                                                                   \
  "." STRING(BLASCONV_VERSION_MINOR) "." STRING(BLASCONV_VERSION_PATCH)

static char text[256];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void write_text(void)
{
  char blas[128];
  bc_sgemm_describe(blas, sizeof blas);
  const char *advice = blasconv_blas_coretype_advice();
  snprintf(text, sizeof text, "blasconv " VERSION "; %s; CPU %s%s%s%s", blas,
           bc_isa_name(bc_cpu_isa()),
           advice ? "; the BLAS runs below the CPU: set OPENBLAS_CORETYPE=" : "",
           advice ? advice : "", advice ? " before the program starts" : "");
}

const char *blasconv_version_string(void)
{
  pthread_once(&once, write_text);
  return text;
}

const char *blasconv_blas_coretype_advice(void)
{
  return bc_sgemm_coretype_advice(bc_cpu_isa());
}
