/*
 * training.csv: a row for every epoch.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 256 };

static const char title[] =
    "epoch,step,seconds,train_loss,train_accuracy,test_loss,test_accuracy\n";

static bool append(report *table, const char *line)
{
  const size_t added = strlen(line);
  char *text = realloc(table->text, table->length + added + 1);
  if (text == NULL) {
    fprintf(stderr, "%s: out of memory for its rows\n", table->path);
    return false;
  }
  memcpy(text + table->length, line, added + 1);
  table->text = text;
  table->length += added;
  return true;
}

/* Whether a line is a row of a step up to `step`; then *seconds gets its time. */
static bool is_row(const char *line, int64_t step, double *seconds)
{
  long long epoch, made;
  double time, numbers[4];
  if (sscanf(line, "%lld,%lld,%lf,%lf,%lf,%lf,%lf", &epoch, &made, &time, &numbers[0], &numbers[1],
             &numbers[2], &numbers[3]) != 7 ||
      made > step)
    return false;
  *seconds = time;
  return true;
}

/* Appends the rows that a file has up to a step; a file that is not there has none. */
static bool keep_rows(report *table, int64_t step)
{
  char line[LINE_SIZE];
  bool good = true;
  FILE *file = fopen(table->path, "r");
  if (file == NULL)
    return true;
  while (good && fgets(line, sizeof line, file) != NULL)
    if (is_row(line, step, &table->seconds))
      good = append(table, line);
  fclose(file);
  return good;
}

bool report_begin(report *table, const char *folder, int64_t step)
{
  *table = (report){.text = NULL};
  if (file_join(folder, "training.csv", table->path) && append(table, title) &&
      (step == 0 || keep_rows(table, step)) &&
      file_replace(table->path, table->text, table->length))
    return true;
  report_end(table);
  return false;
}

bool report_add(report *table, const report_row *row)
{
  char line[LINE_SIZE];
  snprintf(line, sizeof line, "%lld,%lld,%.2f,%.6f,%.6f,%.6f,%.6f\n", (long long)row->epoch,
           (long long)row->step, row->seconds, row->train_loss, row->train_accuracy, row->test_loss,
           row->test_accuracy);
  return append(table, line) && file_replace(table->path, table->text, table->length);
}

void report_end(report *table)
{
  free(table->text);
  table->text = NULL;
}
