/* What the init tells the runtime, over one pipe that both of its processes write to. */
#include <stdarg.h>

#include "init.h"

/* One write, shorter than PIPE_BUF, so records of two processes never mix (pipe(7)). */
void report(struct run *r, enum report kind, int64_t value, const char *text)
{
	struct record record = {.kind = kind, .step = r->step, .value = value};
	size_t size = text ? strlen(text) : 0;
	if (r->status < 0)
		return;
	if (size > sizeof record.text)
		size = sizeof record.text;
	record.size = (uint32_t)size;
	if (size)
		memcpy(record.text, text, size);
	ssize_t ignored = write(r->status, &record, offsetof(struct record, text) + size);
	(void)ignored;
}

/* Keeps the pieces as the detail of the failure at hand and returns -1 with errno untouched. */
int say(struct run *r, ...)
{
	va_list pieces;
	size_t used = 0;
	va_start(pieces, r);
	for (const char *piece = va_arg(pieces, const char *); piece; piece = va_arg(pieces, const char *))
		while (*piece && used + 1 < sizeof r->detail)
			r->detail[used++] = *piece++;
	va_end(pieces);
	r->detail[used] = 0;
	return -1;
}

/* Decimal digits written backwards from the end of a buffer of at least 24 bytes. */
char *number_text(char *end, int64_t value)
{
	uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
	*--end = 0;
	do
		*--end = (char)('0' + left % 10);
	while (left /= 10);
	if (value < 0)
		*--end = '-';
	return end;
}
