// @NAME@: a provider for upstreams that speak Chat Completions, in Go.
//
// It does no I/O: it says in a plan what to send, and is fed with what came back. What it decodes: text, reasoning,
// tool calls, the finish reason, usage and errors, of the first choice.
//
// No panic may leave a function of the table: every export recovers.
package main

// #include "plugin.h"
import "C"

import (
	"bytes"
	"encoding/json"
	"runtime/cgo"
	"strconv"
	"strings"
	"unsafe"
)

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
type instance struct {
	host               *C.kimi_host
	url, authorization string
}

// An exchange is one attempt of one request.
type exchange struct {
	*instance
	status            uint32
	retryAfterMs      int64 // -1: not said
	started, finished bool
	failed            bool   // ERROR was emitted, and nothing may follow it
	calling           bool   // a tool call is open: TOOL_BEGIN was emitted, TOOL_END was not
	call              int64  // the upstream's index of that call; -1: it gave none
	calls             uint32 // how many were begun; ours count from 0
}

// A failure is a call that cannot succeed.
type failure struct {
	status   C.kimi_status
	category uint32
	sentence string
}

var refused = &failure{C.KIMI_E_INTERNAL, C.KIMI_CAT_INTERNAL, "the host refused what the plugin gave it"}

func main() {}

// data is nil for nothing: Go has no address for that.
func data(text string) (unsafe.Pointer, C.size_t) {
	if text == "" {
		return nil, 0
	}
	bytes := []byte(text)
	return unsafe.Pointer(&bytes[0]), C.size_t(len(bytes))
}

func copied(slice C.kimi_bytes) []byte {
	return C.GoBytes(unsafe.Pointer(slice.ptr), C.int(slice.len))
}

// guarded runs the body, and describes its failure or panic.
func guarded(host *C.kimi_host, err *C.kimi_error, body func() (C.kimi_status, *failure)) (status C.kimi_status) {
	fail := func(what *failure) C.kimi_status {
		text, n := data(what.sentence)
		C.host_fail(host, err, what.status, C.uint32_t(what.category), text, n)
		return what.status
	}
	defer func() {
		if recover() != nil {
			status = fail(&failure{C.KIMI_E_INTERNAL, C.KIMI_CAT_INTERNAL, "the plugin panicked"})
		}
	}()
	status, what := body()
	if what != nil {
		return fail(what)
	}
	return status
}

//export goCreate
func goCreate(host *C.kimi_host, config C.kimi_bytes, handle *C.uintptr_t, err *C.kimi_error) C.kimi_status {
	return guarded(host, err, func() (C.kimi_status, *failure) {
		var settings struct {
			APIKey  string `json:"apiKey"`
			BaseURL string `json:"baseUrl"`
		}
		wrong := json.Unmarshal(copied(config), &settings)
		if wrong != nil || settings.APIKey == "" || settings.BaseURL == "" {
			return 0, &failure{C.KIMI_E_CONFIG, C.KIMI_CAT_CONFIG, "apiKey and baseUrl must be strings"}
		}
		url := strings.TrimRight(settings.BaseURL, "/") + "/chat/completions"
		*handle = C.uintptr_t(cgo.NewHandle(&instance{host, url, "Bearer " + settings.APIKey}))
		return C.KIMI_OK, nil
	})
}

//export goBegin
func goBegin(handle C.uintptr_t) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&exchange{instance: cgo.Handle(handle).Value().(*instance), retryAfterMs: -1}))
}

//export goRelease
func goRelease(handle C.uintptr_t) {
	cgo.Handle(handle).Delete()
}

// goNext describes the one step: send the request, with two members of its JSON changed and every other byte as it is.
//
//export goNext
func goNext(handle C.uintptr_t, plan *C.kimi_plan, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		fields := []struct {
			field      uint32
			key, value string
		}{
			{C.KIMI_FIELD_URL, "", e.url},
			{C.KIMI_FIELD_HEADER, "Content-Type", "application/json"},
			{C.KIMI_FIELD_SECRET_HEADER, "Authorization", e.authorization}, // in no log
			{C.KIMI_FIELD_BODY_PATCH, "", `{"stream":true,"stream_options":{"include_usage":true}}`},
		}
		for _, one := range fields {
			key, keyLength := data(one.key)
			value, valueLength := data(one.value)
			if C.host_field(e.host, plan, C.uint32_t(one.field), key, keyLength, value, valueLength) < 0 {
				return 0, refused
			}
		}
		if C.host_send(e.host, plan) < 0 {
			return 0, refused
		}
		return C.KIMI_OK, nil
	})
}

// goResult gets the answer's head.
//
//export goResult
func goResult(handle C.uintptr_t, result *C.kimi_result, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		e.status = uint32(result.http_status)
		for _, header := range unsafe.Slice(result.headers, int(result.n_headers)) {
			if !strings.EqualFold(string(copied(header.name)), "retry-after") {
				continue
			}
			if seconds, wrong := strconv.ParseUint(string(copied(header.value)), 10, 32); wrong == nil {
				e.retryAfterMs = int64(seconds) * 1000
			}
		}
		return C.KIMI_OK, nil
	})
}

// emit says KIMI_STOP when nobody listens any more.
func (e *exchange) emit(sink *C.kimi_sink, kind uint32, a, b string, i0, i1, i2, i3 int64) (C.kimi_status, *failure) {
	return e.emitAt(sink, kind, 0, a, b, i0, i1, i2, i3)
}

func (e *exchange) emitAt(sink *C.kimi_sink, kind, index uint32, a, b string, i0, i1, i2, i3 int64) (C.kimi_status, *failure) {
	aText, aLength := data(a)
	bText, bLength := data(b)
	status := C.host_event(e.host, sink, C.uint32_t(kind), C.uint32_t(index), aText, aLength, bText, bLength,
		C.int64_t(i0), C.int64_t(i1), C.int64_t(i2), C.int64_t(i3))
	if status < 0 {
		return 0, refused
	}
	return status, nil
}

func category(status uint32) int64 {
	switch {
	case status == 401:
		return C.KIMI_CAT_AUTH
	case status == 402:
		return C.KIMI_CAT_QUOTA
	case status == 403:
		return C.KIMI_CAT_PERMISSION
	case status == 404:
		return C.KIMI_CAT_NOT_FOUND
	case status == 408:
		return C.KIMI_CAT_TIMEOUT
	case status == 429:
		return C.KIMI_CAT_RATE_LIMITED
	case status == 503:
		return C.KIMI_CAT_OVERLOADED
	case status >= 400 && status < 500:
		return C.KIMI_CAT_BAD_REQUEST
	}
	return C.KIMI_CAT_UPSTREAM
}

// failWith emits ERROR, the last event of a reply.
func (e *exchange) failWith(sink *C.kimi_sink, message string) (C.kimi_status, *failure) {
	if e.failed {
		return C.KIMI_OK, nil
	}
	e.finished, e.failed = true, true
	if message == "" {
		message = "the upstream answered with an error that has no message"
	}
	return e.emit(sink, C.KIMI_EVENT_ERROR, message, "", category(e.status), int64(e.status), e.retryAfterMs, 0)
}

type apiError struct{ Message string }

// One element of delta.tool_calls: a call's first piece brings id and name, all bring pieces of its arguments' JSON text.
type callPiece struct {
	Index    *int64
	ID       string
	Function struct{ Name, Arguments string }
}

type choice struct {
	Index int64
	Delta struct {
		Content   string
		Reasoning string      `json:"reasoning_content"`
		ToolCalls []callPiece `json:"tool_calls"`
	}
	FinishReason string `json:"finish_reason"`
}

type chunk struct {
	ID, Model string
	Created   int64
	Choices   []choice
	Error     *apiError
	Usage     *struct {
		Input  *int64 `json:"prompt_tokens"`
		Output *int64 `json:"completion_tokens"`
	}
}

func count(number *int64) int64 {
	if number == nil || *number < 0 {
		return -1
	}
	return *number
}

func (e *exchange) emitText(sink *C.kimi_sink, kind, index uint32, text string) (C.kimi_status, *failure) {
	if text == "" {
		return C.KIMI_OK, nil
	}
	return e.emitAt(sink, kind, index, text, "", 0, 0, 0, 0)
}

func (e *exchange) endCall(sink *C.kimi_sink) (C.kimi_status, *failure) {
	if !e.calling {
		return C.KIMI_OK, nil
	}
	e.calling = false
	return e.emitAt(sink, C.KIMI_EVENT_TOOL_END, e.calls-1, "", "", 0, 0, 0, 0)
}

func (e *exchange) takeCall(sink *C.kimi_sink, piece callPiece) (C.kimi_status, *failure) {
	number := count(piece.Index)
	if !e.calling || number != e.call || (number < 0 && piece.ID != "") {
		// Another call begins. The one before it is complete then.
		if status, what := e.endCall(sink); status != C.KIMI_OK || what != nil {
			return status, what
		}
		if piece.Function.Name == "" {
			return e.failWith(sink, "the upstream sent a piece of a tool call that had not begun")
		}
		e.calling, e.call = true, number
		e.calls++
		status, what := e.emitAt(sink, C.KIMI_EVENT_TOOL_BEGIN, e.calls-1, piece.ID, piece.Function.Name, 0, 0, 0, 0)
		if status != C.KIMI_OK || what != nil {
			return status, what
		}
	}
	return e.emitText(sink, C.KIMI_EVENT_TOOL_ARGS, e.calls-1, piece.Function.Arguments)
}

func (e *exchange) takeDelta(sink *C.kimi_sink, one choice) (C.kimi_status, *failure) {
	if one.Index > 0 {
		return e.failWith(sink, "plugin @NAME@ decodes one choice; ask without n")
	}
	status, what := e.emitText(sink, C.KIMI_EVENT_REASONING, 0, one.Delta.Reasoning)
	if status == C.KIMI_OK && what == nil {
		status, what = e.emitText(sink, C.KIMI_EVENT_TEXT, 0, one.Delta.Content)
	}
	for _, piece := range one.Delta.ToolCalls {
		if status == C.KIMI_OK && what == nil && !e.finished {
			status, what = e.takeCall(sink, piece)
		}
	}
	if status != C.KIMI_OK || what != nil || e.finished || one.FinishReason == "" {
		return status, what
	}
	if status, what = e.endCall(sink); status != C.KIMI_OK || what != nil {
		return status, what
	}
	e.finished = true
	return e.emit(sink, C.KIMI_EVENT_FINISH, one.FinishReason, one.FinishReason, 0, 0, 0, 0)
}

func (e *exchange) takeChunk(sink *C.kimi_sink, one chunk) (status C.kimi_status, what *failure) {
	if e.failed {
		return C.KIMI_OK, nil
	}
	if one.Error != nil && !e.finished {
		return e.failWith(sink, one.Error.Message)
	}
	if !e.started {
		e.started = true
		created := one.Created
		if created < 0 {
			created = 0
		}
		status, what = e.emit(sink, C.KIMI_EVENT_START, one.ID, one.Model, created, 0, 0, 0)
	}
	if status == C.KIMI_OK && what == nil && !e.finished && len(one.Choices) > 0 {
		status, what = e.takeDelta(sink, one.Choices[0])
	}
	if status == C.KIMI_OK && what == nil && !e.failed && one.Usage != nil {
		return e.emit(sink, C.KIMI_EVENT_USAGE, "", "", count(one.Usage.Input), count(one.Usage.Output), -1, -1)
	}
	return status, what
}

// goFeed takes one frame. KIMI_STOP: nobody listens any more; KIMI_DONE: the reply is complete.
//
//export goFeed
func goFeed(handle C.uintptr_t, frame *C.kimi_frame, sink *C.kimi_sink, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		body := copied(frame.data)
		if frame.flags&C.KIMI_FRAME_F_ERROR != 0 {
			var answer struct{ Error apiError }
			_ = json.Unmarshal(body, &answer) // an HTML page has no message
			return e.failWith(sink, answer.Error.Message)
		}
		if frame.kind != C.KIMI_FRAME_SSE {
			return C.KIMI_OK, nil
		}
		if bytes.Equal(body, []byte("[DONE]")) {
			return C.KIMI_DONE, nil
		}
		var one chunk
		if wrong := json.Unmarshal(body, &one); wrong != nil {
			return 0, &failure{C.KIMI_E_PROTOCOL, C.KIMI_CAT_PROTOCOL, "the upstream's stream cannot be read: " + wrong.Error()}
		}
		return e.takeChunk(sink, one)
	})
}

// goFlush: the body is over. A reply that did not finish is a failure, never a short answer.
//
//export goFlush
func goFlush(handle C.uintptr_t, why C.uint32_t, err *C.kimi_error) C.kimi_status {
	e := cgo.Handle(handle).Value().(*exchange)
	return guarded(e.host, err, func() (C.kimi_status, *failure) {
		if e.finished || why == C.KIMI_WHY_CANCELLED {
			return C.KIMI_OK, nil
		}
		return 0, &failure{C.KIMI_E_PROTOCOL, C.KIMI_CAT_UPSTREAM, "the upstream's answer ended before its finish_reason"}
	})
}
