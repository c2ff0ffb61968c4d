/* The activations as they are defined. */
#ifndef BENCH_ACTIVATION_H
#define BENCH_ACTIVATION_H

#include <blasconv/blasconv.h>

/* In double precision. */
double bench_activation(blasconv_activation a, double x);

#endif
