/*
 * How strongly does an edge filter answer on a picture? An outside program that embeds blasconv.
 *
 *   edge PICTURE.pgm ...    grey pictures, binary PGM (P5) of 8 bits without comments
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include <blasconv/blasconv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Sobel's filters, [2][1][3][3]: one map answers to vertical edges, the other to horizontal ones.
 */
static const float sobel[2 * 9] = {-1, 0, 1, -2, 0, 2, -1, 0, 1, -1, -2, -1, 0, 0, 0, 1, 2, 1};

/* Reads grey levels from 0 to 1, [*height][*width]. @return NULL if the file is no such picture */
static float *read_picture(const char *path, int *height, int *width)
{
  FILE *file = fopen(path, "rb");
  float *picture = NULL;
  if (file != NULL && fscanf(file, "P5 %5d %5d 255%*c", width, height) == 2 && *width > 2 &&
      *height > 2)
    picture = malloc((size_t)*height * (size_t)*width * sizeof *picture);
  for (int i = 0; picture != NULL && i < *height * *width; ++i)
    picture[i] = (float)getc(file) / 255.0f;
  if (file != NULL)
    fclose(file);
  return picture;
}

/* The mean length of the gradient that the two maps [2][pixels] hold. */
static double mean_response(const float *maps, int64_t pixels)
{
  double sum = 0.0;
  for (int64_t i = 0; i < pixels; ++i)
    sum += hypot((double)maps[i], (double)maps[pixels + i]);
  return sum / (double)pixels;
}

/* Convolves and prints the verdict. */
static blasconv_status classify(const char *name, const float *picture, int height, int width)
{
  const blasconv_problem problem = blasconv_problem_2d(1, 1, height, width, 2, 3, 3);
  const int64_t pixels = (int64_t)(height - 2) * (width - 2);
  float *maps = malloc(2 * (size_t)pixels * sizeof *maps);
  blasconv_arguments tensors = blasconv_arguments_none();
  tensors.input = picture;
  tensors.weights = sobel;
  tensors.output = maps;
  blasconv_plan *plan = NULL;
  blasconv_status status = maps == NULL ? BLASCONV_OUT_OF_MEMORY : BLASCONV_SUCCESS;
  if (status == BLASCONV_SUCCESS)
    status = blasconv_plan_create(&problem, BLASCONV_FORWARD, NULL, &plan);
  if (status == BLASCONV_SUCCESS)
    status = blasconv_plan_execute(plan, &tensors, NULL, 0);
  if (status == BLASCONV_SUCCESS) {
    const double mean = mean_response(maps, pixels);
    printf("%s: mean response %.3f, %s edges\n", name, mean,
           mean < 0.01  ? "no"
           : mean < 0.5 ? "weak"
                        : "strong");
  }
  blasconv_plan_destroy(plan);
  free(maps);
  return status;
}

static int fail(const char *name, const char *reason)
{
  fprintf(stderr, "%s: %s\n", name, reason);
  return EXIT_FAILURE;
}

int main(int count, char **paths)
{
  if (count < 2)
    return fail(paths[0], "name one or more pictures");
  for (int i = 1; i < count; ++i) {
    int height, width;
    float *picture = read_picture(paths[i], &height, &width);
    if (picture == NULL)
      return fail(paths[i], "no binary PGM of 3x3 pixels or more");
    const blasconv_status status = classify(paths[i], picture, height, width);
    free(picture);
    if (status != BLASCONV_SUCCESS)
      return fail(paths[i], blasconv_status_string(status));
  }
  return EXIT_SUCCESS;
}
