import Glibc

/// An IPv4 or IPv6 address, as RoCE and rdma_cm use them.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 16 bytes in network order; an IPv4 address is mapped, `::ffff:a.b.c.d`, as it is in a GID.
    public let bytes: [16 of UInt8]

    /// Creates an address from 16 bytes in network order, for example those of a GID.
    public init(bytes: [16 of UInt8]) {
        self.bytes = bytes
    }

    /// Parses a numeric address, `192.0.2.1` or `2001:db8::1`; nil for anything else.
    public init?(_ text: String) {
        var storage = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &storage) == 1 || inet_pton(AF_INET6, "::ffff:\(text)", &storage) == 1
        else { return nil }
        bytes = unsafe unsafeBitCast(storage, to: [16 of UInt8].self)
    }

    /// Whether it is a mapped IPv4 address.
    public var isIPv4: Bool {
        for index in 0..<10 where bytes[index] != 0 { return false }
        return bytes[10] == 0xFF && bytes[11] == 0xFF
    }

    /// The numeric form.
    public var description: String {
        if isIPv4 { return "\(bytes[12]).\(bytes[13]).\(bytes[14]).\(bytes[15])" }
        var storage = unsafe unsafeBitCast(bytes, to: in6_addr.self)
        return unsafe String(unsafeUninitializedCapacity: Int(INET6_ADDRSTRLEN)) { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { text in
                unsafe inet_ntop(AF_INET6, &storage, text.baseAddress!, socklen_t(text.count))
                return unsafe strlen(text.baseAddress!)
            }
        }
    }

    /// Whether all bytes are equal.
    public static func == (left: IPAddress, right: IPAddress) -> Bool {
        for index in 0..<16 where left.bytes[index] != right.bytes[index] { return false }
        return true
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        for index in 0..<16 { hasher.combine(bytes[index]) }
    }
}
