#include "cplatform.h"

#if !defined(__linux__)

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct cp_poller {
    struct pollfd *watched; /* [0] is the reading end of the wake pipe */
    int count, capacity;
    int wake[2];
};

cp_poller *cp_poller_create(void) {
    cp_poller *poller = calloc(1, sizeof *poller);
    if (!poller) return NULL;
    poller->capacity = 64;
    poller->watched = calloc((size_t)poller->capacity, sizeof *poller->watched);
    if (!poller->watched || pipe(poller->wake) < 0) {
        free(poller->watched);
        free(poller);
        return NULL;
    }
    for (int i = 0; i < 2; i++) {
        fcntl(poller->wake[i], F_SETFL, O_NONBLOCK);
        fcntl(poller->wake[i], F_SETFD, FD_CLOEXEC);
    }
    poller->watched[0] = (struct pollfd){.fd = poller->wake[0], .events = POLLIN};
    poller->count = 1;
    return poller;
}

void cp_poller_destroy(cp_poller *poller) {
    close(poller->wake[0]);
    close(poller->wake[1]);
    free(poller->watched);
    free(poller);
}

int cp_poller_watch(cp_poller *poller, int fd, uint32_t interest) {
    short events = (short)((interest & CP_READ ? POLLIN : 0) | (interest & CP_WRITE ? POLLOUT : 0));
    for (int i = 1; i < poller->count; i++) {
        if (poller->watched[i].fd != fd) continue;
        if (interest) poller->watched[i].events = events;
        else poller->watched[i] = poller->watched[--poller->count];
        return 0;
    }
    if (!interest) return 0;
    if (poller->count == poller->capacity) {
        int capacity = poller->capacity * 2;
        struct pollfd *grown = realloc(poller->watched, (size_t)capacity * sizeof *grown);
        if (!grown) return -ENOMEM;
        poller->watched = grown;
        poller->capacity = capacity;
    }
    poller->watched[poller->count++] = (struct pollfd){.fd = fd, .events = events};
    return 0;
}

/* Nothing is registered with the kernel between waits. */
void cp_poller_keep(cp_poller *poller, int fd) {
    (void)poller;
    (void)fd;
}

void cp_poller_closed(cp_poller *poller, int fd) { cp_poller_watch(poller, fd, 0); }

int cp_poller_wait(cp_poller *poller, cp_event *events, int max, int timeout_ms) {
    int n = poll(poller->watched, (nfds_t)poller->count, timeout_ms);
    if (n < 0) return errno == EINTR ? 0 : -errno;
    if (poller->watched[0].revents) {
        char drained[64];
        while (read(poller->wake[0], drained, sizeof drained) > 0) {}
    }
    int filled = 0;
    for (int i = 1; i < poller->count && filled < max; i++) {
        short revents = poller->watched[i].revents;
        if (!revents) continue;
        uint32_t bits = 0;
        if (revents & (POLLIN | POLLHUP)) bits |= CP_READ;
        if (revents & POLLOUT) bits |= CP_WRITE;
        if (revents & (POLLERR | POLLNVAL)) bits |= CP_ERROR;
        events[filled++] = (cp_event){.fd = poller->watched[i].fd, .ready = bits};
    }
    return filled;
}

void cp_poller_wake(cp_poller *poller) {
    char one = 1;
    if (write(poller->wake[1], &one, 1) < 0) { /* full: a wake is pending already */ }
}

#else
typedef int cp_is_linux;
#endif
