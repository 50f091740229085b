import Verbs

/// What happens when a request is carried out, apart from data: no byte is copied.
extension FakeDevice.State {
    /// Carries a send request out and says how it went.
    mutating func carryOut(_ request: FakeRequest, on number: UInt32) -> CompletionStatus {
        switch request.operation {
        case .bind(let currentKey, let key, let binding):
            bind(currentKey, key, binding)
        case .localInvalidate(let key):
            localInvalidate(key)
        case .send, .write, .read, .receive:
            check(request, on: number)
        }
    }

    /// Whether the elements of a request lie within regions of its domain, with the right to be
    /// written where needed.
    func check(_ request: FakeRequest, on number: UInt32) -> CompletionStatus {
        guard !request.flags.contains(.inline) else { return .success }
        for element in request.elements where element.length > 0 {
            guard let region = regions[element.key],
                region.domain == queuePairs[number]?.domain
            else { return .localQueuePairOperationError }
            guard region.contains(element.address, UInt64(element.length)) else {
                return .localProtectionError
            }
            if request.isWritten, !region.rights.contains(.localWrite) {
                return .localProtectionError
            }
        }
        return .success
    }

    /// Binds a window. rxe looks neither at domains nor, later, at the range.
    private mutating func bind(
        _ currentKey: UInt32, _ key: UInt32, _ binding: FakeWindow.Binding
    ) -> CompletionStatus {
        guard let window = windows[currentKey >> 8], window.key == currentKey,
            window.binding == nil, key >> 8 == currentKey >> 8, key != currentKey,
            let region = regions[binding.region],
            region.rights.contains(.bindWindows), binding.length > 0,
            region.contains(binding.address, binding.length),
            !binding.rights.contains(.remoteWrite) || region.rights.contains(.localWrite)
        else { return .windowBindError }
        windows[currentKey >> 8]?.key = key
        windows[currentKey >> 8]?.binding = binding
        return .success
    }

    private mutating func localInvalidate(_ key: UInt32) -> CompletionStatus {
        guard regions[key] == nil else { return .localQueuePairOperationError }
        guard let window = windows[key >> 8], window.key == key, window.binding != nil else {
            violations.append(.invalidatedUnbound(key: key))
            return .localQueuePairOperationError
        }
        windows[key >> 8]?.binding = nil
        return .success
    }
}

extension FakeRequest {
    /// Whether the device writes to its elements.
    fileprivate var isWritten: Bool {
        switch operation {
        case .read, .receive: true
        case .send, .write, .bind, .localInvalidate: false
        }
    }
}
