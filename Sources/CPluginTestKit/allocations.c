/* Allocation failure for one loaded object: its own entries in the global offset table that name an allocating function
 * are pointed at versions that can say no. Everybody else's memory is left alone. */
#define _GNU_SOURCE
#include "plugin_test_kit.h"

#include <stdatomic.h>
#include <stdlib.h>

static atomic_long calls, fails_from;

long ptk_allocations(void) { return calls; }

#if defined(__linux__) && defined(__LP64__)
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int refused(void) {
    const long from = fails_from;
    return atomic_fetch_add(&calls, 1) + 1 >= from && from > 0;
}

static void *my_malloc(size_t size) { return refused() ? NULL : malloc(size); }
static void *my_calloc(size_t n, size_t size) { return refused() ? NULL : calloc(n, size); }
static void *my_realloc(void *old, size_t size) { return refused() ? NULL : realloc(old, size); }
static int my_posix_memalign(void **out, size_t alignment, size_t size) {
    return refused() ? 12 : posix_memalign(out, alignment, size);
}
static void *my_aligned_alloc(size_t alignment, size_t size) {
    return refused() ? NULL : aligned_alloc(alignment, size);
}
static char *my_strdup(const char *text) { return refused() ? NULL : strdup(text); }

static void *replacement(const char *name) {
    static const struct { const char *name; void *function; } KNOWN[] = {
        {"malloc", (void *)my_malloc}, {"calloc", (void *)my_calloc}, {"realloc", (void *)my_realloc},
        {"posix_memalign", (void *)my_posix_memalign}, {"aligned_alloc", (void *)my_aligned_alloc},
        {"strdup", (void *)my_strdup},
    };
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
        if (strcmp(KNOWN[i].name, name) == 0) return KNOWN[i].function;
    }
    return NULL;
}

typedef struct tables {
    const Elf64_Sym *symbols;
    const char *names;
    const Elf64_Rela *relocations[2];
    size_t sizes[2];
} tables;

static tables read_dynamic(const struct link_map *map) {
    tables found = {0};
    for (const Elf64_Dyn *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        switch (entry->d_tag) {
        case DT_SYMTAB: found.symbols = (const void *)entry->d_un.d_ptr; break;
        case DT_STRTAB: found.names = (const void *)entry->d_un.d_ptr; break;
        case DT_JMPREL: found.relocations[0] = (const void *)entry->d_un.d_ptr; break;
        case DT_PLTRELSZ: found.sizes[0] = entry->d_un.d_val; break;
        case DT_RELA: found.relocations[1] = (const void *)entry->d_un.d_ptr; break;
        case DT_RELASZ: found.sizes[1] = entry->d_un.d_val; break;
        default: break;
        }
    }
    return found;
}

static int redirect(uintptr_t place, void *function) {
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = place & ~(page - 1);
    if (mprotect((void *)start, 2 * page, PROT_READ | PROT_WRITE) != 0 &&
        mprotect((void *)start, page, PROT_READ | PROT_WRITE) != 0) {
        return 0;
    }
    memcpy((void *)place, &function, sizeof function);
    return 1;
}

static int is_jump(uint64_t type) {
#if defined(__x86_64__)
    return type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
    return type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_GLOB_DAT;
#else
    (void)type;
    return 0;
#endif
}

int ptk_fail_allocations(const void *address, long from_call) {
    static const void *redirected;
    static int count;
    Dl_info info;
    struct link_map *map = NULL;
    calls = 0;
    fails_from = from_call;
    if (redirected != NULL || from_call == 0) return count;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0 || map == NULL) return 0;
    redirected = info.dli_fbase;
    const tables found = read_dynamic(map);
    if (found.symbols == NULL || found.names == NULL) return 0;
    for (int table = 0; table < 2; table++) {
        for (size_t i = 0; i < found.sizes[table] / sizeof(Elf64_Rela); i++) {
            const Elf64_Rela *entry = &found.relocations[table][i];
            if (!is_jump(ELF64_R_TYPE(entry->r_info))) continue;
            void *other = replacement(found.names + found.symbols[ELF64_R_SYM(entry->r_info)].st_name);
            if (other != NULL) count += redirect(map->l_addr + entry->r_offset, other);
        }
    }
    return count;
}
#else
int ptk_fail_allocations(const void *address, long from_call) {
    (void)address;
    fails_from = from_call;
    return 0;
}
#endif
