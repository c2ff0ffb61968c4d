/*
 * What the fused kernel over feature maps and its backward pass refuse.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "support.h"

#include <blasconv/blasconv.h>
#include <math.h>

/* Arguments of both functions, as they are refused. */
typedef struct call {
  blasconv_maps maps;
  bool no_maps, no_read, no_written, no_saved; /* NULL in their places */
  blasconv_activation activation;
  int32_t threads, accumulate;
} call;

static const call plain_call = {{sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, 4},
                                .activation = {BLASCONV_ELU, 1.0f},
                                .threads = 1};

static void check_refused(const call *c, blasconv_status status, bool forward_too, const char *what)
{
  support_tensor read = support_tensor_poisoned(24), written = support_tensor_poisoned(24);
  support_tensor poison = support_tensor_poisoned(24);
  const blasconv_maps *maps = c->no_maps ? NULL : &c->maps;
  const float *in = c->no_read ? NULL : read.data;
  float *out = c->no_written ? NULL : written.data;
  if (forward_too)
    ck_assert_msg(
        blasconv_bias_activation_forward(maps, in, NULL, &c->activation, c->threads, out) == status,
        "%s: forward", what);
  ck_assert_msg(blasconv_bias_activation_backward(maps, c->no_saved ? NULL : read.data, NULL,
                                                  &c->activation, in, c->threads, c->accumulate,
                                                  out, written.data) == status,
                "%s: backward", what);
  ck_assert_msg(support_tensor_same(&written, &poison), "%s: written", what);
  support_tensor_free(&poison);
  support_tensor_free(&written);
  support_tensor_free(&read);
}

START_TEST(maps_are_checked)
{
  static const int64_t most = PTRDIFF_MAX / (int64_t)sizeof(float);
  static const struct {
    const char *what;
    blasconv_maps maps;
    blasconv_status status;
  } bad[] = {
      {"size 0", {0, BLASCONV_NCHW, 2, 3, 4}, BLASCONV_VERSION_MISMATCH},
      {"size + 1", {sizeof(blasconv_maps) + 1, BLASCONV_NCHW, 2, 3, 4}, BLASCONV_VERSION_MISMATCH},
      {"layout", {sizeof(blasconv_maps), (blasconv_layout)2, 2, 3, 4}, BLASCONV_BAD_ARGUMENT},
      {"batch", {sizeof(blasconv_maps), BLASCONV_NCHW, -1, 3, 4}, BLASCONV_BAD_SIZE},
      {"channels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 0, 4}, BLASCONV_BAD_SIZE},
      {"pixels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, 0}, BLASCONV_BAD_SIZE},
      {"pixels", {sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, INT64_MIN}, BLASCONV_BAD_SIZE},
      {"bytes", {sizeof(blasconv_maps), BLASCONV_NCHW, 1, 1, most + 1}, BLASCONV_OVERFLOW},
      {"elements", {sizeof(blasconv_maps), BLASCONV_NCHW, 3, 1, INT64_MAX}, BLASCONV_OVERFLOW},
      {"channels", {sizeof(blasconv_maps), BLASCONV_NCHW, 1, INT64_MAX, 2}, BLASCONV_OVERFLOW},
      {"batch", {sizeof(blasconv_maps), BLASCONV_NCHW, INT64_MAX, 3, 4}, BLASCONV_OVERFLOW},
      {"no images", {sizeof(blasconv_maps), BLASCONV_NCHW, 0, INT64_MAX, 4}, BLASCONV_OVERFLOW},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; ++i) {
    call c = plain_call;
    c.maps = bad[i].maps;
    check_refused(&c, bad[i].status, true, bad[i].what);
  }
}
END_TEST

START_TEST(pointers_threads_and_flags_are_checked)
{
  call c = plain_call;
  c.no_maps = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no maps");
  c = plain_call;
  c.no_read = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no input");
  c = plain_call;
  c.no_written = true;
  check_refused(&c, BLASCONV_NULL_POINTER, true, "no output");
  c = plain_call;
  c.no_saved = true;
  check_refused(&c, BLASCONV_NULL_POINTER, false, "nothing saved");
  c = plain_call;
  c.threads = -1;
  check_refused(&c, BLASCONV_BAD_SIZE, true, "threads -1");
  c.threads = 4097;
  check_refused(&c, BLASCONV_BAD_SIZE, true, "threads 4097");
  c = plain_call;
  c.accumulate = 2;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, false, "accumulate 2");
  c = plain_call;
  c.activation.alpha = NAN;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, true, "alpha NaN");
  c.activation.kind = (blasconv_activation_kind)-1;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, true, "kind -1");
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps_refusals");
  support_add(suite, maps_are_checked);
  support_add(suite, pointers_threads_and_flags_are_checked);
  return support_run(suite);
}
