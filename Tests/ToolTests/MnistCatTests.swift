import Foundation
import Testing

@Suite struct MnistCatTests {
  let set = goldens.appendingPathComponent("idx").path

  @Test(arguments: [
    ("images", "train"), ("labels", "train --labels"), ("limited", "train --limit 3"),
    ("none", "train --limit 0"), ("images", "train --limit 99"),
    ("classes", "train --classes 1,5"), ("classes-labels", "train --classes 5,1 --labels"),
    ("classes-limited", "train --classes 1,5 --limit 2"), ("none", "train --classes 77"),
    ("float", "train --float"), ("normalized", "train --normalize 0.1307,0.3081"),
    ("test", "test"), ("test-labels", "test --labels"),
  ])
  func writesWhatNumPyWouldSave(_ expected: String, _ arguments: String) throws {
    let result = try run(
      "mnist-cat", arguments.split(separator: " ").map(String.init) + ["--dir", set])
    #expect(result.status == 0)
    #expect(result.messages == "")
    #expect(try result.output == golden("idx/\(expected).npy"))
  }

  @Test func normalizationMayBeNegative() throws {
    #expect(try run("mnist-cat", ["train", "--dir", set, "--normalize", "-1,2"]).status == 0)
  }

  // MARK: Where the sets are

  @Test func looksInMNISTsFolderThenInTheUsersData() throws {
    let home = try TemporaryFolder()
    let data = try TemporaryFolder()
    let images = try golden("idx/train-images-idx3-ubyte")
    for folder in ["vae-tools/mnist", "vae-tools/fashion"] {
      _ = try data.write(images, to: "\(folder)/train-images-idx3-ubyte")
    }
    _ = try home.write(images, to: ".local/share/vae-tools/kmnist/train-images-idx3-ubyte")
    let expected = try golden("idx/images.npy")
    let train = ["train"]
    #expect(try run("mnist-cat", train, environment: ["MNIST_DIR": set]).output == expected)
    let here = ["MNIST_DIR": "/nowhere", "XDG_DATA_HOME": data.path, "HOME": home.path]
    #expect(try run("mnist-cat", train, environment: here).output == expected)
    #expect(
      try run("mnist-cat", train + ["--set", "fashion"], environment: here).output == expected)
    // MNIST_DIR is MNIST's alone, and a relative XDG_DATA_HOME counts for nothing.
    let there = ["MNIST_DIR": set, "XDG_DATA_HOME": "relative", "HOME": home.path]
    #expect(
      try run("mnist-cat", train + ["--set", "kmnist"], environment: there).output == expected)
    #expect(try run("mnist-cat", train + ["--set", "fashion"], environment: there).status == 66)
  }

  @Test func drawnDigitsStandInForMNIST() throws {
    let result = try run("mnist-cat", ["test", "--limit", "2"], environment: ["HOME": "/nowhere"])
    #expect(result.status == 0)
    #expect(result.output.count == 128 + 2 * 784)
    #expect(result.lines.count == 1)
    #expect(result.messages.contains("mnist-fetch"))
    let quiet = try run(
      "mnist-cat", ["test", "--limit", "2", "-q"], environment: ["HOME": "/nowhere"])
    #expect(quiet.output == result.output)
    #expect(quiet.messages == "")
    let asked = try run("mnist-cat", ["test", "--limit", "2", "--set", "digits"])
    #expect(asked.output == result.output)
    #expect(asked.messages == "")
  }

  @Test func setAskedForMustBeThere() throws {
    let here = ["MNIST_DIR": "/nowhere", "XDG_DATA_HOME": "/neither", "HOME": "/nor"]
    let mnist = try run("mnist-cat", ["test", "--set", "mnist"], environment: here)
    #expect(mnist.status == 66)
    #expect(mnist.output.isEmpty)
    #expect(mnist.lines.count == 1)
    for place in ["/nowhere", "/neither/vae-tools/mnist", "mnist-fetch"] {
      #expect(mnist.messages.contains(place))
    }
    let fashion = try run("mnist-cat", ["test", "--set", "fashion"], environment: here)
    #expect(fashion.status == 66)
    #expect(!fashion.messages.contains("/nowhere"))
    #expect(fashion.messages.contains("mnist-fetch --set fashion"))
    #expect(try run("mnist-cat", ["test", "--dir", "/nowhere"]).status == 66)
  }

  // MARK: Damaged sets

  @Test func countsMustAgree() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(golden("idx/train-images-idx3-ubyte"), to: "train-images-idx3-ubyte")
    _ = try folder.write(golden("idx/t10k-labels.idx1-ubyte"), to: "train-labels-idx1-ubyte")
    for arguments in [["train"], ["train", "--labels"], ["train", "--classes", "1"]] {
      let result = try run("mnist-cat", arguments + ["--dir", folder.path])
      #expect(result.status == 65)
      #expect(result.output.isEmpty)
      #expect(result.messages.contains("expected 10 labels"))
    }
  }

  @Test func labelsAreNeededForClasses() throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(golden("idx/train-images-idx3-ubyte"), to: "train-images-idx3-ubyte")
    #expect(try run("mnist-cat", ["train", "--dir", folder.path]).status == 0)
    #expect(try run("mnist-cat", ["train", "--labels", "--dir", folder.path]).status == 66)
    #expect(try run("mnist-cat", ["train", "--classes", "1", "--dir", folder.path]).status == 66)
  }

  @Test func otherFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let labels = try golden("idx/t10k-labels.idx1-ubyte")
    for bytes in [labels, Array("not an IDX file at all".utf8), []] {
      _ = try folder.write(bytes, to: "train-images-idx3-ubyte")
      let result = try run("mnist-cat", ["train", "--dir", folder.path])
      #expect(result.status == 65)
      #expect(result.lines.count == 1)
      #expect(result.messages.contains("train-images-idx3-ubyte"))
    }
  }

  @Test func fileCutAnywhereIsRefused() throws {
    let folder = try TemporaryFolder()
    let images = try golden("idx/train-images-idx3-ubyte")
    let packed = try golden("idx/t10k-images.idx3-ubyte.gz")
    for count in stride(from: 0, to: images.count, by: 5) {
      _ = try folder.write(Array(images.prefix(count)), to: "train-images-idx3-ubyte")
      #expect(try run("mnist-cat", ["train", "--dir", folder.path]).status == 65)
    }
    for count in 0..<packed.count {
      _ = try folder.write(Array(packed.prefix(count)), to: "t10k-images-idx3-ubyte.gz")
      #expect(
        try run("mnist-cat", ["test", "--dir", folder.path]).status == 65, "cut at \(count)")
    }
  }

  // MARK: The command line

  @Test(arguments: [
    "", "nix", "train test", "train --set nix", "train --limit -1", "train --classes",
    "train --classes 1,,2", "train --classes 256", "train --normalize 1", "train --normalize 1,0",
    "train --normalize nan,1", "train --labels --float", "train --labels --normalize 0,1",
  ])
  func badUsage(_ arguments: String) throws {
    let result = try run("mnist-cat", arguments.split(separator: " ").map(String.init))
    #expect(result.status == 64)
    #expect(result.output.isEmpty)
    #expect(result.messages.hasPrefix("mnist-cat: "))
  }

  @Test func outputMustBeWritable() throws {
    #if os(Linux)
      #expect(
        try run("mnist-cat", ["train", "--dir", set], output: .file("/dev/full")).status == 74)
    #endif
    #expect(try run("mnist-cat", ["train", "--dir", set], output: .closed).status == 74)
    #expect(try run("mnist-cat", ["train", "--dir", set], output: .terminal).status == 64)
    let head = try run("mnist-cat", ["train", "--set", "digits"], output: .head(1))
    #expect(head.status == 141)
    #expect(head.messages == "")
  }
}
