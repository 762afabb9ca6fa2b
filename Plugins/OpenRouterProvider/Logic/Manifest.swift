extension OpenRouterProvider {
    /// The plugin's manifest, as docs/plugins/manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.openrouter",
          "name": "OpenRouter",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {"interface": "kimi.provider/1", "name": "openrouter", "frames": "sse", 
             "dialects": ["openai.completions", "openai.embeddings"]}
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
              },
              "provider": {
                "type": "object", "additionalProperties": false,
                "description": "OpenRouter's routing object, as its documentation has it.",
                "properties": {
                  "order": {"$ref": "#/$defs/names"}, "only": {"$ref": "#/$defs/names"},
                  "ignore": {"$ref": "#/$defs/names"},
                  "allow_fallbacks": {"type": "boolean"}, "require_parameters": {"type": "boolean"},
                  "data_collection": {"enum": ["allow", "deny"]}, "zdr": {"type": "boolean"},
                  "enforce_distillable_text": {"type": "boolean"},
                  "quantizations": {
                    "type": "array",
                    "items": {
                      "enum": [
                        "int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32", "unknown"
                      ]
                    }
                  },
                  "sort": {"$ref": "#/$defs/sort"},
                  "preferred_min_throughput": {"$ref": "#/$defs/limit"},
                  "preferred_max_latency": {"$ref": "#/$defs/limit"},
                  "max_price": {
                    "type": "object", "additionalProperties": false,
                    "patternProperties": {
                      "^(prompt|completion|request|image|audio)$": {"type": ["number", "string"], "minimum": 0}
                    }
                  }
                }
              },
              "only": {
                "type": "array", "items": {"type": "string", "minLength": 1}, "x-env": "OPENROUTER_PROVIDERS",
                "description": "Short for provider.only: the only upstreams to use."
              },
              "order": {
                "type": "array", "items": {"type": "string", "minLength": 1}, "x-env": "OPENROUTER_ORDER",
                "description": "Short for provider.order: the upstreams to try, in this order."
              },
              "sort": {
                "enum": ["price", "throughput", "latency"], "x-env": "OPENROUTER_SORT",
                "description": "Short for provider.sort."
              },
              "allow_fallbacks": {
                "type": "boolean", "x-env": "OPENROUTER_ALLOW_FALLBACKS",
                "description": "Short for provider.allow_fallbacks."
              },
              "shortcut": {
                "type": "string", "pattern": "^:?[a-z][a-z0-9-]*$", "x-env": "OPENROUTER_MODEL_SHORTCUT",
                "description": "A suffix such as nitro, floor or online for models that have none."
              },
              "models": {
                "type": "array", "items": {"type": "string", "minLength": 1}, "maxItems": 16,
                "description": "Models that OpenRouter tries when the first fails, in this order."
              },
              "route": {"const": "fallback", "description": "OpenRouter's older word for models."},
              "transforms": {
                "type": "array", "items": {"type": "string"},
                "description": "OpenRouter's prompt transforms, such as middle-out; an empty list turns them off."
              },
              "plugins": {
                "type": "array",
                "items": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
                "description": "OpenRouter's plugins, such as {id: web}."
              },
              "usage": {
                "type": "boolean", "default": true,
                "description": "Ask for the cost of each request; it is in the log's usage."
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
            },
            "$defs": {
              "names": {"type": "array", "items": {"type": "string", "minLength": 1}},
              "sort": {
                "type": ["string", "object"],
                "if": {"type": "string"},
                "then": {"enum": ["price", "throughput", "latency"]},
                "properties": {
                  "by": {"enum": ["price", "throughput", "latency"]}, "partition": {"enum": ["model", "none"]}
                },
                "required": [], "additionalProperties": false
              },
              "limit": {
                "type": ["number", "object"],
                "patternProperties": {"^p(50|75|90|99)$": {"type": "number", "minimum": 0}},
                "additionalProperties": false
              }
            }
          }
        }
        """#
}
