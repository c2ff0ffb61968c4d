#include "packed.h"

#include "checksum.h"
#include "cpu.h"
#include "parallel.h"

#include <string.h>

enum { FORMAT = 3 };

/* Weights are packed in so many parts for each thread, since some take longer. */
enum { PARTS_OF_THREAD = 4 };

/* "bcpacked" as a number, so that another byte order is noticed. */
#define MAGIC UINT64_C(0x62637061636b6564)

/* Fills one unit of the alignment, so that what follows is aligned too. */
typedef struct header {
  uint64_t magic;
  uint64_t format; /* of this header, and of what the library's version packs */
  uint64_t payload_bytes;
  uint64_t checksum; /* of what they follow from */
  uint64_t form;     /* of the algorithm's */
  uint64_t unused[3];
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
static uint64_t mix_form(uint64_t hash, const blasconv_plan *plan, int form)
{
  const bc_geometry *g = &plan->geometry;
  const int64_t numbers[] = {g->layout, g->in_channels, g->taps, form};
  hash = mix_numbers(hash, numbers, sizeof numbers / sizeof *numbers);
  return mix_text(hash, bc_isa_name(bc_cpu_isa()));
}

/* Batch and extents are left out: the same filters serve images of any size. */
static uint64_t checksum(const blasconv_plan *plan, int form)
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
  return plan->algorithm->packed_elements == NULL ? hash : mix_form(hash, plan, form);
}

static int best_form(const blasconv_plan *plan)
{
  const bc_algorithm *algorithm = plan->algorithm;
  return algorithm->packed_form != NULL
             ? algorithm->packed_form(&plan->geometry, plan->request.pass)
             : 0;
}

/* Weights are taken as they are where an algorithm does not pack them. */
static int64_t payload_elements(const blasconv_plan *plan, int form)
{
  const bc_algorithm *algorithm = plan->algorithm;
  return algorithm->packed_elements != NULL
             ? algorithm->packed_elements(&plan->geometry, plan->request.pass, form)
             : bc_count_weights(&plan->geometry);
}

static size_t payload_bytes(const blasconv_plan *plan, int form)
{
  return bc_workspace_book(payload_elements(plan, form));
}

static uint64_t format(void)
{
  return ((uint64_t)BLASCONV_VERSION_MAJOR << 48) | ((uint64_t)BLASCONV_VERSION_MINOR << 32) |
         FORMAT;
}

static header header_of(const blasconv_plan *plan, int form)
{
  return (header){.magic = MAGIC,
                  .format = format(),
                  .payload_bytes = payload_bytes(plan, form),
                  .checksum = plan->packed_checksums[form],
                  .form = (uint64_t)form};
}

static bool reads_weights(const blasconv_plan *plan)
{
  return plan->pass != BLASCONV_BACKWARD_WEIGHTS;
}

/* Once, since it takes as long as the smallest layers. */
void bc_packed_prepare(blasconv_plan *plan)
{
  const int forms = plan->algorithm->packed_form != NULL ? BC_PACKED_FORMS : 1;
  for (int form = 0; form < forms && reads_weights(plan); ++form)
    plan->packed_checksums[form] = checksum(plan, form);
}

size_t blasconv_plan_packed_size(const blasconv_plan *plan)
{
  if (plan == NULL || !reads_weights(plan))
    return 0;
  return sizeof(header) + payload_bytes(plan, best_form(plan));
}

static bool is_aligned(const void *memory)
{
  return (uintptr_t)memory % BLASCONV_WORKSPACE_ALIGNMENT == 0;
}

typedef struct packing {
  const blasconv_plan *plan;
  const float *weights;
  float *payload;
  int64_t elements, parts;
  int form;
} packing;

static void pack_part(void *context, int64_t task, int thread)
{
  (void)thread;
  const packing *p = context;
  const blasconv_plan *plan = p->plan;
  if (plan->algorithm->pack != NULL) {
    plan->algorithm->pack(&plan->geometry, plan->request.pass, p->form, (bc_part){task, p->parts},
                          p->weights, p->payload);
    return;
  }
  const bc_range own = bc_share(task, p->parts, p->elements);
  memcpy(p->payload + own.begin, p->weights + own.begin,
         (size_t)bc_range_length(own) * sizeof *p->weights);
}

/* What is behind the last is zero, so that bytes are the same each time. */
static void pack_all(packing *p)
{
  const size_t bytes = (size_t)p->elements * sizeof *p->payload;
  memset(p->payload + p->elements, 0, payload_bytes(p->plan, p->form) - bytes);
  bc_parallel_elements(p->plan->threads, p->elements, p->parts, pack_part, p);
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
  const int form = best_form(plan);
  const header h = header_of(plan, form);
  float *payload = (float *)(void *)((char *)packed + sizeof h);
  memcpy(packed, &h, sizeof h);
  pack_all(&(packing){.plan = plan,
                      .weights = weights,
                      .payload = payload,
                      .elements = payload_elements(plan, form),
                      .parts = plan->threads > 1 ? PARTS_OF_THREAD * plan->threads : 1,
                      .form = form});
  return BLASCONV_SUCCESS;
}

/* Whether a plan's packed weights begin with this. */
static bool is_of_plan(const header *h, const blasconv_plan *plan)
{
  if (h->form > 0 && (h->form >= BC_PACKED_FORMS || plan->algorithm->packed_form == NULL))
    return false;
  const header wanted = header_of(plan, (int)h->form);
  return memcmp(h, &wanted, sizeof wanted) == 0;
}

blasconv_status bc_packed_open(const blasconv_plan *plan, const void *memory, size_t bytes,
                               bc_packed *packed)
{
  header h;
  if (!reads_weights(plan))
    return BLASCONV_WRONG_TENSORS;
  if (bytes < sizeof h || !is_aligned(memory))
    return BLASCONV_PACKED_MISMATCH;
  memcpy(&h, memory, sizeof h);
  if (!is_of_plan(&h, plan) || bytes - sizeof h < h.payload_bytes)
    return BLASCONV_PACKED_MISMATCH;
  packed->weights = (const float *)(const void *)((const char *)memory + sizeof h);
  packed->form = (int)h.form;
  return BLASCONV_SUCCESS;
}
