import Synchronization

extension MappingTable {
    /// Lends the bytes at a logical address to `body`, while their memory certainly stays.
    ///
    /// For what this process reads itself, in the stead of a device.
    /// - Complexity: two atomic additions; no lock, no allocation.
    package func withBytes(at address: UInt64, length: UInt32, _ body: (RawSpan) -> Void) throws(UseError) {
        let index = AddressLayout.slot(of: address)
        guard let slot = unsafe slots.element(at: index) else { throw .unmapped }
        // Counted before looking whether the mapping is live, as any use.
        unsafe slot.pointee.hold(.request)
        defer { unsafe slot.pointee.drop(.request) }
        let offset = unsafe address &- slot.pointee.base.load(ordering: .sequentiallyConsistent)
        let mapped = unsafe slot.pointee.length.load(ordering: .relaxed)
        guard offset < mapped else { throw .unmapped }
        guard UInt64(length) <= mapped &- offset else { throw .beyondEnd }
        let memory = unsafe backgrounds.element(at: index)!.pointee.memory.load(ordering: .relaxed)
        // Whoever owns the memory keeps it as long as the mapping, which is not idle while it is counted.
        let start = unsafe UnsafeRawPointer(bitPattern: UInt(memory &+ offset))
        unsafe body(UnsafeRawBufferPointer(start: start, count: Int(length)).bytes)
    }
}
