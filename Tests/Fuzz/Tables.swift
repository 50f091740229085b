import CNDK

/// The dispatch tables of the objects.
enum Tables {
    static let adapter: NDK_ADAPTER_DISPATCH = table(NdkObjectTypeAdapter)
    static let pd: NDK_PD_DISPATCH = table(NdkObjectTypePd)
    static let cq: NDK_CQ_DISPATCH = table(NdkObjectTypeCq)
    static let srq: NDK_SRQ_DISPATCH = table(NdkObjectTypeSrq)
    static let qp: NDK_QP_DISPATCH = table(NdkObjectTypeQp)
    static let mr: NDK_MR_DISPATCH = table(NdkObjectTypeMr)
    static let mw: NDK_MW_DISPATCH = table(NdkObjectTypeMw)
    static let sharedEndpoint: NDK_SHARED_ENDPOINT_DISPATCH = table(NdkObjectTypeSharedEndpoint)
    static let connector: NDK_CONNECTOR_DISPATCH = table(NdkObjectTypeConnector)
    static let listener: NDK_LISTENER_DISPATCH = table(NdkObjectTypeListener)

    private static func table<Table>(_ kind: NDK_OBJECT_TYPE) -> Table {
        unsafe ndk_dispatch(kind)!.load(as: Table.self)
    }

    /// The function that closes objects of a kind, and the one that finds no extension.
    static func common(of kind: Kind) -> (close: NDK_FN_CLOSE_OBJECT?, extend: NDK_FN_QUERY_EXTENSION_INTERFACE) {
        switch kind {
        case .adapter: unsafe (nil, adapter.NdkQueryExtension)
        case .pd: unsafe (pd.NdkClosePd, pd.NdkQueryExtension)
        case .cq: unsafe (cq.NdkCloseCq, cq.NdkQueryExtension)
        case .srq: unsafe (srq.NdkCloseSrq, srq.NdkQueryExtension)
        case .qp: unsafe (qp.NdkCloseQp, qp.NdkQueryExtension)
        case .mr: unsafe (mr.NdkCloseMr, mr.NdkQueryExtension)
        case .mw: unsafe (mw.NdkCloseMw, mw.NdkQueryExtension)
        case .sharedEndpoint: unsafe (sharedEndpoint.NdkCloseSharedEndpoint, sharedEndpoint.NdkQueryExtension)
        case .connector: unsafe (connector.NdkCloseConnector, connector.NdkQueryExtension)
        case .listener: unsafe (listener.NdkCloseListener, listener.NdkQueryExtension)
        }
    }
}
