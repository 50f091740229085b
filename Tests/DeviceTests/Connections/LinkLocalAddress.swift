import CRDMA
import Glibc
import LAM

/// The IPv6 address that the network interface with `address` has by itself; nil if it has none.
func linkLocalAddress(beside address: IPAddress) -> SocketAddress? {
    var list: UnsafeMutablePointer<ifaddrs>?
    guard unsafe getifaddrs(&list) == 0 else { return nil }
    defer { unsafe freeifaddrs(list) }
    var found: [(name: String, text: String)] = []
    var next = unsafe list
    while let entry = unsafe next {
        if let text = unsafe numericText(entry.pointee.ifa_addr) {
            unsafe found.append((String(cString: entry.pointee.ifa_name), text))
        }
        unsafe next = unsafe entry.pointee.ifa_next
    }
    let name = found.first { $0.text == address.description }?.name
    let linkLocal = found.first { $0.name == name && $0.text.hasPrefix("fe80:") }
    return linkLocal.flatMap { SocketAddress("[\($0.text)]:0") }
}

/// The numeric form of an IP address, with the scope where it has one.
private func numericText(_ address: UnsafeMutablePointer<sockaddr>?) -> String? {
    guard let address = unsafe address else { return nil }
    let length: Int
    switch unsafe CInt(address.pointee.sa_family) {
    case AF_INET: length = MemoryLayout<sockaddr_in>.size
    case AF_INET6: length = MemoryLayout<sockaddr_in6>.size
    default: return nil
    }
    return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { text in
        let code = unsafe getnameinfo(
            address, socklen_t(length), text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
        return unsafe code == 0 ? String(cString: text.baseAddress!) : nil
    }
}
