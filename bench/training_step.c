/* Times steps of training for a program beside it (peers/pytorch_step.py). Says which library it is
 * and how many numbers the network learns, a line each; then reads numbers of steps, one a line,
 * and answers each with the seconds that they took.
 *
 * usage: blasconv-training-step THREADS */
#include "measure.h"
#include "restart.h"
#include "training_case.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t count_learnt(const cnn *network)
{
  int64_t count, sum = 0;
  const blasconv_parameter *parameters = cnn_parameters(network, &count);
  for (int64_t i = 0; i < count; ++i)
    sum += parameters[i].count;
  return sum;
}

int main(int argc, char **argv)
{
  char line[64];
  bench_training_case c;
  const long threads = argc == 2 ? strtol(argv[1], NULL, 10) : 0;
  if (threads < 1 || threads > 4096) {
    fprintf(stderr, "usage: blasconv-training-step THREADS\n");
    return 2;
  }
  bench_restart_with_advice(argv);
  if (!bench_training_case_create((int)threads, &c))
    return EXIT_FAILURE;
  printf("%s\n%" PRId64 "\n", blasconv_version_string(), count_learnt(c.network));
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    const double start = bench_now();
    for (long i = strtol(line, NULL, 10); i > 0; --i)
      if (isnan(bench_training_case_run(&c)))
        return EXIT_FAILURE;
    printf("%.9f\n", bench_now() - start);
    fflush(stdout);
  }
  bench_training_case_destroy(&c);
  return EXIT_SUCCESS;
}
