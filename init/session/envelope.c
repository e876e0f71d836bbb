/* Putting frames into envelopes and taking them out. Every byte may come from a hostile guest. */
#include "frames.h"

#define FLAG 0x7e
#define ESCAPE 0x7d
#define TWIST 0x20
#define CHECK 4

static const uint32_t nibbles[16] = {0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
				     0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
				     0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};

static uint32_t check(uint32_t crc, const char *data, size_t size)
{
	crc = ~crc;
	for (size_t i = 0; i < size; i++) {
		crc ^= (uint8_t)data[i];
		crc = crc >> 4 ^ nibbles[crc & 15];
		crc = crc >> 4 ^ nibbles[crc & 15];
	}
	return ~crc;
}

static int is_special(uint8_t byte)
{
	return byte == FLAG || byte == ESCAPE || byte == 0x0f || byte == 0x11 || byte == 0x13;
}

struct writer {
	char *to;
	size_t used, room;
};

static void put(struct writer *w, const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		int special = is_special((uint8_t)data[i]);
		if (w->used + 2 > w->room) {
			w->used = w->room + 1; /* it does not fit: see wrap() */
			return;
		}
		if (special)
			w->to[w->used++] = ESCAPE;
		w->to[w->used++] = (char)(special ? data[i] ^ TWIST : data[i]);
	}
}

/* One piece; returns its size, 0 when there is no room for it. */
size_t wrap(struct envelope *e, char *to, size_t room, const char *head, const struct frame *frame)
{
	struct writer w = {to, 1, room ? room - 1 : 0};
	char sequence = (char)e->sent;
	uint32_t crc = check(check(check(0, &sequence, 1), head, FRAME_HEAD), frame->data, frame->size);
	if (room < 2)
		return 0;
	to[0] = FLAG;
	put(&w, &sequence, 1);
	put(&w, head, FRAME_HEAD);
	put(&w, frame->data, frame->size);
	put(&w, (const char *)&crc, CHECK);
	if (w.used > w.room)
		return 0;
	to[w.used++] = FLAG;
	e->sent++;
	return w.used;
}

static void keep_noise(struct envelope *e, const char *data, size_t size)
{
	if (size > sizeof e->noise) {
		data += size - sizeof e->noise;
		size = sizeof e->noise;
	}
	size_t kept = sizeof e->noise - size < e->noise_size ? sizeof e->noise - size : e->noise_size;
	memmove(e->noise, e->noise + e->noise_size - kept, kept);
	memcpy(e->noise + kept, data, size);
	e->noise_size = kept + size;
	e->noises++;
}

static int is_piece(const struct envelope *e)
{
	uint32_t crc;
	if (e->is_skipping || e->size < 1 + FRAME_HEAD + CHECK)
		return 0;
	memcpy(&crc, e->piece + e->size - CHECK, CHECK);
	return crc == check(0, e->piece, e->size - CHECK);
}

/* What is between two flags: a piece, or something that the kernel has said. -1 when pieces are missing before it. */
static int take_piece(struct inbox *in, struct envelope *e)
{
	size_t size = e->size > 1 + CHECK ? e->size - 1 - CHECK : 0;
	if (!is_piece(e)) {
		keep_noise(e, e->piece, e->size);
		return 0;
	}
	if ((uint8_t)e->piece[0] != e->heard || sizeof in->data - in->end < size) {
		errno = EPROTO;
		return -1;
	}
	e->heard++;
	memcpy(in->data + in->end, e->piece + 1, size);
	in->end += size;
	return 0;
}

static int end_piece(struct inbox *in, struct envelope *e)
{
	int bad = e->size ? take_piece(in, e) : 0;
	e->size = 0;
	e->is_escaped = e->is_skipping = 0;
	return bad;
}

static void add(struct envelope *e, char byte)
{
	if (e->size == sizeof e->piece) {
		keep_noise(e, e->piece, e->size);
		e->size = 0;
		e->is_skipping = 1;
	}
	e->piece[e->size++] = byte;
}

/* Takes in raw bytes, few enough for the inbox. */
int unwrap(struct inbox *in, const char *raw, size_t size)
{
	struct envelope *e = in->envelope;
	for (size_t i = 0; i < size; i++) {
		if ((uint8_t)raw[i] == FLAG) {
			if (end_piece(in, e))
				return -1;
		} else if ((uint8_t)raw[i] == ESCAPE) {
			e->is_escaped = 1;
		} else {
			add(e, (char)(e->is_escaped ? raw[i] ^ TWIST : raw[i]));
			e->is_escaped = 0;
		}
	}
	return 0;
}

/* The end of what was no piece, with what has not ended yet: a kernel's last words end with no flag. */
size_t noise_text(const struct envelope *e, char *to, size_t room)
{
	size_t last = e->size < room ? e->size : room, first = room - last < e->noise_size ? room - last : e->noise_size;
	memcpy(to, e->noise + e->noise_size - first, first);
	memcpy(to + first, e->piece + e->size - last, last);
	return first + last;
}
