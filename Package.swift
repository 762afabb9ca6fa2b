// swift-tools-version: 6.2
import PackageDescription

// docs/architecture.md draws the arrows between these targets; `scripts/build.sh` compiles with
// --explicit-target-dependency-import-check error, so an import that is not declared here fails the build.

let swiftSettings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// A Swift target under Sources/ with the house's settings.
func module(_ name: String, _ dependencies: [Target.Dependency], path: String? = nil) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: swiftSettings)
}

/// A test target under Tests/ with the house's settings.
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, path: "Tests/\(name)", exclude: exclude, swiftSettings: swiftSettings)
}

/// A Swift plugin: Logic is a library that tests link, Entry exports the one symbol and is only in the .so.
func plugin(_ name: String, _ dependencies: [Target.Dependency] = []) -> [Target] {
    let kit: [Target.Dependency] = ["PluginABI", "PluginKit", "WireJSON"]
    return [
        module("\(name)Logic", kit + dependencies, path: "Plugins/\(name)/Logic"),
        .target(
            name: "\(name)Entry", dependencies: [.byName(name: "\(name)Logic"), "PluginKit", "PluginABI"],
            path: "Plugins/\(name)/Entry",
            swiftSettings: swiftSettings, linkerSettings: pluginLinkerSettings),
    ]
}

/// A plugin's library shows its entry and nothing else, and lacks no symbol (docs/plugins/abi.md, "Linking").
let pluginLinkerSettings: [LinkerSetting] = [
    .unsafeFlags(
        [
            "-Xlinker", "--version-script=\(Context.packageDirectory)/Plugins/plugin.map", "-Xlinker", "-z", "-Xlinker",
            "defs",
        ],
        .when(platforms: [.linux]))
]

let plugins = ["AnthropicProvider", "OpenAIProvider", "OpenRouterProvider", "VertexProvider", "KimiK2Transform"]

let package = Package(
    name: "kimi-host",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "kimi-host", targets: ["kimi-host"]),
        .executable(name: "kimi-plugin-host", targets: ["kimi-plugin-host"]),
        .library(name: "PluginKit", targets: ["PluginKit"]),
    ]
        + plugins.map { .library(name: $0, type: .dynamic, targets: ["\($0)Entry"]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.0.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.14.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.2"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0", traits: []),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C: the ABI's one header, and thin shims over system libraries.
        .target(name: "PluginABI", path: "Sources/PluginABI"),
        .target(
            name: "CSimdJSON", path: "Sources/CSimdJSON",
            linkerSettings: [.linkedLibrary("simdjson"), .linkedLibrary("stdc++", .when(platforms: [.linux]))]),
        .systemLibrary(name: "CCurl", path: "Sources/CCurl", pkgConfig: "libcurl"),
        .systemLibrary(name: "CZstd", path: "Sources/CZstd", pkgConfig: "libzstd"),
        .target(name: "CPlatform", path: "Sources/CPlatform"),
        .target(name: "CPluginTestKit", path: "Sources/CPluginTestKit"),

        // Values, no I/O.
        module("WireJSON", ["CSimdJSON"]),
        module("JSONSchema", []),
        module("ConfigYAML", ["JSONSchema", .product(name: "Yams", package: "Yams")]),
        module("CanonicalModel", ["PluginABI", "WireJSON"]),
        module("Dialects", ["CanonicalModel", "PluginABI", "WireJSON"]),

        module("Enforcement", ["CanonicalModel", "Dialects", "PluginABI", "WireJSON"]),

        // Plugin side.
        module("PluginKit", ["PluginABI", "WireJSON"]),
        module("OpenAICompatible", ["PluginABI", "PluginKit", "WireJSON"], path: "Plugins/OpenAICompatible"),

        // Host side.
        module(
            "PluginHost",
            [
                "CanonicalModel", "ConfigYAML", "CPlatform", "JSONSchema", "PluginABI", "WireJSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        module(
            "PluginTestKit",
            [
                "CanonicalModel", "ConfigYAML", "CPluginTestKit", "JSONSchema", "PluginABI", "PluginHost", "WireJSON",
            ]),
        module("LogModel", []),
        module(
            "SQLiteFiles",
            [
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
            ]),
        module(
            "RequestLog",
            [
                "CZstd", "LogModel", "SQLiteFiles", "WireJSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(name: "DashboardAssets", path: "Sources/DashboardAssets", exclude: ["static"]),
        module(
            "Dashboard",
            [
                "DashboardAssets", "LogModel", "RequestLog", "SQLiteFiles", "WireJSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        module(
            "ResponseStore",
            [
                "SQLiteFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        module(
            "Upstream",
            [
                "CCurl", "CPlatform",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        module(
            "KimiHostCore",
            [
                "CanonicalModel", "ConfigYAML", "Dialects", "Enforcement", "JSONSchema", "LogModel", "PluginABI",
                "PluginHost", "Upstream", "WireJSON",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        module(
            "KimiHostHTTP",
            [
                "CPlatform", "CanonicalModel", "Dashboard", "Dialects", "JSONSchema", "KimiHostCore", "LogModel",
                "PluginABI", "PluginHost", "RequestLog", "ResponseStore", "Upstream", "WireJSON",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "kimi-host",
            dependencies: [
                "Dashboard", "JSONSchema", "KimiHostCore", "KimiHostHTTP", "LogModel", "PluginHost", "PluginTestKit",
                "RequestLog", "ResponseStore", "Upstream", "WireJSON",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: swiftSettings),

        // The child of plugins with a process of their own: C, so that it is small and can be locked down.
        .executableTarget(
            name: "kimi-plugin-host", dependencies: ["PluginABI"],
            linkerSettings: [.linkedLibrary("dl", .when(platforms: [.linux]))]),

        // Tests: any library, never an Entry.
        .executableTarget(
            name: "DashboardDev",
            dependencies: [
                "Dashboard", "LogModel", "RequestLog",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "NIOCore", package: "swift-nio"),
            ], path: "Tests/DashboardDev", exclude: ["fixtures"]),
        .executableTarget(
            name: "LogBench", dependencies: ["LogModel", "RequestLog"], path: "Tests/LogBench",
            swiftSettings: swiftSettings),
        .target(name: "ABILayout", dependencies: ["PluginABI"], path: "Tests/ABILayout"),
        tests("PluginABITests", ["ABILayout", "PluginABI", "PluginHost", "JSONSchema"]),
        tests(
            "KimiK2TransformTests", ["KimiK2TransformLogic", "PluginABI", "PluginKit", "WireJSON"], exclude: ["Cases"]
        ),
        tests(
            "OpenAIProviderTests",
            [
                "JSONSchema", "OpenAIProviderLogic", "OpenRouterProviderLogic", "OpenAICompatible", "PluginABI",
                "PluginKit", "WireJSON",
            ], exclude: ["Cases"]),
        tests(
            "AnthropicProviderTests",
            [
                "AnthropicProviderLogic", "CanonicalModel", "Dialects", "OpenAICompatible", "PluginABI", "PluginKit",
                "WireJSON",
            ], exclude: ["Transcripts"]),
        tests(
            "VertexProviderTests", ["VertexProviderLogic", "PluginABI", "PluginKit", "WireJSON"], exclude: ["Cases"]),
        tests("WireJSONTests", ["WireJSON"]),
        tests("JSONSchemaTests", ["JSONSchema"]),
        tests("DialectsTests", ["CanonicalModel", "Dialects", "PluginABI", "WireJSON"]),
        tests("EnforcementTests", ["CanonicalModel", "Dialects", "Enforcement", "PluginABI", "WireJSON"]),
        tests("RequestLogTests", ["LogModel", "RequestLog", .product(name: "GRDB", package: "GRDB.swift")]),
        tests("ResponseStoreTests", ["ResponseStore", .product(name: "GRDB", package: "GRDB.swift")]),
        tests(
            "UpstreamTests",
            [
                "Upstream", .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ]),
        tests(
            "PipelineTests",
            [
                "CanonicalModel", "KimiHostCore", "PluginABI", "PluginHost", "Upstream",
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        tests(
            "KimiHostCoreTests",
            [
                "CanonicalModel", "JSONSchema", "KimiHostCore", "PluginABI", "PluginHost",
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
            ]),
    ]
        + plugin("AnthropicProvider", ["OpenAICompatible"])
        + plugin("OpenAIProvider", ["OpenAICompatible"])
        + plugin("OpenRouterProvider", ["OpenAICompatible"])
        + plugin("VertexProvider", ["OpenAICompatible"])
        + plugin("KimiK2Transform"),
    swiftLanguageModes: [.v6],
    cLanguageStandard: .c11,
    cxxLanguageStandard: .cxx17
)
