import Tracking

extension ModelRun {
    /// Binds a window over a mapping, or invalidates one.
    func changeWindows() throws(Violation) {
        guard let queue = random.pick(queues), queue.stage == .open, !queue.isInside else { return }
        if let window = random.pick(windows), window.stage == .bound, window.queue === queue {
            try invalidate(window)
        } else if let mapping = random.pick(mappings) {
            try bind(over: mapping, on: queue)
        }
    }

    private func bind(over mapping: ModelMapping, on queue: ModelQueue) throws(Violation) {
        let id: MappingID
        switch driver.holdWindow(over: mapping) {
        case .success(let held): id = held
        case .failure: return try require(mapping.stage != .live, "live \(mapping.id) takes no window")
        }
        try require(mapping.stage == .live && id == mapping.id, "a window was bound over closed \(mapping.id)")
        let window = ModelWindow(over: mapping, id: id, queue: queue)
        windows.append(window)
        mapping.knownWindows += 1
        // The device reads the mapping when it binds the window; the window's own count covers that.
        try post(.bind(window), on: queue)
    }

    private func invalidate(_ window: ModelWindow) throws(Violation) {
        window.stage = .invalidating
        driver.invalidating(window)
        try post(.invalidate(window), on: window.queue)
    }

    /// Posts a request of one of the window operations; a queue that is full refuses it.
    private func post(_ operation: ModelRequest.Operation, on queue: ModelQueue) throws(Violation) {
        try require(queue.poster.enter() == .inside, "an open queue could not be entered")
        queue.isInside = true
        if queue.poster.begin() {
            queue.lastPosition += 1
            lastContext += 1
            let request = ModelRequest(
                position: queue.lastPosition, context: lastContext,
                isSignaled: random.chance(profile.signaledPercent))
            request.operation = operation
            queue.preparing = request
            try commit(on: queue)
        } else {
            undo(operation)
        }
        try giveToDevice(queue)
    }

    /// An operation on a window did not take place.
    func undo(_ operation: ModelRequest.Operation) {
        switch operation {
        case .transfer: break
        case .bind(let window): end(window)
        case .invalidate(let window): window.stage = .bound
        }
    }

    /// An operation on a window completed, or a later one of its queue did.
    ///
    /// After a failure nobody knows whether the window was changed, so it is deallocated (trap T23).
    func finish(_ operation: ModelRequest.Operation, failed: Bool) {
        switch operation {
        case .transfer: break
        case .bind(let window):
            events.add(failed ? .bindFailed : .bound)
            if failed { end(window) } else { window.stage = .bound }
        case .invalidate(let window):
            if !failed { events.add(.invalidated) }
            end(window)
        }
    }

    /// Deallocates a window, if it is not dead yet.
    func end(_ window: ModelWindow) {
        guard window.stage != .dead else { return }
        device.end(window)
        driver.dropWindow(window)
        window.stage = .dead
        window.mapping.knownWindows -= 1
        windows.removeAll { $0 === window }
        events.add(.windowDestroyed)
    }
}
