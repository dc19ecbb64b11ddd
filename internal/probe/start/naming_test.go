package start

import (
	"testing"

	"github.com/roadworthy-dev/roadworthy/internal/manifest"
)

func TestNaming(t *testing.T) {
	port := manifest.Setting{Name: "PORT", Key: "port"}
	level := manifest.Setting{Name: "LOG_LEVEL", Key: "log.level"}
	redis := manifest.Setting{Name: "REDIS_URL", Key: "redis"}
	for name, test := range map[string]struct {
		text    string
		setting manifest.Setting
		want    int
	}{
		"the variable":               {"PORT: want a number", port, 1},
		"the variable in a sentence": {"cannot use PORT as it is", port, 1},
		"two lines of three":         {"PORT\nx\nbad PORT PORT\n", port, 2},
		"a longer name":              {"REPORT and PORTS and MY_PORT", port, 0},
		"an error of the kernel":     {"listen tcp: lookup tcp/…: unknown port", port, 0},
		"a field of a validator":     {"1 validation error\nport\n  value is no integer", port, 1},
		"quoted":                     {`invalid value for "port"`, port, 1},
		"before a colon":             {"config: port: want a number", port, 1},
		"port at a place":            {"the port is taken", port, 0},
		"said to be a setting":       {"the setting port is wrong", port, 1},
		"a flag":                     {"bad value for --port", port, 1},
		"small letters":              {"log_level must be one of", level, 1},
		"dashes":                     {"--log-level: invalid choice", level, 1},
		"the key":                    {"log.level: want one of", level, 1},
		"the key, in brackets":       {`config["log"]["level"] is wrong`, level, 1},
		"a property":                 {"logLevel is not one of", level, 1},
		"in other words":             {"the log level is wrong", level, 0},
		"the key of a service":       {"redis: want an address", redis, 1},
		"a service":                  {"cannot reach redis now", redis, 0},
		"no key":                     {"x", manifest.Setting{Name: "A_B"}, 0},
	} {
		if got := Naming(test.text, test.setting); got != test.want {
			t.Errorf("%s: %d lines, want %d", name, got, test.want)
		}
	}
}

func TestNamesFile(t *testing.T) {
	for text, want := range map[string]int{
		"/etc/app.conf:3: broken":              1,
		"open /etc/app.conf: no such file":     1,
		"app.conf is broken":                   1,
		`File "/etc/app.conf", line 3`:         1,
		"app.conf\nand again app.conf":         2,
		"/etc/my-app.conf: broken":             0,
		"app.config is broken, so is app-conf": 0,
		"app.conf.bak":                         0,
	} {
		if got := NamesFile(text, "/etc/app.conf"); got != want {
			t.Errorf("%q: %d lines, want %d", text, got, want)
		}
	}
}

func TestNamesLine(t *testing.T) {
	for text, want := range map[string]bool{
		"yaml: line 12: did not find":           true,
		"app.conf:12: broken":                   true,
		"app.conf:12:3: broken":                 true,
		"at line 11 column 2":                   true,
		"(line 13, column 1)":                   true,
		"error (12,3)":                          true,
		"[12:3] unexpected":                     true,
		"line 14":                               false,
		"line 10":                               false,
		"line 120":                              false,
		"2026-11-23T06:12:33 ERROR it is wrong": false,
		"06:10:12 wrong":                        false,
		"12 things are wrong":                   false,
		"app.conf:9: broken":                    false,
	} {
		if got := NamesLine(text, 12); got != want {
			t.Errorf("%q: %t, want %t", text, got, want)
		}
	}
	if !NamesLine("line 1", 1) || NamesLine("line 0", 1) {
		t.Error("the first line has none before it")
	}
}
