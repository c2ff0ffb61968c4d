#!/usr/bin/env bash
# Each thing that the library stands on is known to one file alone, and some to none.
#
#   seams.sh SOURCE_FOLDER
set -euo pipefail
cd "$1"
status=0

# seam WHAT PATTERN [FILE]: of the sources, exactly FILE (or none) has lines that match
seam() {
  local found
  found=$({ grep -rlP --include='*.[ch]' "$2" src include || true; } | LC_ALL=C sort | paste -sd ' ')
  if [ "$found" != "${3:-}" ]; then
    echo "$1: expected in ${3:-no file}, found in ${found:-no file}" >&2
    grep -rnP --include='*.[ch]' "$2" src include >&2 || true
    status=1
  fi
}

seam OpenMP '\bomp_\w+|#pragma omp (?!simd)|<omp\.h>' src/parallel.c
seam CBLAS '\b(cblas|openblas)_\w+' src/sgemm.c
seam 'the CPU' '__builtin_cpu_\w+|\bcpuid\b|<cpuid\.h>' src/cpu.c
seam 'the clock' '\b(clock_gettime|gettimeofday|timespec_get|time|clock)\(' src/planning/clock.c
seam malloc '\b(malloc|calloc|realloc|aligned_alloc|posix_memalign|free)\(' src/workspace.c
seam 'printing and leaving' '\b(printf|fprintf|vfprintf|puts|perror|abort|exit|_exit|assert)\('
seam 'the environment' '\b(getenv|setenv|putenv)\(' src/cpu.c
exit $status
