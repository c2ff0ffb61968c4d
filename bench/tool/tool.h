/* `blasconv-bench PROBLEM...`: how fast convolutions are, and whether they are right. */
#ifndef BENCH_TOOL_H
#define BENCH_TOOL_H

/* main()'s arguments. Returns the exit status. */
int bench_tool_main(int argc, char **argv);

#endif
