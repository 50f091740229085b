import CRDMA
package import Verbs

/// A work request that the fake device holds and has not carried out.
package struct FakeRequest: Hashable, Sendable {
    /// What is to be done.
    package enum Operation: Hashable, Sendable {
        /// A send, perhaps with the invalidation of a key of the peer.
        case send(invalidating: UInt32?)
        /// A write to the peer's memory.
        case write(remoteAddress: UInt64, remoteKey: UInt32)
        /// A read of the peer's memory.
        case read(remoteAddress: UInt64, remoteKey: UInt32)
        /// The bind of a window, by the key it has now, to get another.
        case bind(currentKey: UInt32, key: UInt32, to: FakeWindow.Binding)
        /// The invalidation of a window of this side.
        case localInvalidate(key: UInt32)
        /// A receive.
        case receive
    }

    /// A range of local memory.
    package struct Element: Hashable, Sendable {
        /// The first byte for the device.
        package let address: UInt64
        /// In bytes.
        package let length: UInt32
        /// The local key.
        package let key: UInt32
    }

    /// What the request was given.
    package let identifier: UInt64
    /// What is to be done.
    package let operation: Operation
    /// How.
    package let flags: SendFlags
    /// With what memory.
    package let elements: [Element]

    /// The local keys of the regions that the device will touch.
    var keys: [UInt32] {
        if case .bind(_, _, let binding) = operation { return [binding.region] }
        guard !flags.contains(.inline) else { return [] }
        return elements.filter { element in element.length > 0 }.map(\.key)
    }

    /// The number of the operation in completions (`ibv_wc_opcode`).
    var completionOperation: ibv_wc_opcode {
        switch operation {
        case .send: IBV_WC_SEND
        case .write: IBV_WC_RDMA_WRITE
        case .read: IBV_WC_RDMA_READ
        case .bind: IBV_WC_BIND_MW
        case .localInvalidate: IBV_WC_LOCAL_INV
        case .receive: IBV_WC_RECV
        }
    }

    /// The bytes of all elements.
    package var byteCount: UInt64 {
        elements.reduce(0) { sum, element in sum + UInt64(element.length) }
    }
}

extension FakeRequest {
    /// Copies a send request, as a device does while it is posted.
    ///
    /// - Returns: `nil` for an operation that no chain appends.
    init?(_ raw: ibv_send_wr, on queuePair: UInt32) {
        switch unsafe raw.opcode {
        case IBV_WR_SEND:
            operation = .send(invalidating: nil)
        case IBV_WR_SEND_WITH_INV:
            operation = unsafe .send(invalidating: raw.invalidate_rkey)
        case IBV_WR_RDMA_WRITE:
            operation = unsafe .write(
                remoteAddress: raw.wr.rdma.remote_addr, remoteKey: raw.wr.rdma.rkey)
        case IBV_WR_RDMA_READ:
            operation = unsafe .read(
                remoteAddress: raw.wr.rdma.remote_addr, remoteKey: raw.wr.rdma.rkey)
        case IBV_WR_BIND_MW:
            let bind = unsafe raw.bind_mw
            operation = unsafe .bind(
                currentKey: bind.mw.pointee.rkey, key: bind.rkey,
                to: FakeWindow.Binding(
                    region: bind.bind_info.mr.pointee.lkey, queuePair: queuePair,
                    address: bind.bind_info.addr, length: bind.bind_info.length,
                    rights: AccessRights(rawValue: bind.bind_info.mw_access_flags)))
        case IBV_WR_LOCAL_INV:
            operation = unsafe .localInvalidate(key: raw.invalidate_rkey)
        default:
            return nil
        }
        identifier = unsafe raw.wr_id
        flags = unsafe SendFlags(rawValue: raw.send_flags)
        elements = unsafe Self.elements(raw.sg_list, raw.num_sge)
    }

    /// Copies a receive request.
    init(_ raw: ibv_recv_wr) {
        identifier = unsafe raw.wr_id
        operation = .receive
        flags = [.signaled]
        elements = unsafe Self.elements(raw.sg_list, raw.num_sge)
    }

    private static func elements(_ list: UnsafeMutablePointer<ibv_sge>?, _ count: CInt) -> [Element] {
        unsafe UnsafeBufferPointer(start: list, count: Int(count)).map { element in
            Element(address: element.addr, length: element.length, key: element.lkey)
        }
    }
}
