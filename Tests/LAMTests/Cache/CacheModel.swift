import LAM
import TestSupport

/// A registration cache beside a model of it: a set of what is registered.
///
/// One thread, no request: what is cached follows from the calls alone, and every count has one right value.
final class CacheModel {
    /// What a broken cache would do.
    enum Canary: CaseIterable {
        /// Memory that is to be forgotten is found again.
        case forgetsNothing
        /// Some mappings are built without the cache.
        case bypassesAtTimes
        /// The rights are not a part of the key.
        case mixesRights
    }

    private struct Key: Hashable {
        let memory: MemoryDescriptor
        let access: MemoryAccess
    }

    private final class Kept {
        let key: Key
        /// Which miss made its registration.
        let miss: Int
        var mapping: LogicalAddressMapping?

        init(_ mapping: consuming LogicalAddressMapping, of key: Key, _ miss: Int) {
            self.key = key
            self.miss = miss
            self.mapping = consume mapping
        }
    }

    private let adapter: Adapter
    private let cache: RegistrationCache
    private let buffer: PageBuffer
    private let canary: Canary?
    private var random: SeededGenerator

    /// What can be found, and which miss made it.
    private var registered: [Key: Int] = [:]
    private var live: [Kept] = []
    private var addresses: Set<LogicalAddress> = []
    private var hits = 0
    private var misses = 0
    private var evictions = 0
    /// What the cache did, and the model did not expect.
    private(set) var objections: [String] = []

    /// Mappings are of `pages` pages: the more, the more registrations.
    init(_ adapter: Adapter, pages: Int, seed: UInt64, canary: Canary? = nil) throws {
        self.adapter = adapter
        self.canary = canary
        cache = try adapter.createCache(CacheOptions(limitBytes: 1 << 40, idleLimit: .seconds(3600)))
        buffer = try PageBuffer(count: pages * fakePageSize)
        random = SeededGenerator(seed: seed)
    }

    func step() throws {
        switch Int.random(in: 0..<1000, using: &random) {
        case 0..<580: try build()
        case ..<980: release()
        case ..<999: forget()
        default: trim()
        }
        let found = cache.statistics
        if (found.hits, found.misses, found.evictions) != (hits, misses, evictions) || found.bypasses != 0 {
            objections.append("\(found) instead of \(hits) hits, \(misses) misses, \(evictions) evictions")
        }
    }

    /// Releases and forgets everything.
    func end(_ device: FakeDevice) {
        live.removeAll()
        if !eventually({ device.registrationCount == registered.count }) {
            objections.append("\(device.registrationCount) registrations instead of \(registered.count)")
        }
        cache.close()
    }

    private func build() throws {
        let page = Int.random(in: 0..<buffer.count / fakePageSize, using: &random) * fakePageSize
        // The same address with several lengths, and neighbours.
        let offset = [0, 0, 1, 64].randomElement(using: &random)!
        let length = [1, 64, 4032].randomElement(using: &random)!
        let memory = MemoryDescriptor(address: buffer.descriptor.address + UInt(page + offset), length: length)
        let access: MemoryAccess = Int.random(in: 0..<4, using: &random) == 0 ? .readOnly : .readWrite
        let key = Key(memory: memory, access: access)
        let mapping = try map(key)
        if registered[key] == nil {
            misses += 1
            registered[key] = misses
        } else {
            hits += 1
        }
        if mapping.memory != memory || mapping.access != access || mapping.length != length {
            objections.append("\(mapping.memory) \(mapping.access) instead of \(key)")
        }
        if !addresses.insert(mapping.baseAddress).inserted { objections.append("\(mapping.baseAddress) once more") }
        live.append(Kept(mapping, of: key, registered[key]!))
    }

    private func map(_ key: Key) throws(MappingError) -> LogicalAddressMapping {
        if canary == .bypassesAtTimes, Int.random(in: 0..<64, using: &random) == 0 {
            return try unsafe adapter.buildLam([key.memory], length: key.memory.length, access: key.access)
        }
        return try unsafe cache.buildLam(over: key.memory, access: canary == .mixesRights ? .readWrite : key.access)
    }

    private func release() {
        guard let index = live.indices.randomElement(using: &random) else { return }
        live.swapAt(index, live.count - 1)
        let kept = live.removeLast()
        guard Bool.random(using: &random), let mapping = kept.mapping.take() else { return }
        if case .busy(let busy, let use) = mapping.tryRelease() {
            objections.append("\(busy.memory) is used by \(use)")
        }
    }

    private func forget() {
        let start = UInt(Int.random(in: 0..<buffer.count - 100, using: &random))
        let memory = MemoryDescriptor(address: buffer.descriptor.address + start, length: 100)
        let isGone = canary == .forgetsNothing ? true : cache.forget(memory)
        registered = registered.filter { !$0.key.memory.range.overlaps(memory.range) }
        if isGone, live.contains(where: { $0.key.memory.range.overlaps(memory.range) }) {
            objections.append("\(memory) may be unmapped while it is mapped")
        }
    }

    /// Unpins what is not mapped.
    private func trim() {
        cache.trim()
        let inUse = Set(live.map(\.miss))
        let mapped = registered.filter { inUse.contains($0.value) }
        evictions += registered.count - mapped.count
        registered = mapped
    }
}
