extension OpenAIProvider {
    /// The plugin's manifest, as docs/plugins/manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.openai",
          "name": "OpenAI and compatible upstreams",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {"interface": "kimi.provider/1", "name": "openai", "frames": "sse", 
             "dialects": ["openai.chat", "openai.responses", "openai.completions", "openai.embeddings"]}
          ],
          "hosts": ["api.openai.com"],
          "config_schema": {
            "type": "object",
            "description": "An upstream that speaks the OpenAI API.",
            "additionalProperties": false,
            "if": {"required": ["baseUrl"], "properties": {"baseUrl": {"pattern": "^http://"}}},
            "else": {"required": ["apiKey"], "properties": {"apiKey": {"x-env": "OPENAI_API_KEY"}}},
            "properties": {
              "apiKey": {
                "type": "string", "x-secret": true, "x-env": "OPENAI_API_KEY",
                "description": "The API key. Empty for an upstream without authorization; not needed with a baseUrl of http://."
              },
              "baseUrl": {
                "type": "string", "pattern": "^https?://", "x-host": true, "x-env": "OPENAI_BASE_URL",
                "default": "https://api.openai.com/v1",
                "description": "Where /chat/completions and its like are found. Without a path it means /v1."
              },
              "organization": {
                "type": "string", "x-env": ["OPENAI_ORGANIZATION", "OPENAI_ORG_ID"],
                "description": "Sent as OpenAI-Organization. Empty sends none."
              },
              "project": {
                "type": "string", "x-env": ["OPENAI_PROJECT", "OPENAI_PROJECT_ID"],
                "description": "Sent as OpenAI-Project. Empty sends none."
              },
              "flavour": {
                "enum": ["auto", "openai", "azure", "vllm", "sglang", "llama.cpp", "ollama", "moonshot", "compatible"],
                "default": "auto",
                "description": "Which server it is; auto tells OpenAI, Azure, Moonshot and Ollama by their address."
              },
              "api": {
                "enum": ["chat", "responses"], "default": "chat",
                "description": "The API that requests are sent to which do not go up as the client wrote them."
              },
              "native": {
                "type": "boolean",
                "description": "Chat and Responses clients get the upstream's own bytes. By default with OpenAI and Azure only."
              },
              "api_version": {
                "type": "string", "minLength": 1, "x-env": "OPENAI_API_VERSION",
                "description": "Azure's api-version; a date means URLs with deployments."
              },
              "deployment": {
                "type": "string", "minLength": 1,
                "description": "Azure's deployment, if it is not called like the model."
              },
              "auth": {
                "enum": ["bearer", "api-key"],
                "description": "How the key is sent; api-key is the default with Azure, bearer elsewhere."
              },
              "reasoning_summary": {
                "enum": ["auto", "concise", "detailed", "none"],
                "description": "With api responses: the summary to ask for. By default auto for clients that ask for thinking."
              },
              "encrypted_reasoning": {
                "type": "boolean",
                "description": "With api responses: thoughts come sealed and go back. By default unless the model has none by its name."
              },
              "headers": {
                "type": "object", "additionalProperties": {"type": ["string", "null"]},
                "description": "Further request headers by name. Their values appear in no log."
              },
              "extra_headers": {
                "type": "object", "additionalProperties": {"type": ["string", "null"]},
                "description": "The same; null takes a header out that would be sent otherwise."
              },
              "extra_body": {
                "type": "object",
                "description": "Changes to every request: JSON pointers such as /chat_template_kwargs/thinking, or names, with their values. null removes."
              },
              "canonical": {
                "type": "object", "additionalProperties": false,
                "description": "What the upstream takes of requests, where the flavour is wrong about it (docs/openai-compatible.md).",
                "properties": {
                  "cache_control": {"type": "boolean", "description": "Messages and parts keep cache_control."},
                  "reasoning": {"type": "boolean", "description": "Assistant messages keep reasoning_content."},
                  "reasoning_details": {"type": "boolean", "description": "Signed thoughts go up as reasoning_details."},
                  "developer": {"type": "boolean", "description": "The role developer stays."},
                  "document_url": {"enum": ["text", "file_data", "keep"], "description": "Documents given by URL."},
                  "thinking": {
                    "enum": ["type", "effort", "effort_or_none", "template", "reasoning", "keep"],
                    "description": "What becomes of Anthropic's thinking."
                  },
                  "max_tokens": {
                    "enum": ["keep", "max_completion_tokens", "max_tokens"],
                    "description": "How the bound of the answer's length is called."
                  },
                  "top_k": {"type": "boolean", "description": "top_k stays."},
                  "pinned_samplers": {"type": "boolean", "description": "Kimi K2.5 and later get no samplers."},
                  "tool_choice_as_word": {"type": "boolean", "description": "tool_choice is never an object."},
                  "chat_clients": {"type": "boolean", "description": "Requests of chat clients are adapted too."}
                }
              },
              "recover_failed_generation": {
                "type": "boolean", "default": true,
                "description": "A 400 with failed_generation (Groq) becomes that text, in which a transform may find the call."
              }
            }
          }
        }
        """#
}
