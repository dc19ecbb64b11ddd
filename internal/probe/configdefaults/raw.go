package configdefaults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
)

const (
	rawLimit = 1500 * time.Millisecond // for a whole reply
	rawBytes = 256 << 10
)

// raw sends bytes that no client of HTTP would send, and returns status and
// text of the reply, whatever it is; 0 where none came.
func raw(ctx context.Context, boot *bench.Boot, port int, request string) (int, string) {
	ctx, cancel := context.WithTimeout(ctx, rawLimit)
	defer cancel()
	conn, err := boot.Dial(ctx, strconv.Itoa(port))
	if err != nil {
		return 0, ""
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	_, _ = io.WriteString(conn, boot.AsForwarded(request)) // it may have answered before the end
	reply, _ := io.ReadAll(io.LimitReader(conn, rawBytes))
	status := 0
	if first, _, ok := bytes.Cut(reply, []byte("\r\n")); ok {
		_, _ = fmt.Sscanf(string(first), "HTTP/1.%d %d", new(int), &status)
	}
	return status, strings.ToValidUTF8(string(reply), "\uFFFD")
}
