// @NAME@: a transform that makes typographic quotation marks in a reply plain ones, as code needs them. In Go.
//
// It asks for TEXT events only; everything else passes it by, in order. The host never cuts a text inside a code
// point, so each event can be looked at by itself and nothing is held back.
//
// No panic may leave a function of the table: what can panic recovers.
package main

// #include "plugin.h"
import "C"

import (
	"bytes"
	"runtime/cgo"
	"strings"
	"unsafe"
)

// An instance is a configured use. Nothing changes it after create: many threads use it at once.
type instance struct{ host *C.kimi_host }

// An exchange is one attempt of one request. What must be remembered from call to call belongs here.
type exchange struct{ *instance }

var plain = strings.NewReplacer("‘", "'", "’", "'", "‚", "'", "‛", "'", "“", `"`, "”", `"`, "„", `"`, "‟", `"`)

func main() {}

//export goCreate
func goCreate(host *C.kimi_host) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&instance{host}))
}

//export goBegin
func goBegin(handle C.uintptr_t) C.uintptr_t {
	return C.uintptr_t(cgo.NewHandle(&exchange{cgo.Handle(handle).Value().(*instance)}))
}

//export goRelease
func goRelease(handle C.uintptr_t) {
	cgo.Handle(handle).Delete()
}

//export goFeed
func goFeed(handle C.uintptr_t, events *C.kimi_event, n C.size_t, sink *C.kimi_sink, err *C.kimi_error) (status C.kimi_status) {
	e := cgo.Handle(handle).Value().(*exchange)
	fail := func(status C.kimi_status, sentence string) C.kimi_status {
		text := []byte(sentence)
		C.host_fail(e.host, err, status, unsafe.Pointer(&text[0]), C.size_t(len(text)))
		return status
	}
	defer func() {
		if recover() != nil {
			status = fail(C.KIMI_E_INTERNAL, "the plugin panicked")
		}
	}()
	list := unsafe.Slice(events, int(n))
	for i := range list {
		switch status := e.pass(&list[i], sink); {
		case status == C.KIMI_STOP:
			return C.KIMI_OK // nobody listens any more
		case status < 0:
			return fail(status, "the host did not take an event")
		}
	}
	return C.KIMI_OK
}

func (e *exchange) pass(event *C.kimi_event, sink *C.kimi_sink) C.kimi_status {
	if event._type != C.KIMI_EVENT_TEXT {
		return C.host_emit(e.host, sink, event, nil, 0)
	}
	text := C.GoBytes(unsafe.Pointer(event.a.ptr), C.int(event.a.len))
	if !bytes.Contains(text, []byte("\xE2\x80")) {
		return C.host_emit(e.host, sink, event, nil, 0)
	}
	changed := []byte(plain.Replace(string(text))) // the host copies it before emit returns
	return C.host_emit(e.host, sink, event, unsafe.Pointer(&changed[0]), C.size_t(len(changed)))
}
