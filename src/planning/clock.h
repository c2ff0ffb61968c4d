/* The time. clock.c is the only file that asks for it. */
#ifndef BC_CLOCK_H
#define BC_CLOCK_H

/* Seconds since some moment; never goes back. */
double bc_clock_seconds(void);

#endif
