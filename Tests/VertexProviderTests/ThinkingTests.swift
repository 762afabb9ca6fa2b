import Testing

@Suite("Thinking")
struct ThinkingTests {
    private func config(_ member: String, _ model: String) -> String {
        let body = Attempt(#"{"messages":[{"role":"user","content":"x"}],\#(member)}"#, model: model).body
        let head = #"{"contents":[{"role":"user","parts":[{"text":"x"}]}],"generationConfig":{"thinkingConfig":{"#
        return body.hasPrefix(head) && body.hasSuffix("}}}")
            ? String(body.dropFirst(head.count).dropLast(3)).replacing("\"", with: "") : "none"
    }

    @Test(
        "effort and budget as each generation takes them",
        arguments: [
            (#""reasoning_effort":"low""#, "gemini-2.5-flash", "thinkingBudget:1024,includeThoughts:true"),
            (#""reasoning_effort":"medium""#, "google/gemini-2.5-pro", "thinkingBudget:8192,includeThoughts:true"),
            (#""reasoning_effort":"high""#, "gemini-2.5-pro", "thinkingBudget:24576,includeThoughts:true"),
            (#""reasoning_effort":"none""#, "gemini-2.5-flash", "thinkingBudget:0"),
            (#""reasoning_effort":"none""#, "gemini-2.5-pro", "thinkingBudget:128"),
            (
                #""thinking":{"type":"enabled","budget_tokens":99999}"#, "gemini-2.5-pro",
                "thinkingBudget:32768,includeThoughts:true"
            ),
            (
                #""thinking":{"type":"enabled","budget_tokens":100}"#, "gemini-2.5-flash-lite",
                "thinkingBudget:512,includeThoughts:true"
            ),
            (#""thinking":{"type":"disabled"}"#, "gemini-2.5-flash", "thinkingBudget:0"),
            (#""thinking":{"type":"adaptive"}"#, "gemini-2.5-flash", "thinkingBudget:-1,includeThoughts:true"),
            (#""reasoning_effort":"minimal""#, "gemini-3-flash-preview", "thinkingLevel:MINIMAL,includeThoughts:true"),
            (#""reasoning_effort":"minimal""#, "gemini-3-pro-preview", "thinkingLevel:LOW,includeThoughts:true"),
            (#""reasoning_effort":"medium""#, "gemini-3-pro-preview", "thinkingLevel:HIGH,includeThoughts:true"),
            (#""reasoning_effort":"medium""#, "gemini-3.1-pro-preview", "thinkingLevel:MEDIUM,includeThoughts:true"),
            (#""reasoning_effort":"xhigh""#, "gemini-3.5-flash", "thinkingLevel:HIGH,includeThoughts:true"),
            (
                #""thinking":{"type":"enabled","budget_tokens":4096}"#, "gemini-3-flash",
                "thinkingLevel:MEDIUM,includeThoughts:true"
            ),
            (
                #""thinking":{"type":"adaptive"},"reasoning_effort":"low""#, "gemini-3-flash",
                "thinkingLevel:LOW,includeThoughts:true"
            ),
            (#""thinking":{"type":"adaptive"}"#, "gemini-3-flash", "includeThoughts:true"),
            (
                #""thinking_config":{"include_thoughts":true,"thinking_budget":7}"#, "gemini-2.5-flash",
                "includeThoughts:true,thinkingBudget:7"
            ),
            (
                #""extra_body":{"google":{"thinking_config":{"thinking_level":"low"}}}"#, "gemini-3-flash",
                "thinkingLevel:low"
            ),
            (#""reasoning_effort":"low""#, "gemini-2.0-flash", "none"),
            (#""reasoning_effort":null"#, "gemini-2.5-flash", "none"),
        ])
    func effort(member: String, model: String, expected: String) {
        #expect(config(member, model) == expected)
    }
}
