/*
 * What is known of Fashion-MNIST before its files are read.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "fashion.h"

#include <stdio.h>

const char *const fashion_names[FASHION_CLASSES] = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

void fashion_advise(void)
{
  fprintf(stderr, "The pictures come with Debian's package dataset-fashion-mnist "
                  "(apt-get install dataset-fashion-mnist).\n");
}
