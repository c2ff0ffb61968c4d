/*
 * In place of src/teams.c: no work is too small for a team of threads, so that small problems show
 * what goes wrong between threads.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
extern const double bc_thread_seconds;

const double bc_thread_seconds = 0.0;
