/* The init as the first process of a guest: it boots, performs the container's plan as the runtime would on a host,
 * and is the other end of the supervisor's frames. */
#ifndef RINGFENCE_GUEST_H
#define RINGFENCE_GUEST_H

#include <netinet/in.h>

#include "../session/frames.h"

#define MAX_PROCESSES 64
#define CGROUPS "/sys/fs/cgroup/"
#define CGROUP "container"      /* that of the machine's own container */
#define MEMBER_CGROUP "member-" /* and of another one in it, with its key behind */

/* One process of a container, from the first piece of its plan until the host has been told how it ended. Descriptors
 * are -1 when there is none. */
struct process {
	int is_used, number, plan, is_terminal, has_birth;
	int is_container; /* the first process of the container with this key; others belong to it */
	uint32_t key;
	pid_t pid;
	int status, gate, console, in, outs[2];
	size_t credit[2];
	char *pending; /* what is to go to its standard input */
	size_t pending_start, pending_end;
	int is_pending_last, is_hung, is_ready, is_failed, has_exited, exit_status;
	int fatal;   /* the signal for which it was killed, as it had no handler */
	int starter; /* the process number to which STARTED of a container goes */
	char reports[4096];
	size_t reports_size;
};

/* How a process ended of which no report has said yet that it was born. */
struct ended {
	pid_t pid;
	int status;
};

/* Who has asked the network's resolver; ``next`` is the place of the next question. */
struct names {
	int fd, next;
	struct sockaddr_in askers[FRAME_QUESTIONS];
};

struct guest {
	struct inbox in;
	struct outbox out;
	struct process processes[MAX_PROCESSES];
	struct ended unclaimed[MAX_PROCESSES];
	unsigned unclaimed_next;
	struct names names;
	int signals, is_ending, kills;
	int is_domain, has_reported, is_over, is_heard; /* what only a domain of Xen's needs */
	uint32_t kill_count;
	char digest[16];
};

int boot(struct guest *g);
int open_console(void);
int keep_from_ramdisk(const char *root);
void tell_status(struct guest *g, int status, const char *word);
void tell_end(struct guest *g, const struct process *p, int status);
void nap(void);
void complain(const char *what, int why);
_Noreturn void power_off(void);
_Noreturn void power_off_domain(void);

struct process *find_process(struct guest *g, int number);
struct process *find_container(struct guest *g, uint32_t key);
struct process *open_process(struct guest *g, int number);
void close_process(struct process *p);
int add_to_plan(struct process *p, const struct frame *frame);
int begin_process(struct guest *g, struct process *p, int mode);
void read_reports(struct guest *g, struct process *p);
void receive_terminal(struct process *p);
void reap(struct guest *g);
int tell_failure(struct guest *g, int number, int step, int why, const char *text);

int accept_input(struct guest *g, struct process *p, const struct frame *frame);
void pass_input(struct guest *g, struct process *p);
void pass_output(struct guest *g, struct process *p, int stream);
void close_input(struct process *p);
int finish(struct guest *g, struct process *p);

void signal_process(struct process *p, int number);
size_t read_whole(const char *path, char *data, size_t size);
int list_processes(struct guest *g, int number, uint32_t key);
int measure(struct guest *g, int number, uint32_t key);
void watch_kills(struct guest *g);
void tell_kills(struct guest *g);
int has_killed(const struct guest *g);
int serve_names(struct guest *g, const struct frame *frame);
void pass_questions(struct guest *g);
int pass_answer(struct guest *g, const struct frame *frame);
int signal_all(uint32_t key, int number);
const char *cgroup_file(uint32_t key, const char *name);
_Noreturn void serve(struct guest *g);

#endif
