// swift-tools-version: 6.2

import PackageDescription

let strict: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let strictC: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

/// The functions that threads of the simulation come to `Turns` for.
let turns = [
    "pthread_create", "pthread_join", "pthread_detach", "pthread_mutex_lock", "pthread_mutex_unlock",
    "pthread_cond_wait", "pthread_cond_timedwait", "pthread_cond_broadcast", "pthread_cond_signal", "sched_yield",
    "usleep", "poll", "clock_gettime",
].flatMap { ["-Xlinker", "--wrap=\($0)"] }

let strictCxx: [CXXSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "lam",
    products: [
        .library(name: "LAM", targets: ["LAM"]),
        .library(name: "ndk", type: .dynamic, targets: ["NDK"]),
        .library(name: "LAMServiceLifecycle", targets: ["LAMServiceLifecycle"]),
        .executable(name: "lam", targets: ["LAMCommand"]),
        // For the package Benchmarks.
        .library(name: "_PlainVerbs", targets: ["PlainVerbs"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CRDMASystem",
            pkgConfig: "librdmacm",
            providers: [.apt(["libibverbs-dev", "librdmacm-dev"])]
        ),
        .target(
            name: "CRDMA",
            dependencies: ["CRDMASystem"],
            cSettings: strictC,
            linkerSettings: [.linkedLibrary("ibverbs"), .linkedLibrary("rdmacm")]
        ),
        .target(name: "Tracking", swiftSettings: strict),
        .target(name: "Verbs", dependencies: ["CRDMA"], swiftSettings: strict),
        .target(
            name: "LAM",
            dependencies: [
                "Tracking",
                "Verbs",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "LAMServiceLifecycle",
            dependencies: ["LAM", .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")],
            swiftSettings: strict
        ),
        .target(
            name: "PlainVerbs", dependencies: ["CRDMASystem"], cSettings: strictC,
            linkerSettings: [.linkedLibrary("ibverbs")]),
        .target(name: "CNDK", cSettings: strictC),
        .target(name: "NDK", dependencies: ["CNDK", "LAM", "Tracking", "Verbs"], swiftSettings: strict),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(name: "FileService", dependencies: ["CZlib"], swiftSettings: strict),
        .executableTarget(
            name: "LAMCommand",
            dependencies: [
                "FileService",
                "LAM",
                "PlainVerbs",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .executableTarget(
            name: "FirstMapping", dependencies: ["LAM"], path: "Examples/FirstMapping", swiftSettings: strict),
        .executableTarget(
            name: "block-store", dependencies: ["CNDK", "NDK"], path: "Examples/block-store",
            exclude: ["Makefile", "CMakeLists.txt"],
            cSettings: strictC + [.define("_GNU_SOURCE")]),
        .target(
            name: "TestSupport",
            dependencies: ["LAM", "Verbs", "CRDMA", "Tracking"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .target(
            name: "TrackingModel",
            dependencies: ["Tracking"],
            path: "Tests/TrackingModel",
            swiftSettings: strict
        ),
        .target(
            name: "AdapterModel",
            dependencies: ["CRDMA", "LAM", "TestSupport", "TrackingModel", "Verbs"],
            path: "Tests/AdapterModel",
            swiftSettings: strict
        ),
        .target(name: "Turns", path: "Tests/Turns", cSettings: strictC),
        .target(name: "Course", dependencies: ["Turns"], path: "Tests/Course", swiftSettings: strict),
        .executableTarget(
            name: "Simulation",
            dependencies: [
                "AdapterModel",
                "Course",
                "TrackingModel",
                "Turns",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Simulation",
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(turns)]
        ),
        .target(
            name: "CallLog", path: "Tests/CallLog", cSettings: strictC + [.define("_GNU_SOURCE")]),
        .executableTarget(
            name: "Fuzz",
            dependencies: [
                "CNDK",
                "CRDMA",
                "CallLog",
                "Course",
                "LAM",
                "NDK",
                "TestSupport",
                "Tracking",
                "TrackingModel",
                "Turns",
                "Verbs",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Fuzz",
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(turns)]
        ),
        .testTarget(
            name: "TrackingTests", dependencies: ["Tracking", "TrackingModel"],
            swiftSettings: strict),
        .testTarget(
            name: "SimulationTests", dependencies: ["AdapterModel", "Verbs"], swiftSettings: strict),
        .testTarget(
            name: "VerbsTests", dependencies: ["Verbs", "CRDMA", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "LAMTests",
            dependencies: [
                "LAM",
                "Tracking",
                "TestSupport",
                .product(name: "InMemoryLogging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: strict
        ),
        .testTarget(
            name: "LAMServiceLifecycleTests",
            dependencies: [
                "LAM", "LAMServiceLifecycle", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "NDKConsumer", dependencies: ["CNDK"], path: "Tests/NDKConsumer",
            cSettings: strictC + [.define("_POSIX_C_SOURCE", to: "200809L")]),
        .target(
            name: "NDKConsumerCxx", dependencies: ["CNDK", "NDKConsumer"], path: "Tests/NDKConsumerCxx",
            cxxSettings: strictCxx + [.headerSearchPath("../NDKConsumer")]),
        .target(
            name: "ConsumerPrograms",
            dependencies: ["NDK", "NDKConsumer", "NDKConsumerCxx", "TestSupport", "Verbs", "CRDMA", "LAM"],
            path: "Tests/ConsumerPrograms",
            swiftSettings: strict),
        .executableTarget(
            name: "Consumers", dependencies: ["ConsumerPrograms"], path: "Tests/Consumers", swiftSettings: strict),
        .testTarget(name: "NDKTests", dependencies: ["ConsumerPrograms"], swiftSettings: strict),
        .testTarget(
            name: "MemcheckTests", dependencies: ["TestSupport"], exclude: ["swift.supp"], swiftSettings: strict),
        .testTarget(name: "FuzzTests", dependencies: ["TestSupport"], swiftSettings: strict),
        .testTarget(name: "FileServiceTests", dependencies: ["FileService"], swiftSettings: strict),
        .testTarget(
            name: "CommandTests",
            dependencies: [
                "FileService", "LAMCommand", "TestSupport", .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict
        ),
        .testTarget(name: "InstallationTests", dependencies: ["TestSupport"], swiftSettings: strict),
        .target(name: "ForkProbe", path: "Tests/ForkProbe", cSettings: strictC),
        .testTarget(
            name: "DeviceTests",
            dependencies: ["FileService", "LAM", "NDK", "NDKConsumer", "NDKConsumerCxx", "TestSupport", "ForkProbe"],
            swiftSettings: strict
        ),
    ],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
