// Package upstream is the front's own HTTP/1.1 client: it speaks to one worker
// over TCP or a unix socket.
//
// A [Client] keeps idle connections; a [Conn] carries one exchange at a time:
// Send the head, ReadHead until the final one, Next until io.EOF, Release. The
// bytes of a body are handed out as slices of the connection's own buffer, so
// that a relayed response is copied once and buffered never.
//
// The invariant: a connection is reused only when the exchange on it ended
// exactly where its framing said, with no byte left over. Whatever is
// ambiguous (two lengths, a length beside a transfer coding, an obsolete fold,
// a bare CR or LF, junk after a chunk size, an unknown coding) is refused with
// [ErrMalformed], since a reply that two parsers read differently is how
// responses are smuggled.
//
// The package decides nothing about retries, deadlines or what the client is
// told: that is the front's. It reads no clock except through the deadlines it
// is given. Framing follows RFC 9112, fields RFC 9110.
// Read next: head.go, then body.go, then conn.go.
package upstream
