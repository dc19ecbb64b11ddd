package front

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/roadworthy-dev/roadworthy/internal/front/pool"
	"github.com/roadworthy-dev/roadworthy/internal/front/upstream"
)

// codeOf names an error of an exchange of which no reply went out.
func (x *exchange) codeOf(err error) Code {
	for _, row := range []struct {
		err  error
		code Code
	}{
		{errTooLarge, BodyTooLarge}, {errSlow, SlowBody},
		{pool.ErrNoWorker, NoWorker}, {pool.ErrQueueFull, QueueFull}, {pool.ErrWaited, QueueWait},
	} {
		if errors.Is(err, row.err) {
			return row.code
		}
	}
	switch {
	case x.left():
		return ClientClosed
	case errors.Is(err, errBody):
		return BadBody
	case errors.Is(err, upstream.ErrConnect):
		return ConnectFailed
	case errors.Is(err, upstream.ErrMalformed):
		return BadResponse
	case errors.Is(err, os.ErrDeadlineExceeded):
		return FirstByte
	}
	return WorkerClosed
}

func (x *exchange) failWith(err error) { x.fail(x.codeOf(err), err) }

// fail answers with a code.
func (x *exchange) fail(code Code, err error) {
	x.note(code, err)
	x.status = code.meaning().Status
	if x.wrote {
		x.cut = true
		return
	}
	x.wrote = true
	if x.status == closedRequest {
		x.cut = true // nobody listens
		return
	}
	header := x.w.Header()
	clear(header)
	x.decorate(header)
	unread := code == BadRequest || x.r.Body != nil && x.r.Body != http.NoBody && code != ConnectFailed && len(x.body) == 0
	if x.r.ProtoMajor == 1 && unread {
		header["Connection"] = []string{"close"}
	}
	x.bytesOut += int64(reply(x.w, code, x.id))
}

// reply writes the small plain body of a code and returns its length.
func reply(w http.ResponseWriter, code Code, id string) int {
	meaning := code.meaning()
	header := w.Header()
	header.Set("Content-Type", "text/plain; charset=utf-8")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Front-Error", string(code))
	if meaning.Status == http.StatusServiceUnavailable {
		header.Set("Retry-After", "2")
	}
	text := string(code) + " " + meaning.Short + "\n"
	if id != "" {
		text += "request " + id + "\n"
	}
	header.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(meaning.Status)
	n, _ := w.Write([]byte(text)) // a client that is gone has its own code
	return n
}

// note remembers the first failure of the exchange.
func (x *exchange) note(code Code, err error) {
	if x.code == "" {
		x.code, x.cause = code, err
	}
}

// account counts the exchange and writes its records.
func (f *Front) account(x *exchange) {
	if x.end.IsZero() {
		x.end = f.options.Now()
	}
	elapsed := x.end.Sub(x.start)
	f.metrics.observe(x, elapsed)
	if x.worker != nil {
		class := 0
		if x.status >= 100 && x.status < 600 {
			class = x.status / 100
		}
		x.worker.Requests[class].Add(1)
		if x.code >= NoWorker && x.code < BodyTooLarge {
			x.worker.Failures.Add(1)
		}
	}
	ctx := context.Background() // the request's has ended when the client left
	if x.code != "" {
		level := slog.LevelError
		if x.code >= BodyTooLarge {
			level = slog.LevelInfo
		}
		f.options.Log.LogAttrs(ctx, level, "request failed", append(x.attributes(elapsed.Seconds()*1000),
			slog.String("code", string(x.code)), slog.String("reason", x.code.meaning().Short), slog.Any("error", x.cause))...)
		return
	}
	switch access := f.options.Access; {
	case access == AccessAll && x.status < 500:
		f.options.Log.LogAttrs(ctx, slog.LevelInfo, "request", x.attributes(elapsed.Seconds()*1000)...)
	case (access == AccessAll || access == AccessErrors) && x.status >= 500:
		f.options.Log.LogAttrs(ctx, slog.LevelError, "request", x.attributes(elapsed.Seconds()*1000)...)
	}
}

// attributes says what a record tells of a request: never its query or fields,
// which may hold secrets.
func (x *exchange) attributes(ms float64) []slog.Attr {
	worker := ""
	if x.worker != nil {
		worker = x.worker.ID
	}
	list := []slog.Attr{
		slog.String("request_id", x.id), slog.String("worker", worker),
		slog.String("method", x.r.Method), slog.String("path", x.r.URL.Path), slog.String("protocol", x.r.Proto),
		slog.Int("status", x.status), slog.Float64("elapsed_ms", ms),
		slog.Int64("bytes_in", x.bytesIn), slog.Int64("bytes_out", x.bytesOut), slog.String("client", x.client),
	}
	// An id that nobody vouches for is told, but it is not ours.
	if given := x.r.Header["X-Request-Id"]; !x.trusted && len(given) == 1 && saneID(given[0]) {
		list = append(list, slog.String("client_request_id", given[0]))
	}
	return list
}
