/* The benchmark of planning: how long it takes to make a plan and to destroy it again. */
#ifndef BENCH_PLANS_H
#define BENCH_PLANS_H

#include "session.h"

typedef struct bench_plans bench_plans;

/* Registers all layers of networks[0] for each pass. NULL if there is no memory. */
bench_plans *bench_plans_register(bench_session *session);

void bench_plans_print(const bench_plans *plans);

void bench_plans_free(bench_plans *plans);

#endif
