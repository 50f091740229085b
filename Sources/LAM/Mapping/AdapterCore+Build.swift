import Glibc
import Synchronization
import Tracking
import Verbs

extension AdapterCore {
    /// Pins a range of memory and gives it logical addresses.
    ///
    /// - Parameters:
    ///   - chain: the range.
    ///   - terms: what the device is told of it.
    ///   - owner: what keeps it allocated.
    ///   - site: where the mapping is built.
    ///   - limit: how many registrations there may be at a time.
    ///   - reaper: who makes room, where there is none.
    /// - Returns: what releases it, and where requests find it.
    /// - Throws: why not; nothing stays pinned.
    func build(
        _ chain: MemoryChain, on terms: RegistrationTerms, retaining owner: (any AnyObject & Sendable)?,
        site: BuildSite,
        atMost limit: Int, hurrying reaper: Reaper
    ) throws(MappingError) -> (registration: Registration, place: MappingPlace) {
        guard let range = mappings.reserve(memory: UInt64(chain.address), length: UInt64(chain.length)) else {
            throw .tooManyMappings(limit: MappingTable.capacity)
        }
        let registration = Registration(
            id: range.id, base: LogicalAddress(rawValue: range.base),
            memory: MemoryDescriptor(address: chain.address, length: chain.length), terms: terms, site: site,
            retaining: owner)
        var backPressure = BackPressure()
        let key: UInt32
        do throws(MappingError) {
            try admit(registration, atMost: limit, &backPressure, reaper)
            key = try register(registration, &backPressure, reaper)
        } catch {
            mappings.cancel(range.id)
            noteRefusedBuild(of: chain.length, at: site, error)
            throw error
        }
        counters.builds.add(1, ordering: .relaxed)
        let place = mappings.publish(
            range.id, length: UInt64(chain.length), device: KeyedAddress(address: registration.deviceBase, key: key),
            isWritable: terms.access == .readWrite)
        return (registration, place)
    }

    /// Takes the bytes from the budget, and has a close wait for the mapping.
    private func admit(
        _ registration: Registration, atMost limit: Int, _ backPressure: inout BackPressure, _ reaper: Reaper
    ) throws(MappingError) {
        admission: while true {
            switch children.withLock({ $0.add(registration, atMost: limit) }) {
            case .admitted: break admission
            case .closing: throw .closed
            case .full: guard evict(bytes: 1) > 0 else { throw .tooManyMappings(limit: limit + 1) }
            }
        }
        while case let seen = counters.releases.load(ordering: .acquiring), !budget.claim(registration.pinnedBytes) {
            guard backPressure.makesRoom(for: registration.pinnedBytes, after: seen, in: self, by: reaper) else {
                childGone { $0.remove(registration) }
                throw .overBudget(budget.report(asked: registration.pinnedBytes))
            }
        }
    }

    private func register(
        _ registration: Registration, _ backPressure: inout BackPressure, _ reaper: Reaper
    ) throws(MappingError) -> UInt32 {
        while true {
            let seen = counters.releases.load(ordering: .acquiring)
            do throws(VerbError) {
                return try registration.register(in: domain)
            } catch {
                // RLIMIT_MEMLOCK, or the device is full: a release helps in both cases.
                guard error.code == ENOMEM,
                    backPressure.makesRoom(for: registration.pinnedBytes, after: seen, in: self, by: reaper)
                else {
                    let reason = MappingError(error, registering: registration.memory, for: registration.access)
                    budget.giveBack(registration.pinnedBytes)
                    childGone { $0.remove(registration) }
                    throw reason
                }
            }
        }
    }
}
