#define _GNU_SOURCE
#include "cplatform.h"

#include <spawn.h>

#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
void cp_spawn_close_from(void *file_actions, int first) {
    posix_spawn_file_actions_addclosefrom_np(file_actions, first);
}
#else
void cp_spawn_close_from(void *file_actions, int first) {
    (void)file_actions;
    (void)first;
}
#endif
