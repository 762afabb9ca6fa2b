import KimiHostCore
import Testing

@Suite struct EnvironmentTests {
    @Test func dotEnvLinesAreRead() {
        let text = #"""
            # a comment
            PLAIN=value
            export EXPORTED=yes
            export=odd
            SPACED = padded value   # comment
            HASH=a#b
            EMPTY=
            SINGLE='$x \n "q"' # comment
            DOUBLE="a\nb\t\"c\" \$d \x"
            MULTI='{
              "k": 1
            }'
            LAST=1
            LAST=2
            URL=https://x/?a=b
            """#
        let parsed = DotEnv(parsing: "\u{FEFF}" + text)
        #expect(parsed.diagnostics.isEmpty)
        #expect(
            parsed.values == [
                "PLAIN": "value", "EXPORTED": "yes", "export": "odd", "SPACED": "padded value", "HASH": "a#b",
                "EMPTY": "",
                "SINGLE": #"$x \n "q""#, "DOUBLE": "a\nb\t\"c\" $d \\x", "MULTI": "{\n  \"k\": 1\n}", "LAST": "2",
                "URL": "https://x/?a=b",
            ])
    }

    @Test func windowsLineEndsAreFine() {
        #expect(DotEnv(parsing: "A=1\r\nB=\"2\"\r\n\r\nC=3").values == ["A": "1", "B": "2", "C": "3"])
    }

    @Test func badLinesAreWarningsWithTheirPlaceAndWithoutTheirValue() {
        let parsed = DotEnv(parsing: "A='1\n2'\nsecret stuff\n9X=secret\nB=\"open secret\nC=1 \nD='x' secret\n")
        #expect(
            parsed.diagnostics.map(\.description) == [
                ".env:3:1: warning: ignored: this is no KEY=VALUE line",
                ".env:4:1: warning: ignored: this is no KEY=VALUE line",
                ".env:5:1: warning: ignored: the value of B has no closing \"",
                ".env:7:1: warning: what follows the closing quote of D is ignored",
            ])
        #expect(parsed.values == ["A": "1\n2", "C": "1", "D": "x"])
    }

    @Test func theRealEnvironmentWinsAndAMissingFileIsFine() {
        let environment = Environment(["A": "real"])
        let (same, diagnostics) = environment.loadingDotEnv(directory: "/nonexistent")
        #expect(same == environment && diagnostics.isEmpty)
        #expect(Environment(["A": ""])["A"] == nil)
    }

    @Test func theSourceIsFoundInOrder() {
        let both = Environment(["MODEL_CONFIG": "models: []", "MODEL_CONFIG_PATH": "p.yaml"])
        #expect(ConfigSource.locate(option: "o.yaml", environment: both) == .file(path: "o.yaml", origin: .option))
        #expect(ConfigSource.locate(environment: both) == .inline("models: []"))
        let blank = Environment(["MODEL_CONFIG": " \n", "MODEL_CONFIG_PATH": "p.yaml"])
        #expect(ConfigSource.locate(environment: blank) == .file(path: "p.yaml", origin: .environment))
        #expect(ConfigSource.locate(environment: Environment()) == .file(path: "model-config.yaml", origin: .standard))
    }

    @Test func aFileThatCannotBeReadSaysWhatToDo() throws {
        let loader = ConfigLoader(environment: Environment(), catalog: FakeCatalog())
        let outcome = loader.load(.file(path: "/nonexistent/c.yaml", origin: .option))
        #expect(outcome.config == nil)
        #expect(
            outcome.diagnostics.map(\.description) == [
                "/nonexistent/c.yaml: error: cannot read /nonexistent/c.yaml: No such file or directory; "
                    + "check the path after --config"
            ])
        #expect(loader.load(.file(path: "/dev/zero", origin: .option)).config == nil)
        #expect(loader.load(.file(path: "/", origin: .option)).config == nil)
    }
}
