/* Proof at compile time that kimi_plugin.h still has the layout, constants and signatures of every released ABI. */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

/* Both return 1: the proof is in the assertions of layout_1_0.c and signatures_1_0.c; tests call these to link them in. */
int kimi_abi_layout_is_1_0(void);
int kimi_abi_signatures_are_1_0(void);

#endif
