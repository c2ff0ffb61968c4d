/* The tables of kernels that this CPU can run. */
#ifndef ISA_TABLES_H
#define ISA_TABLES_H

#include "kernels/kernels.h"

enum { isa_tables_most = 3 };

/** Fills `tables`, the generic one first. @return how many */
int isa_tables_runnable(const bc_kernels *tables[isa_tables_most]);

#endif
