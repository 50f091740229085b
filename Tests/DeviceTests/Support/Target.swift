import LAM

/// Memory of the far end that the near end may reach: a mapping with a window over it.
struct Target: ~Copyable {
    let buffer: PageBuffer
    var mapping: LogicalAddressMapping
    var window: MemoryWindow
    let remote: RemoteMemory

    /// Ends the access; the mapping goes as well.
    consuming func close() {}
}

extension Pair {
    /// Opens memory of the far end to the near end.
    mutating func openTarget(count: Int = 4096, access: RemoteAccess = [.read, .write]) throws -> Target {
        let buffer = try PageBuffer(count: count)
        let mapping = try adapter.buildLam(over: buffer)
        let window = try adapter.createMemoryWindow()
        let remote = try far.queuePair.bind(window, over: mapping, 0..<count, access: access, context: 0xB14D)
        let bound = try far.completions.next()
        guard bound[0].status == .success else { throw Completions.Missing(asked: 1, found: bound) }
        return Target(buffer: buffer, mapping: mapping, window: window, remote: remote)
    }
}

/// Ends the life of a window here, and not at the end of the test.
func drop(_ window: consuming MemoryWindow) {}
