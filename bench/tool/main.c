/* blasconv-bench: problems from the command line, or the layers of networks. */
#include "networks_main.h"
#include "restart.h"
#include "tool.h"

#include <string.h>

int main(int argc, char **argv)
{
  bench_restart_with_advice(argv);
  if (argc > 1 && strcmp(argv[1], "networks") == 0) {
    argv[1] = argv[0];
    return bench_networks_main(argc - 1, argv + 1);
  }
  return bench_tool_main(argc, argv);
}
