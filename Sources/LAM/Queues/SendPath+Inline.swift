import Tracking
import Verbs

/// Requests whose data the device copies during the call; they hold no mapping.
extension SendPath {
    /// Posts one request with bytes of its caller.
    mutating func post(_ request: Request, inline bytes: RawSpan) throws(PostError) {
        try unsafe bytes.withUnsafeBytes { (bytes) throws(PostError) in
            try postInline(request, at: UInt(bitPattern: bytes.baseAddress), count: bytes.count)
        }
    }

    /// Posts one request with bytes that elements name. They are gathered first, because a device takes no more elements of an
    /// inline request than of any other.
    @inline(never)
    mutating func postInline(_ request: Request, _ elements: Span<ScatterGatherElement>) throws(PostError) {
        do throws(PostError) { try gather(elements, request.flags) } catch { throw refuse(error) }
        try postInline(request, at: gathered.address, count: gathered.count)
    }

    private mutating func postInline(_ request: Request, at address: UInt, count: Int) throws(PostError) {
        try poster.pass(core)
        defer { poster.leave() }
        try prepare(request, extra: .inline) { (path) throws(PostError) in try path.placeInline(address, count) }
        try ring()
    }

    private mutating func placeInline(_ address: UInt, _ count: Int) throws(PostError) -> Int {
        guard count <= inlineLimit else { throw .inlineTooLong(bytes: count, limit: inlineLimit) }
        guard count > 0 else { return 0 }
        chain.setElement(0, address: UInt64(address), length: UInt32(count), key: 0)
        return 1
    }

    private mutating func gather(
        _ elements: Span<ScatterGatherElement>, _ flags: RequestFlags
    ) throws(PostError) {
        var length = 0
        for index in elements.indices { length += Int(elements[index].length) }
        guard length <= inlineLimit else { throw .inlineTooLong(bytes: length, limit: inlineLimit) }
        gathered.clear()
        for index in elements.indices where elements[index].length > 0 {
            let element = elements[index]
            let address = try tokens.inlineAddress(of: element, at: index)
            if address == nil, flags.has(.processMemory) {
                try gatherProcessMemory(element, at: index)
                continue
            }
            do throws(UseError) {
                // Otherwise a token that is nobody's does not matter.
                try core.adapter.core.mappings.withBytes(
                    at: address ?? element.address.rawValue, length: element.length
                ) { gathered.append($0) }
            } catch {
                throw PostError(error, element: index)
            }
        }
    }

    private mutating func gatherProcessMemory(_ element: ScatterGatherElement, at index: Int) throws(PostError) {
        guard let start = unsafe UnsafeRawPointer(bitPattern: UInt(element.address.rawValue)) else {
            throw .unknownAddress(element: index)
        }
        // The caller vouches for them.
        unsafe gathered.append(RawSpan(_unsafeStart: start, byteCount: Int(element.length)))
    }
}

/// Where the bytes of an inline request are put together; allocated once.
// Sendable: the memory belongs to this value alone.
@safe
@usableFromInline struct InlineBuffer: ~Copyable, @unchecked Sendable {
    private let bytes: UnsafeMutableRawBufferPointer
    private(set) var count = 0

    init(capacity: Int) {
        unsafe bytes = .allocate(byteCount: capacity, alignment: 8)
    }

    // Whoever posts may be inlined into a program, and with it the end of what it replaces.
    @usableFromInline deinit { unsafe bytes.deallocate() }

    /// Where the first byte is in this process.
    var address: UInt { unsafe UInt(bitPattern: bytes.baseAddress) }

    mutating func clear() { count = 0 }

    /// Copies bytes behind those that are there; there must be room.
    mutating func append(_ more: RawSpan) {
        guard unsafe more.byteCount <= bytes.count - count else {
            fatalError("InlineBuffer: no room for \(more.byteCount) bytes behind \(count)")
        }
        unsafe more.withUnsafeBytes { more in
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[count...]).copyMemory(from: more)
        }
        count += more.byteCount
    }
}
