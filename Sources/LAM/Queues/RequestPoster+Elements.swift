import Glibc
import Tracking
import Verbs

/// Where the elements of the request being prepared are written to.
protocol ElementChain: ~Copyable {
    mutating func setElement(_ index: Int, address: UInt64, length: UInt32, key: UInt32)
}

extension SendChain: ElementChain {}
extension ReceiveChain: ElementChain {}

/// What notes the mappings of the request being prepared: the posting side of a queue.
protocol ElementPoster: ~Copyable {
    mutating func use(address: UInt64, length: UInt32, isSink: Bool) throws(UseError) -> KeyedAddress
    func check(address: UInt64, length: UInt32, isSink: Bool) throws(UseError)
}

extension RequestPoster: ElementPoster {}
extension SharedRequestPoster: ElementPoster {}

extension RequestPoster {
    /// Passes the turnstile, waiting for somebody who is inside for a moment.
    @inline(__always)
    mutating func pass(_ core: QueuePairCore) throws(PostError) {
        while true {
            switch enter() {
            case .inside, .insideAfterOthers: return
            case .held: sched_yield()
            case .barred: try core.waitWhileConnecting()
            case .shut: throw .ended
            }
        }
    }

}

extension ElementPoster where Self: ~Copyable {
    /// Translates the elements of a request into what the device knows; each leaves its mark at its mapping.
    ///
    /// All that can be wrong is found out before the first mark, so that a request that is refused leaves none; only a
    /// mapping that is released at this moment comes between.
    /// - Returns: how many elements the device gets.
    @inline(__always)
    mutating func place<Chain: ElementChain & ~Copyable>(
        _ elements: Span<ScatterGatherElement>, areSinks: Bool, tokens: ElementTokens, limits: ElementLimits,
        in chain: inout Chain
    ) throws(PostError) -> Int {
        let count = try limits.check(elements)
        if count > 1 { try checkAddresses(of: elements, areSinks: areSinks, tokens) }
        var placed = 0
        for index in elements.indices {
            let element = elements[index]
            if element.length == 0 { continue }
            let address = try tokens.logicalAddress(of: element, at: index, isSink: areSinks)
            let memory: KeyedAddress
            do throws(UseError) {
                memory = try use(address: address, length: element.length, isSink: areSinks)
            } catch {
                throw PostError(error, element: index)
            }
            chain.setElement(placed, address: memory.address, length: element.length, key: memory.key)
            placed += 1
        }
        return count
    }

    @inline(__always)
    private func checkAddresses(
        of elements: Span<ScatterGatherElement>, areSinks: Bool, _ tokens: ElementTokens
    ) throws(PostError) {
        for index in elements.indices where elements[index].length > 0 {
            let address = try tokens.logicalAddress(of: elements[index], at: index, isSink: areSinks)
            do throws(UseError) {
                try check(address: address, length: elements[index].length, isSink: areSinks)
            } catch {
                throw PostError(error, element: index)
            }
        }
    }
}

/// How much a request of one queue may name.
struct ElementLimits {
    let count: Int
    let bytes: UInt64

    /// What can be seen of the elements without their mappings.
    ///
    /// - Returns: how many there are that name any byte: on the wire a length of 0 can stand for 2^31 bytes (T21).
    @inline(__always)
    func check(_ elements: Span<ScatterGatherElement>) throws(PostError) -> Int {
        var found = 0
        var length: UInt64 = 0
        for index in elements.indices where elements[index].length > 0 {
            length += UInt64(elements[index].length)
            found += 1
        }
        guard found <= count else { throw .tooManyElements(count: elements.count, limit: count) }
        guard length <= bytes else { throw .tooLong(bytes: Int(length), limit: Int(bytes)) }
        return found
    }
}

extension PostError {
    init(_ error: UseError, element: Int) {
        switch error {
        case .unmapped: self = .unknownAddress(element: element)
        case .beyondEnd: self = .beyondMapping(element: element)
        case .notWritable: self = .notWritable(element: element)
        }
    }
}
