extension AnthropicProvider {
    /// The plugin's manifest, as docs/plugins/manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.anthropic",
          "name": "Anthropic and upstreams that speak its Messages API",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {
              "interface": "kimi.provider/1", "name": "anthropic", "frames": "sse",
              "dialects": ["anthropic.messages", "anthropic.count_tokens"],
              "features": ["stream", "tools", "images", "documents", "reasoning", "json_schema"]
            }
          ],
          "hosts": ["api.anthropic.com"],
          "config_schema": {
            "type": "object",
            "description": "An upstream that speaks Anthropic's Messages API.",
            "additionalProperties": false,
            "anyOf": [{"required": ["apiKey"]}, {"required": ["authToken"]}],
            "properties": {
              "apiKey": {
                "type": "string", "x-secret": true, "x-env": "ANTHROPIC_API_KEY", "x-env-unless": ["authToken"],
                "description": "The API key, sent as x-api-key. Empty for an upstream without authorization."
              },
              "authToken": {
                "type": "string", "x-secret": true, "x-env": "ANTHROPIC_AUTH_TOKEN", "x-env-unless": ["apiKey"],
                "description": "A token, sent as a bearer token in place of x-api-key. An apiKey goes before it."
              },
              "baseUrl": {
                "type": "string", "pattern": "^https?://", "x-host": true, "x-env": "ANTHROPIC_BASE_URL",
                "default": "https://api.anthropic.com",
                "description": "Where /v1/messages is found; with or without /v1 at its end."
              },
              "version": {
                "type": "string", "pattern": "^[ -~]+$", "default": "2023-06-01",
                "description": "Sent as anthropic-version."
              },
              "betas": {
                "type": "array", "items": {"type": "string", "pattern": "^[!-+--~]+$"},
                "description": "Sent as anthropic-beta with every request, before those of the client."
              },
              "headers": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Further request headers by name. Their values appear in no log."
              },
              "extra_headers": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "The same as headers."
              },
              "extra_body": {
                "type": "object",
                "description": "Members for every request body, by name or JSON pointer; null takes a member out."
              },
              "native": {
                "type": "boolean", "default": true,
                "description": "Whether requests of Anthropic's clients go up as they are."
              },
              "maxTokens": {
                "type": "integer", "minimum": 1,
                "description": "The max_tokens of requests that set none. By default what the model can write."
              },
              "promptCaching": {
                "enum": ["off", "5m", "1h"], "default": "off",
                "description": "Adds cache_control to requests that have none at their top, for so long."
              },
              "thinking": {
                "enum": ["auto", "budget", "adaptive", "off"], "default": "auto",
                "description": "What becomes of reasoning_effort: by the model's name, or always the same."
              },
              "unsignedThoughts": {
                "enum": ["auto", "drop", "text", "thinking"], "default": "auto",
                "description": "What becomes of earlier thoughts without a signature."
              },
              "systemMessages": {
                "enum": ["auto", "top"], "default": "auto",
                "description": "Whether system messages inside a conversation may stay in their place."
              }
            }
          }
        }
        """#
}
