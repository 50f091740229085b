import CNDK
import LAM

/// What a program asks for when it opens an adapter.
struct OpenOptions {
    var version = ObjectHandle.version
    var runsCallbacksOnDispatch = false
    var pinBudget: Int?

    init(_ options: UnsafePointer<NDK_OPEN_OPTIONS>?) throws(StatusError) {
        guard let given = unsafe options?.pointee else { return }
        guard given.Size >= MemoryLayout<NDK_OPEN_OPTIONS>.size else {
            throw StatusError(
                .invalidParameter, "NDK_OPEN_OPTIONS.Size is \(given.Size); begin with NDK_OPEN_OPTIONS_INIT")
        }
        version = given.Version
        switch given.Callbacks {
        case NdkCallbacksOnLibraryThread: break
        case NdkCallbacksOnDispatch: runsCallbacksOnDispatch = true
        default: throw StatusError(.invalidParameter, "NDK_OPEN_OPTIONS.Callbacks is \(given.Callbacks.rawValue)")
        }
        if given.PinBudget > 0 { pinBudget = Int(clamping: given.PinBudget) }
        try checkVersion()
    }

    /// The library has all minor versions up to its own.
    private func checkVersion() throws(StatusError) {
        let own = ObjectHandle.version
        guard version.Major == own.Major, version.Minor <= own.Minor else {
            throw StatusError(
                .revisionMismatch,
                """
                version \(version.Major).\(version.Minor) of the interface was asked, the library has \(own.Major).0 \
                to \(own.Major).\(own.Minor)
                """)
        }
    }
}
