package services

import (
	"encoding/binary"
	"maps"
	"slices"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func startup(fields string) []byte {
	message := append([]byte{0, 0, 0, 0, 0, 3, 0, 0}, fields...)
	binary.BigEndian.PutUint32(message, uint32(len(message)))
	return message
}

// handshake is a response of a MariaDB client.
func handshake(capabilities uint32, rest string) []byte {
	message := make([]byte, 36, 36+len(rest))
	message[3] = 1
	binary.LittleEndian.PutUint32(message[4:], capabilities)
	return append(message, rest...)
}

func TestCredentialsOnTheWire(t *testing.T) {
	encrypted := []byte{0, 0, 0, 8, 4, 210, 22, 47} // SSLRequest
	for name, c := range map[string]struct {
		kind  manifest.ServiceType
		first []byte
		want  shown
	}{
		"postgres":              {manifest.Postgres, startup("user\x00ann\x00database\x00books\x00\x00"), shown{"user": "ann", "database": "books"}},
		"postgres, by default":  {manifest.Postgres, startup("user\x00ann\x00\x00"), shown{"user": "ann", "database": "ann"}},
		"postgres, after SSL":   {manifest.Postgres, append(encrypted, startup("user\x00ann\x00database\x00b\x00\x00")...), shown{"user": "ann", "database": "b"}},
		"postgres, cut off":     {manifest.Postgres, startup("user\x00ann\x00\x00")[:12], nil},
		"postgres, cancel":      {manifest.Postgres, []byte{0, 0, 0, 16, 4, 210, 22, 46, 0, 0, 0, 1, 0, 0, 0, 2}, nil},
		"postgres, small":       {manifest.Postgres, []byte{0, 0, 0, 1, 0, 3, 0, 0}, nil},
		"mariadb":               {manifest.MariaDB, handshake(1<<3|1<<15, "ann\x00\x02xybooks\x00plugin\x00"), shown{"user": "ann", "database": "books"}},
		"mariadb, old":          {manifest.MariaDB, handshake(1<<3, "ann\x00xy\x00books\x00"), shown{"user": "ann", "database": "books"}},
		"mariadb, no database":  {manifest.MariaDB, handshake(1<<15, "ann\x00\x02xy"), shown{"user": "ann"}},
		"mariadb, cut off":      {manifest.MariaDB, handshake(1<<3|1<<15, "ann\x00\x20xy"), shown{"user": "ann"}},
		"mariadb, something":    {manifest.MariaDB, make([]byte, 60), nil},
		"mariadb, no user":      {manifest.MariaDB, handshake(0, "ann"), nil},
		"redis":                 {manifest.Redis, []byte("*2\r\n$4\r\nAUTH\r\n$3\r\nkey\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n"), shown{"password": "key", "database": "0"}},
		"redis, user":           {manifest.Redis, []byte("*3\r\n$4\r\nauth\r\n$1\r\nu\r\n$3\r\nkey\r\n"), shown{"password": "key"}},
		"redis, number":         {manifest.Redis, []byte("*2\r\n$6\r\nSELECT\r\n$1\r\n7\r\n*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n8\r\n"), shown{"database": "7"}},
		"redis, hello":          {manifest.Redis, []byte("*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$3\r\nkey\r\n"), shown{"password": "key"}},
		"redis, words":          {manifest.Redis, []byte("AUTH key\r\nPING\r\n"), shown{"password": "key"}},
		"redis, cut off":        {manifest.Redis, []byte("*3\r\n$5\r\nLPUSH\r\n$1\r\na\r\n$9999\r\nxxx"), shown{"database": "0"}},
		"redis, nonsense":       {manifest.Redis, []byte("*x\r\n"), shown{}},
		"redis, negative":       {manifest.Redis, []byte("*1\r\n$-4\r\nGET\r\n"), shown{}},
		"redis, auth alone":     {manifest.Redis, []byte("AUTH\r\nGET a\r\n"), shown{"database": "0"}},
		"redis, select alone":   {manifest.Redis, []byte("SELECT\r\nGET a\r\n"), shown{"database": "0"}},
		"redis, hello and name": {manifest.Redis, []byte("HELLO 3 SETNAME web x\r\n"), shown{}},
		"redis, hello cut off":  {manifest.Redis, []byte("HELLO 3 AUTH default\r\n"), shown{}},
		"redis, empty key":      {manifest.Redis, []byte("*2\r\n$4\r\nAUTH\r\n$0\r\n\r\n"), shown{"password": ""}},
		"redis, empty list":     {manifest.Redis, []byte("*0\r\nGET a\r\n"), shown{}},
		"redis, endless list":   {manifest.Redis, []byte("*9999\r\n$3\r\nGET\r\n"), shown{}},
		"redis, no size":        {manifest.Redis, []byte("*1\r\n$x\r\nGET\r\n"), shown{}},
		"postgres, empty":       {manifest.Postgres, startup(""), shown{}},
		"postgres, SSL alone":   {manifest.Postgres, encrypted, nil},
		"mariadb, no reply":     {manifest.MariaDB, handshake(1<<3|1<<15, "ann\x00"), shown{"user": "ann"}},
		"mariadb, nobody":       {manifest.MariaDB, handshake(0, "\x00"), shown{"user": ""}},
		"a web service":         {manifest.HTTP, []byte("GET / HTTP/1.1\r\n\r\n"), nil},
		"nothing, for postgres": {manifest.Postgres, nil, nil},
	} {
		if got := read(c.kind, c.first); !maps.Equal(got, c.want) {
			t.Errorf("%s: read %v, want %v", name, got, c.want)
		}
	}
}

func FuzzCredentials(f *testing.F) {
	f.Add(startup("user\x00ann\x00\x00"))
	f.Add(handshake(1<<3|1<<15, "ann\x00\x02xybooks\x00"))
	f.Add([]byte("*2\r\n$4\r\nAUTH\r\n$3\r\nkey\r\n"))
	f.Fuzz(func(_ *testing.T, first []byte) {
		for _, kind := range []manifest.ServiceType{manifest.Postgres, manifest.MariaDB, manifest.Redis} {
			read(kind, first)
		}
	})
}

func TestBoundPorts(t *testing.T) {
	table := "  sl  local_address rem_address   st\n   0: 0100007F:1FBE 00000000:0000 07\n   1: 00000000:0035 00000000:0000 07\n"
	if got := bound(table); !slices.Equal(got, []string{"udp 8126", "udp 53"}) {
		t.Errorf("got %q", got)
	}
}

func TestKeepPutsStrangersFirst(t *testing.T) {
	known := func(d Destination) string {
		if d.Address == "b" {
			return ""
		}
		return "known"
	}
	list := []Destination{{Address: "c"}, {Address: "b"}, {Address: "a"}}
	for range 2 * maxSeen {
		list = append(list, Destination{Address: "a"})
	}
	list = keep(list, known, func(d Destination) string { return d.Address })
	if len(list) != maxSeen || list[0].Address != "b" || list[1].Address != "a" {
		t.Errorf("%d kept, first %v", len(list), list[:2])
	}
}
