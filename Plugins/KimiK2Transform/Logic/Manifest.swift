/// What the host reads before it calls anything else: docs/plugin-manifest.md.
extension KimiK2Transform {
    /// The manifest, a JSON literal.
    public static let manifest: StaticString = """
        {
          "id": "dev.kimi-host.kimi-k2",
          "name": "Kimi K2 transform",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [{"interface": "kimi.transform/1", "name": "kimi-k2"}],
          "config_schema": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
              "family": {
                "enum": ["auto", "k2", "k2-thinking", "k2.5", "k3"],
                "default": "auto",
                "description": "Generation of the model; auto: by the upstream's model name."
              },
              "startsInThinking": {
                "enum": ["auto", true, false],
                "default": "auto",
                "description": "Does the answer begin inside the thought, without an opening tag? auto: wait for a tag."
              },
              "maxHeldThinkingBytes": {
                "type": "integer",
                "minimum": 0,
                "maximum": 16777216,
                "description": "The most that auto holds. Default 8192, and 262144 for models known to think."
              }
            }
          },
          "max_call_us": 200
        }
        """
}
