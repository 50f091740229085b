internal import CZlib

/// The CRC-32 of a file (that of zlib, gzip and Ethernet), computed piece by piece.
package struct Checksum: Hashable, Sendable {
    /// The checksum of the bytes so far.
    package private(set) var value: UInt32 = 0

    /// The checksum of no bytes.
    package init() {}

    /// Takes more bytes into account.
    /// - Complexity: about a nanosecond a byte or less; zlib's `crc32_z`.
    package mutating func append(_ bytes: RawSpan) {
        value = unsafe bytes.withUnsafeBytes { bytes in
            // zlib's value for no bytes at all is asked for by a null pointer, which an empty span may be.
            guard unsafe !bytes.isEmpty else { return value }
            return unsafe UInt32(crc32_z(uLong(value), bytes.baseAddress, bytes.count))
        }
    }
}
