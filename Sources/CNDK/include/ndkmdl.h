/*
 * Memory descriptor lists over a program's own memory: a chain of byte ranges.
 *
 * The names are the kernel's, so that a consumer's code stays as it is. What they do here is to describe: no call pins
 * or touches anything, because building a mapping does the pinning.
 */
#ifndef NDK_MDL_H
#define NDK_MDL_H

#include "ndktypes.h"

#include <stdlib.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct _MDL {
    struct _MDL *Next;
    PVOID StartVa; /* of the page in which the range begins */
    ULONG ByteOffset;
    ULONG ByteCount;
} MDL, *PMDL;

/* Of the smallest page that any processor has; offsets within a chain do not depend on the host's pages. */
#define MDL_PAGE_SIZE ((uintptr_t)4096)

/* Describes a range in an MDL that the caller has room for. */
static inline VOID MmInitializeMdl(MDL *Mdl, PVOID BaseVa, SIZE_T Length)
{
    uintptr_t address = (uintptr_t)BaseVa;

    Mdl->Next = NULL;
    Mdl->StartVa = (PVOID)(address & ~(MDL_PAGE_SIZE - 1));
    Mdl->ByteOffset = (ULONG)(address & (MDL_PAGE_SIZE - 1));
    Mdl->ByteCount = (ULONG)Length;
}

/*
 * Makes an MDL for a range, or returns NULL. SecondaryBuffer, ChargeQuota and Irp belong to a kernel's requests: pass
 * FALSE, FALSE and NULL.
 */
static inline MDL *IoAllocateMdl(PVOID VirtualAddress, ULONG Length, BOOLEAN SecondaryBuffer, BOOLEAN ChargeQuota,
                                 PVOID Irp)
{
    MDL *mdl = (MDL *)malloc(sizeof(*mdl));

    (void)SecondaryBuffer;
    (void)ChargeQuota;
    (void)Irp;
    if (mdl != NULL)
        MmInitializeMdl(mdl, VirtualAddress, Length);
    return mdl;
}

/* Frees one MDL, not those that follow it. */
static inline VOID IoFreeMdl(MDL *Mdl)
{
    free(Mdl);
}

/* In a kernel this looks up the pages; the adapter does so when a mapping is built. */
static inline VOID MmBuildMdlForNonPagedPool(MDL *Mdl)
{
    (void)Mdl;
}

static inline PVOID MmGetMdlVirtualAddress(CONST MDL *Mdl)
{
    return (PVOID)((uintptr_t)Mdl->StartVa + Mdl->ByteOffset);
}

static inline ULONG MmGetMdlByteCount(CONST MDL *Mdl)
{
    return Mdl->ByteCount;
}

static inline ULONG MmGetMdlByteOffset(CONST MDL *Mdl)
{
    return Mdl->ByteOffset;
}

#ifdef __cplusplus
}
#endif

#endif /* NDK_MDL_H */
