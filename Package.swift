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

let package = Package(
    name: "lam",
    products: [
        .library(name: "LAM", targets: ["LAM"]),
        .executable(name: "lam", targets: ["LAMCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
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
        .target(name: "LAM", dependencies: ["Tracking", "Verbs"], swiftSettings: strict),
        .executableTarget(
            name: "LAMCommand",
            dependencies: [
                "LAM",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict
        ),
        .target(
            name: "TestSupport",
            dependencies: ["LAM", "Verbs", "CRDMA"],
            path: "Tests/TestSupport",
            swiftSettings: strict
        ),
        .target(
            name: "TrackingModel",
            dependencies: ["Tracking"],
            path: "Tests/TrackingModel",
            swiftSettings: strict
        ),
        .executableTarget(
            name: "Simulation",
            dependencies: [
                "TrackingModel",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Tests/Simulation",
            swiftSettings: strict
        ),
        .testTarget(
            name: "TrackingTests", dependencies: ["Tracking", "TrackingModel"],
            swiftSettings: strict),
        .testTarget(
            name: "VerbsTests", dependencies: ["Verbs", "TestSupport"], swiftSettings: strict),
        .testTarget(name: "LAMTests", dependencies: ["LAM", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "CommandTests", dependencies: ["LAMCommand", "TestSupport"], swiftSettings: strict
        ),
        .testTarget(
            name: "DeviceTests", dependencies: ["LAM", "TestSupport"], swiftSettings: strict),
    ],
    cLanguageStandard: .c11
)
