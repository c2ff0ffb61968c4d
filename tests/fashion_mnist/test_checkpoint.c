/*
 * Checkpoints: what was written comes back, and nothing else is taken for a checkpoint.
 *
 * The offsets into the file are the format's, as examples/fashion_mnist/checkpoint.c describes it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "checkpoint.h"
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { MOST_STEPS = 1000, MOST_BYTES = 1 << 16, HEADER = 312, TENSOR_HEADER = 48, SUM = 4 };
enum { AT_VERSION = 8, AT_RUN = 16, AT_STEPS = 272, AT_LOSS = 288, AT_TENSORS = 304 };
enum { AT_NAME = HEADER, AT_COUNT = HEADER + 40 };

static const char run[] = "--model=small --seed=1";

typedef struct file_bytes {
  unsigned char bytes[MOST_BYTES];
  size_t count;
} file_bytes;

static char folder[64], path[80], said[80];
static file_bytes good;
static cnn *network, *other; /* one that was saved, and one to restore into */

static cnn *small_network(uint64_t seed)
{
  static const cnn_layer layers[] = {
      {.kind = CNN_CONVOLUTION, .outputs = 2, .size = 3, .activation = {BLASCONV_RELU, 0}},
      {.kind = CNN_DENSE, .outputs = 3}};
  const cnn_design design = {.batch = 1,
                             .channels = 1,
                             .height = 5,
                             .width = 4,
                             .layers = layers,
                             .count = 2,
                             .threads = 1,
                             .seed = seed};
  cnn *made = NULL;
  ck_assert(cnn_create(&design, &made));
  return made;
}

static void read_bytes(const char *name, file_bytes *contents)
{
  FILE *file = fopen(name, "rb");
  ck_assert_ptr_nonnull(file);
  contents->count = fread(contents->bytes, 1, MOST_BYTES, file);
  fclose(file);
  ck_assert_uint_lt(contents->count, MOST_BYTES);
}

static void write_bytes(const file_bytes *contents)
{
  FILE *file = fopen(path, "wb");
  ck_assert_ptr_nonnull(file);
  ck_assert_uint_eq(fwrite(contents->bytes, 1, contents->count, file), contents->count);
  ck_assert_int_eq(fclose(file), 0);
}

/* Makes the checksum fit what stands before it. */
static void sign(file_bytes *contents)
{
  const size_t count = contents->count - SUM;
  const uint32_t sum = (uint32_t)crc32(0, contents->bytes, (uInt)count);
  memcpy(contents->bytes + count, &sum, SUM);
}

static void patch(file_bytes *contents, size_t place, const void *bytes, size_t count)
{
  memcpy(contents->bytes + place, bytes, count);
}

/* Reads the file, what is said on stderr going to the file `said`. */
static bool read_quietly(checkpoint *state)
{
  fflush(stderr);
  const int kept = dup(STDERR_FILENO);
  ck_assert_ptr_nonnull(freopen(said, "w", stderr));
  const bool result = checkpoint_read(path, run, MOST_STEPS, state, other);
  fflush(stderr);
  dup2(kept, STDERR_FILENO);
  close(kept);
  return result;
}

/* The contents are refused, and the message has a word in it. */
static void refused(const file_bytes *contents, const char *word)
{
  static file_bytes message;
  checkpoint state;
  write_bytes(contents);
  ck_assert_msg(!read_quietly(&state), "taken for a checkpoint, expected: %s", word);
  read_bytes(said, &message);
  message.bytes[message.count] = '\0';
  ck_assert_msg(strstr((char *)message.bytes, word) != NULL, "\"%s\" lacks \"%s\"", message.bytes,
                word);
}

/* The good checkpoint with other bytes at a place and a checksum that fits is refused. */
static void refused_with(size_t place, const void *bytes, size_t count, const char *word)
{
  static file_bytes forged;
  forged = good;
  patch(&forged, place, bytes, count);
  sign(&forged);
  refused(&forged, word);
}

static void set_up(void)
{
  support_random random = support_random_start(1);
  checkpoint state = {.progress = {12, 345}, .loss_sum = 6.5, .accuracy_sum = 0.25};
  cnn_tensor tensor;
  snprintf(state.run, sizeof state.run, "%s", run);
  network = small_network(1);
  other = small_network(2);
  for (int64_t i = 0; cnn_tensor_view(network, i, &tensor); ++i)
    for (int64_t element = 0; element < tensor.count; ++element)
      tensor.values[element] = support_random_float(&random);
  ck_assert(checkpoint_write(path, &state, network));
  read_bytes(path, &good);
}

static void tear_down(void)
{
  cnn_destroy(network);
  cnn_destroy(other);
}

/* Tensors, progress and sums come back bit by bit. */
START_TEST(round_trip)
{
  checkpoint state;
  cnn_tensor one, two;
  ck_assert(checkpoint_read(path, run, MOST_STEPS, &state, other));
  ck_assert_int_eq(state.progress.steps, 12);
  ck_assert_uint_eq(state.progress.dropout_words, 345);
  ck_assert(state.loss_sum == 6.5 && state.accuracy_sum == 0.25);
  ck_assert_int_eq(cnn_progress_get(other).steps, 12);
  ck_assert_uint_eq(cnn_progress_get(other).dropout_words, 345);
  int64_t count = 0;
  for (; cnn_tensor_view(network, count, &one); ++count) {
    ck_assert(cnn_tensor_view(other, count, &two));
    ck_assert_mem_eq(one.values, two.values, (size_t)one.count * sizeof(float));
  }
  ck_assert_int_eq(count, 8);
}
END_TEST

/* Every length but the right one. */
START_TEST(lengths)
{
  static file_bytes cut;
  cut = good;
  for (cut.count = 0; cut.count < good.count; ++cut.count)
    refused(&cut, cut.count < HEADER ? "too short" : "checksum");
  for (; cut.count < good.count + 20; ++cut.count)
    if (cut.count > good.count)
      refused(&cut, "checksum");
}
END_TEST

static void refused_flipped(size_t bit)
{
  static file_bytes flipped;
  flipped = good;
  flipped.bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
  refused(&flipped, bit / 8 < AT_VERSION ? "not a checkpoint of this program"
                    : bit / 8 < AT_RUN   ? "version"
                                         : "checksum");
}

/* A bit of the file flipped: each one in the header and the checksum, many in between. */
START_TEST(flipped_bits)
{
  support_random random = support_random_start(3);
  for (size_t bit = 0; bit < 8 * (HEADER + TENSOR_HEADER); ++bit)
    refused_flipped(bit);
  for (size_t bit = 8 * (good.count - SUM); bit < 8 * good.count; ++bit)
    refused_flipped(bit);
  for (int round = 0; round < 1000; ++round)
    refused_flipped((size_t)support_random_between(&random, 0, 8 * (int64_t)good.count - 1));
}
END_TEST

/* Files of random bytes, with and without the right beginning. */
START_TEST(foreign)
{
  static file_bytes noise;
  support_random random = support_random_start(2);
  for (int round = 0; round < 200; ++round) {
    noise.count = (size_t)support_random_between(&random, HEADER + TENSOR_HEADER + SUM, 4000);
    for (size_t i = 0; i < noise.count; ++i)
      noise.bytes[i] = (unsigned char)support_random_bits(&random);
    refused(&noise, "not a checkpoint of this program");
    patch(&noise, 0, good.bytes, AT_RUN);
    refused(&noise, "checksum");
    patch(&noise, 0, good.bytes, HEADER);
    sign(&noise);
    refused(&noise, "no tensor");
  }
}
END_TEST

/* Sizes, names and numbers that cannot be, under a checksum that is right. */
START_TEST(hostile)
{
  static const int64_t counts[] = {
      0, -1, 17, 19, INT64_C(1) << 30, INT64_C(1) << 61, INT64_MAX / 4 + 2, INT64_MAX, INT64_MIN};
  static const int64_t steps[] = {-1, MOST_STEPS + 1, INT64_MAX, INT64_MIN};
  const double numbers[] = {(double)NAN, (double)INFINITY};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; ++i) {
    refused_with(AT_COUNT, &counts[i], sizeof counts[i], "no tensor \"conv 1 weights\" of 18");
    refused_with(AT_TENSORS, &counts[i], sizeof counts[i], "number of tensors");
  }
  for (size_t i = 0; i < sizeof steps / sizeof *steps; ++i)
    refused_with(AT_STEPS, &steps[i], sizeof steps[i], "step");
  for (size_t i = 0; i < 2; ++i)
    refused_with(AT_LOSS, &numbers[i], sizeof numbers[i], "sums");
  refused_with(AT_NAME, "conv 2", 6, "no tensor");
  refused_with(AT_RUN, "--model=\033[31m", 13, "its own:  --model=?[31m");
  char endless[CHECKPOINT_RUN_SIZE];
  memset(endless, 'x', sizeof endless);
  refused_with(AT_RUN, endless, sizeof endless, "without end");
}
END_TEST

/* A signed file that ends within the tensors, or goes on behind them. */
START_TEST(hostile_lengths)
{
  static file_bytes forged;
  forged = good;
  for (forged.count = HEADER + SUM; forged.count < good.count; ++forged.count) {
    patch(&forged, 0, good.bytes, forged.count);
    sign(&forged);
    refused(&forged, ": not a");
  }
  for (forged.count = good.count + 1; forged.count < good.count + 60; ++forged.count) {
    sign(&forged);
    refused(&forged, "length");
  }
}
END_TEST

/* Where the file cannot be written, the old one stays. */
START_TEST(not_written)
{
  static file_bytes found;
  char blocked[96];
  const checkpoint state = {.run = "another"};
  snprintf(blocked, sizeof blocked, "%s.tmp", path);
  ck_assert_int_eq(symlink("/nowhere/at/all", blocked), 0);
  fflush(stderr);
  ck_assert(!checkpoint_write(path, &state, network));
  unlink(blocked);
  read_bytes(path, &found);
  ck_assert_uint_eq(found.count, good.count);
  ck_assert_mem_eq(found.bytes, good.bytes, good.count);
}
END_TEST

int main(void)
{
  static const TTest *tests[7];
  /* In memory, if there is such a place: thousands of files are written. */
  snprintf(folder, sizeof folder, "%s/test_checkpoint.XXXXXX",
           access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
  if (mkdtemp(folder) == NULL)
    return EXIT_FAILURE;
  snprintf(path, sizeof path, "%s/checkpoint", folder);
  snprintf(said, sizeof said, "%s/said", folder);
  tests[0] = round_trip;
  tests[1] = lengths;
  tests[2] = flipped_bits;
  tests[3] = foreign;
  tests[4] = hostile;
  tests[5] = hostile_lengths;
  tests[6] = not_written;
  Suite *suite = suite_create("checkpoint");
  for (size_t i = 0; i < sizeof tests / sizeof *tests; ++i) {
    TCase *test_case = tcase_create(tests[i]->name);
    tcase_set_timeout(test_case, 500);
    tcase_add_checked_fixture(test_case, set_up, tear_down);
    tcase_add_test(test_case, tests[i]);
    suite_add_tcase(suite, test_case);
  }
  const int status = support_run(suite);
  unlink(path);
  unlink(said);
  rmdir(folder);
  return status;
}
