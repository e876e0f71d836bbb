/* What libc.so.7 and libjail.so.1 of FreeBSD have and no other system does: a jail is a changed root and a mark that
 * children inherit. It lies in a folder beside the stand-ins' state. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FIRST_SCORE = 100, P_PID = 0, PROC_TRACE_CTL = 7, PROC_TRACE_CTL_DISABLE = 2 };

int jail_attach(int jid);
int procctl(int idtype, long long id, int command, void *data);

/* The kernel refuses a process that holds a folder: by that the jailed could leave their root. */
static int holds_folder(void)
{
    DIR *listing = opendir("/proc/self/fd");
    int found = 0;
    for (struct dirent *entry; listing && (entry = readdir(listing));) {
        struct stat facts;
        int number = atoi(entry->d_name);
        if (entry->d_name[0] != '.' && number != dirfd(listing) && fstat(number, &facts) == 0 && S_ISDIR(facts.st_mode))
            found = 1;
    }
    if (listing)
        closedir(listing);
    return found;
}

static int read_text(const char *path, char *text, size_t size)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? -1 : read(file, text, size - 1);
    if (file >= 0)
        close(file);
    if (length < 0)
        return -1;
    text[length] = 0;
    return 0;
}

static int mark(int jid)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");
    if (!file)
        return -1;
    fprintf(file, "%d", FIRST_SCORE + jid);
    return fclose(file);
}

int jail_attach(int jid)
{
    Dl_info own;
    char path[PATH_MAX], root[PATH_MAX];
    if (!dladdr((void *)jail_attach, &own))
        return errno = ENOSYS, -1;
    if (geteuid() != 0 || holds_folder())
        return errno = EPERM, -1;
    const char *slash = strrchr(own.dli_fname, '/');
    snprintf(path, sizeof path, "%.*s/../state/jail.%d", (int)(slash - own.dli_fname), own.dli_fname, jid);
    if (read_text(path, root, sizeof root) != 0)
        return errno = EINVAL, -1;
    return mark(jid) || chroot(root) || chdir("/") ? -1 : 0;
}

int procctl(int idtype, long long id, int command, void *data)
{
    if (idtype != P_PID || (id != 0 && id != getpid()) || command != PROC_TRACE_CTL)
        return errno = EINVAL, -1;
    return prctl(PR_SET_DUMPABLE, *(int *)data == PROC_TRACE_CTL_DISABLE ? 0 : 1);
}
