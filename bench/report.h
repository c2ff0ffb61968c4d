/* What came out for the networks: a table, and files for other programs. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "networks.h"

/* The table of the networks; says so where layers are missing. */
void bench_report_print(const bench_session *session, const bench_cases *cases);

/* Writes networks.csv (networks that were timed completely), layers.csv and machine.txt (the CPU
 * and the library in one line, for titles) into a folder, which is made if it isn't there. Returns
 * false, having said so on stderr, if that fails. */
bool bench_report_write(const bench_session *session, const bench_cases *cases, const char *folder);

#endif
