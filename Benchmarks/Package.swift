// swift-tools-version: 6.2

import PackageDescription

// A package of its own, so that users of the library never resolve or build it.

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

let strictC: [CSetting] = [
    .enableWarning("all"),
    .enableWarning("extra"),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-O2"]),
]

let package = Package(
    name: "lam-benchmarks",
    dependencies: [
        .package(name: "lam", path: "..")
    ],
    targets: [
        .target(name: "StubProvider", cSettings: strictC),
        .target(name: "Pinning", cSettings: strictC),
        .target(name: "PeerCache", cSettings: strictC),
        .target(
            name: "TableCalls",
            // The library is loaded from where it is installed; no product of the package has its headers.
            cSettings: strictC + [.unsafeFlags(["-I\(Context.packageDirectory)/../Sources/CNDK/include"])]),
        .target(name: "Measuring", swiftSettings: strict),
        .executableTarget(
            name: "lam-native-bench",
            dependencies: [
                "StubProvider", "Pinning", "TableCalls", "PeerCache", "Measuring",
                .product(name: "_PlainVerbs", package: "lam"), .product(name: "LAM", package: "lam"),
            ],
            path: "Sources/NativeBench",
            swiftSettings: strict,
            // For the libraries that it loads, too, the device is the one that is only played.
            linkerSettings: [.unsafeFlags(["-Xlinker", "--export-dynamic"])]
        ),
    ],
    cLanguageStandard: .gnu11
)
