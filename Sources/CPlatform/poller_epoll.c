#include "cplatform.h"

#if defined(__linux__)

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { BATCH = 256 };

struct cp_poller {
    int epoll;
    int wake;
};

cp_poller *cp_poller_create(void) {
    cp_poller *poller = malloc(sizeof *poller);
    if (!poller) return NULL;
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    poller->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = poller->wake};
    if (poller->epoll < 0 || poller->wake < 0 ||
        epoll_ctl(poller->epoll, EPOLL_CTL_ADD, poller->wake, &event) < 0) {
        cp_poller_destroy(poller);
        return NULL;
    }
    return poller;
}

void cp_poller_destroy(cp_poller *poller) {
    if (poller->wake >= 0) close(poller->wake);
    if (poller->epoll >= 0) close(poller->epoll);
    free(poller);
}

int cp_poller_watch(cp_poller *poller, int fd, uint32_t interest) {
    struct epoll_event event = {.data.fd = fd};
    if (interest & CP_READ) event.events |= EPOLLIN;
    if (interest & CP_WRITE) event.events |= EPOLLOUT;
    if (interest == 0) {
        /* The descriptor may be closed already; then the kernel has dropped it by itself. */
        return epoll_ctl(poller->epoll, EPOLL_CTL_DEL, fd, NULL) < 0 && errno != ENOENT && errno != EBADF
                   ? -errno : 0;
    }
    if (epoll_ctl(poller->epoll, EPOLL_CTL_MOD, fd, &event) == 0) return 0;
    if (errno == ENOENT && epoll_ctl(poller->epoll, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
    return -errno;
}

int cp_poller_wait(cp_poller *poller, cp_event *events, int max, int timeout_ms) {
    struct epoll_event ready[BATCH];
    int n = epoll_wait(poller->epoll, ready, max < BATCH ? max : BATCH, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    int filled = 0;
    for (int i = 0; i < n; i++) {
        if (ready[i].data.fd == poller->wake) {
            uint64_t count;
            if (read(poller->wake, &count, sizeof count) < 0) { /* nothing was pending: fine */ }
            continue;
        }
        uint32_t bits = 0;
        if (ready[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) bits |= CP_READ;
        if (ready[i].events & EPOLLOUT) bits |= CP_WRITE;
        if (ready[i].events & EPOLLERR) bits |= CP_ERROR;
        events[filled++] = (cp_event){.fd = ready[i].data.fd, .ready = bits};
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
