import json, os, sys
out=sys.argv[1]
def case(name, meta, request, reply, up_req, up_rep):
    d=os.path.join(out,name); os.makedirs(d,exist_ok=True)
    w=lambda f,t: open(os.path.join(d,f),'w').write(t if isinstance(t,str) else json.dumps(t,ensure_ascii=False))
    w('meta.json',meta); w('request.json',request); w('reply.txt',reply)
    for i,(a,b) in enumerate(zip(up_req,up_rep)): w(f'upstream_request{i+1}.json',a); w(f'upstream_reply{i+1}.txt',b)
def chat(deltas, finish, usage=None):
    o=''
    for d in deltas: o+='data: '+json.dumps({"id":"chatcmpl-1","object":"chat.completion.chunk","model":"kimi-k2","choices":[{"index":0,"delta":d,"finish_reason":None}]})+'\n\n'
    o+='data: '+json.dumps({"id":"chatcmpl-1","object":"chat.completion.chunk","model":"kimi-k2","choices":[{"index":0,"delta":{},"finish_reason":finish}],"usage":usage or {"prompt_tokens":5210,"completion_tokens":264}})+'\n\n'
    return o+'data: [DONE]\n\n'
def words(t): 
    import re
    return re.findall(r'\S+\s*|\s+',t)
HOSTILE='<img src=x onerror="window.pwned=1"><script>window.pwned=2</script>"><svg onload=window.pwned=3>'
tools=[{"name":n,"description":d,"input_schema":{"type":"object","properties":{"path":{"type":"string","description":"Absolute path"},"limit":{"type":"integer","default":2000}},"required":["path"]}} for n,d in [("read_file","Reads a file from the workspace and returns its lines."),("grep","Searches file contents with a regular expression."),("edit","Replaces a span of text in a file."),("bash","Runs a command in a shell with a timeout.")]]
sysp="You are a coding agent. You work in a repository on the user's machine.\n\n"+"\n".join(f"{i}. {t}" for i,t in enumerate(["Read before you change anything.","Prefer small edits; never rewrite a file that you have not read.","Run the tests after each change and say what failed.","Say plainly what is missing or weaker than asked.","Keep answers short; code speaks for itself.","Never invent file names."]*4,1))
anth_req={"model":"kimi-k2","max_tokens":8192,"stream":True,"temperature":0.6,"top_k":40,"thinking":{"type":"enabled","budget_tokens":4096},"metadata":{"user_id":"u_1"},
 "system":[{"type":"text","text":sysp,"cache_control":{"type":"ephemeral"}}],"tools":tools,
 "messages":[{"role":"user","content":"The retry test fails about once in twenty runs. Find out why and fix it."},
 {"role":"assistant","content":[{"type":"thinking","thinking":"The user wants the flaky test found. I should look at the test first, then the code of the back-off.","signature":"EqQBCkYIAx"},{"type":"text","text":"I'll start with the test itself."},{"type":"tool_use","id":"toolu_01A","name":"grep","input":{"path":"Tests/RetryTests.swift","pattern":"backoff"}}]},
 {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01A","content":"Tests/RetryTests.swift:41:    let delay = policy.backoff(attempt: 3)\nTests/RetryTests.swift:42:    #expect(delay < .milliseconds(800))"}]},
 {"role":"assistant","content":[{"type":"text","text":"The test compares a random delay with a bound that jitter can exceed:\n\n```swift\nlet delay = policy.backoff(attempt: 3)\n#expect(delay < .milliseconds(800))\n```\n\nLet me see how the jitter is made."},{"type":"tool_use","id":"toolu_01B","name":"read_file","input":{"path":"Sources/Retry/Backoff.swift","limit":80}}]},
 {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_01B","is_error":True,"content":"ENOENT: no such file: Sources/Retry/Backoff.swift"}]}]}
up=({"model":"moonshotai/kimi-k2-0905","stream":True,"stream_options":{"include_usage":True},"temperature":0.6,"max_tokens":8192,
 "messages":[{"role":"system","content":sysp},{"role":"user","content":"The retry test fails about once in twenty runs. Find out why and fix it."},
 {"role":"assistant","reasoning_content":"The user wants the flaky test found. I should look at the test first, then the code of the back-off.","content":"I'll start with the test itself.","tool_calls":[{"id":"functions.grep:0","type":"function","function":{"name":"grep","arguments":"{\"path\":\"Tests/RetryTests.swift\",\"pattern\":\"backoff\"}"}}]},
 {"role":"tool","tool_call_id":"functions.grep:0","content":"Tests/RetryTests.swift:41:    let delay = policy.backoff(attempt: 3)\nTests/RetryTests.swift:42:    #expect(delay < .milliseconds(800))"}],
 "tools":[{"type":"function","function":{"name":t["name"],"description":t["description"],"parameters":t["input_schema"]}} for t in tools]})
text="The file has moved. The jitter is probably in `Sources/KimiHostCore/Routing`, so I will look there before I touch anything."
raw=chat([{"role":"assistant","reasoning_content":w} for w in words("The path was wrong, so I need to search for the file instead of guessing again. ")]+[{"content":w} for w in words(text)]+[{"content":w} for w in ["<|tool_calls_section_begin|>","<|tool_call_begin|>functions.grep:2","<|tool_call_argument_begin|>","{\"path\": \"Sources\", ","\"pattern\": \"func backoff\"}","<|tool_call_end|>","<|tool_calls_section_end|>"]],"stop")
def ev(t,**k): return f'event: {t}\ndata: '+json.dumps({"type":t,**k})+'\n\n'
rep=ev("message_start",message={"id":"msg_1","type":"message","role":"assistant","model":"kimi-k2","content":[],"usage":{"input_tokens":1114,"cache_read_input_tokens":4096,"output_tokens":1}})
rep+=ev("content_block_start",index=0,content_block={"type":"thinking","thinking":""})
for w in words("The path was wrong, so I need to search for the file instead of guessing again. "): rep+=ev("content_block_delta",index=0,delta={"type":"thinking_delta","thinking":w})
rep+=ev("content_block_stop",index=0)+ev("content_block_start",index=1,content_block={"type":"text","text":""})
for w in words(text): rep+=ev("content_block_delta",index=1,delta={"type":"text_delta","text":w})
rep+=ev("content_block_stop",index=1)+ev("content_block_start",index=2,content_block={"type":"tool_use","id":"toolu_k2_7f3a","name":"grep","input":{}})
for w in ["{\"path\": \"Sources\", ","\"pattern\": \"func backoff\"}"]: rep+=ev("content_block_delta",index=2,delta={"type":"input_json_delta","partial_json":w})
rep+=ev("content_block_stop",index=2)+ev("message_delta",delta={"stop_reason":"tool_use"},usage={"output_tokens":264})+ev("message_stop")
case('a-kimi',{"dialect":"anthropic.messages","finish":"tool_calls","notes":[{"plugin":"kimi-k2","kind":"tool_call_markup","count":1,"details":["functions.grep:2 was written as text and is now the call toolu_k2_7f3a"]},{"plugin":"kimi-k2","kind":"history_ids","count":2,"details":["toolu_01A is functions.grep:0","toolu_01B is functions.read_file:1"]},{"plugin":"kimi-k2","kind":"finish_reason","count":1,"details":["stop became tool_calls"]}],"dropped":[{"path":"top_k","reason":"the upstream's API has no such member"},{"path":"metadata","reason":"not passed on"}],
 "attempts":[{"provider":"openai","upstream":"kimi-k2-turbo-preview","url":"https://api.moonshot.ai/v1/chat/completions","status":429,"began":2,"head":340,"end":352,"error":"Rate limit reached: 3 requests per minute"},{"provider":"openrouter","status":200,"began":410,"head":900,"end":5390}],"duration":5400,"first_token":980},
 anth_req,rep,[up,up],['{"error":{"message":"Rate limit reached: 3 requests per minute","type":"rate_limit_error"}}',raw])
case('b-hostile',{"dialect":"openai.chat","model":"kimi-k2","finish":"stop","notes":[{"plugin":HOSTILE,"kind":HOSTILE,"count":1,"details":[HOSTILE]}],"dropped":[{"path":HOSTILE,"reason":HOSTILE}],"upstream":HOSTILE},
 {"model":"kimi-k2","messages":[{"role":"system","content":HOSTILE},{"role":HOSTILE,"content":HOSTILE},{"role":"user","content":[{"type":"text","text":HOSTILE},{"type":"image_url","image_url":{"url":"javascript:window.pwned=4"}}]}],"tools":[{"type":"function","function":{"name":HOSTILE,"description":HOSTILE,"parameters":{HOSTILE:HOSTILE}}}],HOSTILE:{HOSTILE:[HOSTILE]}},
 chat([{"content":HOSTILE},{"tool_calls":[{"index":0,"id":HOSTILE,"function":{"name":HOSTILE,"arguments":json.dumps({HOSTILE:HOSTILE})}}]}],HOSTILE),
 [{"model":HOSTILE,"messages":[{"role":"user","content":HOSTILE+"x"}]}],[chat([{"content":HOSTILE+"raw"}],"stop")])
many=[{"role":["user","assistant"][i%2],"content":f"Turn {i}: "+"lorem ipsum dolor sit amet "*20} for i in range(200)]
case('c-long',{"dialect":"openai.chat","finish":"stop"},{"model":"kimi-k2","messages":[{"role":"system","content":sysp}]+many,"temperature":0.2},chat([{"content":w} for w in words("Done. "*80)],"stop"),[{"model":"kimi-k2-0905","messages":[{"role":"system","content":sysp}]+many[:120]+many[121:],"temperature":0.2}],[chat([{"content":w} for w in words("Done. "*80)],"stop")])
case('d-error',{"dialect":"openai.responses","error":{"status":502,"category":"network","message":"could not connect to api.example.com: connection refused"},"attempts":[{"status":0,"began":2,"head":None,"end":800,"error":"connection refused"}],"duration":820},
 {"model":"gpt-5","instructions":"Be brief.","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"What is 2+2?"}]},{"type":"function_call","call_id":"c1","name":"calc","arguments":"{\"e\":\"2+2\"}"},{"type":"function_call_output","call_id":"c1","output":"4"}]},'',[{"model":"gpt-5","input":[]}],[''])
deep='"x"'
for i in range(20000): deep='[{"type":"tool_result","content":'+deep+'}]'
case('e-deep',{"dialect":"openai.chat","finish":"stop"},'{"model":"m","messages":[{"role":"user","content":'+deep+'}]}',chat([{"content":"Deep."}],"stop"),['{"model":"up","messages":[{"role":"user","content":'+deep+'}]}'],[chat([{"content":"Deep."}],"stop")])
