package settings

import (
	"encoding"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// kind says how text becomes a value of one type.
type kind struct {
	want  string // in words, such as "a whole number"
	such  string // an example
	empty bool   // "" is a value of the type
	list  bool   // a list of items
	set   func(to reflect.Value, text string) error
	item  *kind // of a list
}

var errForm = errors.New("wrong form")

// kindOf returns the kind of a type; not ok where the room cannot read it.
func kindOf(t reflect.Type) (kind, bool) {
	if k, ok := specialKind(t); ok {
		return k, true
	}
	if t.Kind() == reflect.Pointer {
		return pointerKind(t)
	}
	if reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) {
		return textKind(t), true
	}
	switch t.Kind() {
	case reflect.String:
		return kind{want: "text", such: "text", empty: true, set: func(to reflect.Value, text string) error {
			to.SetString(text)
			return nil
		}}, true
	case reflect.Bool:
		return kind{want: TrueOrFalse, such: "true", set: setBool}, true
	case reflect.Slice:
		item, ok := kindOf(t.Elem())
		plain := ok && !item.list && t.Elem().Kind() != reflect.Uint8
		return kind{want: "a list, each " + item.want, such: item.such, empty: true, list: true, item: &item}, plain
	}
	return numberKind(t)
}

func specialKind(t reflect.Type) (kind, bool) {
	switch t {
	case reflect.TypeFor[time.Duration]():
		return kind{want: "a duration such as 30s or 5m", such: "30s", set: setDuration}, true
	case reflect.TypeFor[slog.Level]():
		return kind{want: "one of DEBUG, INFO, WARNING, ERROR, CRITICAL", such: "INFO", set: setLevel}, true
	case reflect.TypeFor[url.URL]():
		return kind{want: "an address such as https://host/path", such: "https://example.org/", empty: true, set: setURL}, true
	case reflect.TypeFor[netip.Prefix]():
		return kind{want: "a network such as 10.0.0.0/8", such: "10.0.0.0/8", set: setPrefix}, true
	case reflect.TypeFor[ByteSize]():
		k := textKind(t)
		k.want, k.such = "a size such as 64MiB", "64MiB"
		return k, true
	}
	return kind{}, false
}

func numberKind(t reflect.Type) (kind, bool) {
	bits := func() int { return t.Bits() }
	switch {
	case reflect.Zero(t).CanInt():
		return kind{want: "a whole number", such: "1", set: func(to reflect.Value, text string) error {
			n, err := strconv.ParseInt(text, 10, bits())
			to.SetInt(n)
			return err
		}}, true
	case reflect.Zero(t).CanUint():
		return kind{want: "a whole number from 0", such: "1", set: func(to reflect.Value, text string) error {
			n, err := strconv.ParseUint(text, 10, bits())
			to.SetUint(n)
			return err
		}}, t.Kind() != reflect.Uintptr
	case reflect.Zero(t).CanFloat():
		return kind{want: "a number", such: "0.5", set: func(to reflect.Value, text string) error {
			n, err := strconv.ParseFloat(text, bits())
			to.SetFloat(n)
			return err
		}}, true
	}
	return kind{}, false
}

func pointerKind(t reflect.Type) (kind, bool) {
	inner, ok := kindOf(t.Elem())
	outer := inner
	outer.set = func(to reflect.Value, text string) error {
		if text == "" && t.Elem() == reflect.TypeFor[url.URL]() {
			to.SetZero()
			return nil
		}
		fresh := reflect.New(t.Elem())
		err := inner.set(fresh.Elem(), text)
		to.Set(fresh)
		return err
	}
	return outer, ok && !inner.list
}

func textKind(t reflect.Type) kind {
	return kind{want: "a value of type " + t.Name(), such: "…", set: func(to reflect.Value, text string) error {
		reader, _ := reflect.TypeAssert[encoding.TextUnmarshaler](to.Addr())
		return reader.UnmarshalText([]byte(text))
	}}
}

func setBool(to reflect.Value, text string) error {
	switch strings.ToLower(text) {
	case "true", "yes", "on", "1":
		to.SetBool(true)
	case "false", "no", "off", "0":
		to.SetBool(false)
	default:
		return errForm
	}
	return nil
}

func setDuration(to reflect.Value, text string) error {
	d, err := time.ParseDuration(text)
	to.SetInt(int64(d))
	return err
}

// setLevel knows the names that people use beside those of log/slog.
func setLevel(to reflect.Value, text string) error {
	level, err := slog.LevelInfo, error(nil)
	switch strings.ToUpper(text) {
	case "WARNING":
		level = slog.LevelWarn
	case "CRITICAL", "FATAL":
		level = slog.LevelError + 4
	default:
		err = level.UnmarshalText([]byte(text))
	}
	to.SetInt(int64(level))
	return err
}

// setURL never returns the error of the library, which quotes the password.
func setURL(to reflect.Value, text string) error {
	if text == "" {
		to.SetZero()
		return nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme == "" || u.Host == "" && u.Path == "" && u.Opaque == "" {
		return errForm
	}
	to.Set(reflect.ValueOf(*u))
	return nil
}

// setPrefix takes a single address for the network of itself alone.
func setPrefix(to reflect.Value, text string) error {
	p, err := netip.ParsePrefix(text)
	if address, plain := netip.ParseAddr(text); err != nil && plain == nil {
		p, err = address.Prefix(address.BitLen())
	}
	to.Set(reflect.ValueOf(p))
	return err
}

// levelName is the inverse of setLevel.
func levelName(level slog.Level) string {
	switch level {
	case slog.LevelWarn:
		return "WARNING"
	case slog.LevelError + 4:
		return "CRITICAL"
	}
	return level.String()
}

// show returns a value as the text that would give it.
func show(v reflect.Value) string {
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return ""
		}
		v = v.Elem()
	}
	switch value := v.Interface().(type) {
	case slog.Level:
		return levelName(value)
	case url.URL:
		return value.String()
	case fmt.Stringer: // durations, sizes, networks
		if p, ok := value.(netip.Prefix); ok && !p.IsValid() {
			return ""
		}
		return value.String()
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		if err == nil {
			return string(text)
		}
	}
	if v.Kind() == reflect.Slice {
		return strings.Join(showEach(v), ", ")
	}
	return fmt.Sprint(v.Interface())
}

func showEach(list reflect.Value) []string {
	items := make([]string, list.Len())
	for i := range items {
		items[i] = show(list.Index(i))
	}
	return items
}
