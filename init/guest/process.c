/* One process of a container: its plan is performed by a conductor, as on a host, and its reports are read. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "guest.h"

#define LARGEST_PLAN (8 << 20)

struct process *find_process(struct guest *g, int number)
{
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (g->processes[i].is_used && g->processes[i].number == number)
			return &g->processes[i];
	return NULL;
}

/* The first process of a container, while that lives. */
struct process *find_container(struct guest *g, uint32_t key)
{
	for (int i = 0; i < MAX_PROCESSES; i++) {
		struct process *p = &g->processes[i];
		if (p->is_used && p->is_container && p->key == key && !p->has_exited)
			return p;
	}
	return NULL;
}

struct process *open_process(struct guest *g, int number)
{
	for (int i = 0; i < MAX_PROCESSES; i++) {
		struct process *p = &g->processes[i];
		if (p->is_used)
			continue;
		memset(p, 0, sizeof *p);
		p->is_used = 1;
		p->number = number;
		p->is_container = number == 0;
		p->plan = p->status = p->gate = p->console = p->in = p->outs[0] = p->outs[1] = -1;
		p->credit[0] = p->credit[1] = FRAME_WINDOW;
		return p;
	}
	return NULL;
}

static void drop(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void close_process(struct process *p)
{
	int *held[] = {&p->plan, &p->status, &p->gate, &p->console, &p->in, &p->outs[0], &p->outs[1]};
	/* The two directions of a terminal are one descriptor. */
	if (p->in == p->outs[0])
		p->in = -1;
	for (size_t i = 0; i < sizeof held / sizeof *held; i++)
		drop(held[i]);
	if (p->pending)
		munmap(p->pending, FRAME_WINDOW);
	p->is_used = 0;
}

int add_to_plan(struct process *p, const struct frame *frame)
{
	struct stat st;
	if (p->plan < 0)
		p->plan = memfd_create("plan", MFD_CLOEXEC);
	if (p->plan < 0 || fstat(p->plan, &st) < 0 || st.st_size + frame->size > LARGEST_PLAN)
		return -1;
	return write(p->plan, frame->data, frame->size) == (ssize_t)frame->size ? 0 : -1;
}

/* What the conductor gets, and our ends of it. */
struct ends {
	int stdio[3], slots[GUEST_SLOTS];
};

static int make_pipe(int *ours, int *theirs, int ours_reads)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	*ours = ends[!ours_reads];
	*theirs = ends[ours_reads];
	return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static int make_console(struct process *p, struct ends *ends)
{
	int pair[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	p->console = pair[0];
	ends->slots[3] = pair[1];
	return 0;
}

static int null_end(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int make_ends(struct guest *g, struct process *p, struct ends *ends)
{
	/* A further container of the machine may share namespaces of the first one. */
	struct process *container = p->number ? find_container(g, p->is_container ? 0 : p->key) : NULL;
	if (p->number && !container) {
		errno = ESRCH;
		return -1;
	}
	for (int i = 0; i < 3; i++)
		ends->stdio[i] = null_end();
	for (int i = 0; i < GUEST_SLOTS; i++)
		ends->slots[i] = null_end();
	if (container) {
		close(ends->slots[4]);
		ends->slots[4] = (int)syscall(SYS_pidfd_open, container->pid, 0);
	}
	close(ends->slots[0]);
	ends->slots[0] = p->plan;
	p->plan = -1;
	if (make_pipe(&p->status, &ends->slots[1], 1) || make_pipe(&p->gate, &ends->slots[2], 0))
		return -1;
	if (p->is_terminal)
		return make_console(p, ends);
	return make_pipe(&p->in, &ends->stdio[0], 0) || make_pipe(&p->outs[0], &ends->stdio[1], 1) ||
	       make_pipe(&p->outs[1], &ends->stdio[2], 1);
}

static void close_ends(struct ends *ends)
{
	for (int i = 0; i < 3; i++)
		close(ends->stdio[i]);
	for (int i = 0; i < GUEST_SLOTS; i++)
		close(ends->slots[i]);
}

/* Puts the descriptors where a conductor looks for them; copies first, so that none is overwritten on the way. */
static _Noreturn void become_conductor(struct ends *ends)
{
	int copies[3 + GUEST_SLOTS];
	for (int i = 0; i < 3 + GUEST_SLOTS; i++)
		copies[i] = fcntl(i < 3 ? ends->stdio[i] : ends->slots[i - 3], F_DUPFD_CLOEXEC, 512);
	for (int i = 0; i < 3 + GUEST_SLOTS; i++)
		if (dup2(copies[i], i) < 0)
			_exit(1);
	conduct(3, GUEST_SLOTS);
}

/* Performs the plan of a process. Without one that is born of it the end of the plan is what is told. */
int begin_process(struct guest *g, struct process *p, int mode)
{
	struct ends ends;
	if (mode & FRAME_MEMBER && (!p->key || find_container(g, p->key))) {
		errno = EEXIST;
		return -1;
	}
	p->is_terminal = mode & 1;
	p->has_birth = mode != FRAME_NO_PROCESS;
	p->is_container |= mode & FRAME_MEMBER;
	int bad = make_ends(g, p, &ends), why = errno;
	pid_t pid = bad ? -1 : fork();
	if (pid == 0)
		become_conductor(&ends);
	why = bad ? why : errno;
	close_ends(&ends);
	errno = why;
	return pid < 0 ? -1 : 0;
}

int tell_failure(struct guest *g, int number, int step, int why, const char *text)
{
	char data[8 + DETAIL_SIZE];
	size_t size = strlen(text);
	memcpy(data, &step, 4);
	memcpy(data + 4, &why, 4);
	memcpy(data + 8, text, size);
	struct frame frame = {8 + (uint32_t)size, (uint16_t)number, FRAME_FAILED, 0, data};
	return put_frame(&g->out, &frame);
}

static void note_end(struct guest *g, struct process *p, int status)
{
	p->has_exited = 1;
	p->exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (p->fatal && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
		p->exit_status = 128 + p->fatal;
	g->is_ending |= p->number == 0;
	if (p->number == 0)
		tell_end(g, p, status);
	if (p->is_container)
		signal_all(p->key, SIGKILL);
}

/* A short program may have ended before its conductor has said that it was born. */
static void claim(struct guest *g, struct process *p, pid_t pid)
{
	p->pid = pid;
	for (int i = 0; i < MAX_PROCESSES; i++)
		if (g->unclaimed[i].pid == pid) {
			g->unclaimed[i].pid = 0;
			note_end(g, p, g->unclaimed[i].status);
		}
}

/* Who is told whether a process runs: whoever has started it, if that is another than its own end. */
static int teller(const struct process *p)
{
	return p->starter ? p->starter : p->number;
}

static void take_record(struct guest *g, struct process *p, const struct record *record)
{
	char text[DETAIL_SIZE + 1];
	memcpy(text, record->text, record->size);
	text[record->size] = 0;
	if (record->kind == REPORT_BORN)
		claim(g, p, (pid_t)record->value);
	if (record->kind == REPORT_READY) {
		if (p->is_container && !p->is_ready)
			put_number(&g->out, p->number, FRAME_READY, 0, (uint32_t)p->pid);
		p->is_ready = 1;
		if (p->number == 0)
			watch_kills(g);
	}
	if (record->kind == REPORT_WARNING && g->is_domain) {
		struct frame frame = {record->size, (uint16_t)p->number, FRAME_NOTE, 0, text};
		put_frame(&g->out, &frame);
	}
	if (record->kind == REPORT_FAILED && !p->is_failed) {
		p->is_failed = 1;
		if (p->number == 0)
			tell_status(g, 255, "failed");
		tell_failure(g, teller(p), (int)record->step, (int)record->value, text);
	}
}

/* The end of the reports is the moment of the exec, or of a death. */
static void end_reports(struct guest *g, struct process *p)
{
	int to = teller(p), is_done = p->is_ready || !p->has_birth;
	drop(&p->status);
	if (!p->is_failed && is_done && to != p->number && p->number)
		put_number(&g->out, p->number, FRAME_STARTED, 0, (uint32_t)p->pid);
	if (!p->is_failed && is_done)
		put_number(&g->out, to, FRAME_STARTED, 0, (uint32_t)p->pid);
	else if (!p->is_failed)
		tell_failure(g, to, 0, 0, "the init ended without a word");
	p->is_failed |= !is_done;
	if (p->pid)
		return;
	g->is_over |= g->is_domain && p->number == 0;
	close_process(p);
}

void read_reports(struct guest *g, struct process *p)
{
	ssize_t size = read(p->status, p->reports + p->reports_size, sizeof p->reports - p->reports_size);
	if (size < 0)
		return;
	p->reports_size += (size_t)size;
	struct record *record = (struct record *)p->reports;
	while (p->reports_size >= offsetof(struct record, text)) {
		size_t whole = offsetof(struct record, text) + record->size;
		if (p->reports_size < whole)
			break;
		take_record(g, p, record);
		memmove(p->reports, p->reports + whole, p->reports_size - whole);
		p->reports_size -= whole;
	}
	if (size == 0)
		end_reports(g, p);
}

/* The terminal's master comes from the process that has opened it (OpenConsole). */
void receive_terminal(struct process *p)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	char name[64];
	struct iovec data = {name, sizeof name};
	struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control,
				 .msg_controllen = sizeof control.space};
	ssize_t size = recvmsg(p->console, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	struct cmsghdr *head = size > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (size < 0 && errno == EAGAIN)
		return;
	drop(&p->console);
	if (!head || head->cmsg_type != SCM_RIGHTS)
		return;
	memcpy(&p->in, CMSG_DATA(head), sizeof p->in);
	p->outs[0] = p->in;
	fcntl(p->in, F_SETFL, O_NONBLOCK);
}

void reap(struct guest *g)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct process *p = NULL;
		for (int i = 0; i < MAX_PROCESSES && !p; i++)
			if (g->processes[i].is_used && g->processes[i].pid == pid)
				p = &g->processes[i];
		if (p)
			note_end(g, p, status);
		else
			g->unclaimed[g->unclaimed_next++ % MAX_PROCESSES] = (struct ended){pid, status};
	}
}
