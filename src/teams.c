/* In a file of its own, so that tests can put their own number in its place: with 0 every team is
 * as large as was asked for. docs/performance.md, "Waking threads", has the measurement. */
#include "parallel.h"

const double bc_thread_seconds = 10e-6;
