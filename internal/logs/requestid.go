package logs

import "bytes"

const (
	maxRequestID  = 128 // bytes
	requestIDHead = 4 << 10
)

// findRequestID returns what the text gives as request_id, requestId,
// request-id or X-Request-Id, in JSON, logfmt or plain; "" where it gives none.
func findRequestID(text []byte) string {
	head := text[:min(len(text), requestIDHead)]
	for {
		at := bytes.IndexByte(head, 'q') // the rarest of its letters
		if at < 0 {
			return ""
		}
		found := at > 0 && head[at-1] == 'e' && bytes.HasPrefix(head[at:], []byte("quest"))
		head = head[at+1:]
		if !found {
			continue
		}
		head = head[len("uest"):]
		rest := head
		if len(rest) > 0 && (rest[0] == '_' || rest[0] == '-' || rest[0] == '.') {
			rest = rest[1:]
		}
		if len(rest) < 4 || rest[0]|0x20 != 'i' || rest[1]|0x20 != 'd' {
			continue
		}
		if id := requestIDValue(rest[2:]); id != "" {
			return id
		}
	}
}

// requestIDValue reads `":"abc"`, `="abc"`, `=abc` or `: abc`.
func requestIDValue(text []byte) string {
	text = bytes.TrimPrefix(text, []byte{'"'})
	if len(text) == 0 || text[0] != ':' && text[0] != '=' {
		return ""
	}
	text = bytes.TrimLeft(text[1:], " ")
	text = bytes.TrimPrefix(text, []byte{'"'})
	n := 0
	for n < len(text) && isIDByte(text[n]) {
		n++
	}
	if n == 0 || n > maxRequestID {
		return ""
	}
	return string(text[:n])
}

func isIDByte(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || bytes.IndexByte([]byte("-_.:/+=@"), c) >= 0
}
