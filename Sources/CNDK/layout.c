/*
 * The sizes and places that programs and the library must agree on, also where a program brings base types of its own.
 */
#include "ndk.h"

#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)
#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)

SIZE(ULONG, 4);
SIZE(SIZE_T, 8);
SIZE(PVOID, 8);
SIZE(NTSTATUS, 4);
SIZE(BOOLEAN, 1);
SIZE(GUID, 16);
SIZE(GROUP_AFFINITY, 16);
SIZE(NDK_VERSION, 4);
SIZE(NDK_LOGICAL_ADDRESS, 8);

AT(NDK_OBJECT_HEADER, ObjectType, 4);
AT(NDK_OBJECT_HEADER, NdkReserved, 8);
SIZE(NDK_OBJECT_HEADER, 40);
AT(NDK_ADAPTER, Dispatch, 40);

AT(NDK_LOGICAL_ADDRESS_MAPPING, AdapterPageCount, 8);
AT(NDK_LOGICAL_ADDRESS_MAPPING, AdapterPageArray, 16);

/* The element of a verb: struct ibv_sge. */
AT(NDK_SGE, LogicalAddress, 0);
AT(NDK_SGE, Length, 8);
AT(NDK_SGE, MemoryRegionToken, 12);
SIZE(NDK_SGE, 16);

AT(NDK_RESULT, QPContext, 8);
SIZE(NDK_RESULT, 24);
AT(NDK_RESULT_EX, Type, 24);
AT(NDK_RESULT_EX, TypeSpecificCompletionOutput, 32);
SIZE(NDK_RESULT_EX, 40);

AT(NDK_ADAPTER_INFO, MaxRegistrationSize, 16);
AT(NDK_ADAPTER_INFO, FRMRPageCount, 32);
AT(NDK_ADAPTER_INFO, RdmaTechnology, 96);
