import LAM

// What is meant to compile does: without this, a wrong flag would make every other file of this folder "refused".
func useOfEverything(_ adapter: Adapter, _ buffer: PageBuffer) async throws {
    var completions = try adapter.createCompletionQueue(depth: 8)
    var queuePair = try adapter.createQueuePair(completions: completions)
    var shared = try adapter.createSharedReceiveQueue(depth: 8)
    let sharing = try adapter.createQueuePair(completions: completions, receivesFrom: shared)
    let window = try adapter.createMemoryWindow()
    var mapping = try adapter.buildLam(over: buffer)
    try queuePair.send(mapping, 0..<8)
    try shared.receive(into: mapping, 0..<8)
    sharing.close()
    try shared.close()
    _ = try queuePair.bind(window, over: mapping, 0..<8, access: .read)
    var region = try adapter.createMemoryRegion(.registered)
    try region.register(over: buffer, access: .localWrite)
    _ = try queuePair.bind(window, over: region, 0..<8, access: .read)
    try region.deregister()
    let grant = try await mapping.grant(.read, bytes: 0..<8, to: &queuePair, lasting: .seconds(1))
    _ = grant.remoteMemory
    await grant.revoked()
    var batch = CompletionBatch()
    _ = completions.poll(into: &batch)
    switch mapping.tryRelease() {
    case .released: mapping = try adapter.buildLam(over: buffer)
    case .busy(let kept, _): mapping = kept
    case .refused(let kept, _): mapping = kept
    }
    queuePair.close()
    await mapping.released()
}
