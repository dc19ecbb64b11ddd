package mailsink

import (
	"strings"
	"testing"
)

func TestSubjectAndText(t *testing.T) {
	for name, c := range map[string]struct{ data, subject, text string }{
		"plain":     {"Subject: hi\n\nbody", "hi", "body"},
		"encoded":   {"Subject: =?utf-8?q?gr=C3=B6=C3=9Fer?= =?iso-8859-1?q?_=E4?=\n\nx", "größer ä", "x"},
		"qp latin1": {"Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nm=FCde, long =\nline", "", "müde, long line"},
		"base64":    {"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nbcO8\nZGU=\n", "", "müde"},
		"8bit":      {"\nm\xfcde", "", "müde"},
		"multipart": {
			"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=c\n\n" +
				"--c\nContent-Type: text/plain\n\nplain\n--c\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<p>=31</p>\n--c--\n" +
				"--b\nContent-Type: application/pdf\n\nnoise\n--b\nContent-Type: message/rfc822\n\nSubject: inner\n\nforwarded\n--b--\n",
			"", "plain\n<p>1</p>\nforwarded",
		},
		"cut multipart": {"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nhalf a tr", "", "half a tr"},
		"no header":     {"just text", "", "just text"},
		"empty":         {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			m := Message{Data: []byte(c.data)}
			if got := m.Subject(); got != c.subject {
				t.Errorf("subject %q, want %q", got, c.subject)
			}
			if got := strings.TrimSpace(m.Text()); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
		})
	}
}

func FuzzText(f *testing.F) {
	f.Add([]byte("Subject: =?utf-8?b?eA==?=\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n"))
	f.Add([]byte("Content-Transfer-Encoding: base64\n\n!"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := Message{Data: data}
		_ = m.Subject()
		if n := len(m.Text()); n > 4*len(data)+64 {
			t.Fatalf("%d bytes became %d", len(data), n)
		}
	})
}
