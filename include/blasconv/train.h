/*
 * blasconv: what learning needs besides convolution.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_TRAIN_H
#define BLASCONV_TRAIN_H

#include <blasconv/blasconv.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * Random numbers, first values of filters, dense layers, pooling, dropout, batch normalisation,
 * losses and gradient descent: with blasconv.h enough to train a convolutional network.
 * examples/fashion_mnist does so, and docs/learning.md explains it.
 *
 * One step of training, seen from here:
 *
 *     forward    blasconv_plan_execute() of each convolution and dense layer, pooling, dropout
 *     loss       blasconv_softmax_cross_entropy() gives its value and the gradient of the logits
 *     backward   in reverse order: pooling, blasconv_bias_activation_backward(), and the plans of
 *                the passes #BLASCONV_BACKWARD_DATA and #BLASCONV_BACKWARD_WEIGHTS
 *     update     blasconv_gradient_clip() and blasconv_optimizer_step()
 *
 * What blasconv.h promises holds here too: dense row-major float tensors with no more than their
 * natural alignment; a written tensor overlaps no other argument unless a function says otherwise;
 * a status from every call that can fail, and a refused call has written nothing; any number of
 * host threads; nothing is printed, and **nothing is allocated**. `threads` is 1 to 4096, or 0 for
 * as many as OpenMP would use; results have the same bits for any number of threads. Arrays
 * without elements may be NULL.
 */

/* ---------------------------------------------------------------------------------------------
 * Random numbers
 * ------------------------------------------------------------------------------------------ */

/**
 * A stream of random 64-bit words: Philox4x64-10 (Salmon, Moraes, Dror, Shaw: "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011). Word i of a stream is word i mod 4 of the block whose
 * counter is (i / 4, 0, 0, 0) and whose key is (seed, stream). So every word can be had without
 * those before it, the same on every machine, and streams of one seed are independent: take one
 * for each purpose. A stream has 2^64 words; then it begins again.
 *
 * The struct is all there is to know: save it, and go on from there later. It may be copied and
 * changed at will; draws move its position.
 */
typedef struct blasconv_random {
  uint64_t seed;     /**< first word of the key */
  uint64_t stream;   /**< second word of the key */
  uint64_t position; /**< words drawn so far */
} blasconv_random;

/** The beginning of a stream. */
static inline blasconv_random blasconv_random_start(uint64_t seed, uint64_t stream)
{
  blasconv_random random = {seed, stream, 0};
  return random;
}

/** The next word; 0 if `random` is NULL. Takes one word. */
BLASCONV_API uint64_t blasconv_random_bits(blasconv_random *random);

/** A number in [0, 1): the upper 53 bits of the next word, times 2^-53; 0 if NULL. */
BLASCONV_API double blasconv_random_unit(blasconv_random *random);

/**
 * An integer from 0 to `limit` - 1, each exactly as likely as the others (Lemire: "Fast random
 * integer generation in an interval", ACM TOMACS 2019). Takes one word, seldom more.
 * @return 0 if `limit` is 0 or `random` NULL, and then takes none
 */
BLASCONV_API uint64_t blasconv_random_below(blasconv_random *random, uint64_t limit);

/**
 * A number of the normal distribution with mean 0 and deviation 1, from one word: the inverse of
 * the distribution function (Wichura: "Algorithm AS 241", Applied Statistics 1988) at the middle
 * of one of 2^52 equal parts of (0, 1). In double, by additions, multiplications, divisions and
 * square roots alone: the same bits on every machine with IEEE arithmetic. 0 if NULL.
 */
BLASCONV_API double blasconv_random_normal(blasconv_random *random);

/**
 * Puts items into random order, each order as likely as the others (Fisher and Yates).
 * @param random takes `count` - 1 words, seldom more
 * @param count items, >= 0
 * @param items [count]
 */
BLASCONV_API blasconv_status blasconv_random_shuffle(blasconv_random *random, int64_t count,
                                                     int64_t *items);

/* ---------------------------------------------------------------------------------------------
 * First values
 * ------------------------------------------------------------------------------------------ */

/**
 * A dense (fully connected) layer as a problem: a 1x1 convolution of 1x1 images. Its plans compute
 * with input [batch][inputs], weights [outputs][inputs], bias [outputs], output [batch][outputs]:
 *
 *     output = activation(input weights^T + bias)
 *
 * Feature maps [batch][C][H][W] are such an input with C H W values an image as they lie:
 * flattening is free.
 */
static inline blasconv_problem blasconv_problem_dense(int64_t batch, int64_t inputs,
                                                      int64_t outputs)
{
  return blasconv_problem_2d(batch, inputs, 1, 1, outputs, 1, 1);
}

/**
 * How first values are drawn, for weights of every layout, rank and direction. Fan-in is C/G R S,
 * the inputs that meet in one output; fan-out is K/G R S, the outputs that one input goes to
 * (strides set aside); R S stands for all taps. Numbers not named by a kind are ignored.
 */
typedef enum blasconv_initializer_kind {
  BLASCONV_INIT_ZEROS = 0,        /**< 0 */
  BLASCONV_INIT_ONES,             /**< 1 */
  BLASCONV_INIT_CONSTANT,         /**< `value` */
  BLASCONV_INIT_UNIFORM,          /**< uniform in [`low`, `high`) */
  BLASCONV_INIT_NORMAL,           /**< normal with `mean` and `deviation` */
  BLASCONV_INIT_TRUNCATED_NORMAL, /**< the same, but within two deviations of the mean: what would
                                       fall outside is drawn anew, which leaves 0.8796 of the
                                       deviation */
  BLASCONV_INIT_GLOROT_UNIFORM,   /**< uniform in +-`gain` sqrt(6 / (fan-in + fan-out)); Glorot and
                                       Bengio 2010 */
  BLASCONV_INIT_GLOROT_NORMAL,    /**< normal, deviation `gain` sqrt(2 / (fan-in + fan-out)) */
  BLASCONV_INIT_GLOROT_TRUNCATED, /**< truncated at two deviations of a normal distribution so much
                                       wider that the deviation left is that of Glorot normal */
  BLASCONV_INIT_HE_UNIFORM, /**< uniform in +-`gain` sqrt(6 / fan-in); He, Zhang, Ren, Sun 2015 */
  BLASCONV_INIT_HE_NORMAL,  /**< normal, deviation `gain` sqrt(2 / fan-in) */
  BLASCONV_INIT_LECUN_UNIFORM, /**< uniform in +-`gain` sqrt(3 / fan-in); LeCun and others 1998 */
  BLASCONV_INIT_LECUN_NORMAL,  /**< normal, deviation `gain` sqrt(1 / fan-in) */
  BLASCONV_INIT_ORTHOGONAL,    /**< in each group the K/G filters (transposed: the C/G channels) as
                                    rows, or where they outnumber their elements the columns, are
                                    orthogonal and `gain` long: W W^T or W^T W is gain^2 I; Saxe,
                                    McClelland, Ganguli 2014 */
  BLASCONV_INIT_IDENTITY       /**< `gain` in the middle tap (each kernel extent / 2) where filter
                                    and channel of the group have the same number, else 0: with
                                    pads the maps pass unchanged */
} blasconv_initializer_kind;

/** A kind and its numbers. Make one with blasconv_initializer_of() and change what differs. */
typedef struct blasconv_initializer {
  size_t struct_size;             /**< sizeof(blasconv_initializer) */
  blasconv_initializer_kind kind; /**< how */
  float value;                    /**< finite */
  float low;                      /**< finite */
  float high;                     /**< finite, > `low`, and `high` - `low` is finite */
  float mean;                     /**< finite */
  float deviation;                /**< >= 0; |`mean`| + 9 `deviation` is finite */
  float gain;                     /**< finite, > 0, and too small for an element to overflow */
} blasconv_initializer;

/** The kind with value 0, low -1, high 1, mean 0, deviation 1, gain 1. */
static inline blasconv_initializer blasconv_initializer_of(blasconv_initializer_kind kind)
{
  blasconv_initializer initializer = {
      sizeof(blasconv_initializer), kind, 0.0f, -1.0f, 1.0f, 0.0f, 1.0f, 1.0f};
  return initializer;
}

/**
 * First values for the weights of a convolution or a dense layer. Random kinds take one word an
 * element, in the order of the elements; the others take none. #BLASCONV_INIT_ORTHOGONAL takes time
 * in proportion to elements times the smaller side of a group's matrix; the others, to elements.
 *
 * @param problem the layer, with every check that blasconv_plan_create() makes
 * @param initializer how
 * @param random moved on by what was taken; may be NULL for kinds that take none
 * @param weights as the problem's layout and direction say
 */
BLASCONV_API blasconv_status blasconv_weights_initialize(const blasconv_problem *problem,
                                                         const blasconv_initializer *initializer,
                                                         blasconv_random *random, float *weights);

/** Filters known from image processing. In their formulae x grows to the right, y downwards. */
typedef enum blasconv_filter_kind {
  BLASCONV_FILTER_SOBEL_X = 0, /**< 3x3: [1 2 1]^T [-1 0 1], edges along y */
  BLASCONV_FILTER_SOBEL_Y,     /**< 3x3: the transpose */
  BLASCONV_FILTER_PREWITT_X,   /**< 3x3: [1 1 1]^T [-1 0 1] */
  BLASCONV_FILTER_PREWITT_Y,   /**< 3x3: the transpose */
  BLASCONV_FILTER_SCHARR_X,    /**< 3x3: [3 10 3]^T [-1 0 1] */
  BLASCONV_FILTER_SCHARR_Y,    /**< 3x3: the transpose */
  BLASCONV_FILTER_LAPLACIAN_4, /**< 3x3: -4 in the middle, 1 at its four neighbours */
  BLASCONV_FILTER_LAPLACIAN_8, /**< 3x3: -8 in the middle, 1 at its eight neighbours */
  BLASCONV_FILTER_SHARPEN,     /**< 3x3: 5 in the middle, -1 at its four neighbours */
  BLASCONV_FILTER_EMBOSS,      /**< 3x3: [-2 -1 0; -1 1 1; 0 1 2] */
  BLASCONV_FILTER_BOX,         /**< any extents: every tap 1 / (R S) */
  BLASCONV_FILTER_GAUSSIAN,    /**< any odd extents: exp(-(x^2 + y^2) / (2 sigma^2)), scaled to
                                    sum 1 */
  BLASCONV_FILTER_LAPLACIAN_OF_GAUSSIAN, /**< any odd extents: (r^2 - 2 sigma^2) / sigma^4
                                     exp(-r^2 / (2 sigma^2)) with r^2 = x^2 + y^2, its mean then
                                     subtracted, so that even areas give 0 */
  BLASCONV_FILTER_GABOR /**< any odd extents: exp(-(u^2 + aspect^2 v^2) / (2 sigma^2))
                             cos(2 pi u / wavelength + phase) with u = x cos(angle) + y sin(angle),
                             v = y cos(angle) - x sin(angle); Daugman 1985 */
} blasconv_filter_kind;

/** A kind and its numbers. Make one with blasconv_filter_of() and change what differs. */
typedef struct blasconv_filter {
  size_t struct_size;        /**< sizeof(blasconv_filter) */
  blasconv_filter_kind kind; /**< which */
  float sigma;               /**< width of the Gaussian in taps; finite, > 0; for its Laplacian
                                  2 / sigma^2 is finite too */
  float wavelength;          /**< Gabor: taps from crest to crest; finite, > 0 */
  float angle;               /**< Gabor: where the wave runs to, in radians; finite */
  float phase;               /**< Gabor: 0 is a bar, pi/2 an edge, in radians; finite */
  float aspect;              /**< Gabor: below 1 the crests are longer than the wave; finite,
                                  > 0 */
} blasconv_filter;

/** The kind with sigma 1, wavelength 4, angle 0, phase 0, aspect 1. */
static inline blasconv_filter blasconv_filter_of(blasconv_filter_kind kind)
{
  blasconv_filter filter = {sizeof(blasconv_filter), kind, 1.0f, 4.0f, 0.0f, 0.0f, 1.0f};
  return filter;
}

/**
 * Writes one filter. #BLASCONV_BAD_SIZE if the kind does not come in these extents, or they are
 * below 1 or above 2^15.
 * @param filter which
 * @param height rows of taps, R
 * @param width taps a row, S
 * @param taps [height][width]
 */
BLASCONV_API blasconv_status blasconv_filter_write(const blasconv_filter *filter, int64_t height,
                                                   int64_t width, float *taps);

/**
 * A Gabor bank: `count` filters that differ in their angle alone, i pi / count for filter i.
 * @param filter a Gabor filter; its angle is ignored
 * @param count filters, from 1 to 2^15
 * @param bank [count]
 */
BLASCONV_API blasconv_status blasconv_filter_bank(const blasconv_filter *filter, int64_t count,
                                                  blasconv_filter *bank);

/**
 * Gives a convolution fixed filters: in filter k, input channel c has the taps of bank[k mod count]
 * times mix[c], rounded to float once.
 * @param problem a convolution, not a transposed one, of one axis (filters one row high) or two;
 *        else #BLASCONV_UNSUPPORTED
 * @param bank [count]
 * @param count filters in the bank, >= 1
 * @param mix [C/G], finite; NULL: 1 / (C/G) each, so that a channel's mean is filtered
 * @param weights [K][C/G][R][S], in NHWC [K][R][S][C/G]
 */
BLASCONV_API blasconv_status blasconv_weights_fixed(const blasconv_problem *problem,
                                                    const blasconv_filter *bank, int64_t count,
                                                    const float *mix, float *weights);

/* ---------------------------------------------------------------------------------------------
 * Pooling
 * ------------------------------------------------------------------------------------------ */

/** What becomes of a window. Pads are never the maximum. */
typedef enum blasconv_pooling_kind {
  BLASCONV_POOLING_MAX = 0,         /**< its largest pixel, the first in row-major order of those
                                         that are equal; NaN if one of them is NaN (the first) */
  BLASCONV_POOLING_AVERAGE,         /**< the mean of the pixels that lie in the image */
  BLASCONV_POOLING_AVERAGE_ALL_TAPS /**< their sum divided by R S: pads count as zeros */
} blasconv_pooling_kind;

/**
 * Pooling's sizes are those of a depthwise convolution: a window of size x size pixels moved by
 * `stride`, no pads, one map out for each map in, in NCHW. Change pads, strides, dilations and the
 * kernel for other windows, and the layout for NHWC. A pad must be smaller than the dilated kernel
 * (#BLASCONV_BAD_SIZE), so that with a dilation of 1 every window has a pixel; where a dilated
 * window lies in pads alone, the maximum is -infinity and the mean 0.
 */
static inline blasconv_problem blasconv_problem_pooling(int64_t batch, int64_t channels,
                                                        int64_t height, int64_t width, int64_t size,
                                                        int64_t stride)
{
  blasconv_problem problem =
      blasconv_problem_2d(batch, channels, height, width, channels, size, size);
  problem.groups = channels;
  problem.strides[0] = problem.strides[1] = stride;
  return problem;
}

/** Global pooling: one window as large as the image. */
static inline blasconv_problem blasconv_problem_pooling_global(int64_t batch, int64_t channels,
                                                               int64_t height, int64_t width)
{
  blasconv_problem problem =
      blasconv_problem_2d(batch, channels, height, width, channels, height, width);
  problem.groups = channels;
  return problem;
}

/**
 * Pools each map. Windows of up to 32 taps are summed in float in row-major order, the same bits in
 * both layouts; larger ones in double, in an order that layout and sizes alone decide.
 * @param problem sizes, of a convolution of one axis or two, in either layout
 *        (#BLASCONV_UNSUPPORTED); `groups`, `in_channels` and `out_channels` must be equal
 *        (#BLASCONV_BAD_GROUPS)
 * @param kind maximum or average
 * @param input [N][C][H][W], in NHWC [N][H][W][C]
 * @param threads see the top of this file
 * @param output [N][C][P][Q], in NHWC [N][P][Q][C]
 * @param winners for the maximum, in the order of the output: where each one stands in its map, as
 *        row W + column (-1: nowhere); NULL if no backward pass will follow;
 *        #BLASCONV_WRONG_TENSORS if given for an average, #BLASCONV_BAD_SIZE if given where H W is
 *        above 2^31 - 1
 */
BLASCONV_API blasconv_status blasconv_pooling_forward(const blasconv_problem *problem,
                                                      blasconv_pooling_kind kind,
                                                      const float *input, int32_t threads,
                                                      float *output, int32_t *winners);

/**
 * The gradient through pooling: each output's gradient goes to its winner, or to the pixels of its
 * window in equal parts. Where windows overlap, gradients are added in the order of the windows.
 * @param problem sizes, as in the forward pass
 * @param kind as in the forward pass
 * @param output_gradient [N][C][P][Q], in NHWC [N][P][Q][C]
 * @param winners what the forward pass wrote; NULL for an average. Gradients of winners outside of
 *        [0, H W) are dropped, those of winners outside of their window may be
 * @param threads see the top of this file
 * @param input_gradient [N][C][H][W], in NHWC [N][H][W][C]; overwritten, its old contents are never
 *        read
 */
BLASCONV_API blasconv_status blasconv_pooling_backward(const blasconv_problem *problem,
                                                       blasconv_pooling_kind kind,
                                                       const float *output_gradient,
                                                       const int32_t *winners, int32_t threads,
                                                       float *input_gradient);

/* ---------------------------------------------------------------------------------------------
 * Dropout
 * ------------------------------------------------------------------------------------------ */

/**
 * Inverted dropout: each element is set to 0 with probability `rate`, and the others are divided by
 * 1 - `rate`, so that the mean stays and inference needs nothing (Srivastava and others 2014).
 *
 * Element i is dropped if half i mod 2 (the lower one first) of word position + i / 2 of the stream
 * is below round(rate 2^32). So the mask need not be kept: **the backward pass is the same call on
 * the gradient with the same `random`**. The caller moves the position on, by
 * blasconv_dropout_words(), when the mask has served.
 *
 * @param count elements, >= 0
 * @param rate in [0, 1)
 * @param random where the mask begins; not changed
 * @param input [count]
 * @param threads see the top of this file
 * @param output [count]; may be `input` itself
 */
BLASCONV_API blasconv_status blasconv_dropout_apply(int64_t count, float rate,
                                                    const blasconv_random *random,
                                                    const float *input, int32_t threads,
                                                    float *output);

/** The words of a mask for `count` elements: half as many, rounded up; 0 if `count` is negative. */
BLASCONV_API uint64_t blasconv_dropout_words(int64_t count);

/* ---------------------------------------------------------------------------------------------
 * Batch normalisation (Ioffe and Szegedy 2015)
 * ------------------------------------------------------------------------------------------ */

/**
 * The parameters and statistics of a layer; arrays are [channels]. Make one with
 * blasconv_batch_norm_default() and set the pointers that a function names.
 */
typedef struct blasconv_batch_norm {
  size_t struct_size;      /**< sizeof(blasconv_batch_norm) */
  float epsilon;           /**< added to the variance; finite, > 0 */
  float momentum;          /**< weight of the new batch in the running statistics; in [0, 1] */
  const float *scale;      /**< NULL: 1 */
  const float *shift;      /**< NULL: 0 */
  float *running_mean;     /**< for inference; begins as 0 */
  float *running_variance; /**< for inference; begins as 1 */
  float *mean;             /**< of the batch, kept for the backward pass */
  float *inverse;          /**< 1 / sqrt(variance + epsilon) of the batch, kept likewise */
} blasconv_batch_norm;

/** Epsilon 1e-5, momentum 0.1, every pointer NULL. */
static inline blasconv_batch_norm blasconv_batch_norm_default(void)
{
  blasconv_batch_norm norm = {
      sizeof(blasconv_batch_norm), 1e-5f, 0.1f, NULL, NULL, NULL, NULL, NULL, NULL};
  return norm;
}

/**
 * Training: normalises each channel over images and pixels, N H W = n elements,
 *
 *     output = scale (input - mean) / sqrt(variance + epsilon) + shift
 *
 * with the variance divided by n; and moves the running statistics,
 * running += momentum (new - running), the variance there being divided by n - 1 (by n if n is 1).
 * Statistics are summed in double, in one sweep: deviations are from a pixel of the channel, unless
 * that lies so far from the mean that digits would be lost.
 *
 * @param maps shape; batch >= 1 (#BLASCONV_BAD_SIZE)
 * @param norm reads `scale`, `shift`; writes `mean`, `inverse`; changes `running_mean` and
 *        `running_variance` (both, or NULL both; else #BLASCONV_NULL_POINTER)
 * @param input the stack
 * @param threads see the top of this file
 * @param output the stack; not `input`, which the backward pass needs
 */
BLASCONV_API blasconv_status blasconv_batch_norm_forward(const blasconv_maps *maps,
                                                         const blasconv_batch_norm *norm,
                                                         const float *input, int32_t threads,
                                                         float *output);

/**
 * Training, the gradient through blasconv_batch_norm_forward(), statistics included:
 *
 *     shift_gradient = sum of output_gradient
 *     scale_gradient = sum of output_gradient normalised, normalised = (input - mean) inverse
 *     input_gradient = scale inverse (output_gradient - shift_gradient / n
 *                                     - normalised scale_gradient / n)
 *
 * The digits of the mean that a float has no room for are found again in the sums.
 *
 * @param maps shape; batch >= 1 (#BLASCONV_BAD_SIZE)
 * @param norm reads `scale`, and `mean` and `inverse` of the forward pass
 * @param input the stack, that of the forward pass
 * @param output_gradient the stack
 * @param threads see the top of this file
 * @param input_gradient the stack; may be `output_gradient` itself
 * @param scale_gradient [channels], or NULL if not wanted; overwritten
 * @param shift_gradient [channels], or NULL if not wanted; overwritten
 */
BLASCONV_API blasconv_status
blasconv_batch_norm_backward(const blasconv_maps *maps, const blasconv_batch_norm *norm,
                             const float *input, const float *output_gradient, int32_t threads,
                             float *input_gradient, float *scale_gradient, float *shift_gradient);

/**
 * Inference: the same formula with the running statistics.
 * @param maps shape
 * @param norm reads `scale`, `shift`, `running_mean`, `running_variance` (each >= 0)
 * @param input the stack
 * @param threads see the top of this file
 * @param output the stack; may be `input` itself
 */
BLASCONV_API blasconv_status blasconv_batch_norm_inference(const blasconv_maps *maps,
                                                           const blasconv_batch_norm *norm,
                                                           const float *input, int32_t threads,
                                                           float *output);

/**
 * Folds the inference of a batch normalisation into the convolution (or dense layer) before it:
 * with factor[k] = scale[k] / sqrt(running_variance[k] + epsilon) filter k is multiplied by
 * factor[k], and its bias becomes (bias[k] - running_mean[k]) factor[k] + shift[k]. In double,
 * rounded once.
 * @param problem a convolution, not a transposed one (#BLASCONV_UNSUPPORTED), K filters
 * @param norm as for blasconv_batch_norm_inference(), K channels
 * @param weights [K][C/G][R][S], in NHWC [K][R][S][C/G]
 * @param bias [K], or NULL for zeros
 * @param folded_weights as the weights; may be `weights` itself
 * @param folded_bias [K]; may be `bias` itself
 */
BLASCONV_API blasconv_status blasconv_batch_norm_fold(const blasconv_problem *problem,
                                                      const blasconv_batch_norm *norm,
                                                      const float *weights, const float *bias,
                                                      float *folded_weights, float *folded_bias);

/* ---------------------------------------------------------------------------------------------
 * Losses
 * ------------------------------------------------------------------------------------------ */

/**
 * Probabilities from logits, row by row: exp(x_i - max) / sum of exp(x_j - max).
 * @param batch rows, >= 0
 * @param classes logits a row, >= 1
 * @param logits [batch][classes]
 * @param threads see the top of this file
 * @param probabilities [batch][classes]; may be `logits` itself
 */
BLASCONV_API blasconv_status blasconv_softmax(int64_t batch, int64_t classes, const float *logits,
                                              int32_t threads, float *probabilities);

/**
 * Softmax and cross-entropy in one step, which neither overflows nor takes the logarithm of 0:
 *
 *     loss     = mean over rows of sum_i t_i (log sum_j exp(x_j) - x_i)
 *     gradient = (softmax(x) sum_i t_i - t) / batch
 *
 * where t is the row's distribution, or 1 at its label and 0 elsewhere. A right answer that is all
 * but certain keeps the digits of its small loss, and with labels of its small gradient. A logit of
 * -infinity has probability 0; NaN or +infinity in a row, or nothing but -infinity, gives a NaN
 * loss. With batch 0 the loss is 0.
 *
 * @param batch rows, >= 0
 * @param classes logits a row, >= 1
 * @param logits [batch][classes]
 * @param labels [batch], each in [0, classes) (#BLASCONV_BAD_ARGUMENT); NULL: `targets` count
 * @param targets [batch][classes], finite and >= 0 (#BLASCONV_BAD_ARGUMENT); usually each row sums
 *        to 1; NULL: `labels` count. Exactly one of the two is given (#BLASCONV_WRONG_TENSORS);
 *        with batch 0 both may be NULL
 * @param threads see the top of this file
 * @param loss gets the value; NULL if not wanted
 * @param gradient [batch][classes], of the logits; may be `logits` itself; NULL if not wanted
 */
BLASCONV_API blasconv_status blasconv_softmax_cross_entropy(int64_t batch, int64_t classes,
                                                            const float *logits,
                                                            const int32_t *labels,
                                                            const float *targets, int32_t threads,
                                                            double *loss, float *gradient);

/**
 * Mean squared error: loss = mean of (prediction - target)^2 over all elements, gradient =
 * 2 (prediction - target) / count. With no elements the loss is 0.
 * @param count elements, >= 0
 * @param predictions [count]
 * @param targets [count]
 * @param threads see the top of this file
 * @param loss gets the value; NULL if not wanted
 * @param gradient [count], of the predictions; may be `predictions` itself; NULL if not wanted
 */
BLASCONV_API blasconv_status blasconv_mean_squared_error(int64_t count, const float *predictions,
                                                         const float *targets, int32_t threads,
                                                         double *loss, float *gradient);

/**
 * Binary cross-entropy on logits, stable for all of them:
 *
 *     loss     = mean of max(x, 0) - x t + log(1 + exp(-|x|)) over all elements
 *     gradient = (sigmoid(x) - t) / count
 *
 * With no elements the loss is 0.
 * @param count elements, >= 0
 * @param logits [count]
 * @param targets [count], each in [0, 1] (#BLASCONV_BAD_ARGUMENT)
 * @param threads see the top of this file
 * @param loss gets the value; NULL if not wanted
 * @param gradient [count], of the logits; may be `logits` itself; NULL if not wanted
 */
BLASCONV_API blasconv_status blasconv_binary_cross_entropy(int64_t count, const float *logits,
                                                           const float *targets, int32_t threads,
                                                           double *loss, float *gradient);

/* ---------------------------------------------------------------------------------------------
 * Gradient descent
 * ------------------------------------------------------------------------------------------ */

/**
 * Rules for a parameter w with gradient g, rate = `learning_rate`, step t = 1, 2, ...; "decay" is
 * `weight_decay` for parameters that decay, else 0. All but AdamW begin with g = g + decay w.
 */
typedef enum blasconv_optimizer_kind {
  BLASCONV_SGD = 0,  /**< w = w - rate g */
  BLASCONV_MOMENTUM, /**< v = momentum v + g, w = w - rate v; Polyak 1964 */
  BLASCONV_NESTEROV, /**< v = momentum v + g, w = w - rate (g + momentum v); Nesterov 1983 in the
                          form of Sutskever and others 2013 */
  BLASCONV_ADAM,     /**< m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
                          w = w - rate (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon);
                          Kingma and Ba 2015 */
  BLASCONV_ADAMW     /**< w = w - rate decay w, then Adam without decay; Loshchilov, Hutter 2019 */
} blasconv_optimizer_kind;

/**
 * A rule and its numbers; those that the rule does not name are ignored. Make one with
 * blasconv_optimizer_of() and change what differs.
 */
typedef struct blasconv_optimizer {
  size_t struct_size;           /**< sizeof(blasconv_optimizer) */
  blasconv_optimizer_kind kind; /**< which rule */
  float learning_rate;          /**< finite, >= 0; see blasconv_schedule_rate() */
  float momentum;               /**< momentum and Nesterov: in [0, 1) */
  float beta1;                  /**< Adam: in [0, 1) */
  float beta2;                  /**< Adam: in [0, 1) */
  float epsilon;                /**< Adam: finite, > 0 */
  float weight_decay;           /**< finite, >= 0 */
} blasconv_optimizer;

/** The rule with momentum 0.9, beta1 0.9, beta2 0.999, epsilon 1e-8, no weight decay. */
static inline blasconv_optimizer blasconv_optimizer_of(blasconv_optimizer_kind kind,
                                                       float learning_rate)
{
  blasconv_optimizer optimizer = {
      sizeof(blasconv_optimizer), kind, learning_rate, 0.9f, 0.9f, 0.999f, 1e-8f, 0.0f};
  return optimizer;
}

/** Arrays of state that a rule keeps for each parameter: 0, 1 or 2; 0 if there is no such rule. */
BLASCONV_API int32_t blasconv_optimizer_states(blasconv_optimizer_kind kind);

/** A tensor that learns. */
typedef struct blasconv_parameter {
  int64_t count;   /**< elements, >= 0 */
  float *values;   /**< [count] */
  float *gradient; /**< [count] */
  float *state;    /**< [blasconv_optimizer_states()][count], all zeros before the first step; may
                        be NULL if the rule keeps none */
  int32_t decays;  /**< 1 if weight decay applies (weights), 0 if not (biases, scales, shifts) */
} blasconv_parameter;

/**
 * Moves every parameter by one step of the rule. Elements are computed in float, the powers of the
 * betas in double.
 * @param optimizer the rule
 * @param step t, from 1 on (#BLASCONV_BAD_ARGUMENT)
 * @param parameters [count]: `values` and `state` are changed, `gradient` is read
 * @param count parameters, >= 0
 * @param threads see the top of this file
 */
BLASCONV_API blasconv_status blasconv_optimizer_step(const blasconv_optimizer *optimizer,
                                                     int64_t step,
                                                     const blasconv_parameter *parameters,
                                                     int64_t count, int32_t threads);

/**
 * Clips the gradient: if its norm, the root of the sum of the squares of all elements of all
 * parameters, is above `limit`, every element is multiplied by limit / norm. A gradient whose norm
 * is infinite or NaN is left alone: look at `norm`.
 * @param parameters [count]: `gradient` is changed, `values` and `state` are not looked at
 * @param count parameters, >= 0
 * @param limit > 0 (#BLASCONV_BAD_ARGUMENT); infinity: only the norm is wanted
 * @param threads see the top of this file
 * @param norm gets the norm before clipping, summed in double; NULL if not wanted
 */
BLASCONV_API blasconv_status blasconv_gradient_clip(const blasconv_parameter *parameters,
                                                    int64_t count, double limit, int32_t threads,
                                                    double *norm);

/** How the learning rate changes with the step t = 1, 2, ... after the warm-up. */
typedef enum blasconv_schedule_kind {
  BLASCONV_SCHEDULE_CONSTANT = 0, /**< `rate` */
  BLASCONV_SCHEDULE_STEP,         /**< rate factor^floor((t - 1) / period) */
  BLASCONV_SCHEDULE_COSINE        /**< from `rate` at t = 1 along half a cosine to `last_rate` at
                                       t = period and after (with a period of 1 always
                                       `last_rate`); Loshchilov and Hutter 2017 */
} blasconv_schedule_kind;

/**
 * A schedule; numbers that its kind does not name are ignored. Make one with
 * blasconv_schedule_of() and change what differs.
 */
typedef struct blasconv_schedule {
  size_t struct_size;          /**< sizeof(blasconv_schedule) */
  blasconv_schedule_kind kind; /**< which */
  double rate;                 /**< the highest rate; finite, >= 0 */
  double factor;               /**< step: in (0, 1] */
  double last_rate;            /**< cosine: finite, >= 0 */
  int64_t period;              /**< step and cosine: steps, >= 1, the warm-up not counted */
  int64_t warm_up;             /**< the first steps, >= 0: the rate grows in equal parts, rate s /
                                    (warm_up + 1) at step s; t counts from the end of them */
} blasconv_schedule;

/** The schedule with factor 0.1, last rate 0, period 1, no warm-up. */
static inline blasconv_schedule blasconv_schedule_of(blasconv_schedule_kind kind, double rate)
{
  blasconv_schedule schedule = {sizeof(blasconv_schedule), kind, rate, 0.1, 0.0, 1, 0};
  return schedule;
}

/**
 * The learning rate of a step. Numbers out of range are a #BLASCONV_BAD_ARGUMENT.
 * @param schedule which
 * @param step from 1 on
 * @param rate gets it
 */
BLASCONV_API blasconv_status blasconv_schedule_rate(const blasconv_schedule *schedule, int64_t step,
                                                    double *rate);

#ifdef __cplusplus
}
#endif

#endif
