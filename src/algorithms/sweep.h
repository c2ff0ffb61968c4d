/* Forward and backward data as the same sums. Along an axis each result is a sum over taps of a
 * source, which is the input of a forward pass and the output's gradient of a backward one. There,
 * stride s makes s phases of the results: those at phase + j s, which meet the same taps. */
#ifndef BC_SWEEP_H
#define BC_SWEEP_H

#include "algorithm.h"

/* Along one axis. Result j of a phase is at phase + j * step and meets the source at
 * j * stride + offset + i * apart with the phase's tap number i; offsets are the phase's own. */
typedef struct bc_sweep {
  const bc_axis *axis;
  bool forward;
  int64_t results, sources; /* extents */
  int64_t step, phases;     /* phases with results */
  int64_t stride, apart;
  int64_t most_taps;  /* of a phase */
  int64_t low, reach; /* low <= offset + i * apart <= low + reach in every phase */
} bc_sweep;

/* Taps of a phase, in the order of the source: number i is tap `first` + i * `step` of the
 * kernel. */
typedef struct bc_phase {
  int64_t taps, first, step, offset;
} bc_phase;

bc_sweep bc_sweep_of(const bc_axis *axis, bool forward);

bc_phase bc_sweep_phase(const bc_sweep *sweep, int64_t phase);

/* Results of a phase; none of one behind the last. */
int64_t bc_sweep_count(const bc_sweep *sweep, int64_t phase);

/* Numbers of the taps that meet the source at result j; maybe none. */
bc_range bc_phase_inside(const bc_sweep *sweep, const bc_phase *phase, int64_t j);

/* The results of `count` at which all taps of the phase meet the source; maybe none. */
bc_range bc_phase_whole(const bc_sweep *sweep, const bc_phase *phase, int64_t count);

/* The sums of a pass; channels are those of a group. */
typedef struct bc_sums {
  bc_sweep axes[BLASCONV_MAX_RANK];
  int64_t to_channels, from_channels;
  int64_t to_weight, from_weight;        /* weights from one of them to the next */
  int64_t tap_weight[BLASCONV_MAX_RANK]; /* weights from a tap to the next along an axis */
  bc_steps to, from;                     /* of the tensors */
} bc_sums;

bc_sums bc_sums_of(const bc_geometry *geometry, bool forward);

#endif
