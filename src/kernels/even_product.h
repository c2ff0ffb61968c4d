/* The products of even_product.c, for the table in product.c. */
#ifndef BC_EVEN_PRODUCT_H
#define BC_EVEN_PRODUCT_H

#include "kernels.h"
#include "product.h"

void BC_FOR_ISA(bc_multiply_evenly)(const bc_even_product *product);

#endif
