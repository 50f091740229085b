#include "stage.h"

const char *CONSUMER(connects)(void)
{
    struct sockaddr_in peer = address_of("10.77.0.1", 7471);
    struct sockaddr_in own = address_of("10.0.0.1", 0);
    struct sockaddr_in found;
    NDK_SHARED_ENDPOINT *endpoint;
    NDK_CONNECTOR *connector;
    NDK_CONNECTOR *shared;
    NDK_QP *second;
    calls_t disconnected;
    calls_t created;
    calls_t calls;
    stage_t stage;
    char data[64] = {0};
    char greeting[] = "hello";
    ULONG length = 0;
    ULONG inbound = 0;
    ULONG outbound = 0;

    calls_init(&disconnected);
    calls_init(&created);
    calls_init(&calls);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkCreateConnector(stage.adapter, NULL, NULL, &connector));

    /* Too early, or not at all. */
    EXPECT_STATUS(STATUS_CONNECTION_INVALID,
                  connector->Dispatch->NdkGetConnectionData(connector, NULL, NULL, NULL, &length));
    EXPECT_STATUS(STATUS_CONNECTION_INVALID,
                  connector->Dispatch->NdkGetPeerAddress(connector, (PSOCKADDR)&found, &length));
    EXPECT_STATUS(STATUS_CONNECTION_INVALID, connector->Dispatch->NdkReject(connector, NULL, 0));
    EXPECT_STATUS(
        STATUS_CONNECTION_INVALID,
        ended(connector->Dispatch->NdkCompleteConnect(connector, NULL, NULL, request_ended, &calls), &calls, 1));
    /* Whoever made the call that pends has nothing to read yet; within the completion there is what went wrong. */
    EXPECT(NdkErrorMessage()[0] == 0 && calls.has_reason);
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer), 4, 4,
                                                  NULL, 0, NULL, NULL));
    EXPECT_STATUS(STATUS_INVALID_ADDRESS, connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, NULL, 0, 4, 4,
                                                                          NULL, 0, request_ended, &calls));
    EXPECT_STATUS(STATUS_INVALID_BUFFER_SIZE,
                  connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer), 4, 4,
                                                  data, 57, request_ended, &calls));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer), 4, 4,
                                                  NULL, 5, request_ended, &calls));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE,
                  connector->Dispatch->NdkConnect(connector, (NDK_QP *)(void *)stage.cq, NULL, 0, (PSOCKADDR)&peer,
                                                  sizeof(peer), 4, 4, NULL, 0, request_ended, &calls));
    EXPECT(call_count(&calls) == 1);

    EXPECT_STATUS(STATUS_SUCCESS,
                  ended(connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer),
                                                        200, 3, greeting, 5, request_ended, &calls),
                        &calls, 2));
    EXPECT(!calls.has_reason);
    EXPECT_STATUS(STATUS_SUCCESS,
                  connector->Dispatch->NdkGetConnectionData(connector, &inbound, &outbound, NULL, &length));
    EXPECT(inbound == 4 && outbound == 3);
    length = sizeof(found);
    EXPECT_STATUS(STATUS_SUCCESS, connector->Dispatch->NdkGetPeerAddress(connector, (PSOCKADDR)&found, &length));
    EXPECT(length == sizeof(found) && found.sin_port == htons(7471));
    EXPECT(found.sin_addr.s_addr == peer.sin_addr.s_addr);
    length = 3;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL,
                  connector->Dispatch->NdkGetPeerAddress(connector, (PSOCKADDR)&found, &length));
    EXPECT(length == sizeof(found));
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(connector->Dispatch->NdkCompleteConnectEx(connector, NULL, NULL, request_ended, &calls), &calls, 3));
    EXPECT_STATUS(STATUS_CONNECTION_INVALID,
                  ended(connector->Dispatch->NdkConnect(connector, stage.qp, NULL, 0, (PSOCKADDR)&peer, sizeof(peer), 4,
                                                        4, NULL, 0, request_ended, &calls),
                        &calls, 4));
    EXPECT_STATUS(STATUS_SUCCESS,
                  ended(connector->Dispatch->NdkDisconnect(connector, request_ended, &calls), &calls, 5));
    EXPECT_STATUS(STATUS_CONNECTION_INVALID, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 0, 0));
    CLOSE(connector, NdkCloseConnector);

    /* Through an address that several have. */
    EXPECT_STATUS(STATUS_INVALID_PARAMETER, stage.adapter->Dispatch->NdkCreateSharedEndpoint(
                                                stage.adapter, (PSOCKADDR)&own, sizeof(own), NULL, NULL, &endpoint));
    EXPECT_STATUS(STATUS_SUCCESS,
                  ended(stage.adapter->Dispatch->NdkCreateSharedEndpoint(stage.adapter, (PSOCKADDR)&own, sizeof(own),
                                                                         object_created, &created, &endpoint),
                        &created, 1));
    endpoint = (NDK_SHARED_ENDPOINT *)(void *)created.object;
    length = sizeof(found);
    EXPECT_STATUS(STATUS_SUCCESS, endpoint->Dispatch->NdkGetLocalAddress(endpoint, (PSOCKADDR)&found, &length));
    EXPECT(ntohs(found.sin_port) >= 49152);
    EXPECT_STATUS(STATUS_SUCCESS, stage.pd->Dispatch->NdkCreateQp(stage.pd, stage.cq, stage.cq, NULL, DEPTH, DEPTH, 1,
                                                                  1, 0, NULL, NULL, &second));
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkCreateConnector(stage.adapter, NULL, NULL, &shared));
    EXPECT_STATUS(STATUS_SUCCESS, ended(shared->Dispatch->NdkConnectWithSharedEndpoint(
                                            shared, second, endpoint, (PSOCKADDR)&peer, sizeof(peer), 4, 4, NULL, 0,
                                            request_ended, &calls),
                                        &calls, 6));
    EXPECT_STATUS(STATUS_SUCCESS,
                  ended(shared->Dispatch->NdkCompleteConnect(shared, event_came, &disconnected, request_ended, &calls),
                        &calls, 7));
    EXPECT(call_count(&disconnected) == 0);
    stage_disconnect();
    EXPECT(await(&disconnected, 1));
    /* What is posted survives that, and so does what is posted now. */
    EXPECT_STATUS(STATUS_SUCCESS, second->Dispatch->NdkReceive(second, NULL, NULL, 0));
    CLOSE(shared, NdkCloseConnector);
    CLOSE(endpoint, NdkCloseSharedEndpoint);
    CLOSE(second, NdkCloseQp);
    EXPECT(call_count(&disconnected) == 1);
    TRY(close_stage(&stage));
    return NULL;
}

const char *CONSUMER(listens)(void)
{
    struct sockaddr_in own = address_of("10.0.0.1", 7471);
    struct sockaddr_in found;
    NDK_CONNECTOR *connector;
    NDK_LISTENER *listener;
    calls_t disconnected;
    calls_t requests;
    calls_t closed;
    calls_t calls;
    stage_t stage;
    char data[56];
    char yes[] = "yes";
    char no[] = "no";
    ULONG length;

    calls_init(&disconnected);
    calls_init(&requests);
    calls_init(&closed);
    calls_init(&calls);
    TRY(open_stage(&stage));
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  stage.adapter->Dispatch->NdkCreateListener(stage.adapter, NULL, NULL, NULL, NULL, &listener));
    EXPECT_STATUS(STATUS_SUCCESS, stage.adapter->Dispatch->NdkCreateListener(stage.adapter, connect_event, &requests,
                                                                             NULL, NULL, &listener));
    length = sizeof(found);
    EXPECT_STATUS(STATUS_INVALID_DEVICE_STATE,
                  listener->Dispatch->NdkGetLocalAddress(listener, (PSOCKADDR)&found, &length));
    listener->Dispatch->NdkControlConnectEvents(listener, TRUE);
    EXPECT_STATUS(STATUS_INVALID_ADDRESS, listener->Dispatch->NdkListen(listener, NULL, 0, request_ended, &calls));
    EXPECT_STATUS(
        STATUS_SUCCESS,
        ended(listener->Dispatch->NdkListen(listener, (PSOCKADDR)&own, sizeof(own), request_ended, &calls), &calls, 1));
    EXPECT_STATUS(STATUS_INVALID_DEVICE_REQUEST,
                  listener->Dispatch->NdkListen(listener, (PSOCKADDR)&own, sizeof(own), request_ended, &calls));
    EXPECT_STATUS(STATUS_SUCCESS, listener->Dispatch->NdkGetLocalAddress(listener, (PSOCKADDR)&found, &length));
    EXPECT(found.sin_port == own.sin_port);

    /* One request is rejected, one forgotten while the listener pauses, one accepted. */
    stage_request("first");
    EXPECT(await(&requests, 1));
    connector = (NDK_CONNECTOR *)(void *)requests.object;
    EXPECT_STATUS(STATUS_SUCCESS, connector->Dispatch->NdkReject(connector, no, 2));
    CLOSE(connector, NdkCloseConnector);
    listener->Dispatch->NdkControlConnectEvents(listener, TRUE);
    EXPECT(stage_refused_request("second"));
    listener->Dispatch->NdkControlConnectEvents(listener, FALSE);
    stage_request("third");
    EXPECT(await(&requests, 2));
    connector = (NDK_CONNECTOR *)(void *)requests.object;
    length = 4;
    EXPECT_STATUS(STATUS_BUFFER_TOO_SMALL,
                  connector->Dispatch->NdkGetConnectionData(connector, NULL, NULL, data, &length));
    EXPECT(memcmp(data, "thir", 4) == 0 && length >= 5);
    EXPECT_STATUS(STATUS_INVALID_PARAMETER,
                  connector->Dispatch->NdkGetConnectionData(connector, NULL, NULL, NULL, &length));
    EXPECT_STATUS(STATUS_SUCCESS, ended(connector->Dispatch->NdkAcceptEx(connector, stage.qp, 4, 4, yes, 3, NULL, NULL,
                                                                         request_ended, &calls),
                                        &calls, 2));

    /* The listener's end waits for the connection that it brought. */
    EXPECT_STATUS(STATUS_PENDING, listener->Dispatch->NdkCloseListener(&listener->Header, object_closed, &closed));
    EXPECT(call_count(&closed) == 0);
    EXPECT_STATUS(STATUS_SUCCESS, stage.qp->Dispatch->NdkSend(stage.qp, NULL, NULL, 0, 0));
    EXPECT_STATUS(STATUS_SUCCESS,
                  ended(connector->Dispatch->NdkDisconnect(connector, request_ended, &calls), &calls, 3));
    EXPECT(call_count(&closed) == 0);
    CLOSE(connector, NdkCloseConnector);
    EXPECT(await(&closed, 1));
    EXPECT(call_count(&requests) == 2);
    TRY(close_stage(&stage));
    return NULL;
}
