#include "peak.h"

#include "peak_kernel.h"

#include <math.h>

static const bench_peak_kernel *best_kernel(void)
{
#ifdef BENCH_X86_KERNELS
  if (__builtin_cpu_supports("avx512f"))
    return &bench_peak_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return &bench_peak_avx2;
#endif
  return &bench_peak_generic;
}

/* Seconds that all threads need for the rounds, each on its own. */
static double run_burst(const bench_peak_kernel *kernel, int64_t rounds, int threads)
{
  double begin = 0.0, end = 0.0;
#pragma omp parallel num_threads(threads) default(none) shared(kernel, rounds, begin, end)
  {
    kernel->run(rounds / 100, 1.0f); /* wide units are slow until they are warm */
#pragma omp barrier
#pragma omp master
    begin = bench_now();
    kernel->run(rounds, 1.0f);
#pragma omp barrier
#pragma omp master
    end = bench_now();
  }
  return end - begin;
}

double bench_peak_gflops(int threads)
{
  enum { BURSTS = 5 };
  const bench_peak_kernel *kernel = best_kernel();
  const int64_t rounds = 150000;
  double best = INFINITY;
  for (int burst = 0; burst < BURSTS; ++burst)
    best = fmin(best, run_burst(kernel, rounds, threads));
  return 2e-9 * (double)(kernel->fmas_a_round * rounds) * threads / best;
}

void bench_peak_warm_up(int threads)
{
  const double end = bench_now() + 0.2;
  while (bench_now() < end)
    bench_peak_gflops(threads);
}

double bench_peak_again(bench_samples *peaks, int threads)
{
  bench_samples_add(peaks, bench_peak_gflops(threads));
  return bench_samples_median(peaks);
}
