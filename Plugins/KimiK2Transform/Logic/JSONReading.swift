package import WireJSON

/// Parses and looks into JSON; nil if it is none. Values live only as long as their parser, hence the closure.
package func withJSON<Result>(_ bytes: [UInt8], _ body: (JSONValue) -> Result) -> Result? {
    let parser = JSONParser()
    guard let root = try? parser.parse(bytes) else { return nil }
    return withExtendedLifetime(parser) { body(root) }
}
