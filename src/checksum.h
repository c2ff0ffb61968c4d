/* FNV-1a, see G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, "The FNV Non-Cryptographic Hash
 * Algorithm". */
#ifndef BC_CHECKSUM_H
#define BC_CHECKSUM_H

#include <stdint.h>

/* The checksum of nothing. */
#define BC_CHECKSUM_START UINT64_C(0xcbf29ce484222325)

/* The checksum with one byte more. */
static inline uint64_t bc_checksum_add(uint64_t checksum, unsigned char byte)
{
  return (checksum ^ byte) * UINT64_C(0x100000001b3);
}

#endif
