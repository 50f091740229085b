import LAM
import TestSupport
import Testing

extension Adapter {
    /// A region that is ready for fast registrations.
    func fastRegion(pages: Int = 4, remoteAccess: Bool = true) throws -> LAM.MemoryRegion {
        var region = try createMemoryRegion(.fastRegistered)
        try region.initializeFastRegister(pageCount: pages, remoteAccess: remoteAccess)
        return region
    }

    /// A region over fresh pages.
    func registeredRegion(
        pages: Int = 1, access: RegionAccess = [.localWrite, .remoteRead]
    ) throws -> LAM.MemoryRegion {
        var region = try createMemoryRegion(.registered)
        try region.register(over: PageBuffer(count: pages * fakePageSize), access: access)
        return region
    }
}

extension LAM.QueuePair {
    /// Registers all bytes of a mapping at its own address, or at another.
    mutating func fastRegisterAll(
        _ region: borrowing LAM.MemoryRegion, over mapping: borrowing LogicalAddressMapping, at base: UInt64? = nil,
        access: RegionAccess = [.remoteRead, .remoteWrite], context: UInt64 = 0, flags: RequestFlags = []
    ) throws(PostError) -> RemoteMemory? {
        try fastRegister(
            region, pages: mapping.pages, firstByteOffset: mapping.firstByteOffset, length: mapping.length,
            baseAddress: base ?? mapping.baseAddress.rawValue, access: access, context: context, flags: flags)
    }
}

/// Ends the life of a region here, and not at the end of the test.
func drop(_ region: consuming LAM.MemoryRegion) {}

extension LAM.MemoryRegion {
    /// An element over bytes that must be registered.
    func registered(_ bytes: Range<Int>) throws -> ScatterGatherElement {
        let found = element(bytes)
        return try #require(found)
    }
}
