/* The dispatch tables: the compiler checks each entry against the type that the interface gives it. */
#include "ndkprovider.h"

static CONST NDK_ADAPTER_DISPATCH adapter = {
    .NdkQueryExtension = ndk_query_extension,
    .NdkQueryAdapterInfo = ndk_adapter_query_info,
    .NdkCreateCq = ndk_adapter_create_cq,
    .NdkCreatePd = ndk_adapter_create_pd,
    .NdkCreateSharedEndpoint = ndk_adapter_create_shared_endpoint,
    .NdkCreateConnector = ndk_adapter_create_connector,
    .NdkCreateListener = ndk_adapter_create_listener,
    .NdkBuildLAM = ndk_adapter_build_lam,
    .NdkReleaseLAM = ndk_adapter_release_lam,
};

static CONST NDK_PD_DISPATCH pd = {
    .NdkClosePd = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkCreateMr = ndk_pd_create_mr,
    .NdkCreateMw = ndk_pd_create_mw,
    .NdkCreateSrq = ndk_pd_create_srq,
    .NdkCreateQp = ndk_pd_create_qp,
    .NdkCreateQpWithSrq = ndk_pd_create_qp_with_srq,
    .NdkGetPrivilegedMemoryRegionToken = ndk_pd_get_privileged_token,
};

static CONST NDK_CQ_DISPATCH cq = {
    .NdkCloseCq = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkResizeCq = ndk_cq_resize,
    .NdkArmCq = ndk_cq_arm,
    .NdkGetCqResults = ndk_cq_get_results,
    .NdkControlCqInterruptModeration = ndk_cq_control_interrupt_moderation,
    .NdkGetCqResultsEx = ndk_cq_get_results_ex,
};

static CONST NDK_SRQ_DISPATCH srq = {
    .NdkCloseSrq = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkModifySrq = ndk_srq_modify,
    .NdkSrqReceive = ndk_srq_receive,
};

static CONST NDK_QP_DISPATCH qp = {
    .NdkCloseQp = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkFlush = ndk_qp_flush,
    .NdkSend = ndk_qp_send,
    .NdkReceive = ndk_qp_receive,
    .NdkBind = ndk_qp_bind,
    .NdkFastRegister = ndk_qp_fast_register,
    .NdkInvalidate = ndk_qp_invalidate,
    .NdkRead = ndk_qp_read,
    .NdkWrite = ndk_qp_write,
    .NdkSendAndInvalidate = ndk_qp_send_and_invalidate,
};

static CONST NDK_MR_DISPATCH mr = {
    .NdkCloseMr = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkRegisterMr = ndk_mr_register,
    .NdkDeregisterMr = ndk_mr_deregister,
    .NdkInitializeFastRegisterMr = ndk_mr_initialize_fast_register,
    .NdkGetRemoteTokenFromMr = ndk_mr_get_remote_token,
    .NdkGetLocalTokenFromMr = ndk_mr_get_local_token,
};

static CONST NDK_MW_DISPATCH mw = {
    .NdkCloseMw = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkGetRemoteTokenFromMw = ndk_mw_get_remote_token,
};

static CONST NDK_SHARED_ENDPOINT_DISPATCH shared_endpoint = {
    .NdkCloseSharedEndpoint = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkGetLocalAddress = ndk_shared_endpoint_get_local_address,
};

static CONST NDK_CONNECTOR_DISPATCH connector = {
    .NdkCloseConnector = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkConnect = ndk_connector_connect,
    .NdkConnectWithSharedEndpoint = ndk_connector_connect_with_shared_endpoint,
    .NdkCompleteConnect = ndk_connector_complete_connect,
    .NdkAccept = ndk_connector_accept,
    .NdkReject = ndk_connector_reject,
    .NdkGetConnectionData = ndk_connector_get_connection_data,
    .NdkGetLocalAddress = ndk_connector_get_local_address,
    .NdkGetPeerAddress = ndk_connector_get_peer_address,
    .NdkDisconnect = ndk_connector_disconnect,
    .NdkCompleteConnectEx = ndk_connector_complete_connect_ex,
    .NdkAcceptEx = ndk_connector_accept_ex,
};

static CONST NDK_LISTENER_DISPATCH listener = {
    .NdkCloseListener = ndk_close_object,
    .NdkQueryExtension = ndk_query_extension,
    .NdkListen = ndk_listener_listen,
    .NdkGetLocalAddress = ndk_listener_get_local_address,
    .NdkControlConnectEvents = ndk_listener_control_connect_events,
};

CONST VOID *ndk_dispatch(NDK_OBJECT_TYPE ObjectType)
{
    switch (ObjectType) {
    case NdkObjectTypeAdapter:
        return &adapter;
    case NdkObjectTypePd:
        return &pd;
    case NdkObjectTypeCq:
        return &cq;
    case NdkObjectTypeSrq:
        return &srq;
    case NdkObjectTypeQp:
        return &qp;
    case NdkObjectTypeMr:
        return &mr;
    case NdkObjectTypeMw:
        return &mw;
    case NdkObjectTypeSharedEndpoint:
        return &shared_endpoint;
    case NdkObjectTypeConnector:
        return &connector;
    case NdkObjectTypeListener:
        return &listener;
    default:
        return NULL;
    }
}
