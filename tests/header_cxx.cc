/*
 * The public headers as C++17 sees them, helpers included; test_api.c calls this.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <blasconv/blasconv.h>
#include <blasconv/train.h>

extern "C" blasconv_status header_cxx_output(int64_t output[BLASCONV_MAX_RANK]);

/* One of each of the structs that training is told with. */
extern "C" blasconv_status header_cxx_training(double *rate);

extern "C" blasconv_status header_cxx_training(double *rate)
{
  const blasconv_problem dense = blasconv_problem_dense(1, 2, 3);
  const blasconv_problem pooling = blasconv_problem_pooling(1, 2, 4, 4, 2, 2);
  const blasconv_problem global = blasconv_problem_pooling_global(1, 2, 4, 4);
  const blasconv_initializer initializer = blasconv_initializer_of(BLASCONV_INIT_HE_NORMAL);
  const blasconv_filter filter = blasconv_filter_of(BLASCONV_FILTER_BOX);
  const blasconv_batch_norm norm = blasconv_batch_norm_default();
  const blasconv_optimizer adam = blasconv_optimizer_of(BLASCONV_ADAM, 0.5f);
  const blasconv_schedule schedule = blasconv_schedule_of(BLASCONV_SCHEDULE_CONSTANT, 0.5);
  blasconv_random random = blasconv_random_start(1, 2);
  float weights[6], tap;
  blasconv_status status = blasconv_weights_initialize(&dense, &initializer, &random, weights);
  if (status == BLASCONV_SUCCESS)
    status = blasconv_filter_write(&filter, 1, 1, &tap);
  const bool sized = pooling.groups == global.groups && norm.struct_size == sizeof norm &&
                     adam.struct_size == sizeof adam && tap == 1.0f;
  return status == BLASCONV_SUCCESS && sized ? blasconv_schedule_rate(&schedule, 1, rate) : status;
}

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
