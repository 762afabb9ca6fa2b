extension OpenRouterProvider {
    /// The plugin's manifest, as docs/plugin-manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.openrouter",
          "name": "OpenRouter",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {"interface": "kimi.provider/1", "name": "openrouter", "frames": "sse", "dialects": ["openai.chat"]}
          ],
          "hosts": ["openrouter.ai"],
          "config_schema": {
            "type": "object",
            "description": "OpenRouter, or a gateway that looks like it.",
            "additionalProperties": false,
            "required": ["apiKey"],
            "properties": {
              "apiKey": {
                "type": "string", "x-secret": true, "x-env": "OPENROUTER_API_KEY",
                "description": "The API key, sent as a bearer token. Empty for an upstream without authorization."
              },
              "baseUrl": {
                "type": "string", "pattern": "^https?://", "x-host": true,
                "default": "https://openrouter.ai/api/v1",
                "description": "Where /chat/completions is found. Without a path it means /v1."
              },
              "referer": {
                "type": "string", "description": "Sent as HTTP-Referer: your site, for OpenRouter's rankings."
              },
              "title": {
                "type": "string", "description": "Sent as X-Title: your application's name there."
              }
            }
          }
        }
        """#
}
