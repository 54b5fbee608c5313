// swift-tools-version: 6.1
import PackageDescription

// C libraries

let libraries: [Target] = [
  .systemLibrary(
    name: "CPNG", pkgConfig: "libpng",
    providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
  .systemLibrary(
    name: "CZlib", pkgConfig: "zlib",
    providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
  .systemLibrary(
    name: "COneDNN",
    providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),
  .target(name: "CKernels"),
]

// The core

let core: [Target] = [
  .target(
    name: "VAECore",
    dependencies: [
      "CPNG", "CZlib", "COneDNN", "CKernels",
      .product(name: "SystemPackage", package: "swift-system"),
    ])
]

// Command glue: operands, options, exit codes, progress

let glue: [Target] = [
  .target(
    name: "ToolSupport",
    dependencies: [
      "VAECore",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
      .product(name: "SystemPackage", package: "swift-system"),
    ])
]

// Tools: one folder, one file and one type each

let toolNames = [
  "mnist-cat", "png-grid", "randn", "sparse-code", "sparse-decode", "vae-decode", "vae-encode",
  "vae-fit", "vae-info", "vae-score",
]

let tools: [Target] = toolNames.map {
  .executableTarget(
    name: $0,
    dependencies: [
      "ToolSupport", "VAECore",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ])
}

// Tests

let tests: [Target] = [
  .testTarget(name: "VAECoreTests", dependencies: ["VAECore"], exclude: ["Goldens"]),
  .testTarget(name: "ToolTests", dependencies: ["VAECore"] + toolNames.map { .target(name: $0) }),
]

let package = Package(
  name: "vae-tools",
  platforms: [.macOS(.v15)],
  products: [.library(name: "VAECore", targets: ["VAECore"])]
    + toolNames.map { .executable(name: $0, targets: [$0]) },
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
  ],
  targets: libraries + core + glue + tools + tests
)
