/* What a block of results reads of some channels, copied from the source into the workspace with
 * zeros around it, so that no sum meets an edge: [channels][planes][rows][segments][segment]. A
 * segment has the columns under one tap or under several, one for each result: with stride s,
 * columns that are s apart are neighbours there. */
#ifndef BC_DEPTHWISE_WINDOW_H
#define BC_DEPTHWISE_WINDOW_H

#include "algorithms/sweep.h"

typedef struct bc_window {
  int64_t planes, rows;      /* most */
  int64_t segments, segment; /* their number, and most floats of one */
  int64_t segment_shift; /* floats from a tap's place to that of the tap `segments` further on */
  int64_t row, plane, channel; /* floats from one to the next */
} bc_window;

/* The results that a window is for: rows and columns j of every phase, in one plane of results. */
typedef struct bc_box {
  int64_t plane;
  bc_range rows, columns;
} bc_box;

/* How results are cut: rows and columns of a phase in a box, groups in a window. */
typedef struct bc_cut {
  int64_t rows, columns, groups;
} bc_cut;

/* Workspace of a thread. */
typedef size_t bc_cut_bytes(const bc_sums *sums, const bc_cut *cut);

/* Windows of half a first-level cache and within the room, if that can be. */
bc_cut bc_cut_choose(const bc_geometry *geometry, const bc_sums *sums, size_t room,
                     bc_cut_bytes *bytes);

/* How many boxes there are, and one of them. */
int64_t bc_cut_count(const bc_sums *sums, const bc_cut *cut);
bc_box bc_cut_box(const bc_sums *sums, const bc_cut *cut, int64_t index);

/* For boxes of at most so many rows and columns. */
bc_window bc_window_of(const bc_sums *sums, int64_t rows, int64_t columns);

/* Floats of `channels` of it, those that vectors reach into behind its end included. */
int64_t bc_window_elements(const bc_window *window, int64_t channels);

/* The place of tap number i of a phase of the columns in a row. */
int64_t bc_window_tap(const bc_window *window, const bc_sums *sums, const bc_phase *phase,
                      int64_t i);

/* Taps of the planes that the box meets, as numbers of the phase in *phase. */
bc_range bc_window_planes(const bc_sums *sums, const bc_box *box, bc_phase *phase);

/* Sets to zero what lies outside of the source, of `channels`. */
void bc_window_clear(const bc_window *window, const bc_sums *sums, const bc_box *box,
                     int64_t channels, float *buffer);

/* Copies what lies within, from the first of the channels in `source`; what lies outside stays. The
 * source of the window that is filled after this one is `next` elements further on. */
void bc_window_fill(const bc_window *window, const bc_sums *sums, const bc_box *box,
                    const float *source, int64_t channels, int64_t next, float *buffer);

#endif
