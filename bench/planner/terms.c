/* Reads problems in words, a line each, and prints a CSV line for each algorithm that can serve
 * them: what the cost model knows of it, what it estimates, and whether a plan would take it.
 * It looks into the library, so it is linked with the static one. */
#include "plan.h"
#include "planning/candidates.h"

#include <notation.h>
#include <restart.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const term_names[BC_TERMS] = {
    [BC_TERM_RUN] = "run",
    [BC_TERM_TASK] = "task",
    [BC_TERM_CALL] = "call",
    [BC_TERM_PRODUCT] = "product",
    [BC_TERM_TURNED] = "turned",
    [BC_TERM_OPERAND] = "operand",
    [BC_TERM_RESULT] = "result",
    [BC_TERM_FAR_WEIGHT] = "far_weight",
    [BC_TERM_FAR_PIXEL] = "far_pixel",
    [BC_TERM_TILE] = "tile",
    [BC_TERM_SEGMENT] = "segment",
    [BC_TERM_MULTIPLICATION] = "multiplication",
    [BC_TERM_PACKED] = "packed",
    [BC_TERM_PLACE] = "place",
    [BC_TERM_TRANSFORMED] = "transformed",
    [BC_TERM_MOVED] = "moved",
    [BC_TERM_PIECE] = "piece",
    [BC_TERM_PLAIN] = "plain",
    [BC_TERM_VECTOR] = "vector",
    [BC_TERM_LOOP] = "loop",
};

static void print_head(void)
{
  fputs("problem,algorithm,chosen,seconds", stdout);
  for (int i = 0; i < BC_TERMS; ++i)
    printf(",%s", term_names[i]);
  putchar('\n');
}

static void print_candidate(const char *problem, const blasconv_plan *plan,
                            const bc_candidate *candidate)
{
  double terms[BC_TERMS];
  const bc_work work =
      candidate->algorithm->work(&plan->geometry, &plan->request, &candidate->schedule);
  bc_cost_terms(&work, candidate->schedule.tasks, terms);
  printf("%s,%s,%d,%.9g", problem, candidate->algorithm->name,
         candidate->algorithm == plan->algorithm, candidate->seconds);
  for (int i = 0; i < BC_TERMS; ++i)
    printf(",%.9g", terms[i]);
  putchar('\n');
}

/* Returns whether it is a problem that can be planned. */
static bool print_problem(char *line)
{
  bench_notation n;
  bench_notation_error error;
  line[strcspn(line, "\n")] = '\0';
  if (!bench_notation_parse(line, &n, &error))
    return fprintf(stderr, "%s: %s\n", line, error.reason), false;
  const blasconv_options options = bench_notation_options(&n);
  blasconv_plan *plan = NULL;
  const blasconv_status status = blasconv_plan_create(&n.problem, n.pass, &options, &plan);
  if (status != BLASCONV_SUCCESS)
    return fprintf(stderr, "%s: %s\n", line, blasconv_status_string(status)), false;
  bc_candidate candidates[BC_MOST_ALGORITHMS];
  blasconv_status ignored;
  const char *reason;
  const size_t count = bc_candidates_make(plan, candidates, &ignored, &reason);
  for (size_t i = 0; i < count; ++i)
    print_candidate(line, plan, &candidates[i]);
  blasconv_plan_destroy(plan);
  return true;
}

int main(int argc, char **argv)
{
  (void)argc;
  bench_restart_with_advice(argv); /* as blasconv-bench does: with its BLAS */
  char line[1024];
  bool good = true;
  print_head();
  while (fgets(line, sizeof line, stdin) != NULL)
    good = print_problem(line) && good;
  return good && fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
