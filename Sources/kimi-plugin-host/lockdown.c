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
void lock_filter_text(buffer *text) { (void)text; }

#else

#include <dirent.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
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

static int landlock(void) {
    enum { CREATE = 444, RESTRICT = 446, VERSION = 1 };
    long abi = syscall(CREATE, NULL, 0, VERSION);
    if (abi < 1) return errno;
    struct ruleset all = {0};
    all.fs = abi >= 5 ? 0xFFFF : abi >= 3 ? 0x7FFF : abi == 2 ? 0x3FFF : 0x1FFF;
    if (abi >= 4) all.net = 3;
    if (abi >= 6) all.scoped = 3;
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    long fd = syscall(CREATE, &all, size, 0);
    if (fd < 0) return errno;
    int error = syscall(RESTRICT, (int)fd, 0) == 0 ? 0 : errno;
    close((int)fd);
    return error;
}

/* ---------------------------------------------------------------- seccomp ------------------------- */

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#endif

/* What plain code needs, and nothing that opens, connects, makes a process or makes memory executable. */
static const int PLAIN[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_close, SYS_lseek, SYS_futex, SYS_munmap, SYS_mremap, SYS_madvise,
    SYS_brk, SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday, SYS_getrandom,
    SYS_exit, SYS_exit_group, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigtimedwait,
    SYS_sigaltstack, SYS_sched_yield, SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid,
    SYS_getegid, SYS_ppoll, SYS_sched_getaffinity, SYS_getrusage, SYS_restart_syscall, SYS_set_robust_list,
    SYS_fstat, SYS_uname, SYS_sysinfo, SYS_times,
#ifdef SYS_poll
    SYS_poll,
#endif
#ifdef SYS_time
    SYS_time,
#endif
#ifdef SYS_membarrier
    SYS_membarrier,
#endif
#ifdef SYS_rseq
    SYS_rseq,
#endif
};

/* What runtimes with threads of their own need besides (Go, Rust with threads, Python). */
static const int THREADS[] = {
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_pipe2, SYS_fcntl, SYS_timer_create,
    SYS_timer_settime, SYS_timer_delete, SYS_setitimer, SYS_sched_setaffinity, SYS_mincore,
};

static struct sock_filter program[256];
static unsigned short length;

static void add(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
    if (length < sizeof(program) / sizeof(*program)) program[length++] = (struct sock_filter){code, yes, no, k};
}

#define LOAD(member) add(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member), 0, 0)
#define RETURN(what) add(BPF_RET | BPF_K, what, 0, 0)
#define ERRNO(number) (SECCOMP_RET_ERRNO | (number))

static void allow(int call) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
    RETURN(SECCOMP_RET_ALLOW);
}

/* The accumulator holds the call's number before and after. */
static void allow_if(int call, int argument, uint16_t test, uint32_t value, bool wanted) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
    LOAD(args[argument]);
    add((uint16_t)(BPF_JMP | test | BPF_K), value, wanted ? 0 : 1, wanted ? 1 : 0);
    RETURN(SECCOMP_RET_ALLOW);
    RETURN(ERRNO(EPERM));
}

static void build(bool threads) {
    length = 0;
    LOAD(arch);
    add(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    RETURN(SECCOMP_RET_KILL_PROCESS);
    LOAD(nr);
#if defined(__x86_64__)
    add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* x32 */
    RETURN(SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < sizeof(PLAIN) / sizeof(*PLAIN); i++) allow(PLAIN[i]);
    allow_if(SYS_mmap, 2, BPF_JSET, PROT_EXEC, false);
    allow_if(SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false);
    allow_if(SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
    if (threads) {
        for (size_t i = 0; i < sizeof(THREADS) / sizeof(*THREADS); i++) allow(THREADS[i]);
        allow_if(SYS_clone, 0, BPF_JSET, CLONE_THREAD, true);
        add(BPF_JMP | BPF_JEQ | BPF_K, 435 /* clone3: its flags lie in memory */, 0, 1);
        RETURN(ERRNO(ENOSYS));
        allow_if(SYS_prctl, 0, BPF_JEQ, PR_SET_NAME, true);
#ifdef PR_SET_VMA
        (void)0;
#endif
    }
    RETURN(ERRNO(EPERM));
}

static int seccomp(bool threads) {
#if !defined(ARCH)
    return ENOSYS;
#else
    enum { FLAG_TSYNC = 1 };
    build(threads);
    struct sock_fprog filter = {length, program};
    long status = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FLAG_TSYNC, &filter);
    return status == 0 ? 0 : status > 0 ? ESRCH : errno;
#endif
}

void lock_filter_text(buffer *text) {
#if defined(ARCH)
    build(true);
    const uint8_t *bytes = (const uint8_t *)program;
    for (size_t i = 0; i < length * sizeof(*program); i++) {
        put_u8(text, (uint8_t)"0123456789abcdef"[bytes[i] >> 4]);
        put_u8(text, (uint8_t)"0123456789abcdef"[bytes[i] & 15]);
    }
#else
    (void)text;
#endif
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
    int error = landlock(); /* It needs a descriptor for a moment. */
    if (error) say(notice, "Landlock", error);
    limit(RLIMIT_NOFILE, threads ? MAX_FILES : PARENT + 1);
    if (!threads) limit(RLIMIT_NPROC, 0);
    error = seccomp(threads);
    if (error) say(notice, "seccomp", error);
}

#endif
