// swift-tools-version: 6.2
import PackageDescription

// libFuzzer against the Kimi transform and the dialects; `scripts/fuzz.sh` builds and runs it. The sources are the repository's own, by
// symbolic link: a package may not reach outside its folder.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-sanitize=fuzzer"]),
]

/// The runtime without a `main`: SwiftPM renames ours, and it calls the driver.
let runtime: [LinkerSetting] = [.unsafeFlags([Context.environment["FUZZER_RUNTIME"] ?? "set-FUZZER_RUNTIME"])]

func module(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: "Sources/\(name)", swiftSettings: swiftSettings)
}

func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name, dependencies: ["CFuzzer", "PluginABI", "WireJSON"] + dependencies,
        path: "Sources/\(name)", swiftSettings: swiftSettings, linkerSettings: runtime)
}

let package = Package(
    name: "kimi-host",
    platforms: [.macOS(.v15)],
    targets: [
        .target(name: "PluginABI", path: "Sources/PluginABI"),
        .target(
            name: "CSimdJSON", path: "Sources/CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++", .when(platforms: [.linux]))]),
        .target(name: "CFuzzer", path: "Sources/CFuzzer"),
        module("WireJSON", ["CSimdJSON"]),
        module("PluginKit", ["PluginABI", "WireJSON"]),
        module("KimiK2TransformLogic", ["PluginABI", "PluginKit", "WireJSON"]),
        module("CanonicalModel", ["PluginABI", "WireJSON"]),
        module("Dialects", ["CanonicalModel", "PluginABI", "WireJSON"]),
        fuzzer("FuzzReply", ["KimiK2TransformLogic", "PluginKit"]),
        fuzzer("FuzzRequest", ["KimiK2TransformLogic", "PluginKit"]),
        fuzzer("FuzzEncoders", ["CanonicalModel", "Dialects"]),
        fuzzer("FuzzChatRequest", ["CanonicalModel", "Dialects"]),
        fuzzer("FuzzMessagesRequest", ["CanonicalModel", "Dialects"]),
        fuzzer("FuzzResponsesRequest", ["CanonicalModel", "Dialects"]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
