// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK

/// Makes an object and gives it to the program that asked for it, without pending.
func create<Kind>(
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<Kind>?>?,
    _ body: () throws(StatusError) -> ProviderObject
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard let result = unsafe result else { throw StatusError(.invalidParameter, "the out parameter is NULL") }
        unsafe result.pointee = try body().handle.pointer()
        return .success
    }
}

@c @implementation
public func ndk_close_object(
    _ object: UnsafeMutablePointer<NDK_OBJECT_HEADER>?, _ completion: NDK_FN_CLOSE_COMPLETION?,
    _ context: UnsafeMutableRawPointer?
) -> NTSTATUS {
    // A close never fails; one that finds nothing to close has nothing to wait for.
    var answer = Status.success
    _ = status { () throws(StatusError) in
        let context = unsafe ProgramPointer(context)
        let object = try unsafe ObjectHandle.any(object)
        guard object !== object.adapter else { throw StatusError(.invalidParameter, "NdkCloseAdapter closes adapters") }
        // Even where the close waits for others: a program has no business with the object any more.
        object.handle.refuseCalls()
        if object.close({ unsafe completion?(context.value) }) { answer = .pending }
        return answer
    }
    return answer.code
}

@c @implementation
public func ndk_query_extension(
    _ object: UnsafeMutablePointer<NDK_OBJECT_HEADER>?, _ identifier: UnsafeMutablePointer<GUID>?,
    _ version: NDK_VERSION, _ interface: UnsafeMutablePointer<NDK_EXTENSION_INTERFACE>?
) -> NTSTATUS {
    Status.notSupported.code
}

/// A pointer of the program's that the library passes back and never follows.
@safe
struct ProgramPointer: @unchecked Sendable {
    let value: UnsafeMutableRawPointer?

    init(_ value: UnsafeMutableRawPointer?) {
        unsafe self.value = unsafe value
    }
}
