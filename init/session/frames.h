/* Frames and the two buffers they pass through; what they mean is in src/ringfence/plan/frames.py. */
#ifndef RINGFENCE_FRAMES_H
#define RINGFENCE_FRAMES_H

#include "../init.h"
#include "envelope.h"

struct frame {
	uint32_t size;
	uint16_t process;
	uint8_t type, stream;
	const char *data;
};

/* Bytes that have come and are not used yet. Without an envelope the line is the frames' alone. */
struct inbox {
	int fd;
	size_t start, end;
	struct envelope *envelope;
	char data[FRAME_HEAD + FRAME_LARGEST];
};

/* Bytes that are to go. A stream's data is only taken in while half of it is free, so control frames find room. One that
 * is held sends no more than what was in it then. */
struct outbox {
	int fd, is_held;
	size_t start, end, allowed;
	struct envelope *envelope;
	char data[4 * FRAME_LARGEST];
};

int fill(struct inbox *in);
int next_frame(struct inbox *in, struct frame *frame);
int put_frame(struct outbox *out, const struct frame *frame);
int put_number(struct outbox *out, int process, int type, int stream, uint32_t number);
int flush(struct outbox *out);
void hold(struct outbox *out);
int has_room(const struct outbox *out);
uint32_t number_in(const struct frame *frame);
int64_t milliseconds(void);

static inline int is_waiting(const struct outbox *out)
{
	return out->is_held ? out->allowed != 0 : out->start != out->end;
}

#endif
