#include "job.h"

bc_winograd_job bc_winograd_job_start(const bc_winograd_context *context, int thread)
{
  const bc_winograd_areas *a = &context->areas;
  char *area = (char *)bc_workspace_of_thread(&context->plan->schedule.workspace,
                                              context->workspace, thread);
  bc_winograd_job job = {.plan = context->plan,
                         .tensors = context->tensors,
                         .tiling = &context->tiling,
                         .areas = a,
                         .kernels = bc_cpu_kernels()};
  job.sources = (float *)(void *)area;
  job.panels = (float *)(void *)(area += a->sources_bytes);
  job.sums = (float *)(void *)(area += a->panels_bytes);
  job.pixels = (float *)(void *)(area += a->sums_bytes);
  job.turned = (float *)(void *)(area += a->pixels_bytes);
  job.taps = (float *)(void *)(area + a->turned_bytes);
  return job;
}

void bc_winograd_run_tasks(const blasconv_plan *plan, const bc_tensors *tensors, void *workspace,
                           bc_task *run)
{
  bc_winograd_context context = {.plan = plan,
                                 .tensors = tensors,
                                 .tiling = bc_tiling_of(&plan->geometry, plan->request.pass),
                                 .workspace = workspace};
  context.areas = bc_find_winograd_areas(&context.tiling, &plan->schedule.blocks, &plan->request);
  bc_parallel_for(plan->threads, plan->schedule.tasks, run, &context);
}
