/*
 * What stands behind the dispatch tables: the library's entry points, which Swift implements (target NDK), and the
 * objects as the library makes them. Not installed: programs go through the tables.
 */
#ifndef NDK_PROVIDER_H
#define NDK_PROVIDER_H

#include "ndk.h"

/* Every object: what a program sees, and behind it what the library knows of it. */
struct ndk_object {
    NDK_OBJECT_HEADER Header;
    CONST VOID *Dispatch;
    VOID *Provider;
};

/* The table that objects of a kind are made with; NULL for other kinds. */
CONST VOID *ndk_dispatch(NDK_OBJECT_TYPE ObjectType);

/* -- Every object -- */

NTSTATUS ndk_close_object(NDK_OBJECT_HEADER *pNdkObject, NDK_FN_CLOSE_COMPLETION CloseCompletion, PVOID RequestContext);
NTSTATUS ndk_query_extension(NDK_OBJECT_HEADER *pNdkObject, GUID *ExtensionInterfaceID,
                             NDK_VERSION ExtensionInterfaceVersion, NDK_EXTENSION_INTERFACE *pExtensionInterface);

/* -- Adapters -- */

NTSTATUS ndk_adapter_query_info(NDK_ADAPTER *pNdkAdapter, NDK_ADAPTER_INFO *pInfo, ULONG *pBufferSize);
NTSTATUS ndk_adapter_create_cq(NDK_ADAPTER *pNdkAdapter, ULONG CqDepth, NDK_FN_CQ_NOTIFICATION_CALLBACK CqNotification,
                               PVOID CqNotificationContext, GROUP_AFFINITY *Affinity,
                               NDK_FN_CREATE_COMPLETION CreateCompletion, PVOID RequestContext, NDK_CQ **ppNdkCq);
NTSTATUS ndk_adapter_create_pd(NDK_ADAPTER *pNdkAdapter, NDK_FN_CREATE_COMPLETION CreateCompletion,
                               PVOID RequestContext, NDK_PD **ppNdkPd);
NTSTATUS ndk_adapter_create_shared_endpoint(NDK_ADAPTER *pNdkAdapter, CONST PSOCKADDR pAddress, ULONG AddressLength,
                                            NDK_FN_CREATE_COMPLETION CreateCompletion, PVOID RequestContext,
                                            NDK_SHARED_ENDPOINT **ppNdkSharedEndpoint);
NTSTATUS ndk_adapter_create_connector(NDK_ADAPTER *pNdkAdapter, NDK_FN_CREATE_COMPLETION CreateCompletion,
                                      PVOID RequestContext, NDK_CONNECTOR **ppNdkConnector);
NTSTATUS ndk_adapter_create_listener(NDK_ADAPTER *pNdkAdapter, NDK_FN_CONNECT_EVENT_CALLBACK ConnectEvent,
                                     PVOID ConnectEventContext, NDK_FN_CREATE_COMPLETION CreateCompletion,
                                     PVOID RequestContext, NDK_LISTENER **ppNdkListener);
NTSTATUS ndk_adapter_build_lam(NDK_ADAPTER *pNdkAdapter, MDL *Mdl, SIZE_T Length,
                               NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext,
                               NDK_LOGICAL_ADDRESS_MAPPING *pNdkLAM, ULONG *pLAMSize, ULONG *pFBO);
VOID ndk_adapter_release_lam(NDK_ADAPTER *pNdkAdapter, NDK_LOGICAL_ADDRESS_MAPPING *pNdkLAM);

/* -- Protection domains -- */

NTSTATUS ndk_pd_create_mr(NDK_PD *pNdkPd, BOOLEAN FastRegister, NDK_FN_CREATE_COMPLETION CreateCompletion,
                          PVOID RequestContext, NDK_MR **ppNdkMr);
NTSTATUS ndk_pd_create_mw(NDK_PD *pNdkPd, NDK_FN_CREATE_COMPLETION CreateCompletion, PVOID RequestContext,
                          NDK_MW **ppNdkMw);
NTSTATUS ndk_pd_create_srq(NDK_PD *pNdkPd, ULONG SrqDepth, ULONG MaxReceiveRequestSge, ULONG NotifyThreshold,
                           NDK_FN_SRQ_NOTIFICATION_CALLBACK SrqNotification, PVOID SrqNotificationContext,
                           GROUP_AFFINITY *Affinity, NDK_FN_CREATE_COMPLETION CreateCompletion, PVOID RequestContext,
                           NDK_SRQ **ppNdkSrq);
NTSTATUS ndk_pd_create_qp(NDK_PD *pNdkPd, NDK_CQ *pReceiveCq, NDK_CQ *pInitiatorCq, PVOID QPContext,
                          ULONG ReceiveQueueDepth, ULONG InitiatorQueueDepth, ULONG MaxReceiveRequestSge,
                          ULONG MaxInitiatorRequestSge, ULONG InlineDataSize, NDK_FN_CREATE_COMPLETION CreateCompletion,
                          PVOID RequestContext, NDK_QP **ppNdkQp);
NTSTATUS ndk_pd_create_qp_with_srq(NDK_PD *pNdkPd, NDK_CQ *pReceiveCq, NDK_CQ *pInitiatorCq, NDK_SRQ *pSrq,
                                   PVOID QPContext, ULONG InitiatorQueueDepth, ULONG MaxInitiatorRequestSge,
                                   ULONG InlineDataSize, NDK_FN_CREATE_COMPLETION CreateCompletion,
                                   PVOID RequestContext, NDK_QP **ppNdkQp);
VOID ndk_pd_get_privileged_token(NDK_PD *pNdkPd, UINT32 *pToken);

/* -- Completion queues -- */

NTSTATUS ndk_cq_resize(NDK_CQ *pNdkCq, ULONG CqDepth, NDK_FN_REQUEST_COMPLETION RequestCompletion,
                       PVOID RequestContext);
VOID ndk_cq_arm(NDK_CQ *pNdkCq, ULONG Type);
ULONG ndk_cq_get_results(NDK_CQ *pNdkCq, NDK_RESULT Results[], ULONG nResults);
NTSTATUS ndk_cq_control_interrupt_moderation(NDK_CQ *pNdkCq, ULONG ModerationInterval, ULONG ModerationCount);
ULONG ndk_cq_get_results_ex(NDK_CQ *pNdkCq, NDK_RESULT_EX Results[], ULONG nResults);

/* -- Shared receive queues -- */

NTSTATUS ndk_srq_modify(NDK_SRQ *pNdkSrq, ULONG SrqDepth, ULONG NotifyThreshold,
                        NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_srq_receive(NDK_SRQ *pNdkSrq, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge);

/* -- Queue pairs -- */

VOID ndk_qp_flush(NDK_QP *pNdkQp);
NTSTATUS ndk_qp_send(NDK_QP *pNdkQp, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge, ULONG Flags);
NTSTATUS ndk_qp_receive(NDK_QP *pNdkQp, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge);
NTSTATUS ndk_qp_bind(NDK_QP *pNdkQp, PVOID RequestContext, NDK_MR *pMr, NDK_MW *pMw, PVOID VirtualAddress,
                     SIZE_T Length, ULONG Flags);
NTSTATUS ndk_qp_fast_register(NDK_QP *pNdkQp, PVOID RequestContext, NDK_MR *pMr, ULONG AdapterPageCount,
                              CONST NDK_LOGICAL_ADDRESS *AdapterPageArray, ULONG FBO, SIZE_T Length,
                              PVOID BaseVirtualAddress, ULONG Flags);
NTSTATUS ndk_qp_invalidate(NDK_QP *pNdkQp, PVOID RequestContext, NDK_OBJECT_HEADER *pNdkMrOrMw, ULONG Flags);
NTSTATUS ndk_qp_read(NDK_QP *pNdkQp, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge, UINT64 RemoteAddress,
                     UINT32 RemoteToken, ULONG Flags);
NTSTATUS ndk_qp_write(NDK_QP *pNdkQp, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge, UINT64 RemoteAddress,
                      UINT32 RemoteToken, ULONG Flags);
NTSTATUS ndk_qp_send_and_invalidate(NDK_QP *pNdkQp, PVOID RequestContext, CONST NDK_SGE *pSgl, ULONG nSge, ULONG Flags,
                                    UINT32 RemoteToken);

/* -- Memory regions -- */

NTSTATUS ndk_mr_register(NDK_MR *pNdkMr, MDL *Mdl, SIZE_T Length, ULONG Flags,
                         NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_mr_deregister(NDK_MR *pNdkMr, NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_mr_initialize_fast_register(NDK_MR *pNdkMr, ULONG AdapterPageCount, BOOLEAN RemoteAccess,
                                         NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
UINT32 ndk_mr_get_remote_token(NDK_MR *pNdkMr);
UINT32 ndk_mr_get_local_token(NDK_MR *pNdkMr);

/* -- Memory windows -- */

UINT32 ndk_mw_get_remote_token(NDK_MW *pNdkMw);

/* -- Shared endpoints -- */

NTSTATUS ndk_shared_endpoint_get_local_address(NDK_SHARED_ENDPOINT *pNdkSharedEndpoint, PSOCKADDR pAddress,
                                               ULONG *pAddressLength);

/* -- Connectors -- */

NTSTATUS ndk_connector_connect(NDK_CONNECTOR *pNdkConnector, NDK_QP *pNdkQp, CONST PSOCKADDR pSrcAddress,
                               ULONG SrcAddressLength, CONST PSOCKADDR pDestAddress, ULONG DestAddressLength,
                               ULONG InboundReadLimit, ULONG OutboundReadLimit, CONST PVOID pPrivateData,
                               ULONG PrivateDataLength, NDK_FN_REQUEST_COMPLETION RequestCompletion,
                               PVOID RequestContext);
NTSTATUS ndk_connector_connect_with_shared_endpoint(NDK_CONNECTOR *pNdkConnector, NDK_QP *pNdkQp,
                                                    NDK_SHARED_ENDPOINT *pNdkSharedEndpoint,
                                                    CONST PSOCKADDR pDestAddress, ULONG DestAddressLength,
                                                    ULONG InboundReadLimit, ULONG OutboundReadLimit,
                                                    CONST PVOID pPrivateData, ULONG PrivateDataLength,
                                                    NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_connector_complete_connect(NDK_CONNECTOR *pNdkConnector, NDK_FN_DISCONNECT_EVENT_CALLBACK DisconnectEvent,
                                        PVOID DisconnectEventContext, NDK_FN_REQUEST_COMPLETION RequestCompletion,
                                        PVOID RequestContext);
NTSTATUS ndk_connector_accept(NDK_CONNECTOR *pNdkConnector, NDK_QP *pNdkQp, ULONG InboundReadLimit,
                              ULONG OutboundReadLimit, CONST PVOID pPrivateData, ULONG PrivateDataLength,
                              NDK_FN_DISCONNECT_EVENT_CALLBACK DisconnectEvent, PVOID DisconnectEventContext,
                              NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_connector_reject(NDK_CONNECTOR *pNdkConnector, CONST PVOID pPrivateData, ULONG PrivateDataLength);
NTSTATUS ndk_connector_get_connection_data(NDK_CONNECTOR *pNdkConnector, ULONG *pInboundReadLimit,
                                           ULONG *pOutboundReadLimit, PVOID pPrivateData, ULONG *pPrivateDataLength);
NTSTATUS ndk_connector_get_local_address(NDK_CONNECTOR *pNdkConnector, PSOCKADDR pAddress, ULONG *pAddressLength);
NTSTATUS ndk_connector_get_peer_address(NDK_CONNECTOR *pNdkConnector, PSOCKADDR pAddress, ULONG *pAddressLength);
NTSTATUS ndk_connector_disconnect(NDK_CONNECTOR *pNdkConnector, NDK_FN_REQUEST_COMPLETION RequestCompletion,
                                  PVOID RequestContext);
NTSTATUS ndk_connector_complete_connect_ex(NDK_CONNECTOR *pNdkConnector,
                                           NDK_FN_DISCONNECT_EVENT_CALLBACK_EX DisconnectEvent,
                                           PVOID DisconnectEventContext, NDK_FN_REQUEST_COMPLETION RequestCompletion,
                                           PVOID RequestContext);
NTSTATUS ndk_connector_accept_ex(NDK_CONNECTOR *pNdkConnector, NDK_QP *pNdkQp, ULONG InboundReadLimit,
                                 ULONG OutboundReadLimit, CONST PVOID pPrivateData, ULONG PrivateDataLength,
                                 NDK_FN_DISCONNECT_EVENT_CALLBACK_EX DisconnectEvent, PVOID DisconnectEventContext,
                                 NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);

/* -- Listeners -- */

NTSTATUS ndk_listener_listen(NDK_LISTENER *pNdkListener, CONST PSOCKADDR pAddress, ULONG AddressLength,
                             NDK_FN_REQUEST_COMPLETION RequestCompletion, PVOID RequestContext);
NTSTATUS ndk_listener_get_local_address(NDK_LISTENER *pNdkListener, PSOCKADDR pAddress, ULONG *pAddressLength);
VOID ndk_listener_control_connect_events(NDK_LISTENER *pNdkListener, BOOLEAN Pause);

#endif /* NDK_PROVIDER_H */
