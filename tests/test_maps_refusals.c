/*
 * What the fused kernel over feature maps and its backward pass refuse.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "maps_sheet.h"

#include <math.h>

/* Arguments of the functions, as they are refused. */
typedef struct call {
  blasconv_maps maps;
  bool no_maps, no_read, no_written; /* NULL in their places */
  bool no_saved, no_scale, no_shift;
  blasconv_activation activation;
  int32_t threads, accumulate;
} call;

static const call plain_call = {{sizeof(blasconv_maps), BLASCONV_NCHW, 2, 3, 4},
                                .activation = {BLASCONV_ELU, 1.0f},
                                .threads = 1};

enum { FORWARD = 1, BACKWARD = 2, SCALE_SHIFT = 4, RESIDUAL = 8, ALL = 15 };

/* Each of the `functions` refuses the call with the status, and nothing is written. */
static void check_refused(const call *c, blasconv_status status, int functions, const char *what)
{
  support_tensor read = support_tensor_poisoned(24), written = support_tensor_poisoned(24);
  support_tensor poison = support_tensor_poisoned(24);
  const blasconv_maps *maps = c->no_maps ? NULL : &c->maps;
  const float *in = c->no_read ? NULL : read.data, *saved = c->no_saved ? NULL : read.data;
  const float *scale = c->no_scale ? NULL : read.data, *shift = c->no_shift ? NULL : read.data;
  float *out = c->no_written ? NULL : written.data;
  if (functions & FORWARD)
    support_assert(
        blasconv_bias_activation_forward(maps, in, NULL, &c->activation, c->threads, out) == status,
        "%s: forward", what);
  if (functions & BACKWARD)
    support_assert(blasconv_bias_activation_backward(maps, saved, NULL, &c->activation, in,
                                                     c->threads, c->accumulate, out,
                                                     written.data) == status,
                   "%s: backward", what);
  if (functions & SCALE_SHIFT)
    support_assert(blasconv_scale_shift_forward(maps, in, scale, shift, c->threads, out) == status,
                   "%s: scale and shift", what);
  if (functions & RESIDUAL)
    support_assert(blasconv_residual_forward(maps, in, saved, c->threads, out) == status,
                   "%s: residual", what);
  support_assert(support_tensor_same(&written, &poison), "%s: written", what);
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
    check_refused(&c, bad[i].status, ALL, bad[i].what);
    if (c.maps.layout == BLASCONV_NCHW)
      c.maps.layout = BLASCONV_NHWC;
    check_refused(&c, bad[i].status, ALL, bad[i].what);
  }
}
END_TEST

START_TEST(pointers_threads_and_flags_are_checked)
{
  call c = plain_call;
  c.no_maps = true;
  check_refused(&c, BLASCONV_NULL_POINTER, ALL, "no maps");
  c = plain_call;
  c.no_read = true;
  check_refused(&c, BLASCONV_NULL_POINTER, ALL, "no input");
  c = plain_call;
  c.no_written = true;
  check_refused(&c, BLASCONV_NULL_POINTER, ALL, "no output");
  c = plain_call;
  c.no_saved = true;
  check_refused(&c, BLASCONV_NULL_POINTER, BACKWARD | RESIDUAL, "nothing saved");
  c = plain_call;
  c.no_scale = true;
  check_refused(&c, BLASCONV_NULL_POINTER, SCALE_SHIFT, "no scale");
  c = plain_call;
  c.no_shift = true;
  check_refused(&c, BLASCONV_NULL_POINTER, SCALE_SHIFT, "no shift");
  c = plain_call;
  c.threads = -1;
  check_refused(&c, BLASCONV_BAD_SIZE, ALL, "threads -1");
  c.threads = 4097;
  check_refused(&c, BLASCONV_BAD_SIZE, ALL, "threads 4097");
  c = plain_call;
  c.accumulate = 2;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, BACKWARD, "accumulate 2");
  c = plain_call;
  c.activation.alpha = NAN;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, FORWARD | BACKWARD, "alpha NaN");
  c.activation.kind = (blasconv_activation_kind)-1;
  check_refused(&c, BLASCONV_BAD_ARGUMENT, FORWARD | BACKWARD, "kind -1");
}
END_TEST

static void check_no_images(blasconv_maps maps)
{
  const float numbers[2] = {1.0f, 2.0f};
  float data = 5.0f, bias_gradient[2] = {NAN, NAN};
  maps_forward(&maps, &data, numbers, NULL, 1, &data);
  maps_forward(&maps, NULL, NULL, NULL, 1, NULL);
  maps_scale_shift(&maps, NULL, numbers, numbers, 1, NULL);
  maps_residual(&maps, &data, &data, 1, &data);
  maps_residual(&maps, NULL, NULL, 1, NULL);
  maps_backward(&maps, &data, NULL, NULL, &data, 1, 0, &data, bias_gradient);
  ck_assert(data == 5.0f && bias_gradient[0] == 0.0f && bias_gradient[1] == 0.0f);
  bias_gradient[1] = 3.0f;
  maps_backward(&maps, NULL, NULL, NULL, NULL, 1, 1, NULL, bias_gradient);
  ck_assert(bias_gradient[0] == 0.0f && bias_gradient[1] == 3.0f);
}

START_TEST(no_images_give_no_output_and_a_zero_gradient)
{
  check_no_images(blasconv_maps_nchw(0, 2, 9));
  check_no_images(blasconv_maps_nchw(0, 2, 1));
  check_no_images(blasconv_maps_nhwc(0, 9, 2));
}
END_TEST

int main(void)
{
  Suite *suite = suite_create("maps_refusals");
  support_add(suite, maps_are_checked);
  support_add(suite, no_images_give_no_output_and_a_zero_gradient);
  support_add(suite, pointers_threads_and_flags_are_checked);
  return support_run(suite);
}
