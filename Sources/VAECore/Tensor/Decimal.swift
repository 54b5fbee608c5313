/// The shortest decimal that gives a number back when it is read as the type that held it.
package func decimal(_ value: Double, as type: ElementType) -> String {
  if value.isNaN { return "nan" }
  // f2 through f4: a decimal that gives the f4 back gives the f2 back.
  let text = type == .f4 || type == .f2 ? Float(value).description : value.description
  return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
}
