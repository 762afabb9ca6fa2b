/* What the host needs of the operating system and Swift cannot call well: readiness polling.
 * Linux: epoll and eventfd (poller_epoll.c). Elsewhere: poll and a pipe (poller_poll.c). */
#ifndef CPLATFORM_H
#define CPLATFORM_H

#include <stddef.h>
#include <stdint.h>

#include "plugin_guard.h"

enum { CP_READ = 1, CP_WRITE = 2, CP_ERROR = 4 };

typedef struct cp_poller cp_poller;

typedef struct cp_event {
    int32_t fd;
    uint32_t ready; /* CP_READ | CP_WRITE | CP_ERROR */
} cp_event;

/* NULL when the system is out of descriptors or memory. Used by one thread, but for cp_poller_wake. */
cp_poller *cp_poller_create(void);
void cp_poller_destroy(cp_poller *poller);

/* Watches fd for `interest` (CP_READ | CP_WRITE), replacing what was watched; 0 stops. 0 or -errno. */
int cp_poller_watch(cp_poller *poller, int fd, uint32_t interest);

/* fd was just opened by the caller, who promises to call cp_poller_closed before closing it: while it is not
 * watched it may stay registered with the kernel, which saves two system calls each time it is used again. */
void cp_poller_keep(cp_poller *poller, int fd);
void cp_poller_closed(cp_poller *poller, int fd);

/* Waits at most timeout_ms (-1: for ever). Returns how many of events[max] were filled, 0 after a
 * time-out or a wake, -errno on failure. */
int cp_poller_wait(cp_poller *poller, cp_event *events, int max, int timeout_ms);

/* Any thread: ends a cp_poller_wait, the present one or the next. */
void cp_poller_wake(cp_poller *poller);

/* Any thread: where the loaded library or program that holds this address begins; NULL if none does. */
const void *cp_image_base(const void *address);

/* Has a process that is spawned with these posix_spawn_file_actions_t close whatever is open from descriptor `first` on.
 * Does nothing where the C library has no such call: there only what is marked close-on-exec is closed. */
void cp_spawn_close_from(void *file_actions, int first);

/* Names the calling thread for debuggers and profilers; at most 15 characters. */
void cp_name_thread(const char *name);

/* Where `wanted` first stands in `bytes`; -1 if it does not, or is empty. */
intptr_t cp_find(const void *bytes, size_t count, const void *wanted, size_t length);

/* Any thread: gives free memory that the allocator keeps back to the system. Takes about a millisecond; does nothing where
 * the C library has no such call. */
void cp_release_free_memory(void);

/* Any thread: lets go of code and constants that were needed once, such as for the start; what is needed again comes
 * back from the file. Does nothing elsewhere than on Linux. */
void cp_release_code(void);

#endif
