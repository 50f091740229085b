/* What can be said of a status without Swift. */
#include "ndk.h"

#define NAME(status)                                                                                                   \
    case status:                                                                                                       \
        return #status

const char *NdkStatusName(NTSTATUS Status)
{
    switch (Status) {
        NAME(STATUS_SUCCESS);
        NAME(STATUS_PENDING);
        NAME(STATUS_BUFFER_OVERFLOW);
        NAME(STATUS_DEVICE_BUSY);
        NAME(STATUS_NO_MORE_ENTRIES);
        NAME(STATUS_ACCESS_VIOLATION);
        NAME(STATUS_INVALID_PARAMETER);
        NAME(STATUS_INVALID_DEVICE_REQUEST);
        NAME(STATUS_BUFFER_TOO_SMALL);
        NAME(STATUS_INVALID_PARAMETER_MIX);
        NAME(STATUS_DATA_OVERRUN);
        NAME(STATUS_SHARING_VIOLATION);
        NAME(STATUS_REVISION_MISMATCH);
        NAME(STATUS_INSUFFICIENT_RESOURCES);
        NAME(STATUS_DEVICE_NOT_READY);
        NAME(STATUS_IO_TIMEOUT);
        NAME(STATUS_NOT_SUPPORTED);
        NAME(STATUS_INTERNAL_ERROR);
        NAME(STATUS_CANCELLED);
        NAME(STATUS_REMOTE_RESOURCES);
        NAME(STATUS_INVALID_ADDRESS);
        NAME(STATUS_INVALID_DEVICE_STATE);
        NAME(STATUS_INVALID_BUFFER_SIZE);
        NAME(STATUS_TOO_MANY_ADDRESSES);
        NAME(STATUS_ADDRESS_ALREADY_EXISTS);
        NAME(STATUS_CONNECTION_REFUSED);
        NAME(STATUS_CONNECTION_INVALID);
        NAME(STATUS_CONNECTION_ACTIVE);
        NAME(STATUS_NETWORK_UNREACHABLE);
        NAME(STATUS_HOST_UNREACHABLE);
        NAME(STATUS_CONNECTION_ABORTED);
        NAME(STATUS_DEVICE_REMOVED);
        NAME(STATUS_IMPLEMENTATION_LIMIT);
    default:
        return "STATUS_?";
    }
}
