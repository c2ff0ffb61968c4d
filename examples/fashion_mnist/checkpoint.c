/*
 * Checkpoints: all that it takes to go on with a training, bit by bit.
 *
 * The format, in the byte order of the machine: the header below, then for each tensor of the
 * network its name, the count of its values and the values, at the end the CRC-32 of all before it.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "checkpoint.h"

#include "file.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { VERSION = 1, PIECE = 1 << 16 };

static const char magic[8] = "BCFASHN";

typedef struct header {
  char magic[8];
  uint64_t version; /* one of another byte order looks like a version that is not known */
  checkpoint state;
  int64_t tensors;
} header;

typedef struct tensor_header {
  char name[sizeof((cnn_tensor *)NULL)->name];
  int64_t count; /* of floats that follow */
} tensor_header;

typedef uint32_t checksum;

_Static_assert(sizeof(header) == 16 + CHECKPOINT_RUN_SIZE + 32 + 8, "a header without gaps");
_Static_assert(sizeof(tensor_header) == 48, "a header without gaps");

/* ---------------------------------------------------------------------------------------------
 * Writing
 * ------------------------------------------------------------------------------------------ */

static size_t value_bytes(const cnn_tensor *tensor)
{
  return (size_t)tensor->count * sizeof(float);
}

/* The bytes of a network's checkpoint; *tensors gets their count. */
static size_t size_of(const cnn *network, int64_t *tensors)
{
  size_t size = sizeof(header) + sizeof(checksum);
  cnn_tensor tensor;
  for (*tensors = 0; cnn_tensor_view(network, *tensors, &tensor); ++*tensors)
    size += sizeof(tensor_header) + value_bytes(&tensor);
  return size;
}

/* Copies bytes to a place in memory and returns the place behind them. */
static char *put(char *place, const void *bytes, size_t count)
{
  memcpy(place, bytes, count);
  return place + count;
}

static tensor_header header_of(const cnn_tensor *tensor)
{
  tensor_header head = {.count = tensor->count};
  snprintf(head.name, sizeof head.name, "%s", tensor->name);
  return head;
}

/* Writes a checkpoint to bytes [size_of()]. */
static void pack(const checkpoint *state, const cnn *network, int64_t tensors, char *bytes)
{
  header head = {.version = VERSION, .state = *state, .tensors = tensors};
  memcpy(head.magic, magic, sizeof magic);
  char *place = put(bytes, &head, sizeof head);
  cnn_tensor tensor;
  for (int64_t i = 0; cnn_tensor_view(network, i, &tensor); ++i) {
    const tensor_header tensor_head = header_of(&tensor);
    place = put(place, &tensor_head, sizeof tensor_head);
    place = put(place, tensor.values, value_bytes(&tensor));
  }
  const checksum sum = (checksum)crc32_z(0, (const Bytef *)bytes, (size_t)(place - bytes));
  put(place, &sum, sizeof sum);
}

bool checkpoint_write(const char *path, const checkpoint *state, const cnn *network)
{
  int64_t tensors;
  const size_t size = size_of(network, &tensors);
  char *bytes = malloc(size);
  if (bytes == NULL) {
    fprintf(stderr, "%s: out of memory for a checkpoint\n", path);
    return false;
  }
  pack(state, network, tensors, bytes);
  const bool good = file_replace(path, bytes, size);
  free(bytes);
  return good;
}

/* ---------------------------------------------------------------------------------------------
 * Reading
 * ------------------------------------------------------------------------------------------ */

static bool refuse(const char *path, const char *why)
{
  fprintf(stderr, "%s: %s\n", path, why);
  return false;
}

static bool take(FILE *file, void *bytes, size_t count)
{
  return fread(bytes, 1, count, file) == count;
}

static bool check_kind(const char *path, FILE *file, header *head)
{
  errno = 0;
  const bool whole = take(file, head, sizeof *head);
  if (ferror(file))
    return refuse(path, errno != 0 ? strerror(errno) : "cannot be read");
  if (!whole)
    return refuse(path, "too short for a checkpoint");
  if (memcmp(head->magic, magic, sizeof magic) != 0)
    return refuse(path, "not a checkpoint of this program");
  if (head->version == VERSION)
    return true;
  fprintf(stderr,
          "%s: a checkpoint of version %" PRIu64 " or of another kind of machine; version "
          "%d is wanted\n",
          path, head->version, VERSION);
  return false;
}

/* Reads the whole file and compares its last bytes with the checksum of those before. */
static bool check_sum(const char *path, FILE *file)
{
  static Bytef piece[PIECE];
  Bytef tail[sizeof(checksum)] = {0}; /* of what was read so far, not yet part of the sum */
  size_t kept = 0;
  uLong sum = 0;
  rewind(file);
  for (size_t count; (count = fread(piece + kept, 1, PIECE - kept, file)) > 0;) {
    count += kept;
    kept = count < sizeof tail ? count : sizeof tail;
    sum = crc32_z(sum, piece, count - kept);
    memcpy(tail, piece + count - kept, kept);
    memcpy(piece, tail, kept);
  }
  checksum found;
  memcpy(&found, tail, sizeof found);
  return found == sum || refuse(path, "damaged or cut short: its checksum is wrong");
}

/* Says that two runs differ, and keeps a terminal safe from what may stand in a file. */
static bool refuse_run(const char *path, const char *run, const char *found)
{
  fprintf(stderr, "%s: belongs to another run\n  this one: %s\n  its own:  ", path, run);
  for (; *found != '\0'; ++found)
    fputc(*found >= ' ' && *found <= '~' ? *found : '?', stderr);
  fputc('\n', stderr);
  return false;
}

static bool check_state(const char *path, const char *run, int64_t most_steps,
                        const checkpoint *state)
{
  if (memchr(state->run, '\0', sizeof state->run) == NULL)
    return refuse(path, "not a good checkpoint: a text without end");
  if (strcmp(state->run, run) != 0)
    return refuse_run(path, run, state->run);
  if (state->progress.steps < 0 || state->progress.steps > most_steps ||
      !isfinite(state->loss_sum) || !isfinite(state->accuracy_sum))
    return refuse(path, "not a good checkpoint: its step or sums cannot be");
  return true;
}

static bool take_tensor(const char *path, FILE *file, const cnn_tensor *tensor)
{
  tensor_header found;
  const tensor_header wanted = header_of(tensor);
  if (!take(file, &found, sizeof found))
    return refuse(path, "not a good checkpoint: it ends too early");
  if (memcmp(&found, &wanted, sizeof found) != 0) {
    fprintf(stderr,
            "%s: not a checkpoint of this network: no tensor \"%s\" of %" PRId64
            " values where it has to be\n",
            path, tensor->name, tensor->count);
    return false;
  }
  return take(file, tensor->values, value_bytes(tensor)) ||
         refuse(path, "not a good checkpoint: it ends too early");
}

static bool take_tensors(const char *path, FILE *file, int64_t count, const cnn *network)
{
  int64_t tensors;
  checksum sum;
  cnn_tensor tensor;
  size_of(network, &tensors);
  if (count != tensors)
    return refuse(path, "not a checkpoint of this network: another number of tensors");
  for (int64_t i = 0; cnn_tensor_view(network, i, &tensor); ++i)
    if (!take_tensor(path, file, &tensor))
      return false;
  return (take(file, &sum, sizeof sum) && fgetc(file) == EOF) ||
         refuse(path, "not a good checkpoint: its length is wrong");
}

static bool read_file(const char *path, FILE *file, const char *run, int64_t most_steps,
                      header *head, cnn *network)
{
  return check_kind(path, file, head) && check_sum(path, file) &&
         check_state(path, run, most_steps, &head->state) &&
         (fseek(file, sizeof *head, SEEK_SET) == 0 || refuse(path, strerror(errno))) &&
         take_tensors(path, file, head->tensors, network);
}

bool checkpoint_read(const char *path, const char *run, int64_t most_steps, checkpoint *state,
                     cnn *network)
{
  header head;
  FILE *file = fopen(path, "rb");
  if (file == NULL)
    return refuse(path, strerror(errno));
  const bool good = read_file(path, file, run, most_steps, &head, network);
  fclose(file);
  if (good) {
    *state = head.state;
    cnn_progress_set(network, state->progress);
  }
  return good;
}
