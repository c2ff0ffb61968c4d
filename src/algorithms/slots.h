/* Slots of a weight gradient. Where it has too few parts to keep cores busy, the work on it, units
 * that are summed, is cut into a fixed number of slots; each has a gradient of its own in the
 * shared workspace, and at the end they are added in slot order, so that the bits do not depend on
 * who computed which. */
#ifndef BC_SLOTS_H
#define BC_SLOTS_H

#include "plan.h"

/* The schedule of `tasks`, each over all of `units` of work, with as many slots as give tasks
 * enough and fit into the room: slots and workspace, and the tasks of all slots. */
bc_schedule bc_slots_schedule(const bc_geometry *geometry, int64_t tasks, int64_t units,
                              size_t thread_bytes, const bc_request *request);

/* A task: the number of what it computes of the gradient, and for which slot. */
typedef struct bc_slot_task {
  int64_t slot, part;
} bc_slot_task;

/* All parts of a slot follow each other: they read the same units, and are mostly of one thread. */
static inline bc_slot_task bc_slot_task_at(const blasconv_plan *plan, int64_t task)
{
  const int64_t parts = plan->schedule.tasks / plan->schedule.blocks.slots;
  return (bc_slot_task){task / parts, task % parts};
}

/* The units of a slot. */
bc_range bc_slot_units(const blasconv_plan *plan, int64_t units, int64_t slot);

/* The gradient that a slot's tasks write: the slot's own, or the result if there is but one. */
float *bc_slot_gradient(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                        int64_t slot);

/* Tasks add to what is in the result themselves; with several slots that is for the end. */
static inline bool bc_slot_accumulates(const blasconv_plan *plan)
{
  return plan->request.accumulate && plan->schedule.blocks.slots == 1;
}

/* When all tasks are done: adds the slots up into the result. */
void bc_slots_add_up(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace);

#endif
