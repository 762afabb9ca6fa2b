/* dladdr is a GNU extension that the Glibc module of Swift does not show. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "cplatform.h"

#include <dlfcn.h>
#include <stddef.h>

const void *cp_image_base(const void *address) {
    Dl_info info;
    return dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}
