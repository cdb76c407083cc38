// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with. Tests and examples included.
let rules: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableExperimentalFeature("Lifetimes"),
]

/// Shipped code also marks each unsafe operation. Tests do not: `#expect` hides the marks.
let strict = rules + [.strictMemorySafety()]

/// A program that shows one thing, or is tested by others.
func example(_ name: String, in path: String) -> Target {
  .executableTarget(
    name: name, dependencies: ["WebSocket", "ExampleSupport"], path: path, swiftSettings: strict)
}

let package = Package(
  name: "martlet",
  products: [
    .library(name: "WebSocket", targets: ["WebSocket"]),
    .library(name: "WebSocketProtocol", targets: ["WebSocketProtocol"]),
    .library(name: "Reactor", targets: ["Reactor"]),
    .executable(name: "echo", targets: ["echo"]),
    .executable(name: "broadcast", targets: ["broadcast"]),
    .executable(name: "chat", targets: ["chat"]),
    .executable(name: "auth", targets: ["auth"]),
    .executable(name: "rtt", targets: ["rtt"]),
    .executable(name: "live", targets: ["live"]),
    .executable(name: "client", targets: ["client"]),
  ],
  targets: [
    .target(name: "CURing", linkerSettings: [.linkedLibrary("uring")]),
    .target(name: "Reactor", dependencies: ["CURing"], swiftSettings: strict),
    .target(
      name: "ReactorSimulation", dependencies: ["Reactor", "CURing"], swiftSettings: strict),
    .target(name: "WebSocketProtocol", swiftSettings: strict),
    .target(
      name: "WebSocket", dependencies: ["Reactor", "WebSocketProtocol"], swiftSettings: strict),
    .target(
      name: "ExampleSupport", dependencies: ["WebSocket"], path: "Examples/Support",
      swiftSettings: strict),
    example("echo", in: "Examples/Echo"),
    example("broadcast", in: "Examples/Broadcast"),
    example("chat", in: "Examples/Chat"),
    example("auth", in: "Examples/Auth"),
    example("rtt", in: "Examples/RTT"),
    example("live", in: "Examples/Live"),
    example("client", in: "Examples/Client"),
    example("conformance-client", in: "Conformance/Client"),
    .executableTarget(
      name: "soak-load", dependencies: ["WebSocket", "ExampleSupport"], path: "Soak/Load",
      swiftSettings: strict),
    .executableTarget(
      name: "simulate", dependencies: ["WebSocket", "Reactor", "ReactorSimulation", "CProcess"],
      path: "Simulation",
      exclude: ["Failures", "Mistakes"],
      swiftSettings: rules),
    .testTarget(
      name: "WebSocketProtocolTests", dependencies: ["WebSocketProtocol"], swiftSettings: rules),
    .target(name: "CProcess", path: "Tests/CProcess"),
    .testTarget(
      name: "ReactorTests", dependencies: ["Reactor", "ReactorSimulation", "CURing", "CProcess"],
      swiftSettings: rules),
    .testTarget(
      name: "WebSocketTests", dependencies: ["WebSocket", "Reactor", "CProcess"],
      swiftSettings: rules),
    .testTarget(name: "ExampleTests", dependencies: ["ExampleSupport"], swiftSettings: rules),
    .testTarget(name: "TidyTests", swiftSettings: rules),
  ]
)
