/*
 * The first step of a deep network under six kinds of first values: how large the signal is after
 * each layer on its way up, how large the gradient is on its way down.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "deep.h"

#include <math.h>

enum { BATCH = 64, SYMMETRY_STEPS = 10 };

/** Moments of a layer's values. */
typedef struct moments {
  double mean_square;
  double variance;
} moments;

static moments moments_of(int64_t count, const float *values)
{
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += (double)values[i];
    squares += (double)values[i] * (double)values[i];
  }
  const double mean = sum / (double)count, mean_square = squares / (double)count;
  return (moments){mean_square, fmax(mean_square - mean * mean, 0)};
}

/** What the first step shows of one way to begin. */
typedef struct first_step {
  moments outputs[DEEP_LAYERS];
  moments gradients[DEEP_LAYERS]; /**< of the outputs before the activation */
  moments weights_gradients[DEEP_LAYERS];
} first_step;

static void look(const cnn *network, first_step *seen)
{
  for (int64_t i = 0; i < DEEP_LAYERS; ++i) {
    const cnn_view view = cnn_layer_view(network, i);
    const int64_t outputs = BATCH * view.channels * view.height * view.width;
    seen->outputs[i] = moments_of(outputs, view.output);
    seen->gradients[i] = moments_of(outputs, view.output_gradient);
    seen->weights_gradients[i] =
        moments_of(view.channels * view.inputs * view.size * view.size, view.weights_gradient);
  }
}

/* A forward and a backward pass. A step with learning rate 0 is just that. */
static bool measure(const deep_way *way, const lesson_pictures *pictures, first_step *seen)
{
  const blasconv_optimizer still = blasconv_optimizer_of(BLASCONV_SGD, 0);
  cnn *network = NULL;
  if (!deep_create(way, BATCH, &network))
    return false;
  cnn_step(network, pictures->values, pictures->labels, &still, INFINITY, NULL);
  look(network, seen);
  cnn_destroy(network);
  return true;
}

/* ---- tables: a row a layer, a column a way to begin ---- */

typedef double (*cell)(const first_step *seen, int layer);

static double output_square(const first_step *seen, int layer)
{
  return seen->outputs[layer].mean_square;
}

static double output_variance(const first_step *seen, int layer)
{
  return seen->outputs[layer].variance;
}

static double gradient_variance(const first_step *seen, int layer)
{
  return seen->gradients[layer].variance;
}

static double weights_square(const first_step *seen, int layer)
{
  return seen->weights_gradients[layer].mean_square;
}

static void print_row_name(int layer)
{
  if (layer < DEEP_CONVOLUTIONS)
    printf("conv %d ", layer + 1);
  else
    printf("dense  ");
}

static void print_table(const char *title, cell value, const first_step *seen)
{
  printf("%s\n       ", title);
  for (int way = 0; way < DEEP_WAYS; ++way)
    printf("%10s", deep_ways[way].name);
  puts("");
  for (int layer = 0; layer < DEEP_LAYERS; ++layer) {
    print_row_name(layer);
    for (int way = 0; way < DEEP_WAYS; ++way)
      printf("%10.1e", value(&seen[way], layer));
    puts("");
  }
}

/* The mean factor from the second convolution to the last, a layer. */
static double factor(cell value, const first_step *seen)
{
  const double first = value(seen, 0), last = value(seen, DEEP_CONVOLUTIONS - 1);
  return pow(last / first, 1.0 / (DEEP_CONVOLUTIONS - 1));
}

static void print_factors(const first_step *seen)
{
  puts("factor a layer from conv 1 to conv 8; of the gradient, from conv 8 to conv 1");
  for (int way = 2; way < DEEP_WAYS; ++way)
    printf("%-8s mean square of the output %9.2g, variance of the gradient %9.2g\n",
           deep_ways[way].name, factor(output_square, &seen[way]),
           1 / factor(gradient_variance, &seen[way]));
}

static bool write_csv(const lesson *here, const first_step *seen)
{
  FILE *csv = lesson_open(here, "initial_values.csv");
  if (csv == NULL)
    return false;
  fputs("values,layer,output mean square,output variance,gradient variance\n", csv);
  for (int way = 0; way < DEEP_WAYS; ++way)
    for (int layer = 0; layer < DEEP_LAYERS; ++layer)
      fprintf(csv, "%s,%d,%.6g,%.6g,%.6g\n", deep_ways[way].name, layer + 1,
              output_square(&seen[way], layer), output_variance(&seen[way], layer),
              gradient_variance(&seen[way], layer));
  return lesson_close(here, "initial_values.csv", csv);
}

/* ---- symmetry: what stays equal after some steps ---- */

enum { SIDE = 4, MAP = 9, FILTERS = 3, TAPS = 4, INPUTS = FILTERS * MAP, OUTPUTS = 2 };

static const float picture[SIDE * SIDE] = {1, 0, 2, 1, 0, 3, 1, 0, 2, 1, 0, 1, 1, 0, 1, 2};

/* The gradient of three filters [FILTERS][TAPS] under a ReLU and a dense layer of two outputs, for
 * the loss 1/2 sum of (output - target)^2. */
static void filters_gradient(const float *filters, const float *dense, float *gradient)
{
  static const float target[OUTPUTS] = {100, 40};
  const blasconv_problem convolution = blasconv_problem_2d(1, 1, SIDE, SIDE, FILTERS, 2, 2);
  const blasconv_problem top = blasconv_problem_dense(1, INPUTS, OUTPUTS);
  const blasconv_maps maps = blasconv_maps_nchw(1, FILTERS, MAP);
  const blasconv_activation relu = {BLASCONV_RELU, 0};
  float stack[INPUTS], output[OUTPUTS], stack_gradient[INPUTS];
  lesson_forward(&convolution, BLASCONV_RELU, picture, filters, NULL, stack);
  lesson_forward(&top, BLASCONV_IDENTITY, stack, dense, NULL, output);
  for (int i = 0; i < OUTPUTS; ++i)
    output[i] -= target[i];
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.output_gradient = output;
  tensors.weights = dense;
  tensors.input_gradient = stack_gradient;
  lesson_run(&top, BLASCONV_BACKWARD_DATA, NULL, &tensors);
  lesson_require(blasconv_bias_activation_backward(&maps, stack, NULL, &relu, stack_gradient, 0, 0,
                                                   stack_gradient, NULL),
                 "the gradient through ReLU");
  tensors = blasconv_arguments_none();
  tensors.output_gradient = stack_gradient;
  tensors.input = picture;
  tensors.weights_gradient = gradient;
  lesson_run(&convolution, BLASCONV_BACKWARD_WEIGHTS, NULL, &tensors);
}

/* Three filters that begin alike, in whole numbers. */
static void teach_alike(void)
{
  float filters[FILTERS * TAPS], dense[OUTPUTS * INPUTS], gradient[FILTERS * TAPS];
  for (int i = 0; i < FILTERS * TAPS; ++i)
    filters[i] = 1;
  for (int i = 0; i < OUTPUTS * INPUTS; ++i)
    dense[i] = 1;
  filters_gradient(filters, dense, gradient);
  lesson_print("every weight is 1: the gradients of three filters, a row each", FILTERS, TAPS,
               gradient);
  filters[1] = 2;
  filters_gradient(filters, dense, gradient);
  lesson_print("one tap of the first filter is 2", FILTERS, TAPS, gradient);
  dense[0] = 2;
  filters_gradient(filters, dense, gradient);
  lesson_print("and one weight of the first map in the dense layer", FILTERS, TAPS, gradient);
}

static bool teach_symmetry(const lesson_pictures *pictures)
{
  const blasconv_optimizer rule = blasconv_optimizer_of(BLASCONV_SGD, 0.01f);
  printf("after %d steps: largest difference between two filters of a layer\n", SYMMETRY_STEPS);
  for (int way = 0; way < DEEP_WAYS; way += way == 1 ? 4 : 1) {
    cnn *network = NULL;
    if (!deep_create(&deep_ways[way], BATCH, &network))
      return false;
    for (int step = 0; step < SYMMETRY_STEPS; ++step)
      cnn_step(network, pictures->values, pictures->labels, &rule, INFINITY, NULL);
    printf("%-8s conv 1: %.2g, conv 5: %.2g, conv 8: %.2g\n", deep_ways[way].name,
           deep_filters_differ(network, 0), deep_filters_differ(network, 4),
           deep_filters_differ(network, 7));
    cnn_destroy(network);
  }
  return true;
}

bool lesson_initial_values(const lesson *here)
{
  static first_step seen[DEEP_WAYS];
  lesson_pictures pictures;
  teach_alike();
  if (!deep_pictures(here, BATCH, &pictures))
    return false;
  bool good = true;
  for (int way = 0; good && way < DEEP_WAYS; ++way)
    good = measure(&deep_ways[way], &pictures, &seen[way]);
  if (good) {
    print_table("mean square of each layer's output", output_square, seen);
    print_table("variance of each layer's output", output_variance, seen);
    print_table("variance of the gradient at each layer's output", gradient_variance, seen);
    print_table("mean square of the gradient of each layer's weights", weights_square, seen);
    print_factors(seen);
    good = teach_symmetry(&pictures) && write_csv(here, seen);
    lesson_advise_plot(here, "initial_values.gp");
  }
  lesson_pictures_free(&pictures);
  return good;
}
