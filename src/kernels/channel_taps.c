/* Sums over taps with vectors of neighbouring channels. What some results meet of a cache line of
 * channels is first copied into a window in the first-level cache, which the taps read again and
 * again: there neighbours are near, wherever the source has its pixels, zeros stand for what is
 * outside of it, and no load waits for a store to an address that looks alike. */
#include "channel_taps.h"

#include "lanes.h"

enum {
  WINDOW = 320,    /* pixels of one, 20 KiB */
  MOST_DOWN = 8,   /* taps that are summed at once; more of them in several turns, */
  MOST_ALONG = 16, /* so that the pixels under them fit into a window */
  MOST_TAPS = MOST_DOWN * MOST_ALONG,
  WINDOW_FLOATS = WINDOW * LANES, /* for one of two vectors, */
  WEIGHTS = MOST_TAPS * LANES,    /* and their weights */
  TILE = 8,                       /* results of a row at a time */
  WANTED = 2                      /* rows of results for which there should be room */
};

/* ---- what a window holds ---- */

/* Places of a window along an axis, which lie in parts: for any tap those of neighbouring results
 * are neighbours. Where results have pixels in common, part i has all that are i, i + stride and so
 * on behind the first; else part i has those under tap i. */
typedef struct side {
  int64_t parts, length; /* places of a part */
  int64_t apart;         /* pixels from where one part begins to where the next does */
} side;

INLINE int64_t places_of(side s)
{
  return s.parts * s.length;
}

INLINE side side_of(const bc_channel_axis *axis, int64_t results)
{
  const int64_t all = (results - 1) * axis->stride + (axis->taps - 1) * axis->apart + 1;
  const side common = {bc_min(axis->stride, all), bc_count_blocks(all, axis->stride), 1};
  const side own = {axis->taps, results, axis->apart};
  const bool shares = common.parts <= MOST_ALONG && places_of(common) <= places_of(own);
  return shares ? common : own;
}

/* The place of a tap's first result; where both kinds of parts are the same, so are places. */
INLINE int64_t place_of(const bc_channel_axis *axis, side s, int64_t tap)
{
  const int64_t distance = tap * axis->apart;
  if (s.apart == axis->apart && s.parts == axis->taps)
    return tap * s.length;
  return distance % axis->stride * s.length + distance / axis->stride;
}

/* Results that share a window. */
typedef struct cut {
  int64_t rows, columns;
} cut;

/* So many of `most` results that no more than `room` places are needed: at least one. */
INLINE int64_t results_within(const bc_channel_axis *axis, int64_t most, int64_t room)
{
  int64_t results = bc_min(most, WINDOW);
  while (results > 1 && places_of(side_of(axis, results)) > room)
    --results;
  return results;
}

INLINE cut cut_of(const bc_channel_taps *t)
{
  const int64_t high = places_of(side_of(&t->height, bc_min(WANTED, t->height.results)));
  const int64_t most =
      results_within(&t->width, t->width.results, WINDOW / bc_min(high, WINDOW / TILE));
  const int64_t columns =
      bc_count_blocks(t->width.results, bc_count_blocks(t->width.results, most));
  const int64_t room = WINDOW / places_of(side_of(&t->width, columns));
  const int64_t rows = results_within(&t->height, t->height.results, room);
  return (cut){bc_count_blocks(t->height.results, bc_count_blocks(t->height.results, rows)),
               columns};
}

/* Some of the results. */
typedef struct area {
  bc_range rows, columns;
  side high, wide;
  bc_range inside[MOST_ALONG]; /* of each part along a row: what is in the source */
} area;

/* ---- the window: [2][places][places][LANES] ---- */

/* Where the two vectors of a line of channels are, and their lanes that none before has. */
typedef struct line {
  int64_t at[2], first[2]; /* no fewer than LANES: none */
  int64_t next;            /* where the next line is, mostly the next of the cache; behind the last
                              one, that of the next area */
  bool is_first;
} line;

INLINE line line_at(const bc_channel_taps *t, const area *a, int64_t x)
{
  const int64_t low = vector_at(x, t->channels), high = vector_at(x + LANES, t->channels);
  const int64_t down = bc_range_length(a->rows) * t->height.stride * t->source_row;
  return (line){.at = {low, high},
                .first = {x - low, x + LANES - high},
                .next = high + LANES < t->channels ? high + LANES : down,
                .is_first = x == 0};
}

INLINE void clear_places(int64_t count, float *to)
{
  for (int64_t i = 0; i < count; ++i) {
    store((floats){0}, to + i * LANES);
    store((floats){0}, to + WINDOW_FLOATS + i * LANES);
  }
}

/* Columns `first`, `first` + stride and so on of a row of the source, zeros where there are none,
 * which are there from the first line of channels on. What is filled in next is fetched. */
INLINE void copy_columns(const bc_channel_taps *t, const float *row, int64_t first, bc_range inside,
                         int64_t count, const line *l, float *to)
{
  const int64_t step = t->width.stride * t->source_pixel;
  if (l->is_first)
    clear_places(inside.begin, to);
  for (int64_t i = inside.begin; i < inside.end; ++i) {
    const float *const from = row + (first * t->source_pixel + i * step);
    store(load(from + l->at[0]), to + i * LANES);
    store(load(from + l->at[1]), to + WINDOW_FLOATS + i * LANES);
    __builtin_prefetch(from + l->next);
  }
  if (l->is_first)
    clear_places(count - inside.end, to + inside.end * LANES);
}

INLINE void fill_row(const bc_channel_taps *t, const area *a, int64_t row, const float *source,
                     const line *l, float *to)
{
  const int64_t first = t->width.first + a->columns.begin * t->width.stride;
  if (row < 0 || row >= t->height.sources) {
    if (l->is_first)
      clear_places(places_of(a->wide), to);
    return;
  }
  for (int64_t part = 0; part < a->wide.parts; ++part)
    copy_columns(t, source + row * t->source_row, first + part * a->wide.apart, a->inside[part],
                 a->wide.length, l, to + part * a->wide.length * LANES);
}

INLINE void fill_window(const bc_channel_taps *t, const area *a, const float *source, const line *l,
                        float *window)
{
  const int64_t first = t->height.first + a->rows.begin * t->height.stride;
  const int64_t row = places_of(a->wide) * LANES;
  for (int64_t part = 0; part < a->high.parts; ++part)
    for (int64_t i = 0; i < a->high.length; ++i)
      fill_row(t, a, first + part * a->high.apart + i * t->height.stride, source, l,
               window + (part * a->high.length + i) * row);
}

/* What all tiles of an area have in common: weights [2][MOST_TAPS][LANES], and for each tap the
 * floats from a result's place under the first one to that under it. */
typedef struct near {
  _Alignas(CACHE_LINE * sizeof(float)) float weights[2 * WEIGHTS];
  int64_t taps, offsets[MOST_TAPS];
} near;

INLINE void find_taps(const bc_channel_taps *t, const area *a, near *n)
{
  n->taps = 0;
  for (int64_t i = 0; i < t->height.taps; ++i)
    for (int64_t j = 0; j < t->width.taps; ++j)
      n->offsets[n->taps++] = (place_of(&t->height, a->high, i) * places_of(a->wide) +
                               place_of(&t->width, a->wide, j)) *
                              LANES;
}

INLINE void copy_weights(const bc_channel_taps *t, const float *weights, const line *l, near *n)
{
  float *to = n->weights;
  for (int64_t down = 0; down < t->height.taps; ++down)
    for (int64_t along = 0; along < t->width.taps; ++along, to += LANES) {
      const float *const from = weights + down * t->height.weight + along * t->width.weight;
      store(load(from + l->at[0]), to);
      store(load(from + l->at[1]), to + WEIGHTS);
    }
}

/* ---- tiles: some results of a row, for one vector of channels ---- */

/* Sums as a list: compilers keep variables with names in registers, but not the elements of an
 * array. */
#define EACH_RESULT(use) use(0) use(1) use(2) use(3) use(4) use(5) use(6) use(7)

typedef struct tile {
  const float *from, *weights; /* in the window, under tap 0 of the first result */
  float *to;
  int64_t first; /* of the lanes to be written */
} tile;

INLINE void sum_tile(int results, const bc_channel_taps *t, const near *n, const tile *at)
{
#define DECLARE(i) floats sum##i = {0};
  EACH_RESULT(DECLARE)
  for (int64_t i = 0; i < n->taps; ++i) {
    const float *const from = at->from + n->offsets[i];
    const floats w = load(at->weights + i * LANES);
#define ADD(k)                                                                                     \
  if ((k) < results)                                                                               \
    sum##k += w * load(from + (int64_t)(k)*LANES);
    EACH_RESULT(ADD)
  }
#define PUT(k)                                                                                     \
  if ((k) < results)                                                                               \
    store(sum##k, at->to + (k)*t->pixel_step);
#define ADD_TO_RESULT(k)                                                                           \
  if ((k) < results)                                                                               \
    add_lanes(sum##k, at->first, at->to + (k)*t->pixel_step);
  if (t->accumulate) {
    EACH_RESULT(ADD_TO_RESULT)
  } else {
    EACH_RESULT(PUT)
  }
}

static void sum_some(int64_t results, const bc_channel_taps *t, const near *n, const tile *at)
{
#define CASE(k)                                                                                    \
  case (k) + 1:                                                                                    \
    sum_tile((k) + 1, t, n, at);                                                                   \
    break;
  switch (results) {
    EACH_RESULT(CASE)
  default:
    break;
  }
}

/* A row of the area, in tiles of nearly the same size. */
INLINE void sum_row(const bc_channel_taps *t, const area *a, const line *l, const near *n,
                    const float *from, float *to)
{
  const int64_t columns = bc_range_length(a->columns), tiles = bc_count_blocks(columns, TILE);
  for (int64_t i = 0; i < tiles; ++i) {
    const int64_t begin = i * columns / tiles, end = (i + 1) * columns / tiles;
    for (int64_t v = 0; v < 2 && l->first[v] < LANES; ++v)
      sum_some(end - begin, t, n,
               &(tile){from + v * WINDOW_FLOATS + begin * LANES, n->weights + v * WEIGHTS,
                       to + l->at[v] + begin * t->pixel_step, l->first[v]});
  }
}

/* ---- all results ---- */

INLINE void sum_area(const bc_channel_taps *t, const area *a, const float *source,
                     const float *weights, float *result)
{
  _Alignas(CACHE_LINE * sizeof(float)) float window[2 * WINDOW_FLOATS];
  near n;
  find_taps(t, a, &n);
  for (int64_t x = 0; x < t->channels; x += LANES + LANES) {
    const line l = line_at(t, a, x);
    fill_window(t, a, source, &l, window);
    copy_weights(t, weights, &l, &n);
    for (int64_t row = 0; row < bc_range_length(a->rows); ++row)
      sum_row(t, a, &l, &n, window + row * places_of(a->wide) * LANES,
              result + (a->rows.begin + row) * t->row_step + a->columns.begin * t->pixel_step);
  }
}

INLINE area area_of(const bc_channel_taps *t, bc_range rows, bc_range columns)
{
  area a = {.rows = rows,
            .columns = columns,
            .high = side_of(&t->height, bc_range_length(rows)),
            .wide = side_of(&t->width, bc_range_length(columns))};
  const int64_t first = t->width.first + columns.begin * t->width.stride;
  for (int64_t part = 0; part < a.wide.parts; ++part)
    a.inside[part] = bc_places_inside(first + part * a.wide.apart, t->width.stride, a.wide.length,
                                      t->width.sources);
  return a;
}

/* With no more taps than a window is for. */
static void sum_areas(const bc_channel_taps *t, const float *source, const float *weights,
                      float *result)
{
  const cut most = cut_of(t);
  for (int64_t row = 0; row < t->height.results; row += most.rows)
    for (int64_t column = 0; column < t->width.results; column += most.columns) {
      const area a = area_of(t, (bc_range){row, bc_min(row + most.rows, t->height.results)},
                             (bc_range){column, bc_min(column + most.columns, t->width.results)});
      sum_area(t, &a, source, weights, result);
    }
}

/* Some of an axis's taps. */
INLINE bc_channel_axis with_taps(const bc_channel_axis *all, int64_t from, int64_t most)
{
  bc_channel_axis some = *all;
  some.first += from * all->apart;
  some.taps = bc_min(most, all->taps - from);
  return some;
}

void BC_FOR_VECTOR_ISA(bc_sum_channels)(const bc_channel_taps *taps, const float *source,
                                        const float *weights, float *result)
{
  bc_channel_taps some = *taps;
  for (int64_t down = 0; down < taps->height.taps; down += MOST_DOWN)
    for (int64_t along = 0; along < taps->width.taps; along += MOST_ALONG) {
      some.height = with_taps(&taps->height, down, MOST_DOWN);
      some.width = with_taps(&taps->width, along, MOST_ALONG);
      sum_areas(&some, source, weights + down * taps->height.weight + along * taps->width.weight,
                result);
      some.accumulate = true; /* for those that follow */
    }
}
