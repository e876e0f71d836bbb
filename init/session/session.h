/* The host's end of a guest: the supervisor that engines know as the container, and the relays that stand for its
 * further processes. */
#ifndef RINGFENCE_SESSION_H
#define RINGFENCE_SESSION_H

#include <poll.h>

#include "../net/tap.h"
#include "frames.h"

#define TAIL 4096
#define WIRES 3

/* What is still to be written to one of our own stdout and stderr. */
struct sink {
	int fd, is_last;
	size_t start, end;
	char data[FRAME_WINDOW];
};

/* Our own stdio, as the other end of a process' in the guest. */
struct front {
	struct outbox *out;
	int in, is_terminal, is_reading;
	size_t credit;
	struct sink sinks[2];
};

/* A tree that a client has had shown to the guest: where its owner has it, and where whoever serves the files does. */
struct shown {
	char source[4096], place[4096];
};

/* Whoever talks to the supervisor: a relay, or a verb of the runtime. */
struct client {
	int fd, has_process, has_hold;
	struct shown shown;
	struct inbox in;
	struct outbox out;
};

/* The last bytes of a stream that people may want to read when something has failed. If they want, all of it goes to
 * a file, up to a bound. Descriptors are -1 when there is none. */
struct tail {
	int fd, copy;
	size_t size, copied;
	char data[TAIL];
};

/* What connects the machine: the far ends of the control port, the monitor and the console, and the taps. */
struct wires {
	int ends[WIRES], taps[MAX_TAPS], tap_count;
};

struct polls {
	int count;
	struct pollfd list[256];
};

/* Questions of the guest's to the resolver at this address, by their numbers. */
struct names {
	uint32_t address;
	int asked[FRAME_QUESTIONS];
};

void watch(struct polls *polls, int fd, short events);
int happened(const struct polls *polls, int fd, short events);
int open_signals(void);
int is_welcome(int fd);
int may_send(int type);
int lend(int client, int what, int monitor);
void become_independent(struct run *r, int kept);
int confine(uint64_t kept);

void front_begin(struct front *f, struct outbox *out, int is_terminal);
void front_resize(struct front *f);
void front_watch(struct front *f, struct polls *polls);
int front_serve(struct front *f, const struct polls *polls);
int front_frame(struct front *f, const struct frame *frame);
int front_is_drained(const struct front *f);
int pass_signals(int signals, struct front *f, int *has_child);

void names_begin(struct names *n);
int names_ask(struct names *n, const struct frame *frame);
void names_watch(const struct names *n, struct polls *polls);
int names_serve(struct names *n, const struct polls *polls, struct outbox *out);

pid_t spawn_machine(struct run *r, const struct supervise *s, const struct wires *w, int heard[2], pid_t *daemon);
void tail_read(struct tail *t);
int show_files(int procfs, struct shown *s, const struct frame *frame, pid_t server, int is_daemon);
void hide_files(int procfs, struct shown *s, pid_t server);
int show_container(struct run *r, const struct list *shown);

#endif
