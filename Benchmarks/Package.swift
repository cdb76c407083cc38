// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target of the engine is compiled with.
let rules: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
  .strictMemorySafety(),
]

/// A package of its own, so that who uses the engine does not build its benchmarks.
let package = Package(
  name: "martlet-benchmarks",
  dependencies: [.package(name: "martlet", path: "..")],
  targets: [
    .executableTarget(
      name: "fanout-server",
      dependencies: [.product(name: "WebSocket", package: "martlet")],
      path: "Sources/FanoutServer",
      swiftSettings: rules),
    .executableTarget(
      name: "client-scale",
      dependencies: [.product(name: "WebSocket", package: "martlet")],
      path: "Sources/ClientScale",
      swiftSettings: rules),
  ]
)
