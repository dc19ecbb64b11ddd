package services

import (
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// shown is what the first bytes of a conversation show of credentials, by
// user, password and database.
type shown map[string]string

// read gives what a client showed; nil where the protocol or the client shows nothing.
func read(kind manifest.ServiceType, first []byte) shown {
	switch kind {
	case manifest.Postgres:
		return readPostgres(first)
	case manifest.MariaDB:
		return readMariaDB(first)
	case manifest.Redis:
		return readRedis(first)
	}
	return nil
}

// readPostgres reads the startup message (PostgreSQL manual, section 55.7),
// which a request for encryption may precede.
func readPostgres(first []byte) shown {
	const requests = 80877100 // SSLRequest is 80877103, GSSENCRequest 80877104
	for len(first) >= 8 {
		size, code := int(binary.BigEndian.Uint32(first)), binary.BigEndian.Uint32(first[4:])
		if size == 8 && code > requests {
			first = first[8:]
			continue
		}
		if code>>16 != 3 || size > len(first) || size < 8 {
			return nil
		}
		s, fields := shown{}, strings.Split(string(first[8:size]), "\x00")
		for i := 0; i+1 < len(fields); i += 2 {
			if fields[i] == "user" || fields[i] == "database" {
				s[fields[i]] = fields[i+1]
			}
		}
		if _, named := s["database"]; !named && s["user"] != "" {
			s["database"] = s["user"] // as the manual has it
		}
		return s
	}
	return nil
}

// readMariaDB reads the handshake response (MariaDB manual, "Connection").
func readMariaDB(first []byte) shown {
	const withDatabase, secure, lengthEncoded = 1 << 3, 1 << 15, 1 << 21
	if len(first) < 37 || first[3] != 1 {
		return nil
	}
	capabilities := binary.LittleEndian.Uint32(first[4:])
	user, rest, ok := strings.Cut(string(first[36:]), "\x00")
	if !ok {
		return nil
	}
	s := shown{"user": user}
	if capabilities&withDatabase == 0 {
		return s
	}
	if capabilities&(secure|lengthEncoded) != 0 {
		if rest == "" || len(rest) < 1+int(rest[0]) {
			return s
		}
		rest = rest[1+int(rest[0]):]
	} else if _, rest, ok = strings.Cut(rest, "\x00"); !ok {
		return s
	}
	if database, _, ok := strings.Cut(rest, "\x00"); ok {
		s["database"] = database
	}
	return s
}

// readRedis reads the first commands (Redis serialization protocol): AUTH,
// HELLO and SELECT before the first one that works on data.
func readRedis(first []byte) shown {
	s, database := shown{}, "0"
	for text := string(first); text != ""; {
		var args []string
		if args, text = command(text); len(args) == 0 {
			break
		}
		switch name := strings.ToUpper(args[0]); {
		case name == "AUTH" && len(args) > 1:
			s["password"] = args[len(args)-1]
		case name == "HELLO":
			for i, arg := range args {
				if strings.EqualFold(arg, "AUTH") && i+2 < len(args) {
					s["password"] = args[i+2]
				}
			}
		case name == "SELECT" && len(args) > 1:
			database = args[1]
		case strings.Contains(" PING CLIENT INFO COMMAND QUIT READONLY ECHO CONFIG CLUSTER ROLE ", " "+name+" "):
		default:
			s["database"] = database
			return s
		}
	}
	return s
}

// command takes one command off the front: a list of bulk strings, or words on a line.
func command(text string) ([]string, string) {
	line, rest, ok := strings.Cut(text, "\r\n")
	if !ok {
		return nil, ""
	}
	if !strings.HasPrefix(line, "*") {
		return strings.Fields(line), rest
	}
	count, err := strconv.Atoi(line[1:])
	if err != nil || count < 1 || count > 1000 {
		return nil, ""
	}
	var args []string
	for range count {
		size, after, ok := strings.Cut(rest, "\r\n")
		n, err := strconv.Atoi(strings.TrimPrefix(size, "$"))
		if !ok || err != nil || n < 0 || len(after) < n+2 {
			return args, "" // cut off: the name of the command may be there
		}
		args, rest = append(args, after[:n]), after[n+2:]
	}
	return args, rest
}
