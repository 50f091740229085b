// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

import CNDK
import Glibc

/// The last failure of a thread's calls, or of the call whose completion runs on it.
final class LastFailure {
    var reason: StatusError.Reason? {
        didSet { text = nil }
    }
    /// What the program was given to read.
    private var text: [CChar]?

    /// The message, valid until the next failure.
    var message: UnsafePointer<CChar>? {
        if text == nil { text = Array((reason?.description ?? "").utf8CString) }
        return unsafe text!.withUnsafeBufferPointer { $0.baseAddress }
    }

    /// The calling thread's.
    static var current: LastFailure {
        if let known = unsafe pthread_getspecific(key) {
            return unsafe Unmanaged<LastFailure>.fromOpaque(known).takeUnretainedValue()
        }
        let new = LastFailure()
        unsafe pthread_setspecific(key, Unmanaged.passRetained(new).toOpaque())
        return new
    }

    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        unsafe pthread_key_create(&key) { unsafe Unmanaged<LastFailure>.fromOpaque($0!).release() }
        return key
    }()
}

/// Carries a call of the interface out; a failure becomes its status, and its reason the thread's. There is no reason yet
/// while the call pends.
@inline(__always)
func status(_ body: () throws(StatusError) -> Status) -> NTSTATUS {
    do {
        let status = try body()
        if status == .pending { LastFailure.current.reason = nil }
        return status.code
    } catch { return keep(error) }
}

@inline(never)
private func keep(_ error: StatusError) -> NTSTATUS {
    LastFailure.current.reason = error.reason
    return error.status.code
}

@c @implementation
public func NdkErrorMessage() -> UnsafePointer<CChar>? {
    unsafe LastFailure.current.message
}
