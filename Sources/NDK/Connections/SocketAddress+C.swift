import CNDK
import Glibc
import LAM

extension SocketAddress {
    /// An address that a program passes.
    ///
    /// - Throws: ``StatusError`` for no address, one that is shorter than its family's, or another family than IPv4 and
    ///   IPv6.
    init(program pointer: UnsafePointer<sockaddr>?, length: UInt32) throws(StatusError) {
        guard let pointer = unsafe pointer, length >= MemoryLayout<sa_family_t>.size else {
            throw StatusError(.invalidAddress, "no address was passed")
        }
        guard let address = unsafe SocketAddress(pointer, length: Int(length)) else {
            throw StatusError(.invalidAddress, "the \(length) bytes that were passed are no IPv4 or IPv6 address")
        }
        self = address
    }

    /// Reads an address; nil if it is shorter than its family's, or of another family.
    init?(_ pointer: UnsafePointer<sockaddr>, length: Int) {
        let bytes = unsafe UnsafeRawBufferPointer(start: pointer, count: length)
        switch unsafe CInt(pointer.pointee.sa_family) {
        case AF_INET where length >= MemoryLayout<sockaddr_in>.size:
            let raw = unsafe bytes.loadUnaligned(as: sockaddr_in.self)
            var address = [16 of UInt8](repeating: 0)
            address[10] = 0xFF
            address[11] = 0xFF
            for index in 0..<4 {
                address[12 + index] = UInt8(
                    truncatingIfNeeded: UInt32(bigEndian: raw.sin_addr.s_addr) >> (24 - 8 * UInt32(index)))
            }
            self.init(IPAddress(bytes: address), port: UInt16(bigEndian: raw.sin_port))
        case AF_INET6 where length >= MemoryLayout<sockaddr_in6>.size:
            let raw = unsafe bytes.loadUnaligned(as: sockaddr_in6.self)
            self.init(
                IPAddress(bytes: unsafe unsafeBitCast(raw.sin6_addr, to: [16 of UInt8].self)),
                port: UInt16(bigEndian: raw.sin6_port), scopeID: raw.sin6_scope_id)
        default:
            return nil
        }
    }

    /// Writes the address for a program that says how much room it has.
    ///
    /// - Throws: ``StatusError`` with `bufferTooSmall`; `length` is then what is needed.
    func write(to pointer: UnsafeMutablePointer<sockaddr>?, length: UnsafeMutablePointer<UInt32>?) throws(StatusError) {
        guard let length = unsafe length else { throw StatusError(.invalidParameter, "pAddressLength is NULL") }
        let needed = address.isIPv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
        let room = unsafe Int(length.pointee)
        unsafe length.pointee = UInt32(needed)
        guard let pointer = unsafe pointer, room >= needed else {
            throw StatusError(.bufferTooSmall, "the address needs \(needed) bytes, there is room for \(room)")
        }
        let bytes = unsafe UnsafeMutableRawBufferPointer(start: pointer, count: needed)
        if address.isIPv4 {
            var raw = sockaddr_in()
            raw.sin_family = sa_family_t(AF_INET)
            raw.sin_port = port.bigEndian
            raw.sin_addr.s_addr = (12..<16).reduce(0) { $0 << 8 | UInt32(address.bytes[$1]) }.bigEndian
            unsafe bytes.storeBytes(of: raw, as: sockaddr_in.self)
        } else {
            var raw = sockaddr_in6()
            raw.sin6_family = sa_family_t(AF_INET6)
            raw.sin6_port = port.bigEndian
            raw.sin6_addr = unsafe unsafeBitCast(address.bytes, to: in6_addr.self)
            raw.sin6_scope_id = scopeID
            unsafe bytes.storeBytes(of: raw, as: sockaddr_in6.self)
        }
    }
}
