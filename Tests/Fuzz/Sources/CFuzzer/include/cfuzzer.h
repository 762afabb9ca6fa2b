/* libFuzzer's driver, which has no header of its own in C, and how a finding is reported. */
#ifndef CFUZZER_H
#define CFUZZER_H

#include <stddef.h>
#include <stdint.h>

/* Runs the fuzzer with the process's arguments; `test` gets one input and returns 0. Calls exit when it is done. */
int LLVMFuzzerRunDriver(int *argc, char ***argv, int (*test)(const uint8_t *data, size_t size));

/* Prints the message and aborts: libFuzzer then writes the input to a file. */
_Noreturn void cfuzzer_found(const char *message);

#endif
