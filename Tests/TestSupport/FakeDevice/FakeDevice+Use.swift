import Verbs

/// Which memory of the process the device may touch.
extension FakeDevice.State {
    /// A request that has not been carried out, or a window, that reaches some of `bytes`.
    func use(of bytes: Range<UInt>) -> String? {
        for (number, queuePair) in queuePairs {
            let requests = queuePair.sends + queuePair.receives + [queuePair.begun].compactMap(\.self)
            if let request = requests.first(where: { reaches($0, bytes) }) {
                return "request \(request.identifier) of queue pair \(number)"
            }
        }
        if let request = sharedQueues.values.flatMap(\.receives).first(where: { reaches($0, bytes) }) {
            return "request \(request.identifier) of a shared receive queue"
        }
        let window = windows.values.first { window in
            window.binding.map { reaches($0.region, $0.address, $0.length, bytes) } ?? false
        }
        return window.map { "window \($0.key)" }
    }

    private func reaches(_ request: FakeRequest, _ bytes: Range<UInt>) -> Bool {
        if case .bind(_, _, let binding) = request.operation {
            return reaches(binding.region, binding.address, binding.length, bytes)
        }
        guard !request.flags.contains(.inline) else { return false }
        return request.elements.contains { reaches($0.key, $0.address, UInt64($0.length), bytes) }
    }

    private func reaches(_ key: UInt32, _ address: UInt64, _ length: UInt64, _ bytes: Range<UInt>) -> Bool {
        guard length > 0, let region = regions[key], region.contains(address, length) else { return false }
        let first = region.base + UInt(address - region.deviceAddress)
        return (first..<first + UInt(length)).overlaps(bytes)
    }
}
