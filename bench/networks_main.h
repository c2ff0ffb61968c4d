/* `blasconv-bench networks`: how fast the convolutions of real networks are, having proved that
 * they are right. */
#ifndef BENCH_NETWORKS_MAIN_H
#define BENCH_NETWORKS_MAIN_H

/* argv [argc + 1]: the command line without the word `networks`. Returns the exit status. */
int bench_networks_main(int argc, char **argv);

#endif
