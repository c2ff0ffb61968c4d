#include "record.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

typedef enum kind { TEXT, COUNT, NUMBER } kind;

typedef struct column {
  const char *name;
  kind kind;
  size_t offset; /* in bench_record, of a char[], int64_t or double */
} column;

static const column columns[] = {
    {"name", TEXT, offsetof(bench_record, name)},
    {"problem", TEXT, offsetof(bench_record, problem)},
    {"pass", TEXT, offsetof(bench_record, pass)},
    {"algorithm", TEXT, offsetof(bench_record, algorithm)},
    {"threads", COUNT, offsetof(bench_record, threads)},
    {"status", TEXT, offsetof(bench_record, status)},
    {"reason", TEXT, offsetof(bench_record, reason)},
    {"ms", NUMBER, offsetof(bench_record, milliseconds)},
    {"gflops", NUMBER, offsetof(bench_record, gflops)},
    {"sgemm_ms", NUMBER, offsetof(bench_record, sgemm_milliseconds)},
    {"share_of_sgemm", NUMBER, offsetof(bench_record, share_of_sgemm)},
    {"peak_gflops", NUMBER, offsetof(bench_record, peak_gflops)},
    {"share_of_peak", NUMBER, offsetof(bench_record, share_of_peak)},
    {"gbytes_per_s", NUMBER, offsetof(bench_record, gigabytes_per_second)},
    {"share_of_copy", NUMBER, offsetof(bench_record, share_of_copy)},
    {"workspace_bytes", COUNT, offsetof(bench_record, workspace_bytes)},
    {"samples", COUNT, offsetof(bench_record, samples)},
    {"error", NUMBER, offsetof(bench_record, error)},
    {"bound", NUMBER, offsetof(bench_record, bound)},
    {"checked", COUNT, offsetof(bench_record, checked)},
    {"elements", COUNT, offsetof(bench_record, elements)},
    {"cpu", TEXT, offsetof(bench_record, cpu)},
    {"library", TEXT, offsetof(bench_record, library)},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

void bench_record_clear(bench_record *record)
{
  memset(record, 0, sizeof *record);
  for (int i = 0; i < COLUMNS; ++i) {
    const int64_t none = -1;
    const double unknown = NAN;
    char *field = (char *)record + columns[i].offset;
    if (columns[i].kind == COUNT)
      memcpy(field, &none, sizeof none);
    else if (columns[i].kind == NUMBER)
      memcpy(field, &unknown, sizeof unknown);
  }
}

/* ---------------------------------------------------------------------------------------------
 * Files for programs
 * ------------------------------------------------------------------------------------------ */

typedef void text_writer(const char *text, FILE *out);

/* "null" or nothing for what is not known. */
static void write_field(const column *c, const bench_record *record, text_writer *write_text,
                        const char *unknown, FILE *out)
{
  const char *field = (const char *)record + c->offset;
  int64_t count = 0;
  double number = 0.0;
  switch (c->kind) {
  case TEXT:
    write_text(field, out);
    return;
  case COUNT:
    memcpy(&count, field, sizeof count);
    if (count >= 0)
      fprintf(out, "%" PRId64, count);
    else
      fputs(unknown, out);
    return;
  case NUMBER:
    memcpy(&number, field, sizeof number);
    if (isfinite(number))
      fprintf(out, "%.6g", number);
    else
      fputs(unknown, out);
    return;
  }
}

static void write_csv_text(const char *text, FILE *out)
{
  const bool quoted = strpbrk(text, ",\"\r\n") != NULL;
  if (quoted)
    fputc('"', out);
  for (; *text != '\0'; ++text)
    fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
  if (quoted)
    fputc('"', out);
}

static void write_json_text(const char *text, FILE *out)
{
  fputc('"', out);
  for (; *text != '\0'; ++text)
    if (*text == '\n')
      fputs("\\n", out);
    else if (*text == '"' || *text == '\\')
      fprintf(out, "\\%c", *text);
    else
      fputc((unsigned char)*text < ' ' ? ' ' : *text, out);
  fputc('"', out);
}

static void write_csv_names(FILE *out)
{
  for (int i = 0; i < COLUMNS; ++i)
    fprintf(out, "%s%c", columns[i].name, i + 1 < COLUMNS ? ',' : '\n');
}

static void write_csv(const bench_record *record, FILE *out)
{
  for (int i = 0; i < COLUMNS; ++i) {
    write_field(&columns[i], record, write_csv_text, "", out);
    fputc(i + 1 < COLUMNS ? ',' : '\n', out);
  }
}

static void write_json(const bench_record *record, bool first, FILE *out)
{
  fputs(first ? "\n{" : ",\n{", out);
  for (int i = 0; i < COLUMNS; ++i) {
    fprintf(out, "%s\"%s\": ", i > 0 ? ", " : "", columns[i].name);
    write_field(&columns[i], record, write_json_text, "null", out);
  }
  if (record->description[0] != '\0') {
    fputs(", \"description\": ", out);
    write_json_text(record->description, out);
  }
  fputc('}', out);
}

/* ---------------------------------------------------------------------------------------------
 * For people
 * ------------------------------------------------------------------------------------------ */

static void write_description(const char *text, FILE *out)
{
  while (*text != '\0') {
    const int length = (int)strcspn(text, "\n");
    fprintf(out, "    %.*s\n", length, text);
    text += length + (text[length] == '\n');
  }
}

static void write_times(const bench_record *r, FILE *out)
{
  fprintf(out, "  %.4g ms  %.1f GFLOP/s", r->milliseconds, r->gflops);
  if (isfinite(r->share_of_sgemm))
    fprintf(out, "  %.2f of SGEMM", r->share_of_sgemm);
  fprintf(out, "  %.2f of peak", r->share_of_peak);
  if (isfinite(r->share_of_copy))
    fprintf(out, "  %.1f GB/s  %.2f of a copy", r->gigabytes_per_second, r->share_of_copy);
}

static void write_line(const bench_record *r, FILE *out)
{
  fprintf(out, "%s\n  %s  %s  %" PRId64 " thread%s", r->problem, r->pass, r->algorithm, r->threads,
          r->threads == 1 ? "" : "s");
  if (strcmp(r->status, "ok") != 0)
    fprintf(out, "  %s: %s", r->status, r->reason);
  if (isfinite(r->milliseconds))
    write_times(r, out);
  fputc('\n', out);
  if (r->checked >= 0)
    fprintf(out, "  largest error %.3g, bound %.3g; %" PRId64 " of %" PRId64 " elements checked\n",
            r->error, r->bound, r->checked, r->elements);
  write_description(r->description, out);
}

/* ---------------------------------------------------------------------------------------------
 * Reports
 * ------------------------------------------------------------------------------------------ */

void bench_report_begin(bench_format format, const char *cpu, const char *library, FILE *out)
{
  switch (format) {
  case BENCH_TABLE:
    fprintf(out, "%s\n%s\n\n", library, cpu);
    break;
  case BENCH_CSV:
    write_csv_names(out);
    break;
  case BENCH_JSON:
    fputs("{\"results\": [", out);
    break;
  }
}

void bench_report_add(bench_format format, const bench_record *record, bool first, FILE *out)
{
  switch (format) {
  case BENCH_TABLE:
    write_line(record, out);
    break;
  case BENCH_CSV:
    write_csv(record, out);
    break;
  case BENCH_JSON:
    write_json(record, first, out);
    break;
  }
  fflush(out);
}

void bench_report_end(bench_format format, FILE *out)
{
  if (format == BENCH_JSON)
    fputs("\n]}\n", out);
}
