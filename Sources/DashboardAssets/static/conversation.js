// Reads requests and replies of all APIs into one form:
//   {role, parts: [{type: 'text'|'thinking'|'call'|'result'|'media'|'other', …}]}
// Bodies are whatever a client or upstream sent, so nothing is taken for granted.
import { values } from './sse.js';

const list = value => Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
/** Parts inside of parts that are read so far. */
const DEEP = 16;
const TOO_DEEP = '(nested too deep to be shown here: see Bodies)';

/** JSON, whatever its depth: engines give up at some thousands of levels. */
function json(value, space) {
  try { return JSON.stringify(value, null, space); } catch { return TOO_DEEP; }
}

const string = value => typeof value === 'string' ? value : value === undefined || value === null ? '' : json(value);
const object = value => value && typeof value === 'object' && !Array.isArray(value) ? value : {};

function part(item, depth = 0) {
  if (typeof item === 'string') return { type: 'text', text: item };
  const it = object(item);
  switch (it.type) {
    case 'text': case 'input_text': case 'output_text': return { type: 'text', text: string(it.text), cached: Boolean(it.cache_control) };
    case 'refusal': return { type: 'text', text: string(it.refusal) };
    case 'thinking': return { type: 'thinking', text: string(it.thinking), signed: Boolean(it.signature) };
    case 'redacted_thinking': return { type: 'thinking', text: '', redacted: true };
    case 'reasoning': return { type: 'thinking', text: [...list(it.summary), ...list(it.content)].map(one => string(object(one).text)).join('\n'), redacted: Boolean(it.encrypted_content) };
    case 'tool_use': case 'server_tool_use': return { type: 'call', id: it.id, name: string(it.name), args: it.input };
    case 'tool_result': return { type: 'result', id: it.tool_use_id, parts: depth < DEEP ? parts(it.content, depth + 1) : [{ type: 'deep', text: TOO_DEEP }], failed: Boolean(it.is_error) };
    case 'image': case 'image_url': case 'input_image': case 'document': case 'file': case 'input_file': case 'input_audio':
      return { type: 'media', kind: it.type.replace(/^input_|_url$/g, ''), value: it };
    default: return { type: 'other', value: item };
  }
}

const parts = (content, depth = 0) => typeof content === 'string' ? content ? [{ type: 'text', text: content }] : [] : list(content).map(one => part(one, depth));

const args = text => {
  try { return JSON.parse(text); } catch { return text; }
};

function message(item) {
  const it = object(item);
  const found = [];
  const thought = it.reasoning_content ?? it.reasoning;
  if (thought) found.push({ type: 'thinking', text: string(thought) });
  if (it.role === 'tool') return { role: 'tool', parts: [{ type: 'result', id: it.tool_call_id, parts: parts(it.content) }] };
  found.push(...parts(it.content));
  for (const call of list(it.tool_calls)) {
    const of = object(object(call).function ?? object(call).custom);
    found.push({ type: 'call', id: object(call).id, name: string(of.name), args: args(of.arguments ?? of.input) });
  }
  return { role: string(it.role) || 'user', parts: found };
}

function item(value) {
  const it = object(value);
  switch (it.type) {
    case 'function_call': case 'custom_tool_call': return { role: 'assistant', parts: [{ type: 'call', id: it.call_id, name: string(it.name), args: args(it.arguments ?? it.input) }] };
    case 'function_call_output': case 'custom_tool_call_output': return { role: 'tool', parts: [{ type: 'result', id: it.call_id, parts: parts(it.output) }] };
    case 'reasoning': return { role: 'assistant', parts: [part(it)] };
    default: return it.role ? message(it) : { role: 'other', parts: [{ type: 'other', value }] };
  }
}

const RESULT_TYPES = new Set(['result']);

/** {turns, tools, settings} of a request in any API. */
export function readRequest(json) {
  const it = object(json);
  const turns = [];
  const { messages, system, input, instructions, tools, contents, systemInstruction, ...settings } = it;
  if (system !== undefined) turns.push({ role: 'system', parts: parts(system) });
  if (instructions) turns.push({ role: 'system', parts: parts(instructions) });
  if (systemInstruction) turns.push({ role: 'system', parts: gemini(systemInstruction).parts });
  for (const one of list(messages)) {
    const turn = message(one);
    // Anthropic's tool results stand in messages of the user's.
    if (turn.role === 'user' && turn.parts.length && turn.parts.every(part => RESULT_TYPES.has(part.type))) turn.role = 'tool';
    turns.push(turn);
  }
  for (const one of typeof input === 'string' ? [{ role: 'user', content: input }] : list(input)) turns.push(typeof one === 'string' ? { role: 'user', parts: parts(one) } : item(one));
  for (const one of list(contents)) turns.push(gemini(one));
  if (it.prompt !== undefined) turns.push({ role: 'user', parts: list(it.prompt).map(text => ({ type: 'text', text: string(text) })) });
  return { turns, tools: list(tools).map(readTool).flat(), settings };
}

function readTool(tool) {
  const it = object(tool);
  if (Array.isArray(it.functionDeclarations)) return it.functionDeclarations.map(readTool);
  const of = object(it.function ?? it.custom ?? it);
  return [{ name: string(of.name ?? it.type), description: string(of.description), schema: of.parameters ?? of.input_schema ?? of.format }];
}

function gemini(content) {
  const it = object(content);
  const found = list(it.parts).map(one => {
    const of = object(one);
    if (of.functionCall) return { type: 'call', name: string(of.functionCall.name), args: of.functionCall.args };
    if (of.functionResponse) return { type: 'result', id: of.functionResponse.name, parts: [{ type: 'other', value: of.functionResponse.response }] };
    if (of.inlineData || of.fileData) return { type: 'media', kind: 'file', value: of };
    return { type: of.thought ? 'thinking' : 'text', text: string(of.text) };
  });
  return { role: it.role === 'model' ? 'assistant' : string(it.role) || 'user', parts: found };
}

/** {parts, finish, usage, model, error} of a reply in any API, streamed or not. */
export function readReply(text) {
  const reply = { parts: [], finish: undefined, usage: undefined, model: undefined, error: undefined };
  const open = new Map();
  const at = (key, make) => {
    if (!open.has(key)) {
      const made = make();
      open.set(key, made);
      reply.parts.push(made);
    }
    return open.get(key);
  };
  for (const value of values(text)) readValue(object(value), reply, at);
  for (const part of reply.parts) if (part.type === 'call' && typeof part.raw === 'string' && part.raw) part.args = args(part.raw);
  return reply;
}

function readValue(it, reply, at) {
  if (it.error && !it.choices) reply.error = it.error;
  if (it.model) reply.model ??= it.model;
  if (it.usage) reply.usage = it.usage;
  if (it.usageMetadata) reply.usage = it.usageMetadata;
  if (Array.isArray(it.choices)) it.choices.forEach(choice => readChoice(object(choice), reply, at));
  else if (Array.isArray(it.candidates)) it.candidates.forEach((one, index) => readCandidate(object(one), index, reply, at));
  else if (it.type === 'message') {
    reply.parts.push(...parts(it.content));
    reply.finish = it.stop_reason;
  } else if (it.object === 'response' && Array.isArray(it.output)) readOutput(it, reply);
  else if (typeof it.type === 'string') readEvent(it, reply, at);
}

function readChoice(choice, reply, at) {
  const index = choice.index ?? 0;
  const delta = object(choice.delta ?? choice.message);
  const thought = delta.reasoning_content ?? delta.reasoning;
  if (thought) at(`${index} think ${reply.parts.length && reply.parts.at(-1).type === 'text' ? reply.parts.length : 0}`, () => ({ type: 'thinking', text: '' })).text += string(thought);
  if (delta.content) {
    if (typeof delta.content === 'string') at(`${index} text`, () => ({ type: 'text', text: '' })).text += delta.content;
    else reply.parts.push(...parts(delta.content));
  }
  if (delta.refusal) at(`${index} refusal`, () => ({ type: 'text', text: '' })).text += string(delta.refusal);
  if (typeof choice.text === 'string') at(`${index} text`, () => ({ type: 'text', text: '' })).text += choice.text;
  list(delta.tool_calls).forEach((one, place) => {
    const call = object(one);
    const part = at(`${index} call ${call.index ?? place}`, () => ({ type: 'call', id: undefined, name: '', raw: '' }));
    part.id ??= call.id;
    part.name += string(object(call.function).name);
    part.raw += string(object(call.function).arguments);
  });
  if (choice.finish_reason) reply.finish = choice.finish_reason;
}

function readCandidate(candidate, index, reply, at) {
  for (const part of gemini(candidate.content).parts) {
    if (part.type === 'call') reply.parts.push(part);
    else at(`${index} ${part.type}`, () => ({ type: part.type, text: '' })).text += part.text ?? '';
  }
  if (candidate.finishReason) reply.finish = candidate.finishReason;
}

function readOutput(response, reply) {
  for (const one of response.output) reply.parts.push(...item(one).parts);
  reply.finish = response.status;
  if (response.error) reply.error = response.error;
}

function readEvent(it, reply, at) {
  const key = `${it.output_index ?? ''}/${it.content_index ?? ''}/${it.index ?? ''}`;
  const text = type => at(`${key} ${type}`, () => ({ type, text: '' }));
  const delta = object(it.delta);
  switch (it.type) {
    case 'message_start': reply.model ??= object(it.message).model; reply.usage = object(it.message).usage; break;
    case 'content_block_start': {
      const block = object(it.content_block);
      if (block.type === 'tool_use' || block.type === 'server_tool_use') at(`${it.index} call`, () => ({ type: 'call', id: block.id, name: string(block.name), raw: '', args: block.input }));
      else if (block.type === 'text' || block.type === 'thinking') at(`${it.index} ${block.type}`, () => ({ type: block.type, text: string(block.text ?? block.thinking) }));
      else at(`${it.index} block`, () => part(block));
      break;
    }
    case 'content_block_delta':
      if (delta.type === 'text_delta') at(`${it.index} text`, () => ({ type: 'text', text: '' })).text += string(delta.text);
      else if (delta.type === 'thinking_delta') at(`${it.index} thinking`, () => ({ type: 'thinking', text: '' })).text += string(delta.thinking);
      else if (delta.type === 'signature_delta') at(`${it.index} thinking`, () => ({ type: 'thinking', text: '' })).signed = true;
      else if (delta.type === 'input_json_delta') at(`${it.index} call`, () => ({ type: 'call', name: '', raw: '' })).raw += string(delta.partial_json);
      break;
    case 'message_delta': reply.finish = delta.stop_reason ?? reply.finish; if (it.usage) reply.usage = { ...reply.usage, ...it.usage }; break;
    case 'response.output_text.delta': text('text').text += string(it.delta); break;
    case 'response.refusal.delta': text('text').text += string(it.delta); break;
    case 'response.reasoning_text.delta': case 'response.reasoning_summary_text.delta': text('thinking').text += string(it.delta); break;
    case 'response.output_item.added': {
      const one = object(it.item);
      if (one.type === 'function_call' || one.type === 'custom_tool_call') at(`${it.output_index} call`, () => ({ type: 'call', id: one.call_id, name: string(one.name), raw: '' }));
      break;
    }
    case 'response.function_call_arguments.delta': case 'response.custom_tool_call_input.delta':
      at(`${it.output_index} call`, () => ({ type: 'call', name: '', raw: '' })).raw += string(it.delta); break;
    case 'response.completed': case 'response.incomplete': case 'response.failed': {
      const response = object(it.response);
      reply.finish = response.status;
      reply.usage = response.usage ?? reply.usage;
      reply.model ??= response.model;
      if (response.error) reply.error = response.error;
      break;
    }
    case 'error': reply.error = it.error ?? it; break;
    default: break;
  }
}

/** As plain lines, for comparing what came from upstream with what the client got. */
export function replyLines(reply) {
  const lines = [];
  for (const part of reply.parts) {
    if (part.type === 'text' || part.type === 'thinking') {
      lines.push(`── ${part.type}`);
      lines.push(...(part.text || '').split('\n'));
    } else if (part.type === 'call') {
      lines.push(`── tool call ${part.name}${part.id ? `  ${part.id}` : ''}`);
      lines.push(...(typeof part.args === 'string' ? part.args : json(part.args ?? {}, 2)).split('\n'));
    } else {
      lines.push(`── ${part.type}`, json(part.value ?? part));
    }
  }
  lines.push(`── finish: ${reply.finish ?? 'none'}`);
  if (reply.error) lines.push(`── error: ${json(reply.error)}`);
  return lines;
}
