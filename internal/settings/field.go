package settings

import (
	"fmt"
	"reflect"
	"strings"
	"unicode"
)

// field is a setting and the place of its value.
type field struct {
	Setting
	path     string // in Go, such as "Config.Log.Level"
	place    reflect.Value
	kind     kind
	given    string // the tag default
	hasGiven bool
	low      *string // the tags min and max
	high     *string
}

// section is what the fields below it share.
type section struct{ path, key, variable string }

// fieldsOf lists the settings of several structs in their order. An error is a
// mistake in the program: a type that cannot be read, a bad default, a name
// that two fields share.
func fieldsOf(targets []any) ([]*field, error) {
	var all []*field
	for _, target := range targets {
		v := reflect.ValueOf(target)
		if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return nil, fmt.Errorf("settings: want a pointer to a struct, got %T", target)
		}
		fields, err := walk(v.Elem(), section{path: v.Elem().Type().Name()})
		if err != nil {
			return nil, err
		}
		all = append(all, fields...)
	}
	return all, distinct(all)
}

func walk(v reflect.Value, in section) ([]*field, error) {
	var all []*field
	for i := range v.NumField() {
		described := v.Type().Field(i)
		key, variable := described.Tag.Get("key"), described.Tag.Get("env")
		if !described.IsExported() && !described.Anonymous || key == "-" && variable == "-" {
			continue
		}
		below := section{in.path + "." + described.Name, in.key, in.variable + variable}
		if _, leaf := kindOf(described.Type); !leaf && described.Type.Kind() == reflect.Struct {
			if !described.Anonymous {
				below.key = join(in.key, orSnake(key, described.Name))
			}
			fields, err := walk(v.Field(i), below)
			if err != nil {
				return nil, err
			}
			all = append(all, fields...)
			continue
		}
		if !described.IsExported() {
			continue
		}
		f, err := fieldOf(v.Field(i), described, in)
		if err != nil {
			return nil, fmt.Errorf("settings: %s.%s: %w", in.path, described.Name, err)
		}
		all = append(all, f)
	}
	return all, nil
}

func fieldOf(place reflect.Value, described reflect.StructField, in section) (*field, error) {
	k, ok := kindOf(described.Type)
	if !ok {
		return nil, fmt.Errorf("a setting cannot be a %s", described.Type)
	}
	tag := described.Tag
	f := &field{path: in.path + "." + described.Name, place: place, kind: k}
	f.Help, f.Secret, f.Required = tag.Get("help"), tag.Get("secret") == "true", tag.Get("required") == "true"
	f.given, f.hasGiven = tag.Lookup("default")
	if low, ok := tag.Lookup("min"); ok {
		f.low = &low
	}
	if high, ok := tag.Lookup("max"); ok {
		f.high = &high
	}
	full := join(in.key, orSnake(strings.TrimPrefix(tag.Get("key"), "-"), described.Name))
	if tag.Get("key") != "-" {
		f.Key = full
	}
	switch variable := tag.Get("env"); variable {
	case "-":
	case "":
		f.Variable = in.variable + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(afterPrefix(full, in)))
	default:
		f.Variable = in.variable + variable
	}
	return f, f.prepare()
}

// afterPrefix leaves the section's key out where its variable stands for it.
func afterPrefix(full string, in section) string {
	if in.variable != "" && in.key != "" {
		return strings.TrimPrefix(full, in.key+".")
	}
	return full
}

// prepare proves the tags and puts the default into its place.
func (f *field) prepare() error {
	f.Type = f.kind.want
	low, high, err := f.bounds()
	switch {
	case err != nil:
		return err
	case f.low != nil && f.high != nil:
		f.Type += fmt.Sprintf(" from %s to %s", show(low), show(high))
	case f.low != nil:
		f.Type += " of at least " + show(low)
	case f.high != nil:
		f.Type += " of at most " + show(high)
	}
	if f.hasGiven {
		if err := f.assign(value{text: f.given}); err != nil {
			return fmt.Errorf("the default %q is not %s", f.given, f.Type)
		}
	}
	if f.Default = f.shown(); !f.hasGiven && f.place.IsZero() {
		f.Default = ""
	}
	return nil
}

// distinct refuses keys and variables that two fields share.
func distinct(fields []*field) error {
	seen := map[string]string{}
	for _, f := range fields {
		for _, name := range []string{"key " + f.Key, "variable " + f.Variable} {
			if strings.HasSuffix(name, " ") {
				continue
			}
			if other, twice := seen[name]; twice {
				return fmt.Errorf("settings: %s and %s share the %s", other, f.path, name)
			}
			seen[name] = f.path
		}
	}
	return nil
}

func join(section, key string) string {
	if section == "" {
		return key
	}
	return section + "." + key
}

func orSnake(key, name string) string {
	if key != "" {
		return key
	}
	return snake(name)
}

// snake turns "SMTPServer" into "smtp_server".
func snake(name string) string {
	var b strings.Builder
	runes := []rune(name)
	for i, r := range runes {
		starts := i > 0 && unicode.IsUpper(r) && (!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if starts && runes[i-1] != '_' {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
