/*
 * Packed weights: which plans take them, and that all others, and anything that is not wholly what
 * blasconv_plan_pack() wrote, are refused before anything is written.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fixture.h"
#include "support.h"

#include <string.h>

enum { header_bytes = 64 };

/* Two groups of two channels and two filters, 3x2 on 9x9 pixels, in im2col_gemm. */
static blasconv_problem plain_problem(void)
{
  blasconv_problem problem = blasconv_problem_2d(2, 4, 9, 9, 4, 3, 2);
  problem.groups = 2;
  return problem;
}

static blasconv_plan *create_plan(const blasconv_problem *problem, blasconv_pass pass,
                                  const char *algorithm, int threads)
{
  blasconv_options options = blasconv_options_default();
  options.algorithm = algorithm;
  options.threads = threads;
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(problem, pass, &options, &plan), BLASCONV_SUCCESS);
  return plan;
}

/* Random weights of the problem, packed by a plan to memory that has bytes of `before`. */
static support_memory pack_over(const blasconv_problem *problem, blasconv_pass pass,
                                const char *algorithm, int threads, int before)
{
  support_random random = support_random_start(1);
  support_tensor weights = support_tensor_random(oracle_weights_count(problem), &random);
  blasconv_plan *plan = create_plan(problem, pass, algorithm, threads);
  support_memory packed = support_memory_workspace(blasconv_plan_packed_size(plan));
  memset(packed.data, before, packed.bytes);
  ck_assert_uint_ge(packed.bytes, header_bytes + weights.memory.bytes);
  ck_assert_int_eq(blasconv_plan_pack(plan, weights.data, packed.data, packed.bytes),
                   BLASCONV_SUCCESS);
  support_memory_check(&packed, "packed");
  blasconv_plan_destroy(plan);
  support_tensor_free(&weights);
  return packed;
}

static support_memory pack(const blasconv_problem *problem, blasconv_pass pass,
                           const char *algorithm)
{
  return pack_over(problem, pass, algorithm, 2, 0xFF);
}

static bool is_poison(const support_memory *memory)
{
  const unsigned char *bytes = memory->data;
  for (size_t i = 0; i < memory->bytes; ++i)
    if (bytes[i] != 0xFF)
      return false;
  return true;
}

/* Executes the plan of a forward or backward data pass with packed weights; a refused call has
 * written nothing. */
static void check_execution(const blasconv_problem *problem, blasconv_pass pass,
                            const char *algorithm, const void *packed, size_t packed_bytes,
                            blasconv_status status, const char *what)
{
  support_random random = support_random_start(2);
  blasconv_plan *plan = create_plan(problem, pass, algorithm, 2);
  fixture_case fixture = fixture_create(problem, support_tensor_random, &random);
  fixture_result result = fixture_result_create(problem, pass, NULL, NULL);
  support_memory workspace = support_memory_workspace(blasconv_plan_workspace_size(plan));
  const fixture_variant variant = {.pass = pass, .algorithm = algorithm, .threads = 2};
  blasconv_arguments arguments = fixture_arguments(&fixture, &variant, &result);
  arguments.weights = NULL;
  arguments.packed = packed;
  arguments.packed_bytes = packed_bytes;
  const blasconv_status got =
      blasconv_plan_execute(plan, &arguments, workspace.data, workspace.bytes);
  support_assert(got == status, "%s, pass %d: status %d, not %d", what, (int)pass, (int)got,
                 (int)status);
  support_assert(is_poison(&result.values.memory) == (status != BLASCONV_SUCCESS),
                 "%s: written or not", what);
  ck_assert(status == BLASCONV_SUCCESS || is_poison(&workspace));
  support_memory_free(&workspace);
  fixture_result_free(&result);
  fixture_free(&fixture);
  blasconv_plan_destroy(plan);
}

/* ---------------------------------------------------------------------------------------------
 * Other plans
 * ------------------------------------------------------------------------------------------ */

static void check_other(const blasconv_problem *packed_for, const blasconv_problem *problem,
                        blasconv_status status, const char *what)
{
  for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_DATA; ++pass) {
    support_memory packed = pack(packed_for, (blasconv_pass)pass, "im2col_gemm");
    check_execution(problem, (blasconv_pass)pass, "im2col_gemm", packed.data, packed.bytes, status,
                    what);
    support_memory_free(&packed);
  }
}

START_TEST(batch_and_input_extents_may_differ)
{
  const blasconv_problem plain = plain_problem();
  blasconv_problem problem = plain;
  check_other(&plain, &problem, BLASCONV_SUCCESS, "the same");
  problem.batch = 5;
  check_other(&plain, &problem, BLASCONV_SUCCESS, "batch");
  problem.input[0] = 3;
  problem.input[1] = 40;
  check_other(&plain, &problem, BLASCONV_SUCCESS, "extents");
  problem.input[2] = problem.kernel[2] = problem.strides[2] = -1;
  check_other(&plain, &problem, BLASCONV_SUCCESS, "entries beyond the rank");
}
END_TEST

/* A field that two problems with equally many weights differ in. */
typedef struct changed_field {
  const char *name;
  size_t offset;
  int64_t value;
} changed_field;

/* In one field each; in all of them the weights are as many. */
static void check_fields(const blasconv_problem *plain)
{
  static const changed_field fields[] = {
      {"stride_h", offsetof(blasconv_problem, strides[0]), 2},
      {"stride_w", offsetof(blasconv_problem, strides[1]), 3},
      {"dilation_h", offsetof(blasconv_problem, dilations[0]), 2},
      {"dilation_w", offsetof(blasconv_problem, dilations[1]), 2},
      {"pad top", offsetof(blasconv_problem, pads_begin[0]), 1},
      {"pad left", offsetof(blasconv_problem, pads_begin[1]), 1},
      {"pad bottom", offsetof(blasconv_problem, pads_end[0]), 1},
      {"pad right", offsetof(blasconv_problem, pads_end[1]), 1},
  };
  for (size_t i = 0; i < sizeof fields / sizeof *fields; ++i) {
    blasconv_problem problem = *plain;
    memcpy((char *)&problem + fields[i].offset, &fields[i].value, sizeof fields[i].value);
    check_other(plain, &problem, BLASCONV_PACKED_MISMATCH, fields[i].name);
    check_other(&problem, plain, BLASCONV_PACKED_MISMATCH, fields[i].name);
  }
}

/* A dense layer's filters are packed in another order; here in as many bytes. */
START_TEST(filters_that_cover_the_image_are_for_such_images)
{
  const blasconv_problem dense = blasconv_problem_2d(2, 4, 3, 3, 48, 3, 3);
  const blasconv_problem larger = blasconv_problem_2d(2, 4, 5, 5, 48, 3, 3);
  support_memory packed = pack(&dense, BLASCONV_FORWARD, "implicit_gemm");
  check_execution(&dense, BLASCONV_FORWARD, "implicit_gemm", packed.data, packed.bytes,
                  BLASCONV_SUCCESS, "dense");
  check_execution(&larger, BLASCONV_FORWARD, "implicit_gemm", packed.data, packed.bytes,
                  BLASCONV_PACKED_MISMATCH, "packed for a dense layer");
  support_memory_free(&packed);
  packed = pack(&larger, BLASCONV_FORWARD, "implicit_gemm");
  check_execution(&dense, BLASCONV_FORWARD, "implicit_gemm", packed.data, packed.bytes,
                  BLASCONV_PACKED_MISMATCH, "a dense layer");
  support_memory_free(&packed);
}
END_TEST

START_TEST(strides_dilations_and_pads_must_agree)
{
  blasconv_problem plain = plain_problem();
  check_fields(&plain);
  plain.direction = BLASCONV_TRANSPOSED;
  check_fields(&plain);
  plain.strides[0] = 2;
  blasconv_problem problem = plain;
  problem.output_padding[0] = 1;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "output_padding");
}
END_TEST

START_TEST(kinds_and_filters_must_agree)
{
  const blasconv_problem plain = plain_problem();
  blasconv_problem problem = plain;
  problem.layout = BLASCONV_NHWC;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "layout");
  problem = plain;
  problem.direction = BLASCONV_TRANSPOSED;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "direction");
  problem = plain;
  problem.kernel[0] = 2;
  problem.kernel[1] = 3;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "kernel turned");
  problem = plain;
  problem.in_channels = 2;
  problem.out_channels = 8;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "channels");
  problem = plain;
  problem.groups = 4;
  problem.in_channels = 8;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "groups");
  problem = plain;
  problem.rank = 3;
  problem.input[2] = problem.kernel[2] = 1;
  check_other(&plain, &problem, BLASCONV_PACKED_MISMATCH, "rank");
}
END_TEST

START_TEST(pass_and_algorithm_must_agree)
{
  const blasconv_problem plain = plain_problem();
  support_memory forward = pack(&plain, BLASCONV_FORWARD, "im2col_gemm");
  support_memory reference = pack(&plain, BLASCONV_FORWARD, "reference");
  check_execution(&plain, BLASCONV_BACKWARD_DATA, "im2col_gemm", forward.data, forward.bytes,
                  BLASCONV_PACKED_MISMATCH, "another pass");
  check_execution(&plain, BLASCONV_FORWARD, "reference", forward.data, forward.bytes,
                  BLASCONV_PACKED_MISMATCH, "another algorithm");
  check_execution(&plain, BLASCONV_FORWARD, "im2col_gemm", reference.data, reference.bytes,
                  BLASCONV_PACKED_MISMATCH, "another algorithm");
  check_execution(&plain, BLASCONV_FORWARD, "reference", reference.data, reference.bytes,
                  BLASCONV_SUCCESS, "the same algorithm");
  /* A pass that reads no weights takes none of either kind. */
  check_execution(&plain, BLASCONV_BACKWARD_WEIGHTS, "im2col_gemm", forward.data, forward.bytes,
                  BLASCONV_WRONG_TENSORS, "backward weights");
  support_memory_free(&reference);
  support_memory_free(&forward);
}
END_TEST

/* What a problem and its pass have nothing to do with may differ. */
START_TEST(options_may_differ)
{
  const blasconv_problem problem = plain_problem();
  support_random random = support_random_start(3);
  fixture_case fixture = fixture_create(&problem, support_tensor_random, &random);
  support_memory packed = pack(&problem, BLASCONV_FORWARD, "im2col_gemm");
  blasconv_options options = blasconv_options_default();
  options.algorithm = "im2col_gemm";
  options.threads = 7;
  options.exact = 1;
  options.workspace_limit = 4096;
  options.activation.kind = BLASCONV_RELU;
  options.residual = BLASCONV_RESIDUAL_AFTER_ACTIVATION;
  blasconv_plan *plan = NULL;
  ck_assert_int_eq(blasconv_plan_create(&problem, BLASCONV_FORWARD, &options, &plan),
                   BLASCONV_SUCCESS);
  fixture_result result = fixture_result_create(&problem, BLASCONV_FORWARD, NULL, NULL);
  blasconv_arguments arguments = blasconv_arguments_none();
  arguments.input = fixture.input.data;
  arguments.packed = packed.data;
  arguments.packed_bytes = packed.bytes + 1000; /* more than there need be */
  arguments.residual = fixture.residual.data;
  arguments.output = result.values.data;
  ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_SUCCESS);
  arguments.weights = fixture.weights.data;
  fixture_result poison = fixture_result_create(&problem, BLASCONV_FORWARD, NULL, NULL);
  arguments.output = poison.values.data;
  ck_assert_int_eq(blasconv_plan_execute(plan, &arguments, NULL, 0), BLASCONV_WRONG_TENSORS);
  ck_assert(is_poison(&poison.values.memory));
  fixture_result_free(&poison);
  fixture_result_free(&result);
  blasconv_plan_destroy(plan);
  support_memory_free(&packed);
  fixture_free(&fixture);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Damage
 * ------------------------------------------------------------------------------------------ */

static void check_header_bits(const blasconv_problem *problem, const char *algorithm)
{
  support_memory packed = pack(problem, BLASCONV_FORWARD, algorithm);
  unsigned char *header = packed.data;
  for (int bit = 0; bit < header_bytes * 8; ++bit) {
    header[bit / 8] ^= (unsigned char)(1u << bit % 8);
    check_execution(problem, BLASCONV_FORWARD, algorithm, packed.data, packed.bytes,
                    BLASCONV_PACKED_MISMATCH, "a flipped bit");
    header[bit / 8] ^= (unsigned char)(1u << bit % 8);
  }
  check_execution(problem, BLASCONV_FORWARD, algorithm, packed.data, packed.bytes, BLASCONV_SUCCESS,
                  "mended");
  support_memory_free(&packed);
}

/* Those that say how the weights lie, too: 96 filters take as many bytes in each form. */
START_TEST(every_bit_of_the_header_counts)
{
  const blasconv_problem plain = plain_problem();
  const blasconv_problem deep = blasconv_problem_2d(1, 130, 7, 7, 96, 1, 1);
  check_header_bits(&plain, "im2col_gemm");
  check_header_bits(&plain, "implicit_gemm");
  check_header_bits(&deep, "implicit_gemm");
}
END_TEST

/* ASan sees it if bytes beyond the end are read. */
START_TEST(truncated_weights_are_refused)
{
  const blasconv_problem plain = plain_problem();
  support_memory whole = pack(&plain, BLASCONV_BACKWARD_DATA, "im2col_gemm");
  for (size_t bytes = 1; bytes < whole.bytes; ++bytes) {
    support_memory part = support_memory_workspace(bytes);
    memcpy(part.data, whole.data, bytes);
    check_execution(&plain, BLASCONV_BACKWARD_DATA, "im2col_gemm", part.data, bytes,
                    BLASCONV_PACKED_MISMATCH, "truncated");
    support_memory_free(&part);
  }
  check_execution(&plain, BLASCONV_BACKWARD_DATA, "im2col_gemm", whole.data, 0,
                  BLASCONV_PACKED_MISMATCH, "no bytes");
  check_execution(&plain, BLASCONV_BACKWARD_DATA, "im2col_gemm", NULL, whole.bytes,
                  BLASCONV_NULL_POINTER, "no weights at all");
  support_memory_free(&whole);
}
END_TEST

START_TEST(misaligned_weights_are_refused)
{
  static const size_t shifts[] = {1, 4, 8, 16, 32, 63};
  const blasconv_problem plain = plain_problem();
  support_memory packed = pack(&plain, BLASCONV_FORWARD, "im2col_gemm");
  for (size_t i = 0; i < sizeof shifts / sizeof *shifts; ++i) {
    support_memory moved = support_memory_workspace(packed.bytes + shifts[i]);
    char *place = (char *)moved.data + shifts[i];
    memcpy(place, packed.data, packed.bytes);
    check_execution(&plain, BLASCONV_FORWARD, "im2col_gemm", place, packed.bytes,
                    BLASCONV_PACKED_MISMATCH, "misaligned");
    support_memory_free(&moved);
  }
  support_memory_free(&packed);
}
END_TEST

/* ---------------------------------------------------------------------------------------------
 * Packing
 * ------------------------------------------------------------------------------------------ */

static void check_packing(const blasconv_plan *plan, const float *weights, char *packed,
                          size_t bytes, const support_memory *memory, blasconv_status status)
{
  ck_assert_int_eq(blasconv_plan_pack(plan, weights, packed, bytes), status);
  ck_assert(is_poison(memory));
}

START_TEST(packing_is_checked)
{
  const blasconv_problem plain = plain_problem();
  support_tensor weights = support_tensor_poisoned(oracle_weights_count(&plain));
  blasconv_plan *plan = create_plan(&plain, BLASCONV_FORWARD, "im2col_gemm", 2);
  blasconv_plan *gradient = create_plan(&plain, BLASCONV_BACKWARD_WEIGHTS, "im2col_gemm", 2);
  const size_t bytes = blasconv_plan_packed_size(plan);
  support_memory memory = support_memory_workspace(bytes + 64);
  char *place = memory.data;
  const float *w = weights.data;
  check_packing(NULL, w, place, bytes, &memory, BLASCONV_NULL_POINTER);
  check_packing(plan, NULL, place, bytes, &memory, BLASCONV_NULL_POINTER);
  check_packing(plan, w, NULL, bytes, &memory, BLASCONV_NULL_POINTER);
  check_packing(gradient, w, place, bytes, &memory, BLASCONV_WRONG_TENSORS);
  check_packing(plan, w, place, 0, &memory, BLASCONV_WORKSPACE_TOO_SMALL);
  check_packing(plan, w, place, bytes - 1, &memory, BLASCONV_WORKSPACE_TOO_SMALL);
  check_packing(plan, w, place + 1, bytes, &memory, BLASCONV_WORKSPACE_MISALIGNED);
  check_packing(plan, w, place + 32, bytes, &memory, BLASCONV_WORKSPACE_MISALIGNED);
  ck_assert_uint_eq(blasconv_plan_packed_size(gradient), 0);
  ck_assert_uint_eq(blasconv_plan_packed_size(NULL), 0);
  support_memory_free(&memory);
  blasconv_plan_destroy(gradient);
  blasconv_plan_destroy(plan);
  support_tensor_free(&weights);
}
END_TEST

static void check_bytes(const blasconv_problem *problem, blasconv_pass pass, const char *algorithm)
{
  const int threads[] = {1, 2, 5, 40};
  support_memory first = pack_over(problem, pass, algorithm, 1, 0xFF);
  for (size_t i = 0; i < sizeof threads / sizeof *threads; ++i) {
    support_memory other = pack_over(problem, pass, algorithm, threads[i], 0x55);
    support_assert(first.bytes == other.bytes && memcmp(first.data, other.data, first.bytes) == 0,
                   "%s, pass %d, layout %d: other bytes with %d threads",
                   algorithm ? algorithm : "the library's choice", (int)pass, (int)problem->layout,
                   threads[i]);
    support_memory_free(&other);
  }
  support_memory_free(&first);
}

/* So that files of packed weights may be compared, whoever wrote them. */
START_TEST(packing_gives_the_same_bytes_each_time)
{
  const char *const algorithms[] = {"implicit_gemm", "winograd", "im2col_gemm"};
  const blasconv_problem plain = plain_problem();
  check_bytes(&plain, BLASCONV_FORWARD, NULL);
  check_bytes(&plain, BLASCONV_BACKWARD_DATA, NULL);
  for (int layout = BLASCONV_NCHW; layout <= BLASCONV_NHWC; ++layout)
    for (int pass = BLASCONV_FORWARD; pass <= BLASCONV_BACKWARD_DATA; ++pass) {
      blasconv_problem problem = blasconv_problem_2d(1, 46, 12, 12, 74, 3, 3);
      problem.layout = (blasconv_layout)layout;
      problem.groups = 2;
      for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; ++i)
        check_bytes(&problem, (blasconv_pass)pass, algorithms[i]);
      problem.strides[0] = problem.strides[1] = 2;
      check_bytes(&problem, (blasconv_pass)pass, "implicit_gemm");
      blasconv_problem depthwise = blasconv_problem_2d(1, 37, 12, 12, 37, 3, 3);
      depthwise.layout = (blasconv_layout)layout;
      depthwise.groups = 37;
      check_bytes(&depthwise, (blasconv_pass)pass, "depthwise");
    }
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("packed_refusals");
  support_add(suite, batch_and_input_extents_may_differ);
  support_add(suite, filters_that_cover_the_image_are_for_such_images);
  support_add(suite, strides_dilations_and_pads_must_agree);
  support_add(suite, kinds_and_filters_must_agree);
  support_add(suite, pass_and_algorithm_must_agree);
  support_add(suite, options_may_differ);
  support_add(suite, every_bit_of_the_header_counts);
  support_add(suite, truncated_weights_are_refused);
  support_add(suite, misaligned_weights_are_refused);
  support_add(suite, packing_is_checked);
  support_add(suite, packing_gives_the_same_bytes_each_time);
  return support_run(suite);
}
