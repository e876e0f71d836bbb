/* Reads a plan. Everything is checked once, before the first step is performed: a plan that is cut, too long or of
 * another version is refused whole. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "init.h"

#define HEADER_SIZE 32
#define MAX_FIELDS 24

#define STEP(number, name, ...) [number] = {__VA_ARGS__},
static const unsigned char field_table[STEP_KINDS + 1][MAX_FIELDS] = {EACH_STEP(STEP)};
#undef STEP

static uint32_t u32_at(const char *p)
{
	uint32_t value;
	memcpy(&value, p, sizeof value);
	return value;
}

/* Takes `size` bytes off a region; NULL when it has fewer. */
static const char *take(const char **at, const char *end, uint64_t size)
{
	const char *start = *at;
	if ((uint64_t)(end - start) < size)
		return NULL;
	*at = start + size;
	return start;
}

static int take_text(const char **at, const char *end, struct text *text)
{
	const char *head = take(at, end, 4);
	if (!head)
		return -1;
	text->size = u32_at(head);
	text->data = take(at, end, text->size + 1);
	return text->data && text->data[text->size] == 0 ? 0 : -1;
}

static int take_list(const char **at, const char *end, struct list *list)
{
	const char *head = take(at, end, 8);
	if (!head)
		return -1;
	list->count = u32_at(head);
	list->size = u32_at(head + 4);
	list->data = take(at, end, list->size);
	if (!list->data)
		return -1;
	const char *item = list->data, *last = list->data + list->size;
	struct text text;
	for (uint32_t i = 0; i < list->count; i++)
		if (take_text(&item, last, &text))
			return -1;
	return item == last ? 0 : -1;
}

/* Lays a step's fields out as its C structure: eight bytes for a number, sixteen for a text or a list. */
static int decode(const unsigned char *fields, const char *at, const char *end, union any_step *step)
{
	char *out = (char *)step;
	for (; *fields != FIELD_END; fields++) {
		int bad = 0;
		if (*fields == FIELD_NUMBER) {
			const char *number = take(&at, end, 8);
			if (!number)
				return -1;
			memcpy(out, number, 8);
			out += 8;
			continue;
		}
		if (*fields == FIELD_TEXT)
			bad = take_text(&at, end, (struct text *)out);
		else
			bad = take_list(&at, end, (struct list *)out);
		if (bad)
			return -1;
		out += sizeof(struct text);
	}
	return at == end ? 0 : -1;
}

static int step_at(const char **at, const char *end, uint32_t *kind, union any_step *step)
{
	const char *head = take(at, end, 8);
	if (!head)
		return -1;
	*kind = u32_at(head);
	const char *body = take(at, end, u32_at(head + 4));
	if (!body || *kind == 0 || *kind > STEP_KINDS)
		return -1;
	return decode(field_table[*kind], body, *at, step);
}

static int check_plan(struct plan *plan)
{
	const char *head = plan->data, *at = plan->data + HEADER_SIZE, *end = plan->data + plan->size;
	union any_step step;
	uint32_t kind;
	if (plan->size < HEADER_SIZE || u32_at(head) != PLAN_MAGIC || u32_at(head + 4) != PLAN_VERSION ||
	    u32_at(head + 8) != plan->size)
		return -1;
	plan->flags = u32_at(head + 12);
	plan->first = u32_at(head + 16);
	plan->birth = u32_at(head + 20);
	plan->inside = u32_at(head + 24);
	plan->kept = u32_at(head + 28);
	if (plan->birth > plan->size || plan->inside > plan->size)
		return -1;
	for (uint32_t i = 0; i < plan->birth + plan->inside; i++)
		if (step_at(&at, end, &kind, &step))
			return -1;
	plan->at = plan->data + HEADER_SIZE;
	return at == end ? 0 : -1;
}

/* Checks a plan and maps an arena large enough for the pointers to all its texts. */
int use_plan(struct run *r, const char *data, size_t size)
{
	r->plan.data = data;
	r->plan.size = (uint32_t)size;
	if (check_plan(&r->plan)) {
		errno = EBADMSG;
		return -1;
	}
	r->arena.used = 0;
	r->arena.size = 2 * size + 65536;
	r->arena.data = mmap(NULL, r->arena.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return r->arena.data == MAP_FAILED ? -1 : 0;
}

int read_plan(struct run *r, int fd)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_size < HEADER_SIZE || st.st_size > INT32_MAX) {
		errno = EBADMSG;
		return -1;
	}
	const char *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	return data == MAP_FAILED ? -1 : use_plan(r, data, (size_t)st.st_size);
}

int next_step(struct run *r, uint32_t *kind, union any_step *step)
{
	r->step++;
	return step_at(&r->plan.at, r->plan.data + r->plan.size, kind, step);
}

void skip_step(struct run *r)
{
	r->step++;
	r->plan.at += 8 + u32_at(r->plan.at + 4);
}

/* The text at a place in a checked list; its size is stored, the next text follows its NUL. */
const char *list_next(const char *text, uint64_t *size)
{
	*size = u32_at(text);
	return text + 4;
}

void *arena_take(struct run *r, size_t size)
{
	size = (size + 15) & ~(size_t)15;
	if (r->arena.size - r->arena.used < size) {
		errno = ENOMEM;
		return NULL;
	}
	void *taken = r->arena.data + r->arena.used;
	r->arena.used += size;
	return taken;
}

/* A NULL-ended vector of pointers into the plan, with `spare` empty places before the end. */
char **list_vector(struct run *r, const struct list *list, unsigned spare)
{
	char **vector = arena_take(r, (list->count + spare + 1) * sizeof *vector);
	const char *at = list->data;
	if (!vector)
		return NULL;
	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t size;
		const char *text = list_next(at, &size);
		vector[i] = (char *)text;
		at = text + size + 1;
	}
	for (unsigned i = 0; i <= spare; i++)
		vector[list->count + i] = NULL;
	return vector;
}
