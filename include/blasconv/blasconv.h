/*
 * blasconv: convolutions on CPUs, lowered to single-precision matrix products (SGEMM).
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BLASCONV_BLASCONV_H
#define BLASCONV_BLASCONV_H

#include <stddef.h>
#include <stdint.h>

#define BLASCONV_VERSION_MAJOR 0 /**< changes with the ABI, as the soname does */
#define BLASCONV_VERSION_MINOR 1 /**< grows with new features */
#define BLASCONV_VERSION_PATCH 0 /**< grows with each release in between */

/** Marks what the shared library exports; everything else is hidden. */
#if defined(__GNUC__)
#define BLASCONV_API __attribute__((visibility("default")))
#else
#define BLASCONV_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * @file
 * The convolution engine: describe a problem, make a plan for one pass of it, execute the plan.
 *
 * A first convolution, 2-D and NCHW:
 *
 * @code
 * blasconv_problem problem = blasconv_problem_2d(1, 3, 224, 224, 64, 3, 3);
 * blasconv_plan *plan = NULL;
 * blasconv_status status = blasconv_plan_create(&problem, BLASCONV_FORWARD, NULL, &plan);
 * if (status == BLASCONV_SUCCESS) {
 *   blasconv_arguments tensors = blasconv_arguments_none();
 *   tensors.input = input;      // [1][3][224][224]
 *   tensors.weights = weights;  // [64][3][3][3]
 *   tensors.output = output;    // [1][64][222][222]
 *   status = blasconv_plan_execute(plan, &tensors, NULL, 0);
 * }
 * blasconv_plan_destroy(plan);
 * @endcode
 *
 * **What is computed.** The cross-correlation that deep learning calls convolution, as ONNX
 * defines the operator Conv. With N images, C input channels, K filters, G groups, kernel R x S:
 *
 *     output[n][k][p][q] = activation(bias[k] + sum over c, r, s of
 *         weights[k][c][r][s] * input[n][g C/G + c][p stride_h - pad_h + r dilation_h]
 *                                                  [q stride_w - pad_w + s dilation_w])
 *
 * where g = k / (K/G), c runs over the C/G channels of the group, and the input is zero outside of
 * its edges. The output's extent along each axis is
 * floor((input + pad_begin + pad_end - dilation (kernel - 1) - 1) / stride) + 1.
 *
 * Convolutions have one, two or three spatial axes: what is said of H and W, R and S, P and Q holds
 * for each axis that there is.
 *
 * **Transposed convolution** (#BLASCONV_TRANSPOSED; ONNX: ConvTranspose, PyTorch: ConvTranspose2d)
 * goes the other way: every input pixel is spread over the output pixels under the kernel,
 *
 *     output[n][k][p][q] = activation(bias[k] + sum over c, r, s, h, w with
 *             p = h stride_h - pad_h + r dilation_h and q = w stride_w - pad_w + s dilation_w of
 *         weights[c][k - g K/G][r][s] * input[n][c][h][w])
 *
 * where g = k / (K/G) and c runs over the C/G channels of group g. The output's extent along each
 * axis is (input - 1) stride - pad_begin - pad_end + dilation (kernel - 1) + 1 + output_padding.
 * It is the backward data pass of the convolution from the output to the input with the same
 * weights, strides, dilations and pads.
 *
 * **Tensors** are dense arrays of `float` in row-major order (the last index moves fastest):
 *
 * | layout | input        | output       | weights        | of a transposed problem |
 * |--------|--------------|--------------|----------------|-------------------------|
 * | NCHW   | [N][C][H][W] | [N][K][P][Q] | [K][C/G][R][S] | [C][K/G][R][S]          |
 * | NHWC   | [N][H][W][C] | [N][P][Q][K] | [K][R][S][C/G] | [C][R][S][K/G]          |
 *
 * A gradient is shaped as what it is the gradient of.
 *
 * bias, scale, shift and the bias's gradient are [K]. Tensors need the natural alignment of
 * `float`, no more. A tensor that is written must not overlap any other argument unless a function
 * says otherwise.
 *
 * **Errors.** Every function that can fail returns a #blasconv_status. A refused call has written
 * nothing: no tensor, no workspace, no result pointer; the one exception is the message buffer that
 * a caller may offer in #blasconv_options. Nothing in the library prints, aborts or exits.
 *
 * **Threads.** All functions may be called from any number of host threads at once. A plan is
 * immutable; it may be executed by many threads at the same time if each has its own workspace and
 * its own tensors to write. The library never changes the settings of the host's BLAS or OpenMP.
 *
 * **Accuracy.** With u = 2^-24, sums of n products differ from the exact ones by less than
 * u (8 + 2 sqrt n) times the sum of the products' absolute values: rounding errors fall to both
 * sides, and this is six times their standard deviation (Higham and Mary 2019). `winograd` has
 * fewer multiplications, but an element's error has parts of its neighbours': in images no smaller
 * than the filter it stays below four times that bound, taken for the element whose sum of absolute
 * values is the largest; in sums of up to 2,048 channels below 1e-4 of the largest result
 * (docs/algorithms.md has what was measured).
 * An infinity or a NaN reaches all results of its tile. blasconv_options::exact rules it out, and
 * blasconv_plan_describe() says the bound.
 *
 * **Reproducibility.** For one problem, one library, one machine and one BLAS (its kernels and its
 * own number of threads included) the result has the same bits for any number of threads of the
 * plan and in every run. Algorithms differ in their last bits, and what is measured differs from
 * run to run: so this holds for plans by estimate or by name, and with #BLASCONV_MEASURE or with
 * choices for plans that have the same blasconv_plan_algorithm(). To keep the bits, keep the
 * choices: with blasconv_choices_export(), or by name.
 */

/* ---------------------------------------------------------------------------------------------
 * Status and version
 * ------------------------------------------------------------------------------------------ */

/** What became of a call. */
typedef enum blasconv_status {
  BLASCONV_SUCCESS = 0,
  BLASCONV_NULL_POINTER,         /**< a pointer that the call needs is NULL */
  BLASCONV_VERSION_MISMATCH,     /**< a struct's `struct_size` is none that this library knows */
  BLASCONV_BAD_ARGUMENT,         /**< an enum, flag or parameter has no meaning here */
  BLASCONV_BAD_SIZE,             /**< a size, stride, dilation, pad or thread count out of range */
  BLASCONV_BAD_GROUPS,           /**< channels or filters are not divisible by the groups */
  BLASCONV_KERNEL_TOO_LARGE,     /**< the dilated kernel is larger than the padded input */
  BLASCONV_OVERFLOW,             /**< an extent, an element count or a byte count overflows */
  BLASCONV_UNSUPPORTED,          /**< meaningful, but not offered by this version */
  BLASCONV_UNKNOWN_ALGORITHM,    /**< no algorithm has the name asked for */
  BLASCONV_ALGORITHM_REFUSED,    /**< the algorithm asked for cannot serve this problem */
  BLASCONV_OUT_OF_MEMORY,        /**< the allocator returned NULL */
  BLASCONV_WORKSPACE_TOO_SMALL,  /**< fewer bytes than blasconv_plan_workspace_size(), or fewer in
                                      blasconv_options::scratch than measuring needs */
  BLASCONV_WORKSPACE_MISALIGNED, /**< not aligned to #BLASCONV_WORKSPACE_ALIGNMENT */
  BLASCONV_WRONG_TENSORS,        /**< a tensor was given that the plan's pass does not take */
  BLASCONV_WORKSPACE_LIMITED,    /**< no algorithm can do with so little workspace */
  BLASCONV_PACKED_MISMATCH,      /**< packed weights of another plan, another version, or none */
  BLASCONV_BAD_CHOICES           /**< a text of choices that is not, or not wholly, one */
} blasconv_status;

/**
 * What a status means and what to change, as one English sentence.
 * @return a constant string, never NULL, also for values that are no status
 */
BLASCONV_API const char *blasconv_status_string(blasconv_status status);

/**
 * The library and what it stands on, for logs and bug reports, as one line: its version, the BLAS
 * with its version, its flavour (serial, pthread or openmp) and the kernels that it picked, and the
 * best instruction set that the CPU offers (`generic`, `AVX2` or `AVX-512`). A lower one if the
 * environment variable `BLASCONV_ISA` names it, in letters of any size, when the library is first
 * used: for tests. If the BLAS picked kernels below the CPU, the line ends with the remedy.
 * @return a constant string, the same in each call
 */
BLASCONV_API const char *blasconv_version_string(void);

/**
 * The value that the environment variable `OPENBLAS_CORETYPE` needs *before the program starts* so
 * that OpenBLAS uses what this CPU can do. OpenBLAS picks its kernels from a table of CPUs when it
 * is loaded, and falls to SSE3 without a word on CPUs that are newer than the table.
 * @return NULL if the BLAS uses the CPU well or is not OpenBLAS, else a constant string
 */
BLASCONV_API const char *blasconv_blas_coretype_advice(void);

/* ---------------------------------------------------------------------------------------------
 * Problems
 * ------------------------------------------------------------------------------------------ */

/** How the elements of a tensor lie in memory, the first letter varying slowest. */
typedef enum blasconv_layout {
  BLASCONV_NCHW = 0, /**< channels before pixels (NCW, NCDHW), weights [K][C/G][R][S] */
  BLASCONV_NHWC = 1  /**< channels last (NWC, NDHWC), weights [K][R][S][C/G] */
} blasconv_layout;

/** Which way a convolution goes; the formulas are at the top of this file. */
typedef enum blasconv_direction {
  BLASCONV_CONVOLUTION = 0, /**< gathers: each output pixel from the input pixels under it */
  BLASCONV_TRANSPOSED = 1   /**< scatters: each input pixel to the output pixels under it */
} blasconv_direction;

/** Spatial axes that the structs have room for. */
#define BLASCONV_MAX_RANK 3

/**
 * A convolution's sizes. Make one with blasconv_problem_1d(), _2d() or _3d() and change what
 * differs.
 *
 * The spatial arrays hold one entry an axis, the slowest axis first: for rank 2 entry 0 is the
 * height, entry 1 the width, for rank 3 the depth comes before them; entries from `rank` on are
 * ignored.
 */
typedef struct blasconv_problem {
  size_t struct_size;                 /**< sizeof(blasconv_problem) */
  blasconv_layout layout;             /**< of all tensors of the problem */
  blasconv_direction direction;       /**< #BLASCONV_CONVOLUTION or #BLASCONV_TRANSPOSED */
  int32_t rank;                       /**< spatial axes: 1, 2 or 3 */
  int64_t batch;                      /**< images, N >= 0; with 0 see blasconv_plan_execute() */
  int64_t in_channels;                /**< C >= 1, divisible by `groups` */
  int64_t out_channels;               /**< K >= 1, divisible by `groups` */
  int64_t groups;                     /**< G >= 1; G = C is a depthwise convolution */
  int64_t input[BLASCONV_MAX_RANK];   /**< extents of the input, H and W >= 1 */
  int64_t kernel[BLASCONV_MAX_RANK];  /**< extents of a filter, R and S >= 1 */
  int64_t strides[BLASCONV_MAX_RANK]; /**< pixels of the input (transposed: of the output) from one
                                           pixel of the other to the next, >= 1 */
  int64_t dilations[BLASCONV_MAX_RANK]; /**< such pixels from one tap to the next, >= 1; 1: dense */
  int64_t pads_begin[BLASCONV_MAX_RANK]; /**< zeros before the first pixel of the axis; transposed:
                                              pixels cut from the output's beginning; >= 0 */
  int64_t pads_end[BLASCONV_MAX_RANK];   /**< zeros after the last pixel of the axis; transposed:
                                              pixels cut from the output's end; >= 0 */
  int64_t output_padding[BLASCONV_MAX_RANK]; /**< transposed: pixels added at the output's end, from
                                                  0 to max(stride, dilation) - 1; else 0 */
} blasconv_problem;

/**
 * A 3-D problem from nine numbers: stride 1, no dilation, no pads, one group, NCDHW.
 * Nothing is checked here; blasconv_plan_create() does.
 */
static inline blasconv_problem blasconv_problem_3d(int64_t batch, int64_t in_channels,
                                                   int64_t in_depth, int64_t in_height,
                                                   int64_t in_width, int64_t out_channels,
                                                   int64_t kernel_depth, int64_t kernel_height,
                                                   int64_t kernel_width)
{
  blasconv_problem problem = {sizeof(blasconv_problem),
                              BLASCONV_NCHW,
                              BLASCONV_CONVOLUTION,
                              3,
                              batch,
                              in_channels,
                              out_channels,
                              1,
                              {in_depth, in_height, in_width},
                              {kernel_depth, kernel_height, kernel_width},
                              {1, 1, 1},
                              {1, 1, 1},
                              {0, 0, 0},
                              {0, 0, 0},
                              {0, 0, 0}};
  return problem;
}

/** A 2-D problem from seven numbers: stride 1, no dilation, no pads, one group, NCHW. */
static inline blasconv_problem blasconv_problem_2d(int64_t batch, int64_t in_channels,
                                                   int64_t in_height, int64_t in_width,
                                                   int64_t out_channels, int64_t kernel_height,
                                                   int64_t kernel_width)
{
  blasconv_problem problem = blasconv_problem_3d(batch, in_channels, in_height, in_width, 1,
                                                 out_channels, kernel_height, kernel_width, 1);
  problem.rank = 2;
  return problem;
}

/** A 1-D problem from five numbers: stride 1, no dilation, no pads, one group, NCW. */
static inline blasconv_problem blasconv_problem_1d(int64_t batch, int64_t in_channels,
                                                   int64_t in_width, int64_t out_channels,
                                                   int64_t kernel_width)
{
  blasconv_problem problem =
      blasconv_problem_3d(batch, in_channels, in_width, 1, 1, out_channels, kernel_width, 1, 1);
  problem.rank = 1;
  return problem;
}

/** How blasconv_problem_pad() pads, as ONNX's auto_pad. */
typedef enum blasconv_padding {
  BLASCONV_PADDING_VALID = 0,      /**< no pads */
  BLASCONV_PADDING_SAME_UPPER = 1, /**< output = ceil(input / stride), transposed: input stride; an
                                        odd pad goes to the end */
  BLASCONV_PADDING_SAME_LOWER = 2  /**< the same, an odd pad goes to the beginning */
} blasconv_padding;

/**
 * Sets the pads of every axis from the problem's other sizes; explicit pads are written to
 * `pads_begin` and `pads_end` themselves. For a transposed convolution, as ONNX defines
 * ConvTranspose: `same` cuts what is larger than input times stride (SAME_UPPER the odd pixel at
 * the end, SAME_LOWER at the beginning), and where the output would fall short (a kernel smaller
 * than the stride), sets `output_padding` to make up for it; the other kinds leave it alone.
 * @param problem changed on success only
 * @param padding which pads
 */
BLASCONV_API blasconv_status blasconv_problem_pad(blasconv_problem *problem,
                                                  blasconv_padding padding);

/**
 * The output's extents, with every check that blasconv_plan_create() makes of a problem.
 * @param problem the sizes
 * @param output [#BLASCONV_MAX_RANK]; the first `rank` entries get the extents (P and Q), the
 *        others 1; written only on success
 */
BLASCONV_API blasconv_status blasconv_problem_output(const blasconv_problem *problem,
                                                     int64_t output[BLASCONV_MAX_RANK]);

/* ---------------------------------------------------------------------------------------------
 * Activations
 * ------------------------------------------------------------------------------------------ */

/**
 * Activation functions. NaN stays NaN in every one. "Saves" names what the backward pass needs,
 * see blasconv_activation_saves().
 */
typedef enum blasconv_activation_kind {
  BLASCONV_IDENTITY = 0, /**< x; saves the output */
  BLASCONV_RELU,         /**< max(x, 0); saves the output */
  BLASCONV_LEAKY_RELU,   /**< x if x > 0, else alpha x; saves the output (alpha >= 0; with 0,
                                -infinity gives NaN, as 0 times infinity does: use ReLU) */
  BLASCONV_CLIPPED_RELU, /**< min(max(x, 0), alpha), ReLU6 with alpha = 6; saves the output (alpha >
                            0) */
  BLASCONV_ELU,          /**< x if x > 0, else alpha (exp(x) - 1); saves the output (alpha >= 0) */
  BLASCONV_SIGMOID,      /**< 1 / (1 + exp(-x)); saves the output */
  BLASCONV_TANH,         /**< tanh(x); saves the output */
  BLASCONV_SILU,         /**< x sigmoid(x); saves the input */
  BLASCONV_GELU_ERF,     /**< x/2 (1 + erf(x / sqrt 2)); saves the input */
  BLASCONV_GELU_TANH     /**< x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))); saves the input */
} blasconv_activation_kind;

/** An activation and its parameter. */
typedef struct blasconv_activation {
  blasconv_activation_kind kind; /**< which function */
  float alpha; /**< finite; slope, bound or scale of the kinds that name it, else ignored */
} blasconv_activation;

/** Which tensor of the forward pass the backward pass of an activation reads. */
typedef enum blasconv_saved {
  BLASCONV_SAVED_OUTPUT = 0, /**< what the forward pass wrote; in place is fine */
  BLASCONV_SAVED_INPUT = 1   /**< what the forward pass read, before the bias; not in place */
} blasconv_saved;

/** Which tensor to keep for blasconv_bias_activation_backward(). */
BLASCONV_API blasconv_saved blasconv_activation_saves(blasconv_activation_kind kind);

/**
 * A stack of feature maps: [batch][channels][pixels] in NCHW, [batch][pixels][channels] in NHWC.
 * With batch 0 its tensors may be NULL.
 */
typedef struct blasconv_maps {
  size_t struct_size;     /**< sizeof(blasconv_maps) */
  blasconv_layout layout; /**< of every tensor of the stack */
  int64_t batch;          /**< images, >= 0 */
  int64_t channels;       /**< maps an image, >= 1 */
  int64_t pixels;         /**< pixels a map, >= 1: the product of the spatial extents */
} blasconv_maps;

/** Feature maps in NCHW. */
static inline blasconv_maps blasconv_maps_nchw(int64_t batch, int64_t channels, int64_t pixels)
{
  blasconv_maps maps = {sizeof(blasconv_maps), BLASCONV_NCHW, batch, channels, pixels};
  return maps;
}

/** Feature maps in NHWC. */
static inline blasconv_maps blasconv_maps_nhwc(int64_t batch, int64_t pixels, int64_t channels)
{
  blasconv_maps maps = {sizeof(blasconv_maps), BLASCONV_NHWC, batch, channels, pixels};
  return maps;
}

/**
 * output = activation(input + bias[channel]).
 *
 * The exponential, the hyperbolic tangent and the error function behind it are our own polynomials;
 * docs/algorithms.md has their errors as measured: sigmoid, tanh, ELU and SiLU stay within 4 ulp
 * of the exact value (denormal results within 4 times the smallest denormal), the GELUs within
 * 4 ulp of max(|result|, |x|/8), infinities give their limits.
 * The bits are the same on every CPU, for every number of threads, and the same as those of the
 * epilogue of a forward plan.
 *
 * @param maps shape of `input` and `output`
 * @param input the stack
 * @param bias [channels], or NULL for none
 * @param activation NULL for the identity
 * @param threads 0 for as many as OpenMP would use
 * @param output the stack; may be `input` itself, else must not overlap it
 */
BLASCONV_API blasconv_status blasconv_bias_activation_forward(const blasconv_maps *maps,
                                                              const float *input, const float *bias,
                                                              const blasconv_activation *activation,
                                                              int32_t threads, float *output);

/**
 * The gradient through activation and bias, in one sweep:
 *
 *     input_gradient = output_gradient * activation'(input + bias)
 *     bias_gradient[c] = sum of input_gradient over images and pixels of channel c
 *
 * At a kink the derivative is 0 for ReLU and clipped ReLU (at 0 and at alpha), alpha for leaky ReLU
 * and ELU.
 *
 * @param maps shape of the three tensors
 * @param saved the forward pass's output or input, as
 *        blasconv_activation_saves() says
 * @param bias [channels], the forward pass's bias, or NULL for none; read only when `saved` is
 *        the input
 * @param activation NULL for the identity
 * @param output_gradient the stack
 * @param threads 0 for as many as OpenMP would use
 * @param accumulate 0: `bias_gradient` is overwritten, its old contents never read; 1: added to
 * @param input_gradient the stack; may be `output_gradient` itself
 * @param bias_gradient [channels], or NULL if not wanted
 */
BLASCONV_API blasconv_status blasconv_bias_activation_backward(
    const blasconv_maps *maps, const float *saved, const float *bias,
    const blasconv_activation *activation, const float *output_gradient, int32_t threads,
    int32_t accumulate, float *input_gradient, float *bias_gradient);

/**
 * output = input * scale[channel] + shift[channel]: a batch normalisation folded into two numbers a
 * channel. The product is rounded before the sum: no fused multiply-add, on no CPU.
 * @param maps shape of `input` and `output`
 * @param input the stack
 * @param scale [channels]
 * @param shift [channels]
 * @param threads 0 for as many as OpenMP would use
 * @param output the stack; may be `input` itself, else must not overlap it
 */
BLASCONV_API blasconv_status blasconv_scale_shift_forward(const blasconv_maps *maps,
                                                          const float *input, const float *scale,
                                                          const float *shift, int32_t threads,
                                                          float *output);

/**
 * output = input + residual, the sum of a skip connection.
 * @param maps shape of the three tensors
 * @param input the stack
 * @param residual the stack
 * @param threads 0 for as many as OpenMP would use
 * @param output the stack; may be `input` or `residual` itself, else must not overlap them
 */
BLASCONV_API blasconv_status blasconv_residual_forward(const blasconv_maps *maps,
                                                       const float *input, const float *residual,
                                                       int32_t threads, float *output);

/* ---------------------------------------------------------------------------------------------
 * Plans
 * ------------------------------------------------------------------------------------------ */

/** The three computations of a convolution layer. */
typedef enum blasconv_pass {
  BLASCONV_FORWARD = 0,         /**< output from input, weights and bias */
  BLASCONV_BACKWARD_DATA = 1,   /**< gradient of the input */
  BLASCONV_BACKWARD_WEIGHTS = 2 /**< gradients of the weights and, if wanted, of the bias */
} blasconv_pass;

/**
 * Where the library takes memory from: both functions, or neither. They must be safe to call from
 * any thread.
 */
typedef struct blasconv_allocator {
  /** At least `bytes` bytes aligned to `alignment` (a power of two), or NULL. */
  void *(*allocate)(void *context, size_t bytes, size_t alignment);
  /** Gives back what `allocate` returned. */
  void (*release)(void *context, void *memory);
  void *context; /**< handed to both */
} blasconv_allocator;

/** Where the epilogue of a forward plan adds the residual tensor. */
typedef enum blasconv_residual {
  BLASCONV_RESIDUAL_NONE = 0,              /**< there is none */
  BLASCONV_RESIDUAL_BEFORE_ACTIVATION = 1, /**< activation(x + residual), as in ResNet */
  BLASCONV_RESIDUAL_AFTER_ACTIVATION = 2   /**< activation(x) + residual, as in MobileNet v2 */
} blasconv_residual;

/**
 * How a plan chooses among the algorithms that can serve.
 *
 * By estimate: the one that a model of the machine expects to be the fastest, whatever the number
 * of threads.
 *
 * By measuring: those that the model does not expect to take ten times as long as the best are run
 * in turn, with tensors of the problem's sizes, until the budget is spent; the fastest run decides.
 * The likeliest is run once in any case. Any other run is started only if the budget lasts for it
 * as it went before, so it is exceeded by one run at most. Where there is one algorithm only, or
 * batch 0, nothing is run and no memory is needed.
 *
 * The memory is the caller's `scratch`, aligned to #BLASCONV_WORKSPACE_ALIGNMENT: the bytes of the
 * tensors that the pass reads and writes (no bias, scale or shift), each rounded up to that
 * alignment, and 2 MiB for each thread are always enough; with `packed_weights`, these and
 * blasconv_plan_packed_size() of a plan by each algorithm, rounded up as well. Without scratch the
 * allocator gives it and gets it back. Nothing falls back to estimates: what has no room is refused
 * (#BLASCONV_WORKSPACE_TOO_SMALL, #BLASCONV_WORKSPACE_MISALIGNED, #BLASCONV_OUT_OF_MEMORY).
 */
typedef enum blasconv_planning {
  BLASCONV_ESTIMATE = 0, /**< by a cost model, in microseconds */
  BLASCONV_MEASURE = 1   /**< by timing them, within a budget */
} blasconv_planning;

/** No limit on the workspace. */
#define BLASCONV_NO_LIMIT ((size_t)-1)

/** Choices that were measured: see blasconv_choices_create(). */
typedef struct blasconv_choices blasconv_choices;

/**
 * How to plan. Make one with blasconv_options_default() and change what differs; NULL in place of
 * options means the defaults.
 */
typedef struct blasconv_options {
  size_t struct_size;    /**< sizeof(blasconv_options) */
  const char *algorithm; /**< a name of blasconv_algorithm_name(); NULL: the library chooses */
  int32_t threads;       /**< 1 to 4096; 0: as many as OpenMP would use when the plan is made */
  int32_t exact; /**< 1 rules out algorithms that are not a plain sum of products: `winograd` */
  int32_t accumulate;     /**< 1: gradients are added to what is there; 0: overwritten, old contents
                               (NaN included) never read; 0 for the forward pass */
  int32_t packed_weights; /**< 1: choose for executions that are given packed weights, see
                               blasconv_plan_pack(); either kind is taken all the same; 0 for
                               backward weights, which reads none */
  blasconv_activation activation; /**< epilogue of the forward pass; identity for the others */
  blasconv_residual residual;     /**< epilogue of the forward pass; none for the others */
  size_t workspace_limit;     /**< most bytes that blasconv_plan_workspace_size() may give: smaller
                                   blocks, fewer threads, or another algorithm keep to it; 0: only
                                   algorithms that need none; #BLASCONV_NO_LIMIT */
  blasconv_planning planning; /**< without `algorithm`: how to choose */
  double measure_seconds;     /**< #BLASCONV_MEASURE: most seconds to spend, finite and >= 0; 0:
                                   half a second */
  void *scratch;              /**< #BLASCONV_MEASURE: where the tensors of the timed runs and their
                                   workspace lie, contents lost; NULL: from the allocator */
  size_t scratch_bytes;       /**< bytes at `scratch` */
  blasconv_choices *choices;  /**< NULL, or asked before any planning, and told what was
                                   measured; must outlive the call only */
  blasconv_allocator allocator; /**< both functions NULL: the library's own, aligned malloc */
  char *message;       /**< NULL, or where a refusal is explained: [message_size], always ended
                            by a NUL; written only when blasconv_plan_create() refuses, and not
                            when `struct_size` is wrong */
  size_t message_size; /**< bytes at `message` */
} blasconv_options;

/** The defaults: all of them zero but for the size and #BLASCONV_NO_LIMIT. */
static inline blasconv_options blasconv_options_default(void)
{
  blasconv_options options = {sizeof(blasconv_options),
                              NULL,
                              0,
                              0,
                              0,
                              0,
                              {BLASCONV_IDENTITY, 0.0f},
                              BLASCONV_RESIDUAL_NONE,
                              BLASCONV_NO_LIMIT,
                              BLASCONV_ESTIMATE,
                              0.0,
                              NULL,
                              0,
                              NULL,
                              {NULL, NULL, NULL},
                              NULL,
                              0};
  return options;
}

/** A problem, a pass and the decisions made for them. Immutable. */
typedef struct blasconv_plan blasconv_plan;

/** The alignment in bytes that a caller's workspace needs. */
#define BLASCONV_WORKSPACE_ALIGNMENT 64

/**
 * Names of the algorithms.
 * @param index from 0 on
 * @return a constant string, NULL past the last
 */
BLASCONV_API const char *blasconv_algorithm_name(size_t index);

/**
 * Checks a problem and decides how to compute one pass of it.
 * Allocates the plan (once, a few hundred bytes) and nothing else; while it measures without
 * `scratch`, tensors and a workspace too.
 *
 * @param problem copied
 * @param pass what to compute
 * @param options copied, or NULL for the defaults
 * @param plan gets the plan; left alone when the call is refused
 */
BLASCONV_API blasconv_status blasconv_plan_create(const blasconv_problem *problem,
                                                  blasconv_pass pass,
                                                  const blasconv_options *options,
                                                  blasconv_plan **plan);

/** Frees a plan. NULL is allowed. No execution of the plan may be under way. */
BLASCONV_API void blasconv_plan_destroy(blasconv_plan *plan);

/**
 * Bytes of workspace that an execution needs, at most 2 MiB a thread.
 * @return 0 if the plan needs none, or is NULL
 */
BLASCONV_API size_t blasconv_plan_workspace_size(const blasconv_plan *plan);

/** The name of the algorithm that the plan runs; a constant string, NULL for a NULL plan. */
BLASCONV_API const char *blasconv_plan_algorithm(const blasconv_plan *plan);

/**
 * Writes in plain English what the plan will do: problem, algorithm, block sizes, workspace,
 * threads, the BLAS and its kernels, and why each other algorithm was not taken. Lines end with
 * a newline. The wording may change between versions.
 *
 * @param plan the plan; NULL gives an empty text
 * @param text where to write, cut to `size` bytes and always ended by a NUL; may be NULL if
 *        `size` is 0
 * @param size bytes at `text`
 * @return the length of the whole text without its NUL, as snprintf does
 */
BLASCONV_API size_t blasconv_plan_describe(const blasconv_plan *plan, char *text, size_t size);

/* ---- packed weights ---- */

/**
 * Bytes of the plan's packed weights: the weights as the plan's algorithm reads them best, behind a
 * header that says which plan they are for.
 * @return 0 if the plan is NULL or its pass reads no weights
 */
BLASCONV_API size_t blasconv_plan_packed_size(const blasconv_plan *plan);

/**
 * Packs weights, once for many executions. The result has no pointers in it: it may be copied, kept
 * in a file and read again on the same kind of machine by the same version of the library. It
 * serves every plan of the same pass and algorithm whose problem differs in batch and input extents
 * at most, unless the kernel covers the whole of one problem's images and not of the other's, as in
 * a dense layer; an execution refuses any other (#BLASCONV_PACKED_MISMATCH). The bits of the
 * results are those of the weights themselves. Images of the size they were packed for are served
 * fastest: in NCHW, what was packed for images of less than 100 pixels takes larger ones 5 per cent
 * longer, and what was packed for larger ones takes these up to twice as long. Works on the plan's
 * threads, if there is enough for them.
 *
 * @param plan a plan that reads weights
 * @param weights as the problem's layout says
 * @param packed where to write, aligned to #BLASCONV_WORKSPACE_ALIGNMENT
 * @param packed_bytes bytes at `packed`, at least blasconv_plan_packed_size()
 */
BLASCONV_API blasconv_status blasconv_plan_pack(const blasconv_plan *plan, const float *weights,
                                                void *packed, size_t packed_bytes);

/* ---- execution ---- */

/**
 * The tensors of an execution, shaped as the top of this file says. Set those of the plan's pass,
 * leave the others NULL:
 *
 * | pass             | read                                             | written           |
 * |------------------|--------------------------------------------------|-------------------|
 * | forward          | input, weights, [bias], [scale, shift], residual | output            |
 * | backward data    | weights, output_gradient                         | input_gradient    |
 * | backward weights | input, output_gradient       | weights_gradient, [bias_gradient]     |
 *
 * Those in brackets are optional (scale and shift come together); `residual` is needed if the plan
 * has one, else forbidden. In place of `weights` a pass takes `packed`. A tensor without elements
 * (batch 0) may be NULL. With y the convolution, the forward pass computes, each step rounded:
 *
 *     y + bias, then y * scale + shift, then y + residual, then activation(y), then y + residual
 *
 * where a plan has at most one of the two sums with the residual.
 */
typedef struct blasconv_arguments {
  size_t struct_size;           /**< sizeof(blasconv_arguments) */
  const float *input;           /**< [N][C][H][W] or [N][H][W][C] */
  const float *weights;         /**< [K][C/G][R][S] and its kin */
  const void *packed;           /**< what blasconv_plan_pack() wrote, in place of `weights` */
  size_t packed_bytes;          /**< bytes at `packed` */
  const float *bias;            /**< [K] */
  const float *scale;           /**< [K] */
  const float *shift;           /**< [K] */
  const float *residual;        /**< shaped as the output */
  const float *output_gradient; /**< shaped as the output */
  float *output;                /**< [N][K][P][Q] or [N][P][Q][K] */
  float *input_gradient;        /**< shaped as the input; zero where no output pixel touches it */
  float *weights_gradient;      /**< shaped as the weights; zero for a tap that touches only pads */
  float *bias_gradient;         /**< [K] */
} blasconv_arguments;

/** Arguments with every tensor NULL. */
static inline blasconv_arguments blasconv_arguments_none(void)
{
  blasconv_arguments arguments = {sizeof(blasconv_arguments),
                                  NULL,
                                  NULL,
                                  NULL,
                                  0,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL,
                                  NULL};
  return arguments;
}

/**
 * Computes the plan's pass. Reentrant. With a caller's workspace it allocates nothing. With batch 0
 * it succeeds: output and input gradient are empty, gradients of weights and bias become zero (or
 * stay as they are when they accumulate).
 *
 * @param plan the plan
 * @param arguments the tensors of the plan's pass
 * @param workspace NULL: taken from the plan's allocator and given back before the call returns;
 *        else memory that this execution alone uses, aligned to #BLASCONV_WORKSPACE_ALIGNMENT,
 *        contents do not matter, overlapping no tensor
 * @param workspace_bytes bytes at `workspace`, at least blasconv_plan_workspace_size()
 */
BLASCONV_API blasconv_status blasconv_plan_execute(const blasconv_plan *plan,
                                                   const blasconv_arguments *arguments,
                                                   void *workspace, size_t workspace_bytes);

/* ---------------------------------------------------------------------------------------------
 * Choices
 * ------------------------------------------------------------------------------------------ */

/**
 * A store of measured choices, empty at first. A plan with blasconv_options::choices that finds its
 * entry there takes the algorithm from it, by estimate too; one that measures adds an entry.
 * Entries are keyed by the CPU, the library's version, the BLAS and its kernels, the threads, the
 * problem, the pass and the options that matter: `exact`, `accumulate` and the limit on the
 * workspace. An entry is a hint: it is ignored where its algorithm cannot serve, or is expected to
 * take ten times as long as another. Any number of threads may use one store at once.
 *
 * A store holds 16384 entries at most, some 6 MiB; one that is full, or has no memory for one more,
 * stays as it is, and plans are made without.
 * @param allocator copied; NULL for the library's own
 * @param choices gets the store; left alone when the call is refused
 */
BLASCONV_API blasconv_status blasconv_choices_create(const blasconv_allocator *allocator,
                                                     blasconv_choices **choices);

/** Frees a store. NULL is allowed. No other call may be using it. */
BLASCONV_API void blasconv_choices_destroy(blasconv_choices *choices);

/** Entries of the store; 0 for NULL. */
BLASCONV_API size_t blasconv_choices_count(const blasconv_choices *choices);

/**
 * Writes the store as text, one entry a line, for a file; blasconv_choices_import() reads it.
 * @param choices the store; NULL gives an empty text
 * @param text where to write, cut to `size` bytes and always ended by a NUL; may be NULL if
 *        `size` is 0
 * @param size bytes at `text`
 * @return the length of the whole text without its NUL, as snprintf does
 */
BLASCONV_API size_t blasconv_choices_export(const blasconv_choices *choices, char *text,
                                            size_t size);

/**
 * Adds the entries of a text to the store; an entry that is there already is replaced. Lines that
 * are damaged, or of another library version, CPU or BLAS, or for which the store has no room, are
 * left out, the others are used: then the status is #BLASCONV_BAD_CHOICES. So it is if the end of
 * the text is missing. Texts may follow each other. Any bytes are safe to import: what an entry
 * names is checked again when a plan takes it.
 * @param choices the store
 * @param text [length], needs no NUL
 * @param length bytes at `text`
 * @param taken gets how many entries were taken, also with #BLASCONV_BAD_CHOICES and
 *        #BLASCONV_OUT_OF_MEMORY; may be NULL
 */
BLASCONV_API blasconv_status blasconv_choices_import(blasconv_choices *choices, const char *text,
                                                     size_t length, size_t *taken);

#ifdef __cplusplus
}
#endif

#endif
