import Tracking

extension ModelRun {
    /// Posts to the shared receive queue, or lets peers consume from it in any order.
    func shareReceives() throws(Violation) {
        if !device.sharedReceives.isEmpty, random.chance(50) {
            try device.executeShared(at: random.below(device.sharedReceives.count))
        } else if device.sharedReceives.count < 16 {
            try postShared()
        }
    }

    private func postShared() throws(Violation) {
        var uses: [(mapping: ModelMapping, id: MappingID)] = []
        for _ in 0..<(1 + random.below(2)) {
            guard let mapping = random.pick(mappings) else { break }
            switch driver.holdShared(mapping) {
            case .success(let id):
                try require(mapping.stage == .live, "a receive names closed \(mapping.id)")
                uses.append((mapping, id))
            case .failure:
                try require(mapping.stage != .live, "live \(mapping.id) takes no receive")
            }
        }
        for use in uses {
            use.mapping.deviceUses += 1
            use.mapping.sharedUses += 1
        }
        let request = SharedRequest(uses: uses)
        driver.postedShared(request)
        device.takeShared(request)
        events.add(.sharedPosted)
    }

    func retireShared(_ request: SharedRequest) {
        driver.completeShared(request)
        for use in request.uses { use.mapping.sharedUses -= 1 }
        events.add(.sharedRetired)
    }
}
