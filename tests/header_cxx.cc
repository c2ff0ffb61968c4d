/*
 * The public header as C++17 sees it, helpers included; test_api.c calls this.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <blasconv/blasconv.h>

extern "C" blasconv_status header_cxx_output(int64_t output[BLASCONV_MAX_RANK]);

/* Plans and describes nothing but a 3x3 convolution of a 10x9 image: [8][7] in `output`. */
extern "C" blasconv_status header_cxx_output(int64_t output[BLASCONV_MAX_RANK])
{
  const blasconv_problem problem = blasconv_problem_2d(1, 2, 10, 9, 4, 3, 3);
  blasconv_options options = blasconv_options_default();
  options.threads = 1;
  blasconv_plan *plan = nullptr;
  const blasconv_status status = blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan);
  blasconv_plan_destroy(plan);
  return status == BLASCONV_SUCCESS ? blasconv_problem_output(&problem, output) : status;
}
