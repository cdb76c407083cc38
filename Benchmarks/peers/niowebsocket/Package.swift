// swift-tools-version: 6.1
import PackageDescription

/// SwiftNIO's echo server: a package of its own, so that neither the engine nor its benchmarks depend
/// on SwiftNIO.
let package = Package(
  name: "niowebsocket-echo",
  dependencies: [.package(url: "https://github.com/apple/swift-nio.git", exact: "2.101.2")],
  targets: [
    .executableTarget(
      name: "niowebsocket-echo",
      dependencies: [
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOHTTP1", package: "swift-nio"),
        .product(name: "NIOWebSocket", package: "swift-nio"),
      ],
      path: "Sources")
  ]
)
