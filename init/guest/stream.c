/* The bytes between the pipes or the terminal of a process and the host, never more than the host has room for. */
#include <sys/mman.h>

#include "guest.h"

/* Keeps bytes for a process' standard input; a host that sends more than its window is not ours. */
int accept_input(struct guest *g, struct process *p, const struct frame *frame)
{
	(void)g;
	if (!p->pending)
		p->pending = mmap(NULL, FRAME_WINDOW, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p->pending == MAP_FAILED) {
		p->pending = NULL;
		return -1;
	}
	if (p->pending_start) {
		memmove(p->pending, p->pending + p->pending_start, p->pending_end - p->pending_start);
		p->pending_end -= p->pending_start;
		p->pending_start = 0;
	}
	if (FRAME_WINDOW - p->pending_end < frame->size)
		return -1;
	memcpy(p->pending + p->pending_end, frame->data, frame->size);
	p->pending_end += frame->size;
	return 0;
}

/* The end of a terminal's input is its hang-up: the two directions are one descriptor. */
void close_input(struct process *p)
{
	if (p->in >= 0)
		close(p->in);
	if (p->is_terminal)
		p->outs[0] = -1;
	p->in = -1;
}

void pass_input(struct guest *g, struct process *p)
{
	size_t waiting = p->pending_end - p->pending_start;
	ssize_t size = waiting ? write(p->in, p->pending + p->pending_start, waiting) : 0;
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size < 0 && p->is_terminal) {
		/* Nobody has the terminal open now. */
		size = (ssize_t)waiting;
	} else if (size < 0) {
		/* Nobody reads: the host need not send more, and what is left is lost as in any pipe. */
		close_input(p);
		put_number(&g->out, p->number, FRAME_END, 0, 0);
		return;
	}
	p->pending_start += (size_t)size;
	if (size)
		put_number(&g->out, p->number, FRAME_CREDIT, 0, (uint32_t)size);
	if (p->pending_start == p->pending_end && p->is_pending_last)
		close_input(p);
}

static void close_output(struct guest *g, struct process *p, int stream)
{
	if (p->in == p->outs[stream])
		p->in = -1;
	close(p->outs[stream]);
	p->outs[stream] = -1;
	put_number(&g->out, p->number, FRAME_END, stream + 1, 0);
}

/* A terminal whose last user has gone reads as EIO (tty_ioctl(4)). */
void pass_output(struct guest *g, struct process *p, int stream)
{
	static char data[FRAME_LARGEST];
	size_t most = p->credit[stream] < sizeof data ? p->credit[stream] : sizeof data;
	ssize_t size = read(p->outs[stream], data, most);
	if (size < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size <= 0 && p->is_terminal && !p->has_exited) {
		p->is_hung = 1;
		return;
	}
	if (size <= 0) {
		close_output(g, p, stream);
		return;
	}
	p->credit[stream] -= (size_t)size;
	struct frame frame = {(uint32_t)size, (uint16_t)p->number, FRAME_DATA, (uint8_t)(stream + 1), data};
	put_frame(&g->out, &frame);
}

/* Whether a stream has nothing left: its writers may live on, but what the process has written is in the pipe. */
static int is_drained(struct guest *g, struct process *p, int stream)
{
	if (p->outs[stream] < 0)
		return 1;
	size_t before = p->credit[stream];
	if (!before || !has_room(&g->out))
		return 0;
	pass_output(g, p, stream);
	return p->outs[stream] < 0 || p->credit[stream] == before;
}

/* Tells the end of a process when all its output has been sent; 1 when that was done. */
int finish(struct guest *g, struct process *p)
{
	if (!p->has_exited || p->status >= 0 || p->console >= 0)
		return 0;
	for (int stream = 0; stream < 2; stream++)
		if (!is_drained(g, p, stream))
			return 0;
	if (!p->is_failed || p->number == 0)
		put_number(&g->out, p->number, FRAME_EXITED, 0, (uint32_t)p->exit_status);
	close_process(p);
	return 1;
}
