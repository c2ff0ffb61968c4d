/*
 * Problems as benchdnn writes them, of its drivers --conv and --deconv:
 *
 *     g1 mb2 ic oc, id ih iw, od oh ow, kd kh kw, sd1 sh1 sw1, pd ph pw, dd0 dh0 dw0, n"name"
 *
 * in one word; a _ may stand between them. Groups, images, strides and dilations have those
 * defaults; a dilation counts the pixels left out, so 0 is dense. The problem has as many axes as
 * there are letters of d, h, w with a size, from the first on; if only the first letter of several
 * has any (h without w, d without h and w), the others take its sizes. Without an output extent the
 * pads are the same at both ends. With one, the pads at the end are what the output needs, and
 * those at the beginning, if they are not given, half of all.
 */
#ifndef BENCH_NOTATION_BENCHDNN_H
#define BENCH_NOTATION_BENCHDNN_H

#include "text.h"

#include <blasconv/blasconv.h>

enum { BENCH_BENCHDNN_SIZES = 22 };

/* What stands in a word, as it stands there; 0, a stride of 1 and a pad of -1 where nothing does.
 */
typedef struct bench_benchdnn {
  int64_t sizes[BENCH_BENCHDNN_SIZES];
} bench_benchdnn;

/* Whether a word is one of these: begins like one, and like none of our own. */
bool bench_benchdnn_is(bench_text word);

/* Reads a word. name [size] gets the name if there is one. Returns NULL or why it cannot be read;
 * then `word` stands where it is wrong. */
const char *bench_benchdnn_read(bench_text *word, bench_benchdnn *read, char *name, size_t size);

/* What the sizes come to in the direction that `problem` has; sets its rank and all sizes. Returns
 * NULL or why they make no problem. */
const char *bench_benchdnn_resolve(const bench_benchdnn *read, blasconv_problem *problem);

#endif
