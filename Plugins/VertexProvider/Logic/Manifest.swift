extension VertexProvider {
    /// The plugin's manifest, as docs/plugins/manifest.md says.
    public static let manifest: StaticString = #"""
        {
          "id": "dev.kimi-host.vertex",
          "name": "Google Vertex AI",
          "version": "1.0.0",
          "license": "Apache-2.0",
          "abi": {"built": "1.0", "needs": "1.0"},
          "provides": [
            {"interface": "kimi.provider/1", "name": "vertex", "frames": "sse", "dialects": [],
             "features": ["stream", "tools", "images", "audio", "documents", "reasoning", "json_schema"]},
            {"interface": "kimi.auth/1"}
          ],
          "hosts": ["*.googleapis.com", "metadata.google.internal"],
          "config_schema": {
            "type": "object",
            "description": "Vertex AI: Gemini models, and open models at its chat endpoint.",
            "additionalProperties": false,
            "properties": {
              "projectId": {
                "type": "string", "minLength": 1, "x-env": "VERTEX_PROJECT_ID",
                "description": "The project. Without it the service account's own project_id."
              },
              "location": {
                "type": "string", "minLength": 1, "default": "global", "x-env": "VERTEX_LOCATION",
                "description": "Where models other than Google's are served: global, us, eu or a region."
              },
              "geminiLocation": {
                "type": "string", "minLength": 1, "default": "global",
                "description": "Where Google's own models are served: global, us, eu or a region."
              },
              "credentials": {
                "$ref": "#/$defs/credentials", "type": "object", "x-json-file": true,
                "x-env": "GOOGLE_APPLICATION_CREDENTIALS",
                "description": "A credentials file: path, JSON text or object. Without it the metadata server."
              },
              "credentialsPath": {
                "$ref": "#/$defs/credentials", "type": "object", "x-json-file": true,
                "description": "The same as credentials, which it comes before."
              },
              "accessToken": {
                "type": "string", "minLength": 1, "x-secret": true,
                "description": "A token to send as it is, in place of credentials. It is not renewed."
              },
              "metadataHost": {
                "type": "string", "minLength": 1, "default": "metadata.google.internal", "x-host": true,
                "x-env": "GCE_METADATA_HOST",
                "description": "The metadata server that gives tokens where there are no credentials."
              },
              "endpointOverride": {
                "type": "string", "minLength": 1, "x-host": true, "x-env": "VERTEX_CHAT_ENDPOINT",
                "description": "The chat endpoint's host, or a URL of which scheme, host and port count."
              },
              "geminiEndpoint": {
                "type": "string", "minLength": 1, "x-host": true,
                "description": "The same for Gemini."
              },
              "quotaProject": {
                "type": "string", "minLength": 1, "x-env": "GOOGLE_CLOUD_QUOTA_PROJECT",
                "description": "X-Goog-User-Project: who pays. Without it the chat endpoint gets projectId."
              },
              "api": {
                "type": "string", "enum": ["chat", "gemini"],
                "description": "Which API serves the models. Without it chat for ids with '/' that end in -maas."
              },
              "apiVersion": {
                "type": "string", "enum": ["v1", "v1beta1"], "default": "v1",
                "description": "The version of Gemini's API. v1beta1 takes ids of calls."
              },
              "schemaForm": {
                "type": "string", "enum": ["openapi", "json"], "default": "openapi",
                "description": "How schemas are sent to Gemini: in its own form, or as JSON Schema, unchanged."
              },
              "thinkingConfig": {
                "type": "object",
                "description": "Gemini's thinkingConfig where a request does not say how much to think.",
                "additionalProperties": false,
                "properties": {
                  "thinkingBudget": {"type": "integer", "description": "Tokens; -1 is automatic."},
                  "thinkingLevel": {"type": "string", "description": "MINIMAL, LOW, MEDIUM or HIGH."},
                  "includeThoughts": {"type": "boolean", "description": "Summaries of thoughts come down."}
                }
              },
              "safetySettings": {
                "type": "array", "description": "Gemini's safetySettings for every request.",
                "items": {
                  "type": "object", "required": ["category", "threshold"], "additionalProperties": false,
                  "properties": {
                    "category": {"type": "string", "description": "Such as HARM_CATEGORY_HARASSMENT."},
                    "threshold": {"type": "string", "description": "Such as BLOCK_ONLY_HIGH."},
                    "method": {"type": "string", "description": "SEVERITY or PROBABILITY."}
                  }
                }
              },
              "labels": {
                "type": "object", "additionalProperties": {"type": "string"},
                "description": "Labels for billing, on requests to Gemini without labels of their own."
              },
              "extraBody": {
                "type": "object", "description": "A merge patch (RFC 7396) on every request's body."
              }
            },
            "$defs": {
              "credentials": {
                "type": "object", "required": ["type"],
                "allOf": [
                  {"if": {"properties": {"type": {"const": "service_account"}}},
                   "then": {"required": ["client_email", "private_key"]}},
                  {"if": {"properties": {"type": {"const": "authorized_user"}}},
                   "then": {"required": ["client_id", "client_secret", "refresh_token"]}},
                  {"if": {"properties": {"type": {"const": "impersonated_service_account"}}},
                   "then": {"required": ["source_credentials", "service_account_impersonation_url"]}},
                  {"if": {"properties": {"type": {"const": "external_account"}}},
                   "then": {"required": ["audience", "subject_token_type", "token_url", "credential_source"]}}
                ],
                "properties": {
                  "type": {"type": "string"},
                  "private_key": {"type": "string", "x-secret": true, "x-sign-key": true},
                  "client_secret": {"type": "string", "x-secret": true},
                  "refresh_token": {"type": "string", "x-secret": true},
                  "token_uri": {"type": "string", "x-host": true},
                  "token_url": {"type": "string", "x-host": true},
                  "service_account_impersonation_url": {"type": "string", "x-host": true},
                  "credential_source": {
                    "type": "object",
                    "properties": {
                      "url": {"type": "string", "x-host": true},
                      "headers": {"type": "object", "additionalProperties": {"type": "string", "x-secret": true}}
                    }
                  },
                  "source_credentials": {"$ref": "#/$defs/credentials"}
                }
              }
            }
          }
        }
        """#
}
