import Glibc
import TrackingModel

/// A function that a program can call: of `ndk.h`, or of the dispatch table of a kind of object.
enum EntryPoint: String, CaseIterable {
    case openAdapter = "NdkOpenAdapter"
    case openAdapterByAddress = "NdkOpenAdapterByAddress"
    case openAdapterByInterfaceIndex = "NdkOpenAdapterByInterfaceIndex"
    case closeAdapter = "NdkCloseAdapter"
    case getCallbackDescriptor = "NdkGetCallbackDescriptor"
    case dispatchCallbacks = "NdkDispatchCallbacks"
    case getAdapterStatistics = "NdkGetAdapterStatistics"
    case statusName = "NdkStatusName"
    case errorMessage = "NdkErrorMessage"

    case queryAdapterExtension = "adapter NdkQueryExtension"
    case queryAdapterInfo = "adapter NdkQueryAdapterInfo"
    case createCq = "adapter NdkCreateCq"
    case createPd = "adapter NdkCreatePd"
    case createSharedEndpoint = "adapter NdkCreateSharedEndpoint"
    case createConnector = "adapter NdkCreateConnector"
    case createListener = "adapter NdkCreateListener"
    case buildLam = "adapter NdkBuildLAM"
    case releaseLam = "adapter NdkReleaseLAM"

    case closePd = "pd NdkClosePd"
    case queryPdExtension = "pd NdkQueryExtension"
    case createMr = "pd NdkCreateMr"
    case createMw = "pd NdkCreateMw"
    case createSrq = "pd NdkCreateSrq"
    case createQp = "pd NdkCreateQp"
    case createQpWithSrq = "pd NdkCreateQpWithSrq"
    case getPrivilegedToken = "pd NdkGetPrivilegedMemoryRegionToken"

    case closeCq = "cq NdkCloseCq"
    case queryCqExtension = "cq NdkQueryExtension"
    case resizeCq = "cq NdkResizeCq"
    case armCq = "cq NdkArmCq"
    case getCqResults = "cq NdkGetCqResults"
    case getCqResultsEx = "cq NdkGetCqResultsEx"
    case controlCqInterruptModeration = "cq NdkControlCqInterruptModeration"

    case closeSrq = "srq NdkCloseSrq"
    case querySrqExtension = "srq NdkQueryExtension"
    case modifySrq = "srq NdkModifySrq"
    case srqReceive = "srq NdkSrqReceive"

    case closeQp = "qp NdkCloseQp"
    case queryQpExtension = "qp NdkQueryExtension"
    case flush = "qp NdkFlush"
    case send = "qp NdkSend"
    case receive = "qp NdkReceive"
    case bind = "qp NdkBind"
    case fastRegister = "qp NdkFastRegister"
    case invalidate = "qp NdkInvalidate"
    case read = "qp NdkRead"
    case write = "qp NdkWrite"
    case sendAndInvalidate = "qp NdkSendAndInvalidate"

    case closeMr = "mr NdkCloseMr"
    case queryMrExtension = "mr NdkQueryExtension"
    case registerMr = "mr NdkRegisterMr"
    case deregisterMr = "mr NdkDeregisterMr"
    case initializeFastRegisterMr = "mr NdkInitializeFastRegisterMr"
    case getRemoteTokenFromMr = "mr NdkGetRemoteTokenFromMr"
    case getLocalTokenFromMr = "mr NdkGetLocalTokenFromMr"

    case closeMw = "mw NdkCloseMw"
    case queryMwExtension = "mw NdkQueryExtension"
    case getRemoteTokenFromMw = "mw NdkGetRemoteTokenFromMw"

    case closeSharedEndpoint = "shared endpoint NdkCloseSharedEndpoint"
    case querySharedEndpointExtension = "shared endpoint NdkQueryExtension"
    case getSharedEndpointLocalAddress = "shared endpoint NdkGetLocalAddress"

    case closeConnector = "connector NdkCloseConnector"
    case queryConnectorExtension = "connector NdkQueryExtension"
    case connect = "connector NdkConnect"
    case connectWithSharedEndpoint = "connector NdkConnectWithSharedEndpoint"
    case completeConnect = "connector NdkCompleteConnect"
    case completeConnectEx = "connector NdkCompleteConnectEx"
    case accept = "connector NdkAccept"
    case acceptEx = "connector NdkAcceptEx"
    case reject = "connector NdkReject"
    case getConnectionData = "connector NdkGetConnectionData"
    case getConnectorLocalAddress = "connector NdkGetLocalAddress"
    case getConnectorPeerAddress = "connector NdkGetPeerAddress"
    case disconnect = "connector NdkDisconnect"

    case closeListener = "listener NdkCloseListener"
    case queryListenerExtension = "listener NdkQueryExtension"
    case listen = "listener NdkListen"
    case getListenerLocalAddress = "listener NdkGetLocalAddress"
    case controlConnectEvents = "listener NdkControlConnectEvents"

    /// How much more often it is called than one that is called rarely.
    var weight: Int {
        switch self {
        case .openAdapter, .openAdapterByAddress, .openAdapterByInterfaceIndex, .closeAdapter: 1
        case .send, .receive, .read, .write, .srqReceive, .buildLam, .releaseLam: 16
        case .getCqResults, .getCqResultsEx, .armCq: 12
        case .bind, .fastRegister, .invalidate, .sendAndInvalidate, .dispatchCallbacks: 10
        case .connect, .connectWithSharedEndpoint, .completeConnect, .completeConnectEx, .accept, .acceptEx: 8
        case .createMr, .createQp, .createQpWithSrq, .createConnector, .registerMr, .initializeFastRegisterMr, .listen:
            6
        default: 3
        }
    }

    /// One of them, as often as its weight says.
    static func any(_ random: inout RandomSource) -> EntryPoint { bag[random.below(bag.count)] }

    /// For whoever cannot handle anything else; it stays.
    var cName: UnsafePointer<CChar> { unsafe Self.cNames[self]! }

    private nonisolated(unsafe) static let cNames = unsafe Dictionary(
        uniqueKeysWithValues: allCases.map { unsafe ($0, UnsafePointer(strdup($0.rawValue)!)) })

    private static let bag = allCases.flatMap { Array(repeating: $0, count: $0.weight) }
}
