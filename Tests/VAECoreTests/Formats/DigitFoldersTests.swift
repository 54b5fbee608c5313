import Testing
import VAECore

@Suite struct DigitFoldersTests {
  @Test func foldersAreLookedAtInOrder() {
    let folders = DigitFolders(
      environment: ["MNIST_DIR": "/m", "XDG_DATA_HOME": "/x", "HOME": "/h"],
      executable: "/usr/local/bin/mnist-cat")
    #expect(folders.candidates(for: .mnist) == ["/m", "/x/vae-tools/mnist"])
    #expect(folders.candidates(for: .fashion) == ["/x/vae-tools/fashion"])
    #expect(
      folders.candidates(for: .digits)
        == ["/x/vae-tools/digits", "/usr/local/share/vae-tools/digits"])
  }

  @Test func homeStandsInForUnsetEmptyAndRelativeDataFolders() {
    for data in [nil, "", "relative"] {
      var environment = ["HOME": "/h"]
      environment["XDG_DATA_HOME"] = data
      let folders = DigitFolders(environment: environment, executable: nil)
      #expect(folders.candidates(for: .kmnist) == ["/h/.local/share/vae-tools/kmnist"])
    }
    #expect(DigitFolders(environment: [:], executable: nil).candidates(for: .mnist) == [])
  }
}
