extension OpenAIProvider {
    /// The plugin's manifest, as docs/plugin-manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.openai",
          "name": "OpenAI and compatible upstreams",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {"interface": "kimi.provider/1", "name": "openai", "frames": "sse", "dialects": ["openai.chat"]}
          ],
          "hosts": ["api.openai.com"],
          "config_schema": {
            "type": "object",
            "description": "An upstream that speaks the OpenAI chat API.",
            "additionalProperties": false,
            "required": ["apiKey"],
            "properties": {
              "apiKey": {
                "type": "string", "x-secret": true, "x-env": "OPENAI_API_KEY",
                "description": "The API key, sent as a bearer token. Empty for an upstream without authorization."
              },
              "baseUrl": {
                "type": "string", "pattern": "^https?://", "x-host": true, "x-env": "OPENAI_BASE_URL",
                "default": "https://api.openai.com/v1",
                "description": "Where /chat/completions is found. Without a path it means /v1."
              },
              "organization": {
                "type": "string", "description": "Sent as OpenAI-Organization."
              },
              "project": {
                "type": "string", "description": "Sent as OpenAI-Project."
              },
              "headers": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Further request headers by name. Their values appear in no log."
              }
            }
          }
        }
        """#
}
