/* The host's end of a guest's network. */
#ifndef RINGFENCE_TAP_H
#define RINGFENCE_TAP_H

#include "../init.h"

#define MAX_TAPS 16

int open_taps(struct run *r, int *taps, int most, int has_spare);

#endif
