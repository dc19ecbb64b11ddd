package settings

import (
	"fmt"
	"io"
	"strings"
)

// Describe lists the settings of structs without reading any source.
func Describe(targets ...any) ([]Setting, error) {
	fields, err := fieldsOf(targets)
	if err != nil {
		return nil, err
	}
	list := make([]Setting, len(fields))
	for i, f := range fields {
		list[i] = f.Setting
	}
	return list, nil
}

// WriteMarkdown writes a table for people who run the application.
func WriteMarkdown(w io.Writer, list []Setting) error {
	var b strings.Builder
	b.WriteString("| variable | key | type | default | what it is |\n| --- | --- | --- | --- | --- |\n")
	for _, s := range list {
		fallback := code(s.Default)
		if s.Required {
			fallback = "required"
		}
		help := s.Help
		if s.Secret && s.Variable != "" {
			help = strings.TrimSpace(help + " (secret; `" + s.Variable + "_FILE` may name a file that holds it)")
		}
		cells := []string{code(s.Variable), code(s.Key), s.Type, fallback, help}
		for i := range cells {
			cells[i] = strings.NewReplacer("|", `\|`, "\n", " ").Replace(cells[i])
		}
		fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | "))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

// WriteExample writes a YAML file with every key and its default. A setting
// without a default is commented out, since an empty value would be one too.
func WriteExample(w io.Writer, list []Setting) error {
	var b strings.Builder
	writeSection(&b, list, "")
	_, err := io.WriteString(w, b.String())
	return err
}

// writeSection writes what is below a section. A section stands where its
// first setting does, since YAML has each key once.
func writeSection(b *strings.Builder, list []Setting, section string) {
	indent := strings.Repeat("  ", strings.Count(section, "."))
	done := map[string]bool{}
	for _, s := range list {
		name, below := strings.CutPrefix(s.Key, section)
		if s.Key == "" || !below {
			continue
		}
		if inner, _, nested := strings.Cut(name, "."); nested {
			if !done[inner] {
				done[inner] = true
				fmt.Fprintf(b, "%s%s:\n", indent, inner)
				writeSection(b, list, section+inner+".")
			}
			continue
		}
		fmt.Fprintf(b, "%s# %s\n", indent, comment(s))
		if s.Default == "" || s.Secret {
			fmt.Fprintf(b, "%s# %s:\n", indent, name)
			continue
		}
		fmt.Fprintf(b, "%s%s: %s\n", indent, name, quoted(s))
	}
}

func comment(s Setting) string {
	parts := []string{}
	if s.Help != "" {
		parts = append(parts, s.Help+":")
	}
	parts = append(parts, s.Type)
	var notes []string
	for _, note := range []struct {
		on   bool
		text string
	}{{s.Required, "required"}, {s.Secret, "secret"}, {s.Variable != "", "environment " + s.Variable}} {
		if note.on {
			notes = append(notes, note.text)
		}
	}
	if len(notes) > 0 {
		parts = append(parts, "("+strings.Join(notes, ", ")+")")
	}
	return strings.ReplaceAll(strings.Join(parts, " "), "\n", " ")
}

// quoted writes a default so that YAML reads the same text back.
func quoted(s Setting) string {
	plain := s.Default != "" && !strings.ContainsFunc(s.Default, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./", r)
	})
	if plain {
		return s.Default
	}
	return fmt.Sprintf("%q", s.Default)
}
