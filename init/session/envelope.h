/* Frames on a line that others write to as well, as the console of a domain is: a kernel has its say there.
 *
 * A piece is ``7e, stuffed(u8 sequence, frame, u32 check), 7e``: the check is CRC-32 (IEEE 802.3) over what is before it, the
 * sequence counts the pieces of one direction. Stuffed bytes are the flag, the escape, and those that a terminal or the
 * kernel's console driver takes for itself (^O, ^Q, ^S). After RFC 1662. */
#ifndef RINGFENCE_ENVELOPE_H
#define RINGFENCE_ENVELOPE_H

#include <stddef.h>
#include <stdint.h>

#define ENVELOPE_LARGEST 16384 /* bytes of a frame's content in one piece; data is cut, nothing else is that large */
#define ENVELOPE_NOISE 2048

struct envelope {
	uint8_t sent, heard;
	int is_escaped, is_skipping;
	size_t size;
	char piece[1 + 8 + ENVELOPE_LARGEST + 4];
	size_t noise_size;
	unsigned noises; /* how often something was no piece */
	char noise[ENVELOPE_NOISE]; /* the end of what was no piece */
};

struct inbox;
struct outbox;
struct frame;

size_t wrap(struct envelope *e, char *to, size_t room, const char *head, const struct frame *frame);
int unwrap(struct inbox *in, const char *raw, size_t size);
size_t noise_text(const struct envelope *e, char *to, size_t room);

#endif
