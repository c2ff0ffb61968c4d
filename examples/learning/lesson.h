/*
 * What the lessons share: running the library, printing small tensors, writing files, pictures to
 * learn from. A lesson ends the program, with a message, where something fails that cannot.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef LEARNING_LESSON_H
#define LEARNING_LESSON_H

#include <blasconv/train.h>
#include <sheet.h>
#include <stdbool.h>
#include <stdio.h>

/** Where a lesson writes, and where Fashion-MNIST is. */
typedef struct lesson {
  const char *folder;
  const char *dataset;
} lesson;

/* The sections. Each prints its numbers and writes its pictures; false if it could not finish. */
bool lesson_templates(const lesson *here);
bool lesson_stack(const lesson *here);
bool lesson_linear(const lesson *here);
bool lesson_xor(const lesson *here);
bool lesson_initial_values(const lesson *here);
bool lesson_loss_curves(const lesson *here);
bool lesson_backward(const lesson *here);
bool lesson_descent(const lesson *here);
bool lesson_dense(const lesson *here);

/** Ends the program if a call was refused. */
void lesson_require(blasconv_status status, const char *doing);

/** Zeroed memory for `count` floats, to be freed. */
float *lesson_floats(int64_t count);

/** Makes a plan for one pass, runs it, and destroys it. `activation`: NULL for the identity. */
void lesson_run(const blasconv_problem *problem, blasconv_pass pass,
                const blasconv_activation *activation, const blasconv_arguments *tensors);

/** The forward pass: output = activation(bias + weights * input). `bias` may be NULL. */
void lesson_forward(const blasconv_problem *problem, blasconv_activation_kind activation,
                    const float *input, const float *weights, const float *bias, float *output);

/** Prints a title, and below it a matrix of whole numbers [rows][columns]. */
void lesson_print(const char *title, int64_t rows, int64_t columns, const float *values);

/** The largest absolute difference of a[i] and b[i]. */
double lesson_difference(int64_t count, const float *a, const float *b);

/** Normal numbers with mean 0 and deviation 1. */
void lesson_normal(blasconv_random *random, int64_t count, float *values);

/** Opens FOLDER/NAME to write; says on stderr why it cannot. */
FILE *lesson_open(const lesson *here, const char *name);

/** Closes a file that was written, and prints its name; false if it could not be written. */
bool lesson_close(const lesson *here, const char *name, FILE *file);

/** Writes a sheet to FOLDER/NAME, prints its name, and destroys the sheet. */
bool lesson_save(const lesson *here, const char *name, sheet *paper);

/** Prints the command that draws a plot from the CSV files in the folder. */
void lesson_advise_plot(const lesson *here, const char *script);

/** Pictures of Fashion-MNIST with their classes. */
typedef struct lesson_pictures {
  int64_t count;
  float *values;   /**< [count][28][28], from 0 to 1 */
  int32_t *labels; /**< [count] */
} lesson_pictures;

/** Reads the first `count` training pictures; says on stderr if they are missing. */
bool lesson_pictures_read(const lesson *here, int64_t count, lesson_pictures *pictures);
void lesson_pictures_free(lesson_pictures *pictures);

#endif
