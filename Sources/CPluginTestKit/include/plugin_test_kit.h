/* What the conformance kit needs and Swift cannot do: to say from a signal handler where a plugin crashed, to remember
 * per thread which plugin function runs, and to die with the process that watches. */
#ifndef PLUGIN_TEST_KIT_H
#define PLUGIN_TEST_KIT_H

#include <stddef.h>
#include <stdint.h>

/* What a range of addresses is, for the crash line. */
enum { PTK_FREE = 0, PTK_GUARD_AFTER = 1, PTK_GUARD_BEFORE = 2, PTK_REVOKED = 3, PTK_HANDLE = 4 };

/* Installs handlers for the fatal signals. Each writes one line of JSON to fd, {"t":"crash",...}, and lets the signal
 * end the process. */
void ptk_watch_crashes(int fd);

/* Gives the calling thread a stack for these handlers; without it a stack overflow ends without a line. */
void ptk_alternate_stack(void);

/* The plugin function that this thread is about to call, a string that lives for ever; NULL: none. */
void ptk_enter(const char *function);

/* One pointer per thread. */
void ptk_set_current(void *value);
void *ptk_current(void);

/* Names a range of addresses for the crash line; the last few thousand are kept. */
void ptk_mark(const void *start, size_t length, uint32_t kind);

/* Bounds for this process: no core file, files of 64 MB, `data_bytes` of memory, `cpu_seconds` of processor. */
void ptk_limit(uint64_t data_bytes, uint64_t cpu_seconds);

/* Linux: SIGKILL for this process when its parent ends. Elsewhere nothing. */
void ptk_die_with_parent(void);

/* Runs `work(argument)` on a new thread and waits for it. 0, or an error number. */
int ptk_on_new_thread(void (*work)(void *), void *argument);

/* Both at once, each on a thread of its own; waits for both. */
int ptk_on_two_threads(void (*work)(void *), void *first, void *second);

/* What the calling thread's C library would hand out, in use: bytes of malloc. 0 where it cannot be asked. */
size_t ptk_heap_in_use(void);

/* Makes malloc, calloc, realloc and the like, as called by the loaded object that holds `address`, answer NULL from the
 * n-th call on (1 is the next); 0 switches it off. Linux. The number of calls that were redirected, 0 if none can be. */
int ptk_fail_allocations(const void *address, long from_call);
/* How many calls there were since. */
long ptk_allocations(void);

#endif
