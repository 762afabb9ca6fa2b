/// What the host reads before it calls anything else: docs/plugins/manifest.md.
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
              },
              "ids": {
                "enum": ["short", "native", "unique"],
                "default": "short",
                "description": "Ids of calls towards the client: 42, functions.lookup:42, or call_ and random digits."
              },
              "repairs": {
                "type": "object",
                "additionalProperties": false,
                "description": "Each repair can be switched off: docs/kimi-k2-transform.md says what each one does.",
                "properties": {
                  "inline_calls": {"type": "boolean", "default": true},
                  "foreign_calls": {"type": "boolean", "default": true},
                  "leftovers": {"type": "boolean", "default": true},
                  "markers": {"type": "boolean", "default": true},
                  "thinking": {"type": "boolean", "default": true},
                  "no_content": {"type": "boolean", "default": true},
                  "duplicates": {"type": "boolean", "default": true},
                  "split_calls": {"type": "boolean", "default": true},
                  "ids": {"type": "boolean", "default": true},
                  "finish_reason": {"type": "boolean", "default": true},
                  "names": {"type": "boolean", "default": true},
                  "inferred_names": {"type": "boolean", "default": true},
                  "empty_arguments": {"type": "boolean", "default": true},
                  "double_encoded": {"type": "boolean", "default": true},
                  "nested_encoding": {"type": "boolean", "default": true},
                  "fenced": {"type": "boolean", "default": true},
                  "control_characters": {"type": "boolean", "default": true},
                  "json_syntax": {"type": "boolean", "default": true},
                  "coercion": {"type": "boolean", "default": true},
                  "unclosed": {"type": "boolean", "default": true},
                  "trailing_garbage": {"type": "boolean", "default": true},
                  "history_ids": {"type": "boolean", "default": true},
                  "history_reasoning": {"type": "boolean", "default": true},
                  "history_placeholder": {"type": "boolean", "default": true},
                  "history_markup": {"type": "boolean", "default": true},
                  "history_text": {"type": "boolean", "default": true},
                  "tool_choice": {"type": "boolean", "default": true},
                  "tool_schemas": {"type": "boolean", "default": true},
                  "samplers": {"type": "boolean", "default": true}
                }
              },
              "reasoningPlaceholder": {
                "enum": ["auto", "always", "never"],
                "default": "auto",
                "description": "Fill reasoning_content where a call's thought is lost? auto: while the model thinks."
              },
              "placeholderText": {
                "type": "string",
                "default": " ",
                "maxLength": 256,
                "description": "What is filled in."
              },
              "toolChoice": {
                "enum": ["auto", "keep", "degrade", "no-thinking"],
                "default": "auto",
                "description": "A tool_choice that forces a call is refused while the model thinks: what goes up then."
              },
              "schemas": {
                "enum": ["auto", "moonshot", "keep"],
                "default": "auto",
                "description": "Flavour of JSON Schema for tools: as is, widely understood, or Moonshot's own."
              },
              "maxTools": {
                "type": "integer",
                "minimum": 0,
                "maximum": 1024,
                "default": 128,
                "description": "With schemas: moonshot, tools beyond this number are left out; 0: none are."
              },
              "samplers": {
                "enum": ["keep", "drop"],
                "default": "keep",
                "description": "drop: temperature, top_p and penalties are left out, because the upstream pins them."
              }
            }
          },
          "max_call_us": 2000
        }
        """
}
