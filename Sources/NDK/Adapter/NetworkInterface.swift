import Glibc
import LAM

/// A network interface of this host.
struct NetworkInterface {
    let index: UInt32

    /// Its addresses, those of IPv4 first.
    var addresses: [IPAddress] {
        get throws(StatusError) {
            var list: UnsafeMutablePointer<ifaddrs>?
            guard unsafe getifaddrs(&list) == 0 else {
                throw StatusError(.insufficientResources, "getifaddrs failed: \(errno)")
            }
            defer { unsafe freeifaddrs(list) }
            var found: [IPAddress] = []
            var next = unsafe list
            while let entry = unsafe next {
                unsafe next = entry.pointee.ifa_next
                guard unsafe if_nametoindex(entry.pointee.ifa_name) == index,
                    let raw = unsafe entry.pointee.ifa_addr,
                    // The kernel gives the whole address of each family.
                    let address = unsafe SocketAddress(raw, length: MemoryLayout<sockaddr_in6>.size)
                else { continue }
                found.append(address.address)
            }
            return found.filter(\.isIPv4) + found.filter { !$0.isIPv4 }
        }
    }
}
