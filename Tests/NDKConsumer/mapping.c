#include "stage.h"

#include <stdlib.h>

static UINT64 violations(NDK_ADAPTER *adapter)
{
    NDK_ADAPTER_STATISTICS statistics;

    statistics.Size = sizeof(statistics);
    return NT_SUCCESS(NdkGetAdapterStatistics(adapter, &statistics)) ? statistics.Violations : ~(UINT64)0;
}

/* A build that is so large that it pends. */
static const char *pend(NDK_ADAPTER *adapter)
{
    const SIZE_T length = (SIZE_T)4 << 20;
    char *bytes = NULL;
    NDK_LOGICAL_ADDRESS_MAPPING *mapping;
    ULONG size = 16 + 8 * (4 << 20) / PAGE;
    ULONG offset = 1;
    calls_t calls;
    MDL mdl;

    EXPECT(posix_memalign((void **)&bytes, PAGE, length) == 0);
    memset(bytes, 1, length);
    mapping = (NDK_LOGICAL_ADDRESS_MAPPING *)malloc(size);
    calls_init(&calls);
    MmInitializeMdl(&mdl, bytes, length);
    EXPECT_STATUS(STATUS_PENDING, adapter->Dispatch->NdkBuildLAM(adapter, &mdl, length, request_ended, &calls, mapping,
                                                                 &size, &offset));
    EXPECT(await(&calls, 1));
    EXPECT_STATUS(STATUS_SUCCESS, calls.status);
    EXPECT(offset == 0 && mapping->AdapterPageCount == (4 << 20) / PAGE);
    adapter->Dispatch->NdkReleaseLAM(adapter, mapping);
    /* The same range without an end: nothing but the status. */
    size = 0;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL,
                  adapter->Dispatch->NdkBuildLAM(adapter, &mdl, length, request_ended, &calls, NULL, &size, &offset));
    EXPECT(call_count(&calls) == 1);
    free(mapping);
    free(bytes);
    return NULL;
}

const char *CONSUMER(builds_mappings)(void)
{
    static memory_t memory;
    NDK_ADAPTER *adapter;
    MDL first;
    MDL second;

    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(NULL, NULL, &adapter));
    MmInitializeMdl(&memory.mdl, memory.bytes + 100, 2 * PAGE);

    /* Sizing, and a byte too little. */
    memory.size = 0;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL, adapter->Dispatch->NdkBuildLAM(adapter, &memory.mdl, 2 * PAGE, NULL, NULL,
                                                                          NULL, &memory.size, &memory.offset));
    EXPECT(memory.size == 16 + 3 * 8);
    memory.size--;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL,
                  adapter->Dispatch->NdkBuildLAM(adapter, &memory.mdl, 2 * PAGE, NULL, NULL, &memory.lam.mapping,
                                                 &memory.size, &memory.offset));
    EXPECT(memory.size == 16 + 3 * 8);
    EXPECT_STATUS(STATUS_SUCCESS, adapter->Dispatch->NdkBuildLAM(adapter, &memory.mdl, 2 * PAGE, NULL, NULL,
                                                                 &memory.lam.mapping, &memory.size, &memory.offset));
    EXPECT(memory.offset == 100 && memory.lam.mapping.AdapterPageCount == 3 && memory.size == 16 + 3 * 8);
    EXPECT(memory.lam.mapping.AdapterPageArray[0].QuadPart % PAGE == 0);
    EXPECT(((const NDK_LOGICAL_ADDRESS *)(const void *)(memory.lam.room + 16))[2].QuadPart % PAGE == 0);
    adapter->Dispatch->NdkReleaseLAM(adapter, &memory.lam.mapping);

    /* Two descriptors in a row, a gap behind the length, and one within. */
    MmInitializeMdl(&first, memory.bytes, PAGE);
    MmInitializeMdl(&second, memory.bytes + PAGE, PAGE);
    first.Next = &second;
    memory.size = sizeof(memory.lam);
    EXPECT_STATUS(STATUS_SUCCESS, adapter->Dispatch->NdkBuildLAM(adapter, &first, 2 * PAGE, NULL, NULL,
                                                                 &memory.lam.mapping, &memory.size, &memory.offset));
    EXPECT(memory.lam.mapping.AdapterPageCount == 2);
    adapter->Dispatch->NdkReleaseLAM(adapter, &memory.lam.mapping);
    MmInitializeMdl(&second, memory.bytes + 2 * PAGE, PAGE);
    memory.size = sizeof(memory.lam);
    EXPECT_STATUS(STATUS_SUCCESS, adapter->Dispatch->NdkBuildLAM(adapter, &first, PAGE, NULL, NULL, &memory.lam.mapping,
                                                                 &memory.size, &memory.offset));
    adapter->Dispatch->NdkReleaseLAM(adapter, &memory.lam.mapping);
    memory.size = sizeof(memory.lam);
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  adapter->Dispatch->NdkBuildLAM(adapter, &first, PAGE + 1, NULL, NULL, &memory.lam.mapping,
                                                 &memory.size, &memory.offset));

    /* None, too many, more than an address space. */
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, map_memory(adapter, &memory, 0));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, map_memory(adapter, &memory, sizeof(memory.bytes) + 1));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, map_memory(adapter, &memory, ~(SIZE_T)0));
    second.Next = &first;
    memory.size = sizeof(memory.lam);
    EXPECT(!NT_SUCCESS(adapter->Dispatch->NdkBuildLAM(adapter, &first, (SIZE_T)1 << 50, NULL, NULL, &memory.lam.mapping,
                                                      &memory.size, &memory.offset)));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  adapter->Dispatch->NdkBuildLAM(adapter, NULL, PAGE, NULL, NULL, &memory.lam.mapping, &memory.size,
                                                 &memory.offset));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, adapter->Dispatch->NdkBuildLAM(adapter, &memory.mdl, PAGE, NULL, NULL,
                                                                           &memory.lam.mapping, NULL, &memory.offset));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, adapter->Dispatch->NdkBuildLAM(adapter, &memory.mdl, PAGE, NULL, NULL,
                                                                           &memory.lam.mapping, &memory.size, NULL));
    TRY(pend(adapter));
    EXPECT(violations(adapter) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(adapter));
    return NULL;
}

const char *CONSUMER(releases_mappings)(void)
{
    static memory_t memory;
    NDK_LOGICAL_ADDRESS_MAPPING forged;
    NDK_ADAPTER *adapter;
    NDK_ADAPTER *other;
    memory_t *again = &memory;

    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(NULL, NULL, &adapter));
    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter(NULL, NULL, &other));
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(adapter, &memory, PAGE));
    other->Dispatch->NdkReleaseLAM(other, &memory.lam.mapping);
    EXPECT(violations(other) == 1 && violations(adapter) == 0);
    adapter->Dispatch->NdkReleaseLAM(adapter, &memory.lam.mapping);
    EXPECT(violations(adapter) == 0);
    adapter->Dispatch->NdkReleaseLAM(adapter, &memory.lam.mapping);
    EXPECT(violations(adapter) == 1);
    forged = memory.lam.mapping;

    /* A mapping that took the place of the released one is not its. */
    EXPECT_STATUS(STATUS_SUCCESS, map_memory(adapter, again, PAGE));
    adapter->Dispatch->NdkReleaseLAM(adapter, &forged);
    EXPECT(violations(adapter) == 2);
    memset(&forged, 0, sizeof(forged));
    adapter->Dispatch->NdkReleaseLAM(adapter, &forged);
    memset(&forged, 0xFF, sizeof(forged));
    adapter->Dispatch->NdkReleaseLAM(adapter, &forged);
    EXPECT(violations(adapter) == 4);
    adapter->Dispatch->NdkReleaseLAM(adapter, NULL);
    adapter->Dispatch->NdkReleaseLAM(adapter, &again->lam.mapping);
    EXPECT(violations(adapter) == 4);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(adapter));
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(other));
    return NULL;
}
