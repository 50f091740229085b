import LAM
import TestSupport
import Testing

@Suite("A random life of an adapter")
struct AdapterSimulationTests {
    @Test(
        "harms nothing, loses no result, and leaves nothing behind [36] [37] [39] [42] [43] [44] [45] [46] [48]",
        arguments: [1, 2, 3, 5, 8, 13, 21, 34] + [UInt64.random(in: 100...UInt64.max)])
    func life(seed: UInt64) throws {
        let device = FakeDevice(reportsLastReceives: true)
        do {
            let simulation = try AdapterSimulation(on: device, seed: seed)
            for step in 0..<4_000 {
                try simulation.step()
                try #require(device.violations == [], "seed \(seed), step \(step)\n\(simulation.trace)")
                try #require(simulation.objections == [], "seed \(seed), step \(step)\n\(simulation.trace)")
            }
            try simulation.end()
            #expect(simulation.objections == [], "seed \(seed)")
        }
        expectNothingLeft(of: device)
    }
}
