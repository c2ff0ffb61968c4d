/*
 * One convolution under test: its tensors, the ways to run it, and the proof against the oracle.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TESTS_FIXTURE_H
#define BLASCONV_TESTS_FIXTURE_H

#include "oracle.h"
#include "support.h"

/** A problem and the tensors that its three passes read. */
typedef struct fixture_case {
  blasconv_problem problem;
  support_tensor input;
  support_tensor weights;
  support_tensor bias;            /**< [K] */
  support_tensor scale;           /**< [K] */
  support_tensor shift;           /**< [K] */
  support_tensor residual;        /**< shaped as the output */
  support_tensor output_gradient; /**< shaped as the output */
  uint64_t checksum;              /**< of all of them, to see that nobody writes to them */
} fixture_case;

/** How one pass is to be run. */
typedef struct fixture_variant {
  blasconv_pass pass;
  const char *algorithm; /**< NULL: the library's choice */
  int32_t threads;
  bool accumulate;        /**< gradients */
  bool bias;              /**< forward: adds it; backward weights: wants its gradient */
  bool exact;             /**< rules out algorithms that are no plain sum of products */
  bool library_workspace; /**< passes NULL, else a guarded workspace of exactly the booked size */
  bool packed;            /**< passes that read weights take them packed */
  bool limited;           /**< the workspace has a limit */
  size_t workspace_limit; /**< if `limited` */
  bool scale_shift;       /**< forward */
  blasconv_residual residual;     /**< forward */
  blasconv_activation activation; /**< forward */
} fixture_variant;

/** What a pass writes. */
typedef struct fixture_result {
  support_tensor values;        /**< output, input_gradient or weights_gradient */
  support_tensor bias_gradient; /**< [K]; without elements in the other passes */
} fixture_result;

/** What a pass should write. */
typedef struct fixture_truth {
  oracle_result values;
  oracle_result bias_gradient; /**< used in backward weights only */
} fixture_truth;

/** Makes a tensor: support_tensor_random() or one of its kin. */
typedef support_tensor fixture_filler(int64_t count, support_random *random);

/* ---- tensors: fixture.c ---- */

fixture_case fixture_create(const blasconv_problem *problem, fixture_filler *filler,
                            support_random *random);

/** Says that the test itself has changed the tensors. */
void fixture_seal(fixture_case *fixture);

/** Checks that the tensors are as they were made or sealed, and frees them. */
void fixture_free(fixture_case *fixture);

/** Results of the pass's shape, made by `filler`, or poisoned with NaN if it is NULL. */
fixture_result fixture_result_create(const blasconv_problem *problem, blasconv_pass pass,
                                     fixture_filler *filler, support_random *random);

fixture_result fixture_result_copy(const fixture_result *result);

/** The same bits in both. */
bool fixture_result_same(const fixture_result *one, const fixture_result *other);

/** Checks the guards and frees the tensors. */
void fixture_result_free(fixture_result *result);

fixture_truth fixture_truth_create(const fixture_case *fixture, blasconv_pass pass);

void fixture_truth_free(fixture_truth *truth);

/** The output of a problem as feature maps. */
blasconv_maps fixture_maps(const blasconv_problem *problem);

/* ---- running: fixture_run.c ---- */

/** The algorithm's results are those of a plain sum of products, in some order. */
bool fixture_is_plain_sum(const char *algorithm);

/** One line that names the problem and the variant. @return `text` */
const char *fixture_describe(const blasconv_problem *problem, const fixture_variant *variant,
                             char *text, size_t size);

/**
 * Makes a plan. A refusal of the forced algorithm must be explained; any other failure, a workspace
 * beyond the variant's limit, or one of more than 2 MiB a thread fails the test.
 * @return NULL if the forced algorithm refuses
 */
blasconv_plan *fixture_plan(const blasconv_problem *problem, const fixture_variant *variant);

/** The arguments that the variant takes; weights are never the packed ones. */
blasconv_arguments fixture_arguments(const fixture_case *fixture, const fixture_variant *variant,
                                     fixture_result *result);

/**
 * Plans and executes, with a poisoned and guarded workspace and, if the variant says so, weights
 * packed by another plan of the same kind and then moved; checks all guards.
 * @return false if the forced algorithm refuses
 */
bool fixture_run(const fixture_case *fixture, const fixture_variant *variant,
                 fixture_result *result);

/* ---- proof: fixture_verify.c ---- */

/**
 * Runs the variant and fails the test unless the results are those of the oracle within the bound
 * of a float sum, an epilogue has the bits of the separate kernels, and packed weights give the
 * bits of the weights themselves. Without `accumulate` the old contents are NaN, with it they are
 * random numbers.
 * @return false if the forced algorithm refuses
 */
bool fixture_verify(const fixture_case *fixture, const fixture_truth *truth,
                    const fixture_variant *variant, support_random *random);

#endif
