/* What an isolated plugin may not do, told to the kernel. Linux; elsewhere the process alone is the wall.
 * Everything by raw system call and with constants of our own: it builds with older headers than the kernel it meets. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "server.h"

static void say(buffer *notice, const char *what, int error) {
    char line[160];
    int n = snprintf(line, sizeof(line), "%s%s: %s", notice->count ? "; " : "", what, strerror(error));
    memcpy(buffer_room(notice, (size_t)n), line, (size_t)n);
    notice->count += (size_t)n;
}

#if !defined(__linux__)

void lock_process(int parent) { (void)parent; }
void lock_down(buffer *notice) { say(notice, "lockdown is built for Linux only", ENOSYS); }
void lock_loading(bool is_python) { (void)is_python; }

#else

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { MAX_DATA = 1 << 30, MAX_FILES = 16, MAX_STACK = 64 << 20 };

static void limit(int what, rlim_t most) {
    struct rlimit old, new;
    if (getrlimit((__rlimit_resource_t)what, &old) != 0) return;
    new.rlim_max = most < old.rlim_max ? most : old.rlim_max;
    new.rlim_cur = new.rlim_max;
    setrlimit((__rlimit_resource_t)what, &new);
}

static void close_others(void) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, PARENT + 1, ~0u, 0) == 0) return;
#endif
    for (int fd = PARENT + 1; fd < 65536; fd++) close(fd);
}

/* A crash is a crash: no runtime's handler shall stand in between (Swift's wants to start a program). */
static void default_signals(void) {
    static const int CRASHES[] = {SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    for (size_t i = 0; i < sizeof(CRASHES) / sizeof(*CRASHES); i++) signal(CRASHES[i], SIG_DFL);
}

void lock_process(int parent) {
    close_others();
    default_signals();
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(EXIT_PARENT_GONE); /* It died before the line above. */
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_DATA, MAX_DATA);
    limit(RLIMIT_STACK, MAX_STACK);
}

/* ---------------------------------------------------------------- Landlock ------------------------ */

struct ruleset {
    uint64_t fs, net, scoped;
};

enum { FS_EXECUTE = 1, FS_WRITE = 2, FS_READ = 4 | 8, FS_TRUNCATE = 1 << 14, FS_IOCTL = 1 << 15, FS_ALL = 0xFFFF };
enum { LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION = 1, LANDLOCK_TSYNC = 8 };

/* Takes `fs` away, and TCP, and signals and abstract sockets of others, as far as the kernel can. For this thread and
 * those that it starts; for all there are with kernels that can do that. 0 or an errno. */
static int landlock(uint64_t fs) {
    long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION);
    if (abi < 1) return errno;
    struct ruleset all = {0};
    all.fs = fs & (abi >= 5 ? 0xFFFF : abi >= 3 ? 0x7FFF : abi == 2 ? 0x3FFF : 0x1FFF);
    if (abi >= 4) all.net = 3;
    if (abi >= 6) all.scoped = 3;
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    long fd = syscall(LANDLOCK_CREATE, &all, size, 0);
    if (fd < 0) return errno;
    int error = syscall(LANDLOCK_RESTRICT, (int)fd, abi >= 8 ? LANDLOCK_TSYNC : 0) == 0 ? 0 : errno;
    close((int)fd);
    return error;
}

/* Before any thread of the plugin's can be: what is taken now is taken from those too. The program of a plugin in Python
 * may be a script that starts the interpreter; the binding brings the filter in (kimi_plugin.py). What does not work is
 * told by lock_down, which finds the same. */
void lock_loading(bool is_python) {
    landlock(is_python ? FS_ALL & ~(FS_EXECUTE | FS_READ | FS_WRITE | FS_TRUNCATE | FS_IOCTL) : FS_ALL & ~FS_READ);
    if (!is_python) filter_install(FILTER_LOADING);
}

static bool has_threads(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return false;
    int n = 0;
    for (struct dirent *entry; (entry = readdir(tasks));) n += entry->d_name[0] != '.';
    closedir(tasks);
    return n > 1;
}

void lock_down(buffer *notice) {
    bool threads = has_threads();
    if (!threads) default_signals(); /* Runtimes with threads, such as Go's, work with theirs. */
    close_others(); /* What loading has left open. */
    prctl(PR_SET_DUMPABLE, 0);
    int error = landlock(FS_ALL); /* It needs a descriptor for a moment. */
    if (error) say(notice, "Landlock", error);
    limit(RLIMIT_NOFILE, threads ? MAX_FILES : PARENT + 1);
    if (!threads) limit(RLIMIT_NPROC, 0);
    error = filter_install(threads ? FILTER_THREADS : FILTER_PLAIN);
    if (error) say(notice, "seccomp", error);
}

#endif
