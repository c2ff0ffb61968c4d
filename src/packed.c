#include "packed.h"

#include "checksum.h"
#include "cpu.h"

#include <string.h>

enum { FORMAT = 2 };

/* "bcpacked" as a number, so that another byte order is noticed. */
#define MAGIC UINT64_C(0x62637061636b6564)

/* Fills one unit of the alignment, so that what follows is aligned too. */
typedef struct header {
  uint64_t magic;
  uint64_t format; /* of this header, and of what the library's version packs */
  uint64_t payload_bytes;
  uint64_t checksum; /* of what the packed form follows from */
  uint64_t unused[4];
} header;

_Static_assert(sizeof(header) == BLASCONV_WORKSPACE_ALIGNMENT, "the weights must be aligned");

static uint64_t mix_numbers(uint64_t hash, const int64_t *numbers, int32_t count)
{
  for (int32_t i = 0; i < count; ++i)
    for (int shift = 0; shift < 64; shift += 8)
      hash = bc_checksum_add(hash, (unsigned char)((uint64_t)numbers[i] >> shift));
  return hash;
}

static uint64_t mix_text(uint64_t hash, const char *text)
{
  for (; *text != '\0'; ++text)
    hash = bc_checksum_add(hash, (unsigned char)*text);
  return hash;
}

/* An algorithm's own form depends on how the geometry was simplified, and maybe on the instruction
 * set. */
static uint64_t mix_form(uint64_t hash, const blasconv_plan *plan)
{
  const bc_geometry *g = &plan->geometry;
  const int64_t form[] = {g->layout, g->in_channels, g->taps};
  hash = mix_numbers(hash, form, sizeof form / sizeof *form);
  return mix_text(hash, bc_isa_name(bc_cpu_isa()));
}

/* Batch and extents are left out: the same filters serve images of any size. */
static uint64_t checksum(const blasconv_plan *plan)
{
  const blasconv_problem *p = &plan->problem;
  const int64_t kinds[] = {p->layout,       p->direction, p->rank,   p->in_channels,
                           p->out_channels, p->groups,    plan->pass};
  uint64_t hash = BC_CHECKSUM_START;
  hash = mix_numbers(hash, kinds, sizeof kinds / sizeof *kinds);
  hash = mix_numbers(hash, p->kernel, p->rank);
  hash = mix_numbers(hash, p->strides, p->rank);
  hash = mix_numbers(hash, p->dilations, p->rank);
  hash = mix_numbers(hash, p->pads_begin, p->rank);
  hash = mix_numbers(hash, p->pads_end, p->rank);
  hash = mix_numbers(hash, p->output_padding, p->rank);
  hash = mix_text(hash, plan->algorithm->name);
  return plan->algorithm->packed_elements == NULL ? hash : mix_form(hash, plan);
}

static int64_t payload_elements(const blasconv_plan *plan)
{
  const bc_algorithm *algorithm = plan->algorithm;
  return algorithm->packed_elements != NULL
             ? algorithm->packed_elements(&plan->geometry, plan->request.pass)
             : bc_count_weights(&plan->geometry);
}

static uint64_t format(void)
{
  return ((uint64_t)BLASCONV_VERSION_MAJOR << 48) | ((uint64_t)BLASCONV_VERSION_MINOR << 32) |
         FORMAT;
}

static header header_of(const blasconv_plan *plan)
{
  return (header){.magic = MAGIC,
                  .format = format(),
                  .payload_bytes = bc_workspace_book(payload_elements(plan)),
                  .checksum = checksum(plan)};
}

static bool reads_weights(const blasconv_plan *plan)
{
  return plan->pass != BLASCONV_BACKWARD_WEIGHTS;
}

size_t blasconv_plan_packed_size(const blasconv_plan *plan)
{
  if (plan == NULL || !reads_weights(plan))
    return 0;
  return sizeof(header) + bc_workspace_book(payload_elements(plan));
}

static bool is_aligned(const void *memory)
{
  return (uintptr_t)memory % BLASCONV_WORKSPACE_ALIGNMENT == 0;
}

blasconv_status blasconv_plan_pack(const blasconv_plan *plan, const float *weights, void *packed,
                                   size_t packed_bytes)
{
  if (plan == NULL || weights == NULL || packed == NULL)
    return BLASCONV_NULL_POINTER;
  if (!reads_weights(plan))
    return BLASCONV_WRONG_TENSORS;
  if (packed_bytes < blasconv_plan_packed_size(plan))
    return BLASCONV_WORKSPACE_TOO_SMALL;
  if (!is_aligned(packed))
    return BLASCONV_WORKSPACE_MISALIGNED;
  const header h = header_of(plan);
  float *payload = (float *)(void *)((char *)packed + sizeof h);
  memset(packed, 0, blasconv_plan_packed_size(plan)); /* the same bytes each time */
  memcpy(packed, &h, sizeof h);
  if (plan->algorithm->packed_elements != NULL)
    plan->algorithm->pack(&plan->geometry, plan->request.pass, weights, payload);
  else
    memcpy(payload, weights, (size_t)bc_count_weights(&plan->geometry) * sizeof *weights);
  return BLASCONV_SUCCESS;
}

blasconv_status bc_packed_open(const blasconv_plan *plan, const void *packed, size_t bytes,
                               const float **weights)
{
  const header wanted = header_of(plan);
  if (!reads_weights(plan))
    return BLASCONV_WRONG_TENSORS;
  if (bytes < sizeof wanted + wanted.payload_bytes || !is_aligned(packed) ||
      memcmp(packed, &wanted, sizeof wanted) != 0)
    return BLASCONV_PACKED_MISMATCH;
  *weights = (const float *)(const void *)((const char *)packed + sizeof wanted);
  return BLASCONV_SUCCESS;
}
