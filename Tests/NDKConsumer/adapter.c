#include "stage.h"

const char *CONSUMER(opens_adapters)(void)
{
    NDK_OPEN_OPTIONS options = NDK_OPEN_OPTIONS_INIT;
    struct sockaddr_in address = address_of("10.0.0.1", 0);
    struct sockaddr_in foreign = address_of("10.9.9.9", 0);
    NDK_ADAPTER *adapter = NULL;
    NDK_ADAPTER *second = NULL;

    EXPECT_STATUS(STATUS_INVALID_PARAMETER, NdkOpenAdapter(NULL, NULL, NULL));
    EXPECT_STATUS(STATUS_DEVICE_NOT_READY, NdkOpenAdapter("no such device", NULL, &adapter));
    EXPECT(strstr(NdkErrorMessage(), "no such device") != NULL);
    EXPECT_STATUS(STATUS_INVALID_ADDRESS, NdkOpenAdapterByAddress(NULL, 0, NULL, &adapter));
    EXPECT_STATUS(STATUS_INVALID_ADDRESS, NdkOpenAdapterByAddress((PSOCKADDR)&address, 3, NULL, &adapter));
    EXPECT_STATUS(STATUS_INVALID_ADDRESS,
                  NdkOpenAdapterByAddress((PSOCKADDR)&foreign, sizeof(foreign), NULL, &adapter));
    EXPECT(!NT_SUCCESS(NdkOpenAdapterByInterfaceIndex(0, NULL, &adapter)));

    options.Size = 4;
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, NdkOpenAdapter(NULL, &options, &adapter));
    options.Size = sizeof(options);
    options.Version.Major = 3;
    EXPECT_STATUS(STATUS_REVISION_MISMATCH, NdkOpenAdapter(NULL, &options, &adapter));
    options.Version.Major = NDK_VERSION_MAJOR;
    options.Version.Minor = NDK_VERSION_MINOR + 1;
    EXPECT_STATUS(STATUS_REVISION_MISMATCH, NdkOpenAdapter(NULL, &options, &adapter));
    options.Callbacks = (NDK_CALLBACKS)7;
    options.Version.Minor = NDK_VERSION_MINOR;
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, NdkOpenAdapter(NULL, &options, &adapter));

    /* An older program gets the library's own version. */
    options.Callbacks = NdkCallbacksOnLibraryThread;
    options.Version.Minor = 0;
    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapter("fake0", &options, &adapter));
    EXPECT(adapter->Header.Version.Major == NDK_VERSION_MAJOR);
    EXPECT(adapter->Header.Version.Minor == NDK_VERSION_MINOR);
    EXPECT(adapter->Header.ObjectType == NdkObjectTypeAdapter);
    EXPECT(adapter->Header.NdkReserved.rf[0] == NULL && adapter->Header.NdkReserved.rf[3] == NULL);
    EXPECT(NdkGetCallbackDescriptor(adapter) == -1);
    EXPECT(NdkDispatchCallbacks(adapter) == 0);

    EXPECT_STATUS(STATUS_SUCCESS, NdkOpenAdapterByAddress((PSOCKADDR)&address, sizeof(address), NULL, &second));
    EXPECT(second != adapter);
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(second));
    EXPECT_STATUS(STATUS_SUCCESS, NdkCloseAdapter(adapter));
    return NULL;
}

const char *CONSUMER(queries_adapters)(void)
{
    NDK_ADAPTER_STATISTICS statistics;
    NDK_EXTENSION_INTERFACE extension;
    NDK_ADAPTER_INFO info;
    NDK_VERSION version = {1, 0};
    GUID identifier;
    ULONG size = 0;
    stage_t stage;

    memset(&identifier, 0, sizeof(identifier));
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL, stage.adapter->Dispatch->NdkQueryAdapterInfo(stage.adapter, NULL, &size));
    EXPECT(size == sizeof(info));
    size--;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL, stage.adapter->Dispatch->NdkQueryAdapterInfo(stage.adapter, &info, &size));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.adapter->Dispatch->NdkQueryAdapterInfo(stage.adapter, &info, NULL));
    size = sizeof(info) + 8;
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkQueryAdapterInfo(stage.adapter, &info, &size));
    EXPECT(size == sizeof(info));
    EXPECT(info.Version.Major == NDK_VERSION_MAJOR && info.Version.Minor == NDK_VERSION_MINOR);
    EXPECT(info.FRMRPageCount >= 16 && info.MaxInitiatorRequestSge > 0 && info.MaxCqDepth > 0);
    EXPECT(info.MaxCallerData == 56 && info.MaxCalleeData == 148);
    EXPECT(info.AdapterFlags & NDK_ADAPTER_FLAG_CQ_RESIZE_SUPPORTED);
    EXPECT(!(info.AdapterFlags & NDK_ADAPTER_FLAG_RDMA_READ_LOCAL_INVALIDATE_SUPPORTED));
    EXPECT(info.RdmaTechnology == NdkRoCEv2);

    EXPECT_STATUS(STATUS_NOT_SUPPORTED,
                  stage.qp->Dispatch->NdkQueryExtension(&stage.qp->Header, &identifier, version, &extension));
    statistics.Size = 8;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL, NdkGetAdapterStatistics(stage.adapter, &statistics));
    statistics.Size = sizeof(statistics);
    EXPECT_STATUS(STATUS_SUCCESS, NdkGetAdapterStatistics(stage.adapter, &statistics));
    EXPECT(statistics.LiveMappings == 0 && statistics.Violations == 0);
    TRY(close_stage(&stage));
    return NULL;
}
