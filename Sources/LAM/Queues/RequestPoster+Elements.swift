import Glibc
import Tracking
import Verbs

/// Where the elements of the request being prepared are written to.
protocol ElementChain: ~Copyable {
    mutating func setElement(_ index: Int, address: UInt64, length: UInt32, key: UInt32)
}

extension SendChain: ElementChain {}
extension ReceiveChain: ElementChain {}

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

    /// Translates the elements of a request into what the device knows; each leaves a fence at its mapping.
    ///
    /// - Returns: how many elements the device gets, and how many bytes they are.
    @inline(__always)
    mutating func place<Chain: ElementChain & ~Copyable>(
        _ elements: Span<ScatterGatherElement>, token: UInt32, limit: Int, in chain: inout Chain
    ) throws(PostError) -> (count: Int, bytes: UInt64) {
        var count = 0
        var bytes: UInt64 = 0
        for index in elements.indices {
            let element = elements[index]
            // On the wire a length of 0 can stand for 2^31 bytes (T21).
            if element.length == 0 { continue }
            guard element.token == token else { throw .wrongToken(element: index) }
            guard count < limit else { throw .tooManyElements(count: elements.count, limit: limit) }
            let key: UInt32
            do throws(UseError) {
                key = try use(address: element.address.rawValue, length: element.length)
            } catch {
                throw PostError(error, element: index)
            }
            chain.setElement(count, address: element.address.rawValue, length: element.length, key: key)
            bytes += UInt64(element.length)
            count += 1
        }
        return (count, bytes)
    }
}

extension PostError {
    init(_ error: UseError, element: Int) {
        switch error {
        case .unmapped: self = .unknownAddress(element: element)
        case .beyondEnd: self = .beyondMapping(element: element)
        }
    }
}
