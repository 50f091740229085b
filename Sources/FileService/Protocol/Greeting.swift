/// What the two ends tell each other while they connect, in rdma_cm's private data.
///
/// The transport pads it with zeros to a length of its own, so everything behind the content is ignored.
package enum Greeting {
    /// What a client says: the protocol and its version.
    package static let request: [UInt8] =
        Array("LAMF".utf8) + [
            UInt8(Message.version & 0xFF), UInt8(Message.version >> 8),
        ]

    /// Why a server refuses what a client said; nil if it is what it should be.
    package static func objection(to privateData: [UInt8]) -> String? {
        guard privateData.starts(with: request.prefix(4)), privateData.count >= request.count else {
            return "this is a server of `lam get` and `lam put`"
        }
        guard privateData.starts(with: request) else {
            return "it speaks protocol version \(Message.version): use equal versions of lam"
        }
        return nil
    }

    /// A reason as the private data of a refusal.
    package static func refusal(_ reason: String) -> [UInt8] {
        Array(reason.utf8.prefix(maxRefusalBytes))
    }

    /// The reason in the private data of a refusal; empty if there is none.
    package static func reason(in privateData: [UInt8]) -> String {
        String(decoding: privateData.prefix { $0 != 0 }, as: UTF8.self)
    }

    /// What rdma_cm carries with a refusal.
    private static let maxRefusalBytes = 148
}
