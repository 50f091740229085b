/// What `lam bench` measures together.
package enum BenchGroup: String, CaseIterable, Codable, Sendable {
    case register, release, arena, cache, window, post, threads, live

    /// What it is about, for people.
    package var summary: String {
        switch self {
        case .register: "building a mapping and releasing it at once, beside ibv_reg_mr and ibv_dereg_mr"
        case .release: "releasing a mapping, idle and behind a request"
        case .arena: "mappings cut from registered slabs"
        case .cache: "mappings of registrations that are kept"
        case .window: "giving a peer access and taking it away, beside registering anew"
        case .post: "requests of 4 KiB, posted and completed"
        case .threads: "several threads that build and release"
        case .live: "the same beside many live mappings"
        }
    }

    /// What measures it.
    func run(_ recorder: BenchRecorder, on device: BenchDevice) throws {
        switch self {
        case .register: try RegisterBench(recorder: recorder, device: device).run()
        case .release: try ReleaseBench(recorder: recorder, device: device).run()
        case .arena: try ArenaBench(recorder: recorder, device: device).run()
        case .cache: try CacheBench(recorder, device).run()
        case .window: try WindowBench(recorder: recorder, device: device).run()
        case .post: try PostBench(recorder: recorder, device: device).run()
        case .threads: try ThreadsBench(recorder: recorder, device: device).run()
        case .live: try LiveBench(recorder: recorder, device: device).run()
        }
    }
}
