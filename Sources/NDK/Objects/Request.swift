import CNDK

/// A call of the program that may pend: what to tell when it is over, and the object that stays until that has
/// returned.
struct Request: Sendable {
    private let object: ProviderObject
    private let completion: @Sendable (Status) -> Void

    /// Begins a call on an object.
    ///
    /// - Throws: ``StatusError`` once the object is being closed.
    init(
        on object: ProviderObject, _ completion: NDK_FN_REQUEST_COMPLETION?, _ context: UnsafeMutableRawPointer?
    ) throws(StatusError) {
        try object.holdOpen()
        self.object = object
        let context = unsafe ProgramPointer(context)
        self.completion = { unsafe completion?(context.value, $0.code) }
    }

    /// Does what was asked, and ends.
    func end(with body: () throws(StatusError) -> Void) {
        do throws(StatusError) {
            try body()
            end()
        } catch {
            end(error)
        }
    }

    /// The call has ended, with an error if there is one. Called once, from any thread.
    func end(_ error: StatusError? = nil) {
        object.adapter.callbacks.run { [object, completion] in
            LastFailure.current.reason = error?.reason
            completion(error?.status ?? .success)
            object.release()
        }
    }
}

/// A call of the program that makes an object and pends: as ``Request``, with the object in the end.
struct Creation: Sendable {
    private let parent: ProviderObject
    private let completion: @Sendable (Status, ProviderObject?) -> Void

    /// Begins to make a successor of `parent`.
    ///
    /// - Throws: ``StatusError`` where nobody would get the object.
    init(
        on parent: ProviderObject, _ completion: NDK_FN_CREATE_COMPLETION?, _ context: UnsafeMutableRawPointer?
    ) throws(StatusError) {
        guard let completion = unsafe completion else {
            throw StatusError(.invalidParameter, "CreateCompletion is NULL")
        }
        try parent.holdOpen()
        self.parent = parent
        let context = unsafe ProgramPointer(context)
        self.completion = { unsafe completion(context.value, $0.code, $1?.handle.pointer()) }
    }

    /// The object is made, or will not be. Called once, from any thread.
    func end(_ outcome: Result<ProviderObject, StatusError>) {
        parent.adapter.callbacks.run { [parent, completion] in
            switch outcome {
            case .success(let object): completion(.success, object)
            case .failure(let error):
                LastFailure.current.reason = error.reason
                completion(error.status, nil)
            }
            parent.release()
        }
    }
}
