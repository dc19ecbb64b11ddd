// Package settings fills structs with configuration and tells where each value
// came from.
//
// A field of a struct is a setting. Its tags say how it is reached and what
// it is for:
//
//	Port int `env:"PORT" key:"port" default:"8080" min:"1" max:"65535" help:"where to listen"`
//
//	env       the environment variable; by default the key in capitals; "-" for none
//	key       the key in the file; by default the field's name in snake case; "-" for none
//	default   the value where nobody gives one; without it, what the struct holds already
//	help      one sentence for the documentation
//	secret    "true": never shown, and NAME_FILE names a file that holds it
//	required  "true": an empty or missing value is a problem
//	min, max  bounds of numbers, durations and sizes
//
// A struct within a struct is a section: its key is put before the keys of its
// fields ("log.level"), and its env before their variables. An embedded struct
// is no section. A type or struct with a method Validate() error is asked.
//
// A value is taken from the flags, else the environment, else the file, else
// the default. An empty environment variable is an empty value for text, lists
// and addresses, which have one; for all other types it counts as unset.
//
// The invariant: [Load] returns every problem at once, or a complete
// configuration with an origin for each value; no problem and no table shows a
// secret. The room opens only the files that it is given the names of and
// logs nothing. Read next: load.go, then field.go.
package settings

import (
	"fmt"
	"io/fs"
)

// Source says where values may come from. Its zero value gives defaults only.
type Source struct {
	Flags       map[string]string                 // by key, such as "log.level"; what stands here was given
	Environment func(name string) (string, bool)  // such as os.LookupEnv; nil: none
	File        string                            // the path of a YAML or JSON file; "" for none
	Section     string                            // read only what is below this top-level key of the file
	ReadFile    func(path string) ([]byte, error) // such as os.ReadFile; nil: files cannot be read
}

// TrueOrFalse is the type of a setting that is on or off.
const TrueOrFalse = "true or false"

// Setting is one setting, described.
type Setting struct {
	Key      string `json:"key,omitempty"`  // in the file, such as "log.level"
	Variable string `json:"env,omitempty"`  // in the environment
	Help     string `json:"help,omitempty"` //
	Type     string `json:"type"`           // in words, such as "a whole number from 1 to 65535"
	Default  string `json:"default,omitempty"`
	Secret   bool   `json:"secret,omitempty"`
	Required bool   `json:"required,omitempty"`
	Value    string `json:"value"`  // as text, redacted; "" in a description
	Origin   Origin `json:"origin"` // where the value came from
}

// Name returns the name by which people know the setting: its variable, else its key.
func (s Setting) Name() string {
	if s.Variable != "" {
		return s.Variable
	}
	return s.Key
}

// Origin says where a value came from. Its zero value says: from nowhere.
type Origin struct {
	Kind string `json:"kind"`           // "flag", "environment", "secret file", "file", "default", "" for not set
	Name string `json:"name,omitempty"` // of the flag, the variable or the file
	Line int    `json:"line,omitempty"` // in a file, counted from 1
}

// String returns the origin in words, such as "from file app.yaml:3".
func (o Origin) String() string {
	switch {
	case o.Kind == "":
		return "not set"
	case o.Name == "":
		return o.Kind
	}
	return "from " + o.Kind + " " + o.place()
}

func (o Origin) place() string {
	if o.Line > 0 {
		return fmt.Sprintf("%s:%d", o.Name, o.Line)
	}
	return o.Name
}

func (s Source) lookup(name string) (string, bool) {
	if s.Environment == nil || name == "" {
		return "", false
	}
	text, ok := s.Environment(name)
	if !ok {
		return "", false
	}
	return text, true
}

func (s Source) read(path string) ([]byte, error) {
	if s.ReadFile == nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	}
	return s.ReadFile(path)
}
