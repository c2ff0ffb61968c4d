/* Element-wise work on whole stacks of feature maps. */
#ifndef BC_MAPS_H
#define BC_MAPS_H

#include "geometry.h"

/* What every function over maps checks of its arguments; `threads` gets the number to use. */
blasconv_status bc_maps_call_check(const blasconv_maps *maps, const blasconv_activation *activation,
                                   int32_t asked, int *threads);

/* bias_gradient[c] (+)= sum of output_gradient over images and pixels of channel c. */
void bc_bias_gradient(const blasconv_maps *maps, const float *output_gradient, bool accumulate,
                      int threads, float *bias_gradient);

#endif
