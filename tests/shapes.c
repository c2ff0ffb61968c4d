/*
 * The layers of real networks, from the benchmark's files.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "shapes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *shapes_network_name(size_t index)
{
  static const char *const names[] = {"resnet50",     "vgg16",           "inception_v3",
                                      "mobilenet_v1", "efficientnet_b0", "convnext_tiny"};
  return index < sizeof names / sizeof *names ? names[index] : NULL;
}

/* One line of a network's file: name, repeat, then the numbers. Fails the test if it is none. */
static blasconv_problem parse_layer(const char *line)
{
  blasconv_problem layer = blasconv_problem_2d(1, 0, 0, 0, 0, 0, 0);
  int64_t *const fields[] = {&layer.in_channels,   &layer.input[0],     &layer.input[1],
                             &layer.out_channels,  &layer.kernel[0],    &layer.kernel[1],
                             &layer.strides[0],    &layer.strides[1],   &layer.pads_begin[0],
                             &layer.pads_begin[1], &layer.dilations[0], &layer.dilations[1],
                             &layer.groups};
  const char *comma = strchr(line, ',');
  for (size_t i = 0; comma && i < sizeof fields / sizeof *fields; ++i) {
    comma = strchr(comma + 1, ',');
    *fields[i] = comma ? strtoll(comma + 1, NULL, 10) : 0;
  }
  support_assert(layer.groups > 0, "not a layer: %s", line);
  layer.pads_end[0] = layer.pads_begin[0];
  layer.pads_end[1] = layer.pads_begin[1];
  return layer;
}

size_t shapes_network(const char *name, blasconv_problem *layers, size_t capacity)
{
  static const char header[] =
      "layer,repeat,in_channels,in_height,in_width,out_channels,kernel_height,kernel_width,"
      "stride_height,stride_width,pad_height,pad_width,dilation_height,dilation_width,groups\n";
  char path[512], line[512];
  snprintf(path, sizeof path, "%s/%s.csv", SUPPORT_SHAPES_FOLDER, name);
  FILE *file = fopen(path, "r");
  support_assert(file != NULL, "cannot read %s", path);
  size_t count = 0;
  bool header_seen = false;
  while (fgets(line, sizeof line, file)) {
    if (line[0] == '#' || line[0] == '\n')
      continue;
    if (header_seen) {
      support_assert(count < capacity, "too many layers in %s", path);
      layers[count++] = parse_layer(line);
      continue;
    }
    support_assert(strcmp(line, header) == 0, "%s has other columns: %s", path, line);
    header_seen = true;
  }
  fclose(file);
  return count;
}

bool shapes_classifier(size_t index, blasconv_problem *layer)
{
  /* channels, extent of the last maps, outputs */
  static const int64_t rows[][3] = {
      {512, 7, 4096},  /* VGG-16, the first */
      {4096, 1, 4096}, /* VGG-16, the second */
      {4096, 1, 1000}, /* VGG-16, the third */
      {2048, 1, 1000}, /* ResNet-50, Inception v3 */
      {1024, 1, 1000}  /* MobileNet v1 */
  };
  if (index >= sizeof rows / sizeof *rows)
    return false;
  const int64_t *row = rows[index];
  *layer = blasconv_problem_2d(1, row[0], row[1], row[1], row[2], row[1], row[1]);
  return true;
}

static int64_t smaller(int64_t one, int64_t other)
{
  return one < other ? one : other;
}

blasconv_problem shapes_shrunk(const blasconv_problem *layer)
{
  blasconv_problem shrunk = *layer;
  const int64_t channels = layer->in_channels / layer->groups;
  const int64_t filters = layer->out_channels / layer->groups;
  shrunk.batch = layer->input[0] == 1 && layer->input[1] == 1 ? 1 : 2;
  shrunk.groups = smaller(layer->groups, 6 + layer->groups % 11);
  shrunk.in_channels = shrunk.groups * smaller(channels, 6 + channels % 11);
  shrunk.out_channels = shrunk.groups * smaller(filters, 7 + filters % 13);
  for (int axis = 0; axis < 2; ++axis)
    shrunk.input[axis] = smaller(layer->input[axis], 9 + layer->input[axis] % 8);
  return shrunk;
}
