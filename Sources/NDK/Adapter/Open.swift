// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation
// The entry points are documented in ndkpi.h and ndk.h.

public import CNDK
package import LAM
package import Verbs

/// What the provider stands on.
package enum Provider {
    /// The verbs of adapters that are opened from now on; a test replaces them.
    package static let verbs = Monitor(ControlVerbs.system)
}

private func open(
    _ options: UnsafePointer<NDK_OPEN_OPTIONS>?, _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_ADAPTER>?>?,
    _ selector: () throws(StatusError) -> AdapterSelector
) -> NTSTATUS {
    status { () throws(StatusError) in
        guard let result = unsafe result else { throw StatusError(.invalidParameter, "ppNdkAdapter is NULL") }
        let options = try unsafe OpenOptions(options)
        let selector = try selector()
        let adapter: Adapter
        do throws(AdapterError) {
            adapter = try Adapter.open(
                selector, options: AdapterOptions(pinBudget: options.pinBudget),
                over: Provider.verbs.withLock { $0 })
        } catch {
            throw StatusError(error)
        }
        let callbacks =
            try options.runsCallbacksOnDispatch ? CallbackQueue.onDispatch() : CallbackQueue.onLibraryThread()
        unsafe result.pointee = try AdapterObject(adapter, callbacks: callbacks).handle.pointer()
        return .success
    }
}

@c @implementation
public func NdkOpenAdapter(
    _ deviceName: UnsafePointer<CChar>?, _ options: UnsafePointer<NDK_OPEN_OPTIONS>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_ADAPTER>?>?
) -> NTSTATUS {
    unsafe open(options, result) { () throws(StatusError) in
        unsafe deviceName.map { unsafe .device(String(cString: $0)) } ?? .firstActive
    }
}

@c @implementation
public func NdkOpenAdapterByAddress(
    _ address: UnsafePointer<sockaddr>?, _ length: ULONG, _ options: UnsafePointer<NDK_OPEN_OPTIONS>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_ADAPTER>?>?
) -> NTSTATUS {
    unsafe open(options, result) { () throws(StatusError) in
        .localAddress(try unsafe SocketAddress(program: address, length: length).address)
    }
}

@c @implementation
public func NdkOpenAdapterByInterfaceIndex(
    _ index: ULONG, _ options: UnsafePointer<NDK_OPEN_OPTIONS>?,
    _ result: UnsafeMutablePointer<UnsafeMutablePointer<NDK_ADAPTER>?>?
) -> NTSTATUS {
    unsafe open(options, result) { () throws(StatusError) in
        guard let address = try NetworkInterface(index: index).addresses.first else {
            throw StatusError(.deviceNotReady, "network interface \(index) has no address; `ip address` lists them")
        }
        return .localAddress(address)
    }
}

@c @implementation
public func NdkCloseAdapter(_ adapter: UnsafeMutablePointer<NDK_ADAPTER>?) -> NTSTATUS {
    status { () throws(StatusError) in
        // The object is kept while it closes.
        let object = try unsafe ObjectHandle.with(adapter, NdkObjectTypeAdapter) { (object: AdapterObject) in object }
        try object.closeAndWait()
        return .success
    }
}

@c @implementation
public func NdkGetCallbackDescriptor(_ adapter: UnsafeMutablePointer<NDK_ADAPTER>?) -> CInt {
    var descriptor: CInt = -1
    _ = status { () throws(StatusError) in
        descriptor = try unsafe ObjectHandle.with(adapter, NdkObjectTypeAdapter) { (object: AdapterObject) in
            object.callbacks.descriptor
        }
        return .success
    }
    return descriptor
}

@c @implementation
public func NdkDispatchCallbacks(_ adapter: UnsafeMutablePointer<NDK_ADAPTER>?) -> ULONG {
    var count = 0
    _ = status { () throws(StatusError) in
        let object = try unsafe ObjectHandle.with(adapter, NdkObjectTypeAdapter) { (object: AdapterObject) in object }
        count = object.callbacks.dispatch()
        return .success
    }
    return ULONG(clamping: count)
}
