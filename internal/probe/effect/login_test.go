package effect

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/bench"
	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

// startup is the first message of a PostgreSQL client.
func startup(parameters ...string) string {
	body := "\x00\x03\x00\x00" + strings.Join(parameters, "\x00") + "\x00\x00"
	return string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

// message is a later one.
func message(kind byte, body string) string {
	return string(kind) + string(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4))) + body
}

// packet is one of a MariaDB client.
func packet(sequence byte, body string) string {
	return string([]byte{byte(len(body)), byte(len(body) >> 8), byte(len(body) >> 16), sequence}) + body
}

func TestLogin(t *testing.T) {
	const ssl = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	query, secret := message('Q', "SELECT 1\x00"), message('p', "SCRAM")
	whole := startup("user", "ann", "database", "books")
	all := login{true, true, true}
	for name, test := range map[string]struct {
		kind  manifest.ServiceType
		first string
		want  login
	}{
		"redis":                              {manifest.Redis, "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n", login{password: true}},
		"redis with another password":        {manifest.Redis, "*2\r\n$4\r\nAUTH\r\n$5\r\nadmin\r\n", login{}},
		"postgres":                           {manifest.Postgres, whole + secret + query, all},
		"postgres, parsed statement":         {manifest.Postgres, whole + secret + message('P', "x"), all},
		"postgres after an offer of TLS":     {manifest.Postgres, ssl + whole + secret + query, all},
		"postgres, not let in":               {manifest.Postgres, whole + secret, login{}},
		"postgres, another user":             {manifest.Postgres, startup("user", "root", "database", "books") + query, login{false, true, true}},
		"postgres, another database":         {manifest.Postgres, startup("database", "test", "user", "ann") + query, login{true, false, true}},
		"postgres, a longer name":            {manifest.Postgres, startup("user", "anna", "database", "books2") + query, login{password: true}},
		"postgres, cut off":                  {manifest.Postgres, whole[:12], login{}},
		"postgres, cut off in a query":       {manifest.Postgres, whole + secret + query[:7], all},
		"postgres, nonsense":                 {manifest.Postgres, "GET / HTTP/1.1\r\n\r\n", login{}},
		"postgres, a length of nothing":      {manifest.Postgres, "\x00\x00\x00\x01\x00\x03\x00\x00", login{}},
		"postgres, nothing":                  {manifest.Postgres, "", login{}},
		"mariadb":                            {manifest.MariaDB, packet(1, "flags\x00ann\x00\x14auth books\x00") + packet(0, "\x03SELECT 1"), all},
		"mariadb, after a switch of methods": {manifest.MariaDB, packet(1, "\x00ann\x00books\x00") + packet(3, "auth") + packet(0, "\x0e"), all},
		"mariadb, not let in":                {manifest.MariaDB, packet(1, "\x00ann\x00books\x00") + packet(3, "auth"), login{}},
		"mariadb, another user":              {manifest.MariaDB, packet(1, "\x00root\x00books\x00") + packet(0, "\x0e"), login{false, true, true}},
		"mariadb, database chosen later":     {manifest.MariaDB, packet(1, "\x00ann\x00") + packet(0, "\x02books"), all},
		"mariadb, cut off":                   {manifest.MariaDB, "\xff\xff\xff\x01\x00ann\x00", login{}},
		"a service without credentials":      {manifest.HTTP, "GET / HTTP/1.1\r\n\r\n", login{}},
	} {
		a := &bench.Attached{Service: manifest.Service{Type: test.kind}, User: "ann", Password: "sesame", Database: "books"}
		if got := loginOf(a, []byte(test.first)); got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func TestMissing(t *testing.T) {
	for name, test := range map[string]struct {
		seen  login
		kind  manifest.ServiceType
		parts []string
		want  []string
	}{
		"a whole URL":               {login{}, manifest.Postgres, []string{"url"}, []string{"user", "password", "database"}},
		"all of a URL":              {login{true, true, true}, manifest.MariaDB, []string{"url"}, nil},
		"a host":                    {login{}, manifest.Postgres, []string{"host"}, nil},
		"a user":                    {login{password: true}, manifest.Postgres, []string{"user", "host"}, []string{"user"}},
		"redis has a password":      {login{}, manifest.Redis, []string{"url"}, []string{"password"}},
		"a web service has nothing": {login{}, manifest.HTTP, []string{"url"}, nil},
		"one conversation of two":   {login{user: true, password: true}.or(login{database: true}), manifest.Postgres, []string{"url"}, nil},
	} {
		if got := test.seen.missing(test.kind, test.parts); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}
