package settings

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"text/tabwriter"
)

// Table lists every setting with its value and its origin. It holds the
// secrets too, which only [Table.Secrets] gives out.
type Table struct {
	Settings []Setting
	secrets  []string
}

const hidden = "[secret]"

func tableOf(fields []*field) *Table {
	t := &Table{}
	for _, f := range fields {
		s := f.Setting
		s.Value = f.shown()
		t.Settings = append(t.Settings, s)
		t.secrets = append(t.secrets, f.secrets()...)
	}
	slices.Sort(t.secrets)
	t.secrets = slices.Compact(t.secrets)
	return t
}

// Secrets returns the texts that must not appear in logs and mails: values of
// settings that are secret, and passwords within addresses.
func (t *Table) Secrets() []string { return slices.Clone(t.secrets) }

// WriteTo writes the table as columns: name, value, origin.
func (t *Table) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	columns := tabwriter.NewWriter(counted, 0, 4, 2, ' ', 0)
	for _, s := range t.Settings {
		fmt.Fprintf(columns, "%s\t%s\t%s\n", s.Name(), oneLine(s.Value), s.Origin)
	}
	err := columns.Flush()
	return counted.n, err
}

// MarshalJSON returns the settings as a list, secrets hidden.
func (t *Table) MarshalJSON() ([]byte, error) { return json.Marshal(t.Settings) }

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

func oneLine(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) {
		return fmt.Sprintf("%q", text)
	}
	return text
}

// shown is the value for everyone's eyes.
func (f *field) shown() string {
	text := show(f.place)
	if f.Secret && !f.place.IsZero() {
		return hidden
	}
	if f.kind.list {
		items := showEach(f.place)
		for i := range items {
			items[i] = redactText(items[i])
		}
		return strings.Join(items, ", ")
	}
	return redactText(text)
}

// redactText hides the password of an address, in whatever setting it stands.
func redactText(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		if before, after, found := strings.Cut(text, "://"); found && strings.Contains(after, "@") {
			return before + "://" + hidden + after[strings.LastIndexByte(after, '@'):]
		}
		return text
	}
	changed := false
	if _, has := u.User.Password(); has {
		u.User, changed = url.UserPassword(u.User.Username(), "xxxxx"), true
	}
	if u.Scheme != "" && u.RawQuery != "" {
		query := u.Query()
		for name := range query {
			if secretName(name) {
				query.Set(name, "xxxxx")
				changed = true
			}
		}
		if changed {
			u.RawQuery = query.Encode()
		}
	}
	if !changed {
		return text
	}
	return u.String()
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"password", "passwd", "secret", "token", "key", "pwd"}, func(word string) bool {
		return strings.Contains(name, word)
	})
}

// secrets lists the texts of a field that are nobody's business.
func (f *field) secrets() []string {
	texts := []string{show(f.place)}
	if f.kind.list {
		texts = showEach(f.place)
	}
	var list []string
	for _, text := range texts {
		if f.Secret {
			list = append(list, text)
		}
		if u, err := url.Parse(text); err == nil {
			if password, has := u.User.Password(); has {
				list = append(list, password, url.QueryEscape(password))
			}
		}
	}
	if f.place.Kind() == reflect.Bool {
		return nil // "true" must not be cut out of every text
	}
	return slices.DeleteFunc(list, func(text string) bool { return text == "" })
}
