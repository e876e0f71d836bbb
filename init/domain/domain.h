/* The process in dom0 that stands for a Xen domain's container. */
#ifndef RINGFENCE_DOMAIN_H
#define RINGFENCE_DOMAIN_H

#include "../session/session.h"

#define MAX_DOMAIN_CLIENTS 8
#define LOOK_SIZE 2048

enum sight { SEEN_NOTHING, SEEN_RUNNING, SEEN_OVER, SEEN_GONE };

/* One run of the command that tells how the domain is; fd and pid are -1 when none is under way. */
struct look {
	const struct list *words;
	const char *uuid;
	int fd;
	pid_t pid;
	int64_t end;
	size_t size;
	char text[LOOK_SIZE];
	char reason; /* of a domain that is over: a digit, or '-' */
};

/* A verb of the runtime's. */
struct caller {
	int fd;
	struct inbox in;
	struct outbox out;
};

struct watcher {
	struct run *r;
	const struct watch_domain *step;
	struct inbox in;
	struct outbox out;
	struct envelope line;
	struct front front;
	struct caller callers[MAX_DOMAIN_CLIENTS];
	struct look look;
	int listener, signals, oom, said, starter, store;
	uint32_t kills;
	int64_t patience, next_look, torn; /* moments; 0 for none */
	int64_t ending, drained;
	unsigned noises;
	int is_lost, is_asked, has_greeted, is_ready, is_running, has_exited, is_heard, is_over, exit_status;
};

pid_t run_command(struct run *r, const struct list *words, int output);
int look_begin(struct run *r, struct look *l);
enum sight look_hear(struct look *l);
enum sight look_late(struct look *l);

int tell(struct watcher *w, int i, const struct frame *frame);
void tell_starter(struct watcher *w, int step, int why, const char *text, size_t size);
void accept_caller(struct watcher *w);
void serve_callers(struct watcher *w, const struct polls *polls);
int hear_domain(struct watcher *w);
int start_container(struct watcher *w);

#endif
