#define _GNU_SOURCE
#include "cplatform.h"

#if defined(__GLIBC__)
#include <malloc.h>

void cp_release_free_memory(void) { malloc_trim(0); }
#else
void cp_release_free_memory(void) {}
#endif

#if defined(__linux__)
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

/* Pages of files that nobody can write to: the kernel maps them again when they are touched. */
static int release(struct dl_phdr_info *image, size_t size, void *unused) {
    (void)size, (void)unused;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < image->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &image->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_W)) continue;
        uintptr_t start = image->dlpi_addr + part->p_vaddr;
        uintptr_t first = (start + page - 1) / page * page, end = (start + part->p_memsz) / page * page;
        if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
    }
    return 0;
}

void cp_release_code(void) { dl_iterate_phdr(release, NULL); }
#else
void cp_release_code(void) {}
#endif
