/*
 * What can be seen in a network at some moment, kept to be drawn later.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snapshot_choose(const data *all, int64_t *chosen)
{
  static const uint8_t classes[SNAPSHOT_PICTURES] = {0, 3, 5, 8, 9};
  for (int64_t i = 0; i < SNAPSHOT_PICTURES; ++i) {
    const uint8_t *labels = all->test.labels.values;
    const uint8_t *found = memchr(labels, classes[i], (size_t)all->test.count);
    chosen[i] = found != NULL ? found - labels : 0;
  }
}

/* Floats [count], or NULL with a message. */
static float *allocate(int64_t count)
{
  float *values = malloc((size_t)count * sizeof *values);
  if (values == NULL)
    fprintf(stderr, "out of memory for pictures\n");
  return values;
}

/* The filters of the first layer; those of a dense layer are as large as the picture. */
static bool take_filters(const cnn_view *view, snapshot *seen)
{
  seen->filters = view->channels;
  seen->size = view->size == 1 ? FASHION_PIXELS : view->size;
  const int64_t count = seen->filters * seen->size * seen->size;
  seen->weights = allocate(count);
  if (seen->weights != NULL)
    memcpy(seen->weights, view->weights, (size_t)count * sizeof(float));
  return seen->weights != NULL;
}

static bool is_convolution(const cnn_view *view)
{
  return view->weights != NULL && view->size > 1;
}

/* Room for the maps of each convolution. */
static bool make_room(cnn *network, snapshot *seen)
{
  for (int64_t i = 0; i < cnn_layers(network) && seen->convolutions < SNAPSHOT_LAYERS; ++i) {
    const cnn_view view = cnn_layer_view(network, i);
    if (!is_convolution(&view))
      continue;
    snapshot_maps *maps = &seen->maps[seen->convolutions];
    *maps = (snapshot_maps){view.channels, view.height, view.width, NULL};
    maps->values = allocate(SNAPSHOT_PICTURES * view.channels * view.height * view.width);
    if (maps->values == NULL)
      return false;
    ++seen->convolutions;
  }
  return true;
}

/* Keeps the maps of the first picture of the batch that the network has just seen. */
static void keep_maps(const cnn *network, int64_t picture, snapshot *seen)
{
  int64_t kept = 0;
  for (int64_t i = 0; kept < seen->convolutions; ++i) {
    const cnn_view view = cnn_layer_view(network, i);
    if (!is_convolution(&view))
      continue;
    const int64_t count = view.channels * view.height * view.width;
    memcpy(seen->maps[kept].values + picture * count, view.output, (size_t)count * sizeof(float));
    ++kept;
  }
}

bool snapshot_take(const data *all, cnn *network, int64_t batch_size, snapshot *seen)
{
  int64_t chosen[SNAPSHOT_PICTURES];
  data_batch batch;
  *seen = (snapshot){0};
  const cnn_view first = cnn_layer_view(network, 0);
  if (!take_filters(&first, seen) || !make_room(network, seen) ||
      !data_batch_create(batch_size, &batch))
    return false;
  snapshot_choose(all, chosen);
  for (int64_t picture = 0; picture < SNAPSHOT_PICTURES; ++picture) {
    data_batch_fill(&batch, all, &all->test, chosen, picture, 1);
    cnn_forward(network, batch.images, false);
    keep_maps(network, picture, seen);
  }
  data_batch_destroy(&batch);
  return true;
}

void snapshot_free(snapshot *seen)
{
  free(seen->weights);
  for (int64_t i = 0; i < seen->convolutions; ++i)
    free(seen->maps[i].values);
  *seen = (snapshot){0};
}
