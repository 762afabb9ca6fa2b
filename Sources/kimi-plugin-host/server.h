/* kimi-plugin-host: serves one plugin to the host over descriptor 3.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef KIMI_SERVER_H
#define KIMI_SERVER_H

#include "wire.h"

enum { PARENT = 3 };

/* How the process ends by itself. The host puts these numbers into words. */
enum { EXIT_PARENT_GONE = 0, EXIT_USAGE = 2, EXIT_PROTOCOL = 4, EXIT_MEMORY = 5 };

/* Behind kimi_ctx. */
typedef struct instance {
    uint32_t id, log_level, kind;
    bool is_used;
    kimi_inst *plugin;
} instance;

/* What has come and is not worked on, and what goes out. Output: under the lock. */
extern buffer input, output;
void output_lock(void);
void output_unlock(void);
void output_flush(void);
/* Reads what is there, waiting for at least one byte; ends the process at the parent's end. */
void input_more(void);
uint64_t now_ns(void);
/* Bytes of the first whole message at `at` of `from`, 0 if it is not all there. */
size_t message_size(const buffer *from, size_t at);

/* The call that runs. One at a time; behind kimi_error, kimi_out, kimi_plan and kimi_sink. */
void call_begin(uint32_t id, uint8_t op);
void call_end(uint8_t flags, kimi_status status);
extern const kimi_host host_table;
#define CALL(type) ((type *)&call_anchor)
extern char call_anchor;

/* Message n of the parent's. */
void serve(const uint8_t *message, size_t size);
/* Loads the library; fills the tables and answers HELLO, locked down by then. */
void serve_hello(const char *path, uint32_t host_minor);

typedef struct tables {
    const kimi_provider *provider;
    const kimi_auth *auth;
    const kimi_transform *transform;
} tables;
extern tables plugin;

/* Before any code of the plugin: no descriptors but 0 to 3, dies with its parent, limits. */
void lock_process(int parent);
/* After load and handshake: no files, sockets, processes. Appends what this system cannot do to `notice`, a line each. */
void lock_down(buffer *notice);
/* Before the library is loaded, after lock_process: no processes and sockets, no written files, no signals to others. */
void lock_loading(bool is_python);

/* filter.c: what system calls may be made while a library is loaded, after it, and after it by one with threads. */
typedef enum filter_kind { FILTER_LOADING, FILTER_PLAIN, FILTER_THREADS } filter_kind;

/* For all threads. 0 or an errno. */
int filter_install(filter_kind kind);
/* For a program that installs it itself: hexadecimal text; empty where there is none. And the number of the call. */
void filter_text(filter_kind kind, buffer *text);
int filter_call(void);

#endif
