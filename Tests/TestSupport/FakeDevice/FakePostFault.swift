package import Verbs

/// How a post fails after the device has taken some of its requests.
enum FakePostFault {
    /// The request at the index is refused, and those behind it are not looked at.
    case refusal(index: Int, code: CInt)
    /// The device takes everything, and reports an error without naming a request (T11).
    case undetermined(code: CInt)
}

extension FakeDevice {
    /// How many completion queues exist.
    package var completionQueueCount: Int { withState { state in state.completionQueues.count } }

    /// Forgets what `inject` made fail from now on.
    package func clearFaults() {
        withState { state in state.faults = [:] }
    }

    /// Makes the next post of a verb refuse one of its requests; those before it are posted.
    ///
    /// - Parameters:
    ///   - index: Which request of the post, from 0.
    ///   - verb: `postSend` or `postReceive`.
    ///   - code: The `errno` value.
    package func refuseRequest(_ index: Int, ofNext verb: Verb, code: CInt) {
        withState { state in state.postFaults[verb] = .refusal(index: index, code: code) }
    }

    /// Makes the next post of a verb report an error without naming a request, although all of them are posted.
    package func leaveUndetermined(next verb: Verb, code: CInt) {
        withState { state in state.postFaults[verb] = .undetermined(code: code) }
    }
}

extension FakeDevice.State {
    /// Takes what the test wants for the post that begins.
    mutating func takePostFault(_ verb: Verb) -> FakePostFault? {
        postFaults.removeValue(forKey: verb)
    }
}

extension FakePostFault? {
    /// The error that the request at an index meets.
    func code(at index: Int) -> CInt? {
        if case .refusal(index, let code) = self { code } else { nil }
    }

    /// What the post reports once the device has everything.
    func outcome(_ code: CInt) -> CInt {
        if case .undetermined(let undetermined) = self { undetermined } else { code }
    }
}
