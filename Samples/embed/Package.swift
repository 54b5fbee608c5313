// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "embed",
  platforms: [.macOS(.v15)],
  dependencies: [.package(name: "vae-tools", path: "../..")],
  targets: [
    .executableTarget(
      name: "embed", dependencies: [.product(name: "VAECore", package: "vae-tools")])
  ]
)
