#include "cplatform.h"

#if defined(__linux__)

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 256, FIRST_CAPACITY = 1024 };

/* What is known of a descriptor. */
typedef struct entry {
    uint8_t wanted;     /* CP_READ | CP_WRITE as watched, 0: not watched */
    uint8_t registered; /* what the kernel was last told, 0: not registered */
    uint8_t kept;       /* cp_poller_keep: stays registered while it is not watched */
} entry;

struct cp_poller {
    int epoll;
    int wake;
    entry *entries; /* by descriptor */
    int capacity;
};

cp_poller *cp_poller_create(void) {
    cp_poller *poller = malloc(sizeof *poller);
    if (!poller) return NULL;
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    poller->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    poller->capacity = FIRST_CAPACITY;
    poller->entries = calloc(FIRST_CAPACITY, sizeof *poller->entries);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = poller->wake};
    if (poller->epoll < 0 || poller->wake < 0 || !poller->entries ||
        epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->wake, &event) < 0) {
        cp_poller_destroy(poller);
        return NULL;
    }
    return poller;
}

void cp_poller_destroy(cp_poller *poller) {
    if (poller->wake >= 0) close(poller->wake);
    if (poller->epoll >= 0) close(poller->epoll);
    free(poller->entries);
    free(poller);
}

static entry *entry_of(cp_poller *poller, int fd) {
    if (fd < 0) return NULL;
    if (fd >= poller->capacity) {
        int capacity = poller->capacity;
        while (capacity <= fd) capacity *= 2;
        entry *grown = realloc(poller->entries, (size_t)capacity * sizeof *grown);
        if (!grown) return NULL;
        memset(grown + poller->capacity, 0, (size_t)(capacity - poller->capacity) * sizeof *grown);
        poller->entries = grown;
        poller->capacity = capacity;
    }
    return &poller->entries[fd];
}

static int unregister(cp_poller *poller, int fd, entry *known) {
    known->registered = 0;
    /* The descriptor may be closed already; then the kernel has dropped it by itself. */
    int failed = epoll_ctl(poller->epoll, EPOLL_CTL_DEL, fd, NULL);
    return failed < 0 && errno != ENOENT && errno != EBADF ? -errno : 0;
}

static int enlist(cp_poller *poller, int fd, entry *known) {
    struct epoll_event event = {.data.fd = fd};
    if (known->wanted & CP_READ) event.events |= EPOLLIN;
    if (known->wanted & CP_WRITE) event.events |= EPOLLOUT;
    int first = known->registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    int second = known->registered ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
    known->registered = known->wanted;
    if (epoll_ctl(poller->epoll, first, fd, &event) == 0) return 0;
    if ((errno == ENOENT || errno == EEXIST) && epoll_ctl(poller->epoll, second, fd, &event) == 0) return 0;
    known->registered = 0;
    return -errno;
}

int cp_poller_watch(cp_poller *poller, int fd, uint32_t interest) {
    entry *known = entry_of(poller, fd);
    if (!known) return -ENOMEM;
    known->wanted = (uint8_t)(interest & (CP_READ | CP_WRITE));
    if (!known->wanted) return known->kept || !known->registered ? 0 : unregister(poller, fd, known);
    return known->registered == known->wanted ? 0 : enlist(poller, fd, known);
}

void cp_poller_keep(cp_poller *poller, int fd) {
    entry *known = entry_of(poller, fd);
    if (known) *known = (entry){.kept = 1};
}

void cp_poller_closed(cp_poller *poller, int fd) {
    entry *known = entry_of(poller, fd);
    if (known) *known = (entry){0};
}

/* Is there still somebody who wants this? An unwatched descriptor that stirs is taken out at last. */
static int is_wanted(cp_poller *poller, int fd) {
    entry *known = entry_of(poller, fd);
    if (!known || known->wanted) return 1;
    unregister(poller, fd, known);
    return 0;
}

int cp_poller_wait(cp_poller *poller, cp_event *events, int max, int timeout_ms) {
    struct epoll_event ready[BATCH];
    int n = epoll_wait(poller->epoll, ready, max < BATCH ? max : BATCH, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    int filled = 0;
    for (int i = 0; i < n; i++) {
        int fd = ready[i].data.fd;
        if (fd == poller->wake) {
            uint64_t count;
            if (read(poller->wake, &count, sizeof count) < 0) { /* nothing was pending: fine */ }
            continue;
        }
        if (!is_wanted(poller, fd)) continue;
        uint32_t bits = 0;
        if (ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) bits |= CP_READ;
        if (ready[i].events & EPOLLOUT) bits |= CP_WRITE;
        if (ready[i].events & EPOLLERR) bits |= CP_ERROR;
        events[filled++] = (cp_event){.fd = fd, .ready = bits};
    }
    return filled;
}

void cp_poller_wake(cp_poller *poller) {
    uint64_t one = 1;
    if (write(poller->wake, &one, sizeof one) < 0) { /* full: a wake is pending already */ }
}

#else
typedef int cp_not_linux;
#endif
