/* Which system calls an isolated plugin may make, as seccomp filters: one while it is loaded, which leaves files readable
 * and threads possible, and one afterwards. Constants that older headers lack are written as numbers. */
#define _GNU_SOURCE
#include "server.h"

#include <errno.h>

#if !defined(__linux__)

int filter_install(filter_kind kind) { (void)kind; return ENOSYS; }
void filter_text(filter_kind kind, buffer *text) { (void)kind, (void)text; }
int filter_call(void) { return -1; }

#else

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2, SYS_pipe2, SYS_timer_create,
    SYS_timer_settime, SYS_timer_delete, SYS_setitimer, SYS_mincore,
};

/* While it is loaded: no processes, no sockets, nothing done to others, and nothing that would work on past the second
 * filter (io_uring) or would keep the process alive without its parent. */
static const int NOT_LOADING[] = {
    SYS_execve, SYS_execveat, SYS_setsid, SYS_setpgid, SYS_tkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp, SYS_setpriority, SYS_ioprio_set,
    SYS_migrate_pages, SYS_move_pages, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
    SYS_perf_event_open, SYS_bpf, SYS_userfaultfd, SYS_unshare, SYS_setns, SYS_socket, SYS_keyctl, SYS_add_key,
    SYS_request_key, SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid,
    SYS_setfsgid, SYS_setgroups, SYS_mount, SYS_umount2, SYS_chroot, SYS_pivot_root, SYS_reboot, SYS_swapon,
    SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_kexec_load, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex,
    SYS_clock_adjtime, SYS_sethostname, SYS_acct, SYS_shmget, SYS_msgget, SYS_semget, SYS_mq_open,
    424 /* pidfd_send_signal */, 425, 426, 427 /* io_uring */,
    438 /* pidfd_getfd */, 440 /* process_madvise */, 448 /* process_mrelease */,
#ifdef SYS_fork
    SYS_fork,
#endif
#ifdef SYS_vfork
    SYS_vfork,
#endif
#ifdef SYS_iopl
    SYS_iopl, SYS_ioperm,
#endif
};

/* fcntl: descriptors and their flags. No F_SETOWN and F_SETSIG: with O_ASYNC they have the kernel send signals. */
static const uint32_t PLAIN_FCNTL[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC};
static const uint32_t SIGNAL_FCNTL[] = {F_SETOWN, F_SETSIG, F_SETOWN_EX, F_SETLEASE, F_NOTIFY};
static const uint32_t SIGNAL_IOCTL[] = {FIOASYNC, 0x8901 /* FIOSETOWN */, 0x8902 /* SIOCSPGRP */};
static const uint32_t PARENT_PRCTL[] = {PR_SET_PDEATHSIG};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

static struct sock_filter program[512];
static size_t length; /* beyond the array: it does not fit */

static void add(uint16_t code, uint32_t k, uint8_t yes, uint8_t no) {
    if (length < COUNT(program)) program[length] = (struct sock_filter){code, yes, no, k};
    length++;
}

#define LOAD(member) add(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, member), 0, 0)
#define RETURN(what) add(BPF_RET | BPF_K, what, 0, 0)
#define ERRNO(number) (SECCOMP_RET_ERRNO | (number))

/* In all of these the accumulator holds the call's number before and, for other calls, after. */
static void answer(int call, uint32_t what) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 1);
    RETURN(what);
}

static void allow_if(int call, int argument, uint16_t test, uint32_t value, bool wanted) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
    LOAD(args[argument]);
    add((uint16_t)(BPF_JMP | test | BPF_K), value, wanted ? 0 : 1, wanted ? 1 : 0);
    RETURN(SECCOMP_RET_ALLOW);
    RETURN(ERRNO(EPERM));
}

/* By an argument that is, or is not, one of a list. */
static void choose(int call, int argument, const uint32_t *list, size_t n, uint32_t listed, uint32_t others) {
    add(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(n + 3));
    LOAD(args[argument]);
    for (size_t i = 0; i < n; i++) add(BPF_JMP | BPF_JEQ | BPF_K, list[i], (uint8_t)(n - i), 0);
    RETURN(others);
    RETURN(listed);
}

/* F_SETFL without O_ASYNC is allowed, with it refused; other commands go on. */
static void flags_without_signals(void) {
    add(BPF_JMP | BPF_JEQ | BPF_K, SYS_fcntl, 0, 7);
    LOAD(args[1]);
    add(BPF_JMP | BPF_JEQ | BPF_K, F_SETFL, 0, 4);
    LOAD(args[2]);
    add(BPF_JMP | BPF_JSET | BPF_K, O_ASYNC, 1, 0);
    RETURN(SECCOMP_RET_ALLOW);
    RETURN(ERRNO(EPERM));
    LOAD(nr);
}

static void threads_only(void) {
    allow_if(SYS_clone, 0, BPF_JSET, CLONE_THREAD, true);
    answer(435 /* clone3: its flags lie in memory */, ERRNO(ENOSYS));
    allow_if(SYS_sched_setaffinity, 0, BPF_JEQ, 0, true); /* The calling thread's. */
}

static void build_loading(void) {
    for (size_t i = 0; i < COUNT(NOT_LOADING); i++) answer(NOT_LOADING[i], ERRNO(EPERM));
    threads_only();
    allow_if(SYS_kill, 0, BPF_JEQ, (uint32_t)getpid(), true);
    allow_if(SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
    allow_if(SYS_prlimit64, 0, BPF_JEQ, 0, true);
    flags_without_signals();
    choose(SYS_fcntl, 1, SIGNAL_FCNTL, COUNT(SIGNAL_FCNTL), ERRNO(EPERM), SECCOMP_RET_ALLOW);
    choose(SYS_ioctl, 1, SIGNAL_IOCTL, COUNT(SIGNAL_IOCTL), ERRNO(EPERM), SECCOMP_RET_ALLOW);
    choose(SYS_prctl, 0, PARENT_PRCTL, COUNT(PARENT_PRCTL), ERRNO(EPERM), SECCOMP_RET_ALLOW);
    RETURN(SECCOMP_RET_ALLOW);
}

static void build_working(bool threads) {
    for (size_t i = 0; i < COUNT(PLAIN); i++) answer(PLAIN[i], SECCOMP_RET_ALLOW);
    allow_if(SYS_mmap, 2, BPF_JSET, PROT_EXEC, false);
    allow_if(SYS_mprotect, 2, BPF_JSET, PROT_EXEC, false);
    allow_if(SYS_tgkill, 0, BPF_JEQ, (uint32_t)getpid(), true);
    if (threads) {
        for (size_t i = 0; i < COUNT(THREADS); i++) answer(THREADS[i], SECCOMP_RET_ALLOW);
        threads_only();
        flags_without_signals();
        choose(SYS_fcntl, 1, PLAIN_FCNTL, COUNT(PLAIN_FCNTL), SECCOMP_RET_ALLOW, ERRNO(EPERM));
        allow_if(SYS_prctl, 0, BPF_JEQ, PR_SET_NAME, true);
    }
    RETURN(ERRNO(EPERM));
}

/* False: not for this machine. */
static bool build(filter_kind kind) {
#if defined(ARCH)
    length = 0;
    LOAD(arch);
    add(BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
    RETURN(SECCOMP_RET_KILL_PROCESS);
    LOAD(nr);
#if defined(__x86_64__)
    add(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1); /* x32 */
    RETURN(SECCOMP_RET_KILL_PROCESS);
#endif
    if (kind == FILTER_LOADING) build_loading();
    else build_working(kind == FILTER_THREADS);
    return length <= COUNT(program);
#else
    (void)kind;
    return false;
#endif
}

int filter_call(void) { return SYS_seccomp; }

int filter_install(filter_kind kind) {
    enum { FLAG_TSYNC = 1 };
    if (!build(kind)) return ENOSYS;
    struct sock_fprog filter = {(unsigned short)length, program};
    long status = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, FLAG_TSYNC, &filter);
    return status == 0 ? 0 : status > 0 ? ESRCH : errno;
}

void filter_text(filter_kind kind, buffer *text) {
    if (!build(kind)) return;
    const uint8_t *bytes = (const uint8_t *)program;
    for (size_t i = 0; i < length * sizeof(*program); i++) {
        put_u8(text, (uint8_t)"0123456789abcdef"[bytes[i] >> 4]);
        put_u8(text, (uint8_t)"0123456789abcdef"[bytes[i] & 15]);
    }
}

#endif
