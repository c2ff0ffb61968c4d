/*
 * Checking laws.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "law.h"

#include "shapes.h"

#include <inttypes.h>
#include <string.h>

enum { layouts = 2, directions = 2 };

/* How many comparisons a law made in each direction, layout and rank. */
typedef struct comparisons {
  int64_t of[directions][layouts][BLASCONV_MAX_RANK];
} comparisons;

/* Checks the law for every corner by one algorithm. @return the comparisons made */
static int64_t check_algorithm(law_checker *law, const char *algorithm, comparisons *all)
{
  support_random random = support_random_start(2);
  blasconv_problem problem;
  int64_t made = 0;
  for (size_t i = 0; shapes_small_corner(i, &problem); ++i)
    if (problem.batch > 0) {
      const int64_t compared = law(&problem, algorithm, &random);
      all->of[problem.direction][problem.layout][problem.rank - 1] += compared;
      made += compared;
    }
  return made;
}

static comparisons check_algorithms(law_checker *law, const char *unspoken)
{
  comparisons all = {{{{0}}}};
  const char *name = NULL;
  for (size_t index = 0; (name = blasconv_algorithm_name(index)); ++index) {
    const int64_t made = check_algorithm(law, name, &all);
    const bool speaks = fixture_is_plain_sum(name) && (!unspoken || strcmp(name, unspoken) != 0);
    support_assert((made > 0) == speaks, "%s: %" PRId64 " compared", name, made);
  }
  return all;
}

static void check_spoken_of(const comparisons *all, blasconv_direction direction)
{
  for (int layout = 0; layout < layouts; ++layout)
    for (int rank = 1; rank <= BLASCONV_MAX_RANK; ++rank)
      support_assert(all->of[direction][layout][rank - 1] > 0,
                     "direction %d, layout %d, rank %d: nothing compared", (int)direction, layout,
                     rank);
}

void law_check_but(law_checker *law, const char *algorithm)
{
  const comparisons all = check_algorithms(law, algorithm);
  check_spoken_of(&all, BLASCONV_CONVOLUTION);
  check_spoken_of(&all, BLASCONV_TRANSPOSED);
}

void law_check(law_checker *law)
{
  law_check_but(law, NULL);
}

void law_check_direction(law_checker *law, blasconv_direction direction)
{
  const comparisons all = check_algorithms(law, NULL);
  check_spoken_of(&all, direction);
}

bool law_compute(const fixture_case *fixture, blasconv_pass pass, const char *algorithm,
                 fixture_result *result)
{
  const fixture_variant variant = {
      .pass = pass, .algorithm = algorithm, .threads = 2, .bias = true, .exact = true};
  *result = fixture_result_create(&fixture->problem, pass, NULL, NULL);
  return fixture_run(fixture, &variant, result);
}

void law_equal(double one, double other, const blasconv_problem *problem, blasconv_pass pass,
               const char *algorithm, const char *what)
{
  if (one == other)
    return;
  char text[512];
  const fixture_variant variant = {.pass = pass, .algorithm = algorithm, .threads = 2};
  ck_abort_msg("%s: %.9g is not %.9g: %s", what, one, other,
               fixture_describe(problem, &variant, text, sizeof text));
}

int64_t law_equal_results(bool served, fixture_result *one, fixture_result *other,
                          const blasconv_problem *problem, blasconv_pass pass,
                          const char *algorithm, const char *what)
{
  const int64_t count = served ? one->values.count : 0;
  if (served)
    ck_assert_int_eq(one->values.count, other->values.count);
  for (int64_t i = 0; i < count; ++i)
    law_equal((double)one->values.data[i], (double)other->values.data[i], problem, pass, algorithm,
              what);
  fixture_result_free(one);
  fixture_result_free(other);
  return count;
}

void law_clear_bias(fixture_case *fixture)
{
  for (int64_t i = 0; i < fixture->bias.count; ++i)
    fixture->bias.data[i] = 0;
  fixture_seal(fixture);
}
