/* Sums over taps with vectors of neighbouring channels. What some results meet of a cache line of
 * channels is first copied into two windows, of which the taps read one after the other again and
 * again: there neighbours are near, wherever the source has its pixels, zeros stand for what is
 * outside of it, and no load waits for a store to an address that looks alike. */
#include "channel_taps.h"

#include "lanes.h"

enum {
  WINDOW_OF_TWO = 320, /* pixels, of which two windows fit the first-level cache */
  WINDOW = 960,    /* pixels of one, 30 KiB: more rows have fewer pixels in common with others */
  MOST_DOWN = 8,   /* taps that are summed at once; more of them in several turns, */
  MOST_ALONG = 16, /* so that the pixels under them fit into a window */
  MOST_TAPS = MOST_DOWN * MOST_ALONG,
  WINDOW_FLOATS = WINDOW * LANES, /* for one of two vectors of channels, */
  WEIGHTS = MOST_TAPS * LANES,    /* and their weights */
  PAGE = 4096,                    /* bytes */
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
  int64_t tiles, tile, larger; /* of a row: of how many results, of which some have one more */
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

typedef struct near near;
typedef struct tile tile;

/* A tile of so many results. */
typedef void tile_sums(const bc_channel_taps *t, const near *n, const tile *at);

/* What all tiles of an area have in common: weights [2][MOST_TAPS][LANES], and for each tap the
 * floats from a result's place under the first one to that under it, and where its weights are. The
 * taps of one part of a row come together, row by row, then those of the next part. */
struct near {
  _Alignas(CACHE_LINE * sizeof(float)) float weights[2 * WEIGHTS];
  int64_t taps, offsets[MOST_TAPS], places[MOST_TAPS];
  tile_sums *const *rows_of_taps; /* for TILE - 1 and TILE results, or NULL */
};

INLINE void find_taps(const bc_channel_taps *t, const area *a, near *n)
{
  const int64_t step = t->width.stride, parts = bc_min(step, t->width.taps);
  n->taps = 0;
  for (int64_t part = 0; part < parts; ++part)
    for (int64_t i = 0; i < t->height.taps; ++i)
      for (int64_t j = part; j < t->width.taps; j += step, ++n->taps) {
        n->offsets[n->taps] = (place_of(&t->height, a->high, i) * places_of(a->wide) +
                               place_of(&t->width, a->wide, j)) *
                              LANES;
        n->places[n->taps] = i * t->height.weight + j * t->width.weight;
      }
}

INLINE void copy_weights(const float *weights, const line *l, near *n)
{
  for (int64_t i = 0; i < n->taps; ++i) {
    const float *const from = weights + n->places[i];
    store(load(from + l->at[0]), n->weights + i * LANES);
    store(load(from + l->at[1]), n->weights + WEIGHTS + i * LANES);
  }
}

/* ---- tiles: some results of a row, for one vector of channels ---- */

/* Sums as a list: compilers keep variables with names in registers, but not the elements of an
 * array. */
#define EACH_RESULT(use) use(0) use(1) use(2) use(3) use(4) use(5) use(6) use(7)

typedef struct sums {
  floats s0, s1, s2, s3, s4, s5, s6, s7;
} sums;

INLINE sums no_sums(void)
{
  const floats none = {0};
  return (sums){none, none, none, none, none, none, none, none};
}

struct tile {
  const float *from, *weights; /* in the window, under tap 0 of the first result */
  float *to;
  int64_t first;     /* of the lanes to be written */
  bc_range tap_rows; /* that are in the source; not asked for but by rows_of_taps */
};

INLINE void put_sums(int results, const bc_channel_taps *t, const tile *at, const sums *sum)
{
#define PUT(k)                                                                                     \
  if ((k) < results)                                                                               \
    store(sum->s##k, at->to + (k)*t->pixel_step);
#define ADD_TO_RESULT(k)                                                                           \
  if ((k) < results)                                                                               \
    add_lanes(sum->s##k, at->first, at->to + (k)*t->pixel_step);
  if (t->accumulate) {
    EACH_RESULT(ADD_TO_RESULT)
  } else {
    EACH_RESULT(PUT)
  }
}

INLINE void sum_tile(int results, const bc_channel_taps *t, const near *n, const tile *at)
{
  sums sum = no_sums();
  for (int64_t i = 0; i < n->taps; ++i) {
    const float *const from = at->from + n->offsets[i];
    const floats w = load(at->weights + i * LANES);
#define ADD(k)                                                                                     \
  if ((k) < results)                                                                               \
    sum.s##k += w * load(from + (int64_t)(k)*LANES);
    EACH_RESULT(ADD)
  }
  put_sums(results, t, at, &sum);
}

INLINE void sum_some(int64_t results, const bc_channel_taps *t, const near *n, const tile *at)
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

/* ---- tiles where the taps of a row are neighbours: their weights stay in registers, and what
 * several results meet is read once ---- */

/* Seven weights, eight sums and what they meet are all the registers that AVX2 has. */
typedef struct row_weights {
  floats w0, w1, w2, w3, w4, w5, w6;
} row_weights;

/* The first `along`. */
INLINE row_weights weights_of_row(int along, const float *from)
{
  row_weights w;
#define WEIGHT(i) w.w##i = load(from + ((i) < along ? INT64_C(i) : 0) * LANES);
  WEIGHT(0)
  WEIGHT(1)
  WEIGHT(2)
  WEIGHT(3)
  WEIGHT(4)
  WEIGHT(5)
  WEIGHT(6)
  return w;
}

INLINE floats weight_at(const row_weights *w, int i)
{
  return i == 0   ? w->w0
         : i == 1 ? w->w1
         : i == 2 ? w->w2
         : i == 3 ? w->w3
         : i == 4 ? w->w4
         : i == 5 ? w->w5
                  : w->w6;
}

/* What is under the first result's tap number `place`: under each result it is another tap. */
INLINE void meet(int results, int along, int place, const float *from, const row_weights *w,
                 sums *sum)
{
  if (place >= results + along - 1)
    return;
  const floats x = load(from + (int64_t)place * LANES);
#define MEET(k)                                                                                    \
  if ((k) < results && place >= (k) && place - (k) < along)                                        \
    sum->s##k += weight_at(w, place - (k)) * x;
  EACH_RESULT(MEET)
}

/* Rows of so many neighbouring taps, which begin with number `tap`. */
INLINE void add_rows(int results, int along, const near *n, int64_t tap, const tile *at, sums *sum)
{
  for (int64_t i = at->tap_rows.begin; i < at->tap_rows.end; ++i) {
    const float *const from = at->from + n->offsets[tap + i * along];
    const row_weights w = weights_of_row(along, at->weights + (tap + i * along) * LANES);
#define PLACE(place) meet(results, along, place, from, &w, sum);
    EACH_RESULT(PLACE)
    PLACE(8) PLACE(9) PLACE(10) PLACE(11) PLACE(12) PLACE(13)
  }
}

/* Taps in one part of a row, or in two. */
INLINE void sum_rows_of_taps(int results, int first, int second, const bc_channel_taps *t,
                             const near *n, const tile *at)
{
  sums sum = no_sums();
  add_rows(results, first, n, 0, at, &sum);
  if (second > 0)
    add_rows(results, second, n, first * t->height.taps, at, &sum);
  put_sums(results, t, at, &sum);
}

#define ROWS_OF_TAPS(name, results, first, second)                                                 \
  static void name(const bc_channel_taps *t, const near *n, const tile *at)                        \
  {                                                                                                \
    sum_rows_of_taps(results, first, second, t, n, at);                                            \
  }
ROWS_OF_TAPS(seven_by_7, 7, 7, 0)
ROWS_OF_TAPS(seven_by_8, 8, 7, 0)
ROWS_OF_TAPS(five_by_7, 7, 5, 0)
ROWS_OF_TAPS(five_by_8, 8, 5, 0)
ROWS_OF_TAPS(halved_seven_by_7, 7, 4, 3)
ROWS_OF_TAPS(halved_seven_by_8, 8, 4, 3)
ROWS_OF_TAPS(halved_five_by_7, 7, 3, 2)
ROWS_OF_TAPS(halved_five_by_8, 8, 3, 2)

/* Those for TILE - 1 and TILE results with taps and strides as most layers have them; else NULL. */
static tile_sums *const *find_rows_of_taps(const bc_channel_taps *t)
{
  static tile_sums *const of_seven[][2] = {{seven_by_7, seven_by_8},
                                           {halved_seven_by_7, halved_seven_by_8}};
  static tile_sums *const of_five[][2] = {{five_by_7, five_by_8},
                                          {halved_five_by_7, halved_five_by_8}};
  const int64_t taps = t->width.taps, stride = t->width.stride;
  if (BC_IS_SMALL || t->width.apart != 1 || stride > 2 || (taps != 7 && taps != 5))
    return NULL;
  return (taps == 7 ? of_seven : of_five)[stride - 1];
}

/* Vectors of a line of channels: numbers 0 and 1. */
typedef bc_range vectors;

/* A row of the area, in tiles of nearly the same size; `row` is of number 0. */
INLINE void sum_row(const bc_channel_taps *t, const area *a, const near *n, const line *l,
                    vectors some, const tile *row)
{
  for (int64_t i = 0, begin = 0, results; i < a->tiles; ++i, begin += results) {
    results = a->tile + (i < a->larger ? 1 : 0);
    for (int64_t v = some.begin; v < some.end; ++v) {
      const tile at = {row->from + v * WINDOW_FLOATS + begin * LANES, row->weights + v * WEIGHTS,
                       row->to + l->at[v] + begin * t->pixel_step, l->first[v], row->tap_rows};
      if (n->rows_of_taps != NULL && results >= TILE - 1)
        n->rows_of_taps[results - (TILE - 1)](t, n, &at);
      else
        sum_some(results, t, n, &at);
    }
  }
}

/* ---- all results ---- */

/* Those rows of taps that are in the source, of a row of results. */
INLINE bc_range tap_rows_of(const bc_channel_axis *height, int64_t row)
{
  return bc_places_inside(height->first + row * height->stride, height->apart, height->taps,
                          height->sources);
}

/* Results begin at `result`. */
INLINE void sum_rows(const bc_channel_taps *t, const area *a, const near *n, const line *l,
                     vectors some, const float *window, float *result)
{
  for (int64_t row = 0; row < bc_range_length(a->rows); ++row)
    sum_row(t, a, n, l, some,
            &(tile){.from = window + row * places_of(a->wide) * LANES,
                    .weights = n->weights,
                    .to = result + row * t->row_step,
                    .tap_rows = n->rows_of_taps != NULL
                                    ? tap_rows_of(&t->height, a->rows.begin + row)
                                    : (bc_range){0, 0}});
}

/* Windows that do not fit the first-level cache together are read one after the other. */
INLINE void sum_line(const bc_channel_taps *t, const area *a, const near *n, const line *l,
                     const float *window, float *result)
{
  const int64_t count = l->first[1] < LANES ? 2 : 1;
  if (places_of(a->high) * places_of(a->wide) <= WINDOW_OF_TWO) {
    sum_rows(t, a, n, l, (vectors){0, count}, window, result);
    return;
  }
  for (int64_t v = 0; v < count; ++v)
    sum_rows(t, a, n, l, (vectors){v, v + 1}, window, result);
}

INLINE void sum_area(const bc_channel_taps *t, const area *a, const float *source,
                     const float *weights, float *result)
{
  _Alignas(PAGE) float window[2 * WINDOW_FLOATS]; /* elsewhere by chance: up to 1.2 times slower */
  near n;
  find_taps(t, a, &n);
  n.rows_of_taps = find_rows_of_taps(t);
  for (int64_t x = 0; x < t->channels; x += LANES + LANES) {
    const line l = line_at(t, a, x);
    fill_window(t, a, source, &l, window);
    copy_weights(weights, &l, &n);
    sum_line(t, a, &n, &l, window,
             result + a->rows.begin * t->row_step + a->columns.begin * t->pixel_step);
  }
}

INLINE area area_of(const bc_channel_taps *t, bc_range rows, bc_range columns)
{
  area a = {.rows = rows,
            .columns = columns,
            .high = side_of(&t->height, bc_range_length(rows)),
            .wide = side_of(&t->width, bc_range_length(columns))};
  a.tiles = bc_count_blocks(bc_range_length(columns), TILE);
  a.tile = bc_range_length(columns) / a.tiles;
  a.larger = bc_range_length(columns) % a.tiles;
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
