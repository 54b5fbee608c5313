import FoundationEssentials
import VAECore

/// The page's texts put together: a skeleton with places for what is written `{{name}}` in it.
enum PageTemplate {
  private static let skeleton = PackageResources.page_html
  private static let style = PackageResources.page_css
  /// One after the other; what is declared in one the later ones use.
  private static let scripts = [
    PackageResources.data_js, PackageResources.decoder_js, PackageResources.drawing_js,
    PackageResources.figures_js, PackageResources.projections_js, PackageResources.plane_js,
    PackageResources.latents_js, PackageResources.rows_js, PackageResources.record_js,
    PackageResources.page_js,
  ]

  static func page(content: String, arrays: [UInt8]) -> [UInt8] {
    let script = Array(scripts.joined(separator: Array("\n".utf8)))
    let parts: [String: [UInt8]] = [
      "policy": Array(policy(style: style, script: script).utf8), "style": style,
      "script": script, "content": Array(escaped(content).utf8), "arrays": arrays,
    ]
    let pieces = String(decoding: skeleton, as: UTF8.self).split(
      separator: "{{", omittingEmptySubsequences: false)
    return pieces.dropFirst().reduce(into: Array(pieces[0].utf8)) { page, piece in
      let halves = piece.split(separator: "}}", maxSplits: 1, omittingEmptySubsequences: false)
      page += parts[String(halves[0]), default: []]
      page += halves[1].utf8
    }
  }

  /// What the page may do: run its own script, by that one's hash, and nothing else; above all it may
  /// load nothing and send nothing.
  private static func policy(style: [UInt8], script: [UInt8]) -> String {
    "default-src 'none'; img-src data:; style-src '\(hash(style))'; script-src '\(hash(script))'; "
      + "base-uri 'none'; form-action 'none'"
  }

  private static func hash(_ bytes: [UInt8]) -> String {
    var hash = SHA256()
    bytes.withUnsafeBytes { hash.update($0) }
    return "sha256-" + Data(hash.digest()).base64EncodedString()
  }

  /// JSON that may stand inside an element: nothing in it can end that, or begin a comment.
  private static func escaped(_ json: String) -> String {
    json.unicodeScalars.reduce(into: "") { text, scalar in
      switch scalar {
      case "<": text += "\\u003c"
      case ">": text += "\\u003e"
      case "&": text += "\\u0026"
      case "\u{2028}": text += "\\u2028"
      case "\u{2029}": text += "\\u2029"
      default: text.unicodeScalars.append(scalar)
      }
    }
  }
}
