package effect

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// login is what a conversation shows of the credentials that it began with.
type login struct {
	user, database, password bool // those of the boot were used, and accepted
}

func (l login) or(m login) login {
	return login{l.user || m.user, l.database || m.database, l.password || m.password}
}

// missing lists, of the parts that a value holds, those that were not used.
func (l login) missing(kind manifest.ServiceType, parts []string) []string {
	var list []string
	all := slices.Contains(parts, "url")
	database := kind == manifest.Postgres || kind == manifest.MariaDB
	ask := func(part string, used, possible bool) {
		if possible && !used && (all || slices.Contains(parts, part)) {
			list = append(list, part)
		}
	}
	ask("user", l.user, database)
	ask("password", l.password, database || kind == manifest.Redis)
	ask("database", l.database, database)
	return list
}

// loginOf reads the beginning of what the application sent.
func loginOf(a *bench.Attached, first []byte) login {
	switch a.Service.Type {
	case manifest.Redis: // AUTH or HELLO, in the clear
		return login{password: bytes.Contains(first, []byte(a.Password))}
	case manifest.Postgres:
		return postgresLogin(first, a.User, a.Database)
	case manifest.MariaDB:
		return mariaLogin(first, a.User, a.Database)
	}
	return login{}
}

// postgresLogin reads the start-up message (PostgreSQL, "Message Formats") and
// looks for a query after it: only who was let in sends one.
func postgresLogin(first []byte, user, database string) login {
	const sslRequest, gssRequest = 80877103, 80877104
	for len(first) >= 8 {
		if code := binary.BigEndian.Uint32(first[4:]); code != sslRequest && code != gssRequest {
			break
		}
		first = first[8:]
	}
	if len(first) < 8 || int(binary.BigEndian.Uint32(first)) > len(first) || binary.BigEndian.Uint32(first) < 8 {
		return login{}
	}
	size := binary.BigEndian.Uint32(first)
	startup := first[8:size]
	parameter := func(name, value string) bool {
		return bytes.Contains(append([]byte{0}, startup...), []byte("\x00"+name+"\x00"+value+"\x00"))
	}
	in := false
	for rest := first[size:]; len(rest) >= 5; {
		in = in || bytes.IndexByte([]byte("QPBF"), rest[0]) >= 0
		next := uint64(binary.BigEndian.Uint32(rest[1:])) + 1
		if next > uint64(len(rest)) {
			break
		}
		rest = rest[next:]
	}
	return login{user: in && parameter("user", user), database: in && parameter("database", database), password: in}
}

// mariaLogin looks for the handshake response and for a command after it
// (MariaDB, "Client/Server Protocol"): a packet whose sequence begins anew.
func mariaLogin(first []byte, user, database string) login {
	in, rest := false, first
	for i := 0; len(rest) >= 4; i++ {
		in = in || i > 0 && rest[3] == 0
		next := 4 + (int(rest[0]) | int(rest[1])<<8 | int(rest[2])<<16)
		if next > len(rest) {
			break
		}
		rest = rest[next:]
	}
	return login{
		user: in && bytes.Contains(first, []byte("\x00"+user+"\x00")), password: in,
		database: in && bytes.Contains(first, []byte(database)),
	}
}
