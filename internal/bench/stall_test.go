package bench

import (
	"bufio"
	"net"
	"testing"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// An upload whose worker goes before its second half was in flight meanwhile.
func TestAnUploadThatCannotBeWrittenWasInFlight(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	boot := &Boot{bench: &Bench{Manifest: &manifest.Manifest{}}}
	body := []byte("message=0123456789012345678901234567890123456789012345678901234567890123")
	s := Stall{Kind: StallUpload, Slow: Request{Method: "POST", Target: "/", Body: body}}
	go func() {
		_, _ = far.Read(make([]byte, 64<<10))
		far.Close()
	}()
	h := s.HoldOn(t.Context(), &Process{boot: boot, Port: 80}, &Wire{conn: near, in: bufio.NewReader(near)})
	<-h.Done
	if h.Reply.Err == "" || h.Reply.Duration < uploadTakes/2 || h.Reply.Duration > time.Minute || h.Reply.Started.IsZero() {
		t.Errorf("got %+v", h.Reply)
	}
}
