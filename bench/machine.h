/* The computer that measures. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

/* The name of the CPU as Linux knows it. */
const char *bench_cpu_name(void);

/* The folder of shapes that belongs to this program, installed or not. */
const char *bench_shapes_folder(void);

#endif
