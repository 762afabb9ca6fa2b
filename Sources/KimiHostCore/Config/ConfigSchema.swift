package import JSONSchema

/// The published schema of model-config.yaml, for editors and for `kimi-host check`.
package enum ConfigSchema {
    /// The compiled schema.
    package static func compiled() throws(SchemaError) -> JSONSchema {
        try JSONSchema(parsing: text)
    }

    /// The same bytes as docs/model-config.schema.json; a test compares them.
    package static let text = #"""
        {
          "$schema": "https://json-schema.org/draft/2020-12/schema",
          "title": "kimi-host model configuration",
          "type": "object",
          "required": [
            "models"
          ],
          "additionalProperties": false,
          "properties": {
            "default_strategy": {
              "enum": [
                "first",
                "round_robin",
                "random",
                "weighted_random",
                "least_latency",
                "sticky"
              ],
              "description": "How one of several entries with the same name is chosen, unless an entry says otherwise.",
              "default": "first"
            },
            "models": {
              "type": "array",
              "minItems": 1,
              "items": {
                "$ref": "#/$defs/model"
              },
              "description": "What clients can ask for. Repeat a name to give it several upstreams."
            },
            "server": {
              "type": "object",
              "additionalProperties": false,
              "description": "Where the host listens.",
              "properties": {
                "host": {
                  "type": "string",
                  "minLength": 1,
                  "description": "Address to listen on; 0.0.0.0 is every interface. HOST in the environment and --host win.",
                  "default": "127.0.0.1"
                },
                "port": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 65535,
                  "description": "0 takes a free port. PORT in the environment and --port win.",
                  "default": 8000
                },
                "tls": {
                  "type": "object",
                  "additionalProperties": false,
                  "required": [
                    "certificate",
                    "key"
                  ],
                  "description": "Serve HTTPS. Both files are read again on SIGHUP and when they change.",
                  "properties": {
                    "certificate": {
                      "type": "string",
                      "minLength": 1,
                      "description": "PEM file: the certificate, then those that lead to its authority."
                    },
                    "key": {
                      "type": "string",
                      "minLength": 1,
                      "description": "PEM file: the private key, without a passphrase."
                    }
                  }
                },
                "watch": {
                  "type": "boolean",
                  "default": true,
                  "description": "Load anew when the configuration's file, .env, the certificate or something in the plugins folder changes; SIGHUP does so always."
                }
              }
            },
            "auth": {
              "oneOf": [
                {
                  "type": "string",
                  "enum": [
                    "none"
                  ]
                },
                {
                  "type": "object",
                  "additionalProperties": false,
                  "minProperties": 1,
                  "properties": {
                    "keys": {
                      "type": "array",
                      "minItems": 1,
                      "items": {
                        "$ref": "#/$defs/client_key"
                      }
                    },
                    "admin_key": {
                      "type": "string",
                      "minLength": 1,
                      "x-secret": true,
                      "description": "Opens /admin/: sha256: and the key's SHA-256 (kimi-host auth hash), or the environment variable that holds it, as $NAME."
                    }
                  }
                }
              ],
              "description": "Who may use the host: a list of keys, or none for anybody. Without it the host listens on loopback only."
            },
            "limits": {
              "type": "object",
              "additionalProperties": false,
              "description": "Bounds on memory and work.",
              "properties": {
                "max_body_bytes": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 4294967296,
                  "description": "Longest request body taken from a client.",
                  "default": 67108864
                },
                "max_response_bytes": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 4294967296,
                  "description": "Longest upstream answer held as a whole, that is, not streamed.",
                  "default": 67108864
                },
                "max_connections": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000,
                  "description": "Most client connections open at once; further ones wait to be accepted.",
                  "default": 10000
                },
                "plugin_memory_bytes": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 17179869184,
                  "default": 67108864,
                  "description": "What each plugin may keep between exchanges, such as thoughts that clients drop. 0: nothing."
                },
                "max_exchanges": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000,
                  "default": 10000,
                  "description": "Most requests served at once; further ones wait in a queue."
                },
                "max_queued": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1000000,
                  "default": 1000,
                  "description": "Most requests that wait for others to end; further ones are refused. 0: none waits."
                }
              }
            },
            "timeouts": {
              "type": "object",
              "additionalProperties": false,
              "description": "How long an upstream may take, in seconds; fractions are allowed.",
              "properties": {
                "connect": {
                  "type": "number",
                  "description": "Until connected, TLS included.",
                  "default": 10,
                  "maximum": 86400,
                  "exclusiveMinimum": 0
                },
                "head": {
                  "type": "number",
                  "description": "From the sent request to the response head.",
                  "default": 300,
                  "maximum": 86400,
                  "exclusiveMinimum": 0
                },
                "idle": {
                  "type": "number",
                  "description": "Between two pieces of a response body.",
                  "default": 300,
                  "maximum": 86400,
                  "exclusiveMinimum": 0
                },
                "first_token": {
                  "type": "number",
                  "description": "From the sent request to the first content of a streamed answer; keep-alives do not count. 0 is without limit.",
                  "default": 600,
                  "maximum": 86400,
                  "minimum": 0
                },
                "between_tokens": {
                  "type": "number",
                  "description": "Between two pieces of a streamed answer's content; keep-alives do not count. 0 is without limit.",
                  "default": 300,
                  "maximum": 86400,
                  "minimum": 0
                },
                "total": {
                  "type": "number",
                  "description": "The whole exchange, all its attempts together; 0 is without limit.",
                  "default": 0,
                  "maximum": 86400,
                  "minimum": 0
                },
                "hold": {
                  "type": "number",
                  "description": "Longest time transforms may hold back everything that came, in seconds; then they are asked to give it up. 0 is without limit.",
                  "default": 1,
                  "maximum": 86400,
                  "minimum": 0
                },
                "token": {
                  "type": "number",
                  "description": "All that it takes to get one token for a provider, in seconds: every request and pause of it.",
                  "default": 30,
                  "maximum": 86400,
                  "exclusiveMinimum": 0
                },
                "client": {
                  "type": "number",
                  "description": "Longest silence of a client connection that no reply is under way on, in seconds; then it is closed. 0 is without limit.",
                  "default": 120,
                  "maximum": 86400,
                  "minimum": 0
                },
                "queue": {
                  "type": "number",
                  "description": "Longest wait for other requests to end, in seconds (limits.max_exchanges); then a request is refused.",
                  "default": 10,
                  "maximum": 86400,
                  "minimum": 0
                },
                "drain": {
                  "type": "number",
                  "description": "After SIGTERM: how long replies under way may take, in seconds; then they end with an error.",
                  "default": 25,
                  "maximum": 86400,
                  "minimum": 0
                },
                "drain_notice": {
                  "type": "number",
                  "description": "After SIGTERM: how long new requests are still served while /readyz says 503, in seconds.",
                  "default": 0,
                  "maximum": 86400,
                  "minimum": 0
                }
              }
            },
            "routing": {
              "type": "object",
              "additionalProperties": false,
              "description": "What is done about upstreams that fail, as long as nothing of an answer has reached the client.",
              "properties": {
                "retries": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 10,
                  "description": "Further attempts when every entry and key had its turn.",
                  "default": 1
                },
                "retry_budget": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 1,
                  "description": "Most of those attempts, as a share of all requests; 0 is none.",
                  "default": 0.2
                },
                "backoff": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "description": "Seconds before the first of those attempts; it doubles, and up to half of it is left to chance.",
                  "default": 0.25
                },
                "max_backoff": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "description": "Seconds that it doubles up to.",
                  "default": 8
                },
                "max_retry_after": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "description": "An upstream that asks in retry-after to be left alone for more seconds is not waited for.",
                  "default": 20
                },
                "cooldown_after": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000,
                  "description": "Failures in a row after which an entry is left out while there are others. Keys are after one refusal.",
                  "default": 3
                },
                "cooldown": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "description": "Seconds that it is left out at first; they double while it does not recover. 0: nothing is left out.",
                  "default": 5
                },
                "max_cooldown": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 3600,
                  "description": "Most seconds that it is left out at once, whatever its upstream asks for.",
                  "default": 60
                }
              }
            },
            "dialects": {
              "type": "object",
              "additionalProperties": false,
              "description": "How client APIs are read.",
              "properties": {
                "hosted_tools": {
                  "enum": [
                    "strip",
                    "refuse"
                  ],
                  "description": "Tools that a client expects its API to run itself, such as web search: left out and told in x-kimi-dropped, or refused.",
                  "default": "strip"
                }
              }
            },
            "responses": {
              "type": "object",
              "additionalProperties": false,
              "description": "What is kept of replies of the Responses API, for previous_response_id.",
              "properties": {
                "path": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The SQLite file; relative to where the host is started. Without it they are kept in memory."
                },
                "max_entries": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 10000000,
                  "default": 10000,
                  "description": "Most replies kept; the oldest go first."
                },
                "max_bytes": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1099511627776,
                  "default": 268435456,
                  "description": "Most bytes kept; the oldest go first."
                },
                "max_age_days": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 3650,
                  "default": 30,
                  "description": "How long a reply is kept."
                }
              }
            },
            "log": {
              "type": "object",
              "additionalProperties": false,
              "description": "The request log: what is recorded of exchanges (docs/request-log.md). Only a restart takes changes.",
              "properties": {
                "enabled": {
                  "type": "boolean",
                  "default": true,
                  "description": "Record exchanges."
                },
                "path": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The SQLite file, relative to where the host is started; without it logs.db in state_dir. LOG_DB_PATH in the environment wins."
                },
                "bodies": {
                  "enum": [
                    "all",
                    "errors",
                    "none"
                  ],
                  "default": "all",
                  "description": "Whose bodies are kept: all, those of exchanges that did not succeed, or none."
                },
                "models_without_bodies": {
                  "type": "array",
                  "items": {
                    "type": "string",
                    "minLength": 1
                  },
                  "description": "Models, by the client's name, whose bodies are never kept; * stands for any characters."
                },
                "redact": {
                  "type": "array",
                  "maxItems": 32,
                  "items": {
                    "type": "string",
                    "minLength": 1
                  },
                  "description": "POSIX extended regular expressions; what they match is replaced by *** before it is written."
                },
                "max_body_bytes": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 67108864,
                  "default": 4194304,
                  "description": "Bytes kept of each body; the rest is counted only."
                },
                "max_exchange_bytes": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1073741824,
                  "default": 16777216,
                  "description": "Bytes kept of all bodies of one exchange."
                },
                "memory_bytes": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1099511627776,
                  "default": 268435456,
                  "description": "Bytes of bodies that exchanges under way may hold together."
                },
                "queue_entries": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 10000000,
                  "default": 4096,
                  "description": "Finished exchanges that wait to be written; further ones are dropped and counted."
                },
                "queue_bytes": {
                  "type": "integer",
                  "minimum": 1048576,
                  "maximum": 1099511627776,
                  "default": 67108864,
                  "description": "Bytes of those."
                },
                "spool_bytes": {
                  "type": "integer",
                  "minimum": 0,
                  "maximum": 1099511627776,
                  "default": 1073741824,
                  "description": "Bytes of finished exchanges that a rush may leave on the disk as they are, to be packed into the database when it is over; 0: none."
                },
                "spool_path": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The folder for those; LOG_BLOB_ROOT goes before it. Default: beside the database."
                },
                "search": {
                  "type": "boolean",
                  "default": true,
                  "description": "Index what is said, for kimi-host logs list --search."
                },
                "max_age_days": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 3650,
                  "default": 30,
                  "description": "How long an exchange is kept."
                },
                "max_entries": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000000,
                  "default": 1000000,
                  "description": "Most exchanges kept; the oldest go first."
                },
                "max_bytes": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1099511627776,
                  "default": 2147483648,
                  "description": "Most compressed bytes kept; the oldest exchanges go first."
                },
                "prices": {
                  "type": "array",
                  "maxItems": 1000,
                  "items": {
                    "type": "object",
                    "additionalProperties": false,
                    "required": [
                      "model"
                    ],
                    "properties": {
                      "model": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The upstream's name of the model; * stands for any characters."
                      },
                      "provider": {
                        "type": "string",
                        "minLength": 1,
                        "description": "Only of this provider."
                      },
                      "input": {
                        "type": "number",
                        "minimum": 0,
                        "default": 0
                      },
                      "output": {
                        "type": "number",
                        "minimum": 0,
                        "default": 0
                      },
                      "cache_read": {
                        "type": "number",
                        "minimum": 0,
                        "description": "Input tokens from the upstream's cache; without it as input."
                      },
                      "cache_write": {
                        "type": "number",
                        "minimum": 0,
                        "description": "Input tokens put into the cache; without it as input."
                      }
                    }
                  },
                  "description": "What a million tokens cost, where the upstream does not tell; the first entry that fits is taken."
                }
              }
            },
            "state_dir": {
              "type": "string",
              "minLength": 1,
              "default": "data",
              "description": "Folder of what the host keeps between its runs, relative to where it is started. KIMI_STATE_DIR in the environment wins."
            },
            "plugins": {
              "type": "object",
              "additionalProperties": false,
              "description": "What is done about plugins that crash or hang.",
              "properties": {
                "quarantine_window": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 31536000,
                  "default": 3600,
                  "description": "Seconds for which a plugin that crashed the host is not loaded at the next start: its routes answer 503. 0: it is loaded again at once."
                },
                "slow_call": {
                  "type": "number",
                  "exclusiveMinimum": 0,
                  "maximum": 86400,
                  "default": 1,
                  "description": "A call into a plugin that takes longer, in seconds, is logged and counted."
                },
                "hang": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 86400,
                  "default": 30,
                  "description": "The host ends itself over a call into a plugin that takes longer, in seconds, and quarantines it at the next start. 0: it waits for ever."
                }
              }
            },
            "dashboard": {
              "type": "object",
              "additionalProperties": false,
              "description": "The page at / (docs/dashboard-api.md). Only a restart takes changes.",
              "properties": {
                "enabled": {
                  "type": "boolean",
                  "default": true,
                  "description": "Serve it."
                },
                "read_only": {
                  "type": "boolean",
                  "default": false,
                  "description": "No actions, whoever asks."
                },
                "hosts": {
                  "type": "array",
                  "items": {
                    "type": "string",
                    "minLength": 1
                  },
                  "description": "Names that lead here, beside addresses and localhost: others are refused."
                }
              }
            },
            "logging": {
              "type": "object",
              "additionalProperties": false,
              "description": "The process log on standard error.",
              "properties": {
                "level": {
                  "enum": [
                    "trace",
                    "debug",
                    "info",
                    "notice",
                    "warning",
                    "error",
                    "critical"
                  ],
                  "description": "LOG_LEVEL in the environment wins.",
                  "default": "info"
                },
                "format": {
                  "enum": [
                    "text",
                    "json"
                  ],
                  "description": "Lines for people, or an object a line. LOG_FORMAT in the environment wins.",
                  "default": "text"
                }
              }
            },
            "tracing": {
              "type": "object",
              "additionalProperties": false,
              "description": "Traces for an OpenTelemetry collector (docs/observability.md). OTEL_... variables in the environment win. Only a restart takes changes.",
              "properties": {
                "endpoint": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The whole URL that spans are sent to by OTLP/HTTP, such as http://127.0.0.1:4318/v1/traces; $NAME at its beginning is a variable of the environment. Without it nothing is recorded."
                },
                "headers": {
                  "type": "object",
                  "additionalProperties": {
                    "type": "string"
                  },
                  "description": "Headers of the requests to it; $NAME at the beginning of a value is a variable of the environment."
                },
                "service_name": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 256,
                  "default": "kimi-host",
                  "description": "What the spans call this process."
                },
                "ratio": {
                  "type": "number",
                  "minimum": 0,
                  "maximum": 1,
                  "default": 1,
                  "description": "The share of traces that begin here and are recorded. A client's trace is recorded if the client's side of it is."
                },
                "propagate": {
                  "type": "boolean",
                  "default": true,
                  "description": "Tell upstreams of the trace (traceparent and tracestate), if there is one."
                },
                "timeout": {
                  "type": "number",
                  "minimum": 0.1,
                  "maximum": 600,
                  "default": 10,
                  "description": "Seconds for one request to the collector."
                },
                "queue_spans": {
                  "type": "integer",
                  "minimum": 64,
                  "maximum": 1000000,
                  "default": 8192,
                  "description": "Spans that wait to be sent; further ones are dropped and counted in /metrics."
                }
              }
            }
          },
          "$defs": {
            "model": {
              "type": "object",
              "required": [
                "name",
                "provider",
                "model"
              ],
              "additionalProperties": false,
              "properties": {
                "name": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The name clients ask for."
                },
                "provider": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The name of a loaded provider plugin, for example openai."
                },
                "model": {
                  "type": "string",
                  "minLength": 1,
                  "description": "The name the upstream knows."
                },
                "weight": {
                  "type": "number",
                  "minimum": 0,
                  "description": "Share under weighted_random; 0 switches the entry off in every strategy.",
                  "default": 1
                },
                "strategy": {
                  "enum": [
                    "first",
                    "round_robin",
                    "random",
                    "weighted_random",
                    "least_latency",
                    "sticky"
                  ],
                  "description": "For this name (and profile); the first entry that sets it decides."
                },
                "ensure_tool_call": {
                  "enum": [
                    false,
                    true,
                    "always"
                  ],
                  "description": "Asks again for a tool call until there is one, and offers the model the tool done to end the task with. true: in requests with tools; always: in all.",
                  "default": false
                },
                "profile": {
                  "type": "string",
                  "minLength": 1,
                  "description": "Only reachable under /PROFILE/v1/..."
                },
                "provider_config": {
                  "type": [
                    "object",
                    "null"
                  ],
                  "description": "For the provider plugin; its own schema decides what is in it. $NAME at the start of a string is an environment variable."
                },
                "keys": {
                  "type": [
                    "array",
                    "null"
                  ],
                  "items": {
                    "$ref": "#/$defs/key"
                  },
                  "description": "Several keys for this entry; attempts rotate through them by weight. Each lies over provider_config."
                },
                "transforms": {
                  "type": [
                    "array",
                    "null"
                  ],
                  "items": {
                    "$ref": "#/$defs/transform"
                  },
                  "description": "Transform plugins, in request order."
                },
                "max_concurrent": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000,
                  "description": "Most requests of this entry under way at once; over it the next entry is tried, or else the request waits. Default: no bound."
                },
                "resume": {
                  "enum": [
                    true,
                    false,
                    "assistant",
                    "prefix",
                    "partial",
                    "continue_final_message"
                  ],
                  "description": "Replies of this entry that break off after content are continued, and it continues those of others of its name; the word says how its upstream marks an unfinished last message. true is assistant: no mark.",
                  "default": false
                },
                "optional": {
                  "type": "boolean",
                  "description": "Leave the entry out, instead of refusing to start, while an environment variable it needs is not set.",
                  "default": false
                },
                "apiKey": {
                  "deprecated": true,
                  "x-secret": true,
                  "description": "Legacy; belongs inside provider_config."
                },
                "baseUrl": {
                  "deprecated": true,
                  "description": "Legacy; belongs inside provider_config."
                }
              }
            },
            "key": {
              "oneOf": [
                {
                  "type": "string",
                  "minLength": 1,
                  "x-secret": true,
                  "description": "Short for config: {apiKey: ...}."
                },
                {
                  "type": "object",
                  "required": [
                    "config"
                  ],
                  "additionalProperties": false,
                  "properties": {
                    "config": {
                      "type": "object",
                      "description": "What lies over provider_config for this key, for example apiKey."
                    },
                    "weight": {
                      "type": "number",
                      "minimum": 0,
                      "description": "Share of the attempts; 0 switches the key off.",
                      "default": 1
                    }
                  }
                }
              ]
            },
            "transform": {
              "oneOf": [
                {
                  "type": "string",
                  "minLength": 1
                },
                {
                  "type": "object",
                  "required": [
                    "plugin"
                  ],
                  "additionalProperties": false,
                  "properties": {
                    "plugin": {
                      "type": "string",
                      "minLength": 1,
                      "description": "The name of a loaded transform plugin, for example kimi-k2."
                    },
                    "config": {
                      "type": [
                        "object",
                        "null"
                      ],
                      "description": "For the transform plugin; its own schema decides what is in it."
                    }
                  }
                }
              ]
            },
            "client_key": {
              "type": "object",
              "required": [
                "name"
              ],
              "additionalProperties": false,
              "properties": {
                "name": {
                  "type": "string",
                  "minLength": 1,
                  "maxLength": 64,
                  "description": "For logs, and the owner of stored responses."
                },
                "hash": {
                  "type": "string",
                  "description": "sha256: and the key's SHA-256 in hexadecimal digits; kimi-host auth hash prints it."
                },
                "key": {
                  "type": "string",
                  "x-secret": true,
                  "description": "Instead of hash: the environment variable that holds the key, as $NAME."
                },
                "models": {
                  "type": "array",
                  "minItems": 1,
                  "items": {
                    "type": "string",
                    "minLength": 1
                  },
                  "description": "Models that the key opens; * stands for any characters. Default: all."
                },
                "profiles": {
                  "type": "array",
                  "minItems": 1,
                  "items": {
                    "type": "string"
                  },
                  "description": "Profiles that the key opens; an empty string is /v1 without a profile. Default: all."
                },
                "requests_per_minute": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000000,
                  "description": "Requests that are served in a minute; further ones are refused with 429."
                },
                "tokens_per_minute": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000000,
                  "description": "Tokens, in and out, in a minute, counted after each reply; while more than that are used up, requests are refused with 429."
                },
                "max_exchanges": {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 1000000,
                  "description": "Most requests of this key served at once; further ones wait in a queue."
                }
              }
            }
          }
        }

        """#
}
