import Glibc
import LAM
import PlainVerbs

/// A queue pair of plain C on the device that is measured.
@safe
final class PlainQueue {
    private let raw: OpaquePointer

    /// What a verb refused.
    struct Failure: Error, CustomStringConvertible {
        let verb: String
        let code: CInt

        var description: String {
            let reason = unsafe String(cString: strerror(code))
            return "plain C: \(verb) failed with \(code) (\(reason))"
        }
    }

    /// 16 blocks of 4 KiB, which requests name in turn.
    init(on device: String) throws(Failure) {
        guard let raw = unsafe plain_queue_create(device, 16 * 4096) else {
            throw Failure(verb: "opening \(device)", code: errno)
        }
        unsafe self.raw = raw
    }

    deinit { unsafe plain_queue_destroy(raw) }

    /// Connects it with another one.
    func connect(to peer: PlainQueue, at info: AdapterInfo) throws(Failure) {
        try Self.check(unsafe plain_queue_connect(raw, peer.raw, info.port, info.gidIndex), "ibv_modify_qp")
    }

    // MARK: Memory

    /// Registered memory; it must be destroyed.
    @safe
    struct Region {
        fileprivate let raw: OpaquePointer

        func destroy() throws(Failure) { try check(unsafe plain_region_destroy(raw), "ibv_dereg_mr") }
    }

    func register(_ memory: MemoryDescriptor) throws(Failure) -> Region {
        guard let region = unsafe plain_region_create(raw, Self.pointer(memory), memory.length) else {
            throw Failure(verb: "ibv_reg_mr of \(memory.length) bytes", code: errno)
        }
        return unsafe Region(raw: region)
    }

    /// Registers and deregisters memory so many times.
    func registerAndDestroy(_ memory: MemoryDescriptor, _ count: Int) throws(Failure) {
        try Self.check(unsafe plain_register(raw, Self.pointer(memory), memory.length, UInt64(count)), "ibv_reg_mr")
    }

    private static func pointer(_ memory: MemoryDescriptor) -> UnsafeMutableRawPointer? {
        unsafe UnsafeMutableRawPointer(bitPattern: memory.address)
    }

    // MARK: Requests

    /// Posts writes of 4 KiB, of which every `interval`-th is signaled and polled.
    func write(_ count: Int, interval: Int) throws(Failure) {
        try Self.check(unsafe plain_post_unsignaled(raw, UInt64(count), UInt64(interval)), "a write")
    }

    func read(_ count: Int) throws(Failure) {
        try Self.check(unsafe plain_post_reads(raw, UInt64(count)), "a read")
    }

    /// Sends messages of 4 KiB to the peer, with a receive there for each.
    func exchange(_ count: Int) throws(Failure) {
        try Self.check(unsafe plain_exchange(raw, UInt64(count)), "a send")
    }

    /// Posts writes of 4 KiB that name one of some regions after the other; every 16th is signaled and polled.
    func write(_ count: Int, among regions: [Region]) throws(Failure) {
        let code = unsafe regions.withUnsafeBytes { bytes in
            // A region is its pointer.
            unsafe plain_post_among(
                raw, bytes.assumingMemoryBound(to: OpaquePointer?.self).baseAddress!, regions.count, UInt64(count))
        }
        try Self.check(code, "a write")
    }

    private static func check(_ code: CInt, _ verb: String) throws(Failure) {
        guard code == 0 else { throw Failure(verb: verb, code: code) }
    }
}
