/* The init performs a plan: it reads the steps that ringfence has decided on and does them one by one.
 *
 * It starts as the conductor, in the namespaces of its caller, and gives birth to the process of the container with
 * Clone; that process performs the steps of the second part. It knows nothing of OCI and allocates nothing: texts are
 * used where they lie in the plan, and what has to be laid out anew goes to one arena mapped at the start. */
#ifndef RINGFENCE_INIT_H
#define RINGFENCE_INIT_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "kernel.h"
#include "steps.h"

#define MAX_CGROUPS 32
#define MAX_SOURCES 256
#define DETAIL_SIZE 1024

enum report {
	REPORT_FAILED = 1,
	REPORT_BORN,
	REPORT_INTERMEDIATE,
	REPORT_WARNING,
	REPORT_READY,
	REPORT_DONE,
	REPORT_DEBUG,
	REPORT_LISTENER,
	REPORT_UNIT,
};

/* What goes to the runtime over the status pipe. */
struct record {
	uint32_t kind, step;
	int64_t value;
	uint32_t size, unused;
	char text[DETAIL_SIZE];
};

struct plan {
	const char *data;
	uint32_t size, flags, first, birth, inside, kept;
	const char *at; /* the next step */
};

struct arena {
	char *data;
	size_t size, used;
};

/* What one process of the init holds. Descriptors are -1 when there is none. */
struct run {
	struct plan plan;
	struct arena arena;
	uint32_t step;	 /* number of the step at hand */
	int slots, slots_end, status, procfs, pair;
	int cgroups[MAX_CGROUPS], cgroup_count, unified;
	int sources[MAX_SOURCES];
	int root, mounted, masking;
	pid_t child;
	int is_intermediate, intermediate_pipe, is_gated;
	int directory_errno, exit_status;
	const char *home, *executable;
	char detail[DETAIL_SIZE]; /* what the failing step has to say beside errno */
};

_Noreturn void conduct(int slots, int count);
_Noreturn void perform_inside(struct run *r);
void forget_signals(void);
_Noreturn void guest_main(int is_domain);
int is_callout(const char *name);
int call_out(void);

int read_plan(struct run *r, int fd);
int use_plan(struct run *r, const char *data, size_t size);
int next_step(struct run *r, uint32_t *kind, union any_step *step);
void skip_step(struct run *r);
const char *list_next(const char *text, uint64_t *size);
char **vector_with_home(struct run *r, const struct list *list, int wanted);
char **list_vector(struct run *r, const struct list *list, unsigned spare);
void *arena_take(struct run *r, size_t size);

int say(struct run *r, ...) __attribute__((sentinel));
void report(struct run *r, enum report kind, int64_t value, const char *text);
char *number_text(char *end, int64_t value);

int root_open(struct run *r, const char *path, uint64_t flags, uint64_t resolve);
int root_make(struct run *r, const char *path, mode_t type);
int root_parent(struct run *r, const char *path, const char **name);
int write_at(int dir, const char *path, const char *data, size_t size);
int on_procfs(int fd);
int open_slot_path(struct run *r, int fd, int flags);
int is_null_device(int fd);

int propagate(int fd, int64_t flags);
int copy_tree(struct run *r, int from, int to);
int attach_clone(int from, int target, struct mount_attr *attributes, unsigned recursive);
int run_child_hook(struct run *r, const struct run_hook *hook, pid_t pid);
int send_descriptor(int socket, const char *text, int fd);
pid_t give_birth(struct run *r, const struct clone *s);

#define STEP(number, name, ...) int do_##name(struct run *r, const struct name *s);
EACH_STEP(STEP)
#undef STEP

#endif
