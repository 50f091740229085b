/*
 * What a kernel does around the provider interface: it hands out adapters, and runs callbacks.
 *
 *     NDK_ADAPTER *adapter;
 *     NTSTATUS status = NdkOpenAdapter("rxe0", NULL, &adapter);
 *
 *     if (!NT_SUCCESS(status))
 *         fprintf(stderr, "%s: %s\n", NdkStatusName(status), NdkErrorMessage());
 *     ...
 *     NdkCloseAdapter(adapter);
 *
 * From then on everything goes through adapter->Dispatch.
 */
#ifndef NDK_H
#define NDK_H

#include "ndkpi.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the interface that this header describes, and the highest that the library has. */
#define NDK_VERSION_MAJOR 2
#define NDK_VERSION_MINOR 1

/* Who runs callbacks. */
typedef enum _NDK_CALLBACKS {
    NdkCallbacksOnLibraryThread = 0, /* a thread of the library, one for each adapter */
    NdkCallbacksOnDispatch = 1       /* whoever calls NdkDispatchCallbacks */
} NDK_CALLBACKS;

/* How an adapter is opened. Initialize it with NDK_OPEN_OPTIONS_INIT, then change what matters. */
typedef struct _NDK_OPEN_OPTIONS {
    SIZE_T Size;         /* of this structure, as the program knows it */
    NDK_VERSION Version; /* what the program was written for */
    NDK_CALLBACKS Callbacks;
    UINT64 PinBudget; /* bytes that mappings may pin at a time; 0: what the control group allows */
} NDK_OPEN_OPTIONS;

#define NDK_OPEN_OPTIONS_INIT                                                                                          \
    {                                                                                                                  \
        sizeof(NDK_OPEN_OPTIONS), {NDK_VERSION_MAJOR, NDK_VERSION_MINOR}, NdkCallbacksOnLibraryThread, 0               \
    }

/*
 * Opens an adapter by the name of its device ("rxe0", "mlx5_0"), by an IP address of this host, or by the index of a
 * network interface. NULL for a name: the first device with an active port. NULL for options: NDK_OPEN_OPTIONS_INIT.
 *
 * The version is negotiated: STATUS_REVISION_MISMATCH for another major version, or for a minor one beyond the
 * library's; otherwise the objects' headers say the library's own. STATUS_DEVICE_NOT_READY where there is no such
 * device or its port is down, STATUS_INVALID_ADDRESS, STATUS_INVALID_PARAMETER, STATUS_INSUFFICIENT_RESOURCES. May
 * block.
 */
NTSTATUS NdkOpenAdapter(const char *DeviceName, const NDK_OPEN_OPTIONS *Options, NDK_ADAPTER **ppNdkAdapter);
NTSTATUS NdkOpenAdapterByAddress(const struct sockaddr *Address, ULONG AddressLength, const NDK_OPEN_OPTIONS *Options,
                                 NDK_ADAPTER **ppNdkAdapter);
NTSTATUS NdkOpenAdapterByInterfaceIndex(ULONG InterfaceIndex, const NDK_OPEN_OPTIONS *Options,
                                        NDK_ADAPTER **ppNdkAdapter);

/*
 * Closes an adapter, and blocks until all that was made of it is closed and no callback runs any more.
 *
 * STATUS_INVALID_DEVICE_REQUEST from within a callback, where it would wait for itself; nothing has happened then.
 * Where callbacks run on dispatch it runs those that are left.
 */
NTSTATUS NdkCloseAdapter(NDK_ADAPTER *pNdkAdapter);

/*
 * For adapters whose callbacks run on dispatch: a file descriptor, readable (poll, epoll) while there are callbacks to
 * run, and the call that runs them and returns how many it ran. One thread at a time. -1 and 0 for other adapters.
 */
int NdkGetCallbackDescriptor(NDK_ADAPTER *pNdkAdapter);
ULONG NdkDispatchCallbacks(NDK_ADAPTER *pNdkAdapter);

/* What an adapter has counted since it was opened. */
typedef struct _NDK_ADAPTER_STATISTICS {
    SIZE_T Size; /* in: of this structure, as the program knows it */
    UINT64 LiveMappings;
    UINT64 PinnedBytes;
    UINT64 Builds;
    UINT64 Releases;
    UINT64 DeferredReleases;       /* a request still used the mapping */
    UINT64 Violations;             /* releases of what was busy, released before, another adapter's or no mapping */
    UINT64 RefusedDeregistrations; /* by the device; they are tried again */
} NDK_ADAPTER_STATISTICS;

NTSTATUS NdkGetAdapterStatistics(NDK_ADAPTER *pNdkAdapter, NDK_ADAPTER_STATISTICS *pStatistics);

/* "STATUS_IO_TIMEOUT" for a status of ndktypes.h, and otherwise "STATUS_?". */
const char *NdkStatusName(NTSTATUS Status);

/*
 * What went wrong in the calling thread's last call that failed, what was asked, what the limit is and what to do, in
 * English; "" if none has, or if the last one pends. Within a completion callback it is about the call that is
 * completed. Valid until the thread's next call that fails or pends.
 */
const char *NdkErrorMessage(void);

#ifdef __cplusplus
}
#endif

#endif /* NDK_H */
