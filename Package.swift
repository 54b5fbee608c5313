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
    name: "CCairo", pkgConfig: "cairo",
    providers: [.apt(["libcairo2-dev"]), .brew(["cairo"])]),
  .target(name: "CKernels"),
  // These two load their libraries at the first use: oneDNN (libdnnl-dev) and LAPACK.
  .target(name: "COneDNN"),
  .target(name: "CLAPACK"),
]

// The core

let core: [Target] = [
  .target(
    name: "VAECore",
    dependencies: [
      "CPNG", "CZlib", "COneDNN", "CLAPACK", "CKernels",
      .product(name: "SystemPackage", package: "swift-system"),
    ])
]

// Plots, apart from the core, so that only the tools that draw them load cairo

let plots: [Target] = [
  .target(name: "VAEPlots", dependencies: ["VAECore", "CCairo"])
]

// Pages of HTML, apart from the core, for their texts, which become part of the tool's file

let pages: [Target] = [
  .target(name: "VAEPages", dependencies: ["VAECore"], resources: [.embedInCode("Page")])
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
  "frechet", "latent-grid", "lerp", "mnist-cat", "pca", "png-cat", "png-curves", "png-grid",
  "png-scatter", "png-split", "probe-fit", "probe-predict", "randn", "sparse-code",
  "sparse-decode", "tensor-cat", "tensor-cmp", "tensor-csv", "tensor-head", "tensor-info",
  "tensor-raw", "tsne", "vae-decode", "vae-encode", "vae-fit", "vae-import", "vae-info",
  "vae-page", "vae-score",
]

/// Libraries that some tools use besides.
let ownLibraries = [
  "png-curves": "VAEPlots", "png-scatter": "VAEPlots", "vae-page": "VAEPages",
]

let tools: [Target] = toolNames.map {
  .executableTarget(
    name: $0,
    dependencies: [
      "ToolSupport", "VAECore",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ] + (ownLibraries[$0].map { [.target(name: $0)] } ?? []))
}

// Tests

let tests: [Target] = [
  .testTarget(name: "VAECoreTests", dependencies: ["VAECore", "CKernels"], exclude: ["Goldens"]),
  .testTarget(name: "VAEPlotsTests", dependencies: ["VAEPlots", "VAECore"]),
  .testTarget(name: "ToolTests", dependencies: ["VAECore"] + toolNames.map { .target(name: $0) }),
]

// Fuzz targets, which need libFuzzer: Scripts/fuzz asks for them

let fuzz: [Target] =
  Context.environment["VAE_TOOLS_FUZZ"] == nil
  ? []
  : [
    .executableTarget(
      name: "fuzz",
      dependencies: [
        "VAECore", "VAEPlots",
        .product(name: "SystemPackage", package: "swift-system"),
      ],
      path: "Tests/Fuzz")
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
  targets: libraries + core + plots + pages + glue + tools + tests + fuzz
)
