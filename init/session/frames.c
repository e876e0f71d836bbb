/* Reading and writing frames without ever waiting. Every byte may come from a hostile guest. */
#include <sys/socket.h>

#include "frames.h"

#define RAW 4096 /* with the largest piece it fits into an inbox whose frames have been taken */

/* Takes in what is there: more than 0 when bytes came, 0 at the end of the stream, -1 with EAGAIN when none are there. */
int fill(struct inbox *in)
{
	if (in->start) {
		memmove(in->data, in->data + in->start, in->end - in->start);
		in->end -= in->start;
		in->start = 0;
	}
	char raw[RAW], *to = in->envelope ? raw : in->data + in->end;
	ssize_t size;
	do
		size = read(in->fd, to, in->envelope ? sizeof raw : sizeof in->data - in->end);
	while (size < 0 && errno == EINTR);
	if (size > 0 && in->envelope)
		return unwrap(in, raw, (size_t)size) ? -1 : (int)size;
	if (size > 0)
		in->end += (size_t)size;
	return (int)size;
}

/* Takes the next whole frame: 1, 0 when more bytes must come first, -1 for one that can't be. Its content lies in the
 * inbox until that is filled again. */
int next_frame(struct inbox *in, struct frame *frame)
{
	const char *head = in->data + in->start;
	if (in->end - in->start < FRAME_HEAD)
		return 0;
	memcpy(&frame->size, head, 4);
	memcpy(&frame->process, head + 4, 2);
	frame->type = (uint8_t)head[6];
	frame->stream = (uint8_t)head[7];
	frame->data = head + FRAME_HEAD;
	if (frame->size > FRAME_LARGEST || frame->type == 0 || frame->type > FRAME_TYPES) {
		errno = EPROTO;
		return -1;
	}
	if (in->end - in->start < FRAME_HEAD + (size_t)frame->size)
		return 0;
	in->start += FRAME_HEAD + frame->size;
	return 1;
}

static void fill_head(char *head, const struct frame *frame)
{
	memcpy(head, &frame->size, 4);
	memcpy(head + 4, &frame->process, 2);
	head[6] = (char)frame->type;
	head[7] = (char)frame->stream;
}

static int put_piece(struct outbox *out, const struct frame *frame)
{
	char head[FRAME_HEAD];
	fill_head(head, frame);
	size_t size = wrap(out->envelope, out->data + out->end, sizeof out->data - out->end, head, frame);
	if (!size)
		errno = ENOBUFS;
	out->end += size;
	return size ? 0 : -1;
}

/* Data that is too large for a piece is cut. */
static int put_pieces(struct outbox *out, struct frame frame)
{
	for (; frame.type == FRAME_DATA && frame.size > ENVELOPE_LARGEST; frame.size -= ENVELOPE_LARGEST) {
		struct frame first = frame;
		first.size = ENVELOPE_LARGEST;
		if (put_piece(out, &first))
			return -1;
		frame.data += ENVELOPE_LARGEST;
	}
	errno = EMSGSIZE;
	return frame.size > ENVELOPE_LARGEST ? -1 : put_piece(out, &frame);
}

/* Queues a frame; -1 when it has no room, which a peer who keeps to the windows never brings about. */
int put_frame(struct outbox *out, const struct frame *frame)
{
	if (out->start) {
		memmove(out->data, out->data + out->start, out->end - out->start);
		out->end -= out->start;
		out->start = 0;
	}
	if (out->envelope)
		return put_pieces(out, *frame);
	if (sizeof out->data - out->end < FRAME_HEAD + (size_t)frame->size) {
		errno = ENOBUFS;
		return -1;
	}
	char *head = out->data + out->end;
	fill_head(head, frame);
	if (frame->size)
		memcpy(head + FRAME_HEAD, frame->data, frame->size);
	out->end += FRAME_HEAD + frame->size;
	return 0;
}

int put_number(struct outbox *out, int process, int type, int stream, uint32_t number)
{
	struct frame frame = {4, (uint16_t)process, (uint8_t)type, (uint8_t)stream, (const char *)&number};
	return put_frame(out, &frame);
}

/* Writes what can be written now; -1 when the other side is gone. */
int flush(struct outbox *out)
{
	while (is_waiting(out)) {
		size_t most = out->is_held ? out->allowed : out->end - out->start;
		ssize_t size = write(out->fd, out->data + out->start, most);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN ? 0 : -1;
		out->start += (size_t)size;
		out->allowed -= out->is_held ? (size_t)size : 0;
	}
	return 0;
}

void hold(struct outbox *out)
{
	out->is_held = 1;
	out->allowed = out->end - out->start;
}

int has_room(const struct outbox *out)
{
	/* In an envelope bytes may double. */
	return !out->is_held && out->end - out->start <= sizeof out->data / (out->envelope ? 4 : 2);
}

/* The one number of a frame, 0 when it holds none. */
uint32_t number_in(const struct frame *frame)
{
	uint32_t number = 0;
	if (frame->size == 4)
		memcpy(&number, frame->data, 4);
	return number;
}
